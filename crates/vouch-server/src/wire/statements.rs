//! Statements that were prepared on a connection: the same text is prepared once.

use mysql_common::packets::Column;
use std::sync::Arc;

/// Statements that are kept. A server has a limit on those of all connections together (16,382 by default).
const KEPT: usize = 32;

/// A prepared statement.
#[derive(Clone)]
pub struct Statement {
    /// Its number on the connection.
    pub id: u32,
    /// The columns of its rows, as they were described last.
    pub columns: Arc<[Column]>,
    /// How many `?` it has.
    pub params: usize,
}

/// The statements of a connection; the one that was used last is the last.
#[derive(Default)]
pub struct Statements {
    kept: Vec<(String, Statement)>,
}

impl Statements {
    /// The statement of that text.
    pub fn find(&mut self, sql: &str) -> Option<Statement> {
        let at = self.kept.iter().rposition(|(text, _)| text == sql)?;
        let found = self.kept.remove(at);
        let statement = found.1.clone();
        self.kept.push(found);
        Some(statement)
    }

    /// Keeps a statement; returns the number of the one that is to be closed for it.
    pub fn add(&mut self, sql: &str, statement: Statement) -> Option<u32> {
        self.kept.push((sql.to_owned(), statement));
        (self.kept.len() > KEPT).then(|| self.kept.remove(0).1.id)
    }

    /// The statement with the columns that its answer described.
    pub fn redescribed(&mut self, sql: &str, statement: &Statement, columns: Vec<Column>) -> Statement {
        let columns = if *statement.columns == *columns { Arc::clone(&statement.columns) } else { columns.into() };
        let statement = Statement { columns, ..statement.clone() };
        if let Some((_, kept)) = self.kept.iter_mut().rev().find(|(text, _)| text == sql) {
            *kept = statement.clone();
        }
        statement
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_statement_that_was_not_used_for_longest_is_closed() {
        let statement = |id| Statement { id, columns: Arc::new([]), params: 0 };
        let mut statements = Statements::default();
        for id in 0..32 {
            assert_eq!(statements.add(&format!("SELECT {id}"), statement(id)), None);
        }
        assert_eq!(statements.find("SELECT 0").map(|found| found.id), Some(0));
        assert_eq!(statements.add("SELECT 32", statement(32)), Some(1));
        assert!(statements.find("SELECT 1").is_none());
        assert_eq!(statements.find("SELECT 0").map(|found| found.id), Some(0));
    }
}
