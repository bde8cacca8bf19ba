//! Names of two sides: which are the same, and what belongs together.

use crate::plan::same_name;

/// Whether expressions are the same: names of columns have no case, texts have.
pub fn same_expression(a: &str, b: &str) -> bool {
    a == b || folded(a) == folded(b)
}

/// An expression as servers read it: all but texts in lower case.
pub fn folded(expression: &str) -> String {
    let mut in_text = false;
    let mut escaped = false;
    let fold = |c: char| {
        let is_text = in_text;
        in_text ^= c == '\'' && !escaped;
        escaped = is_text && c == '\\' && !escaped;
        if is_text { vec![c] } else { c.to_lowercase().collect() }
    };
    expression.chars().flat_map(fold).collect()
}

/// Whether lists name the same columns in the same order.
pub fn same_names(a: &[String], b: &[String]) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same_name(a, b))
}

/// How names of tables on the source become those on the replica.
#[derive(Clone, Copy)]
pub struct TableNames<'a> {
    /// Either server finds tables without regard to case.
    pub folds: bool,
    /// Databases that have another name on the replica: source name, replica name.
    pub database_map: &'a [(String, String)],
}

impl TableNames<'_> {
    /// Whether a table of the source and one of the replica are the same.
    pub fn same_table(&self, source: &str, replica: &str) -> bool {
        source == replica || (self.folds && same_name(source, replica))
    }

    /// Whether a database of the source and one of the replica are the same.
    pub fn same_database(&self, source: &str, replica: &str) -> bool {
        let mapped = self.database_map.iter().find(|(from, _)| from == source);
        self.same_table(mapped.map_or(source, |(_, to)| to), replica)
    }
}

/// What two lists of named things have in common.
pub struct Matched<'a, T> {
    /// The same thing under one name or two.
    pub same: Vec<(&'a T, &'a T)>,
    /// Different things under one name.
    pub changed: Vec<(&'a T, &'a T)>,
    /// On the source only.
    pub source_only: Vec<&'a T>,
    /// On the replica only.
    pub replica_only: Vec<&'a T>,
}

/// Brings two lists together: first what has both name and meaning, then what has the meaning, then what has the name.
pub fn matched<'a, T>(
    source: &'a [T],
    replica: &'a [T],
    name: impl Fn(&T) -> &str,
    same_meaning: impl Fn(&T, &T) -> bool,
) -> Matched<'a, T> {
    let mut left: Vec<&T> = source.iter().collect();
    let mut right: Vec<&T> = replica.iter().collect();
    let named = |a: &T, b: &T| same_name(name(a), name(b));
    let mut same = take_pairs(&mut left, &mut right, |a, b| named(a, b) && same_meaning(a, b));
    same.extend(take_pairs(&mut left, &mut right, &same_meaning));
    let changed = take_pairs(&mut left, &mut right, named);
    Matched { same, changed, source_only: left, replica_only: right }
}

/// Takes out of both lists what belongs together.
fn take_pairs<'a, T>(
    left: &mut Vec<&'a T>,
    right: &mut Vec<&'a T>,
    together: impl Fn(&T, &T) -> bool,
) -> Vec<(&'a T, &'a T)> {
    let mut pairs = Vec::new();
    left.retain(|a| match right.iter().position(|b| together(a, b)) {
        Some(at) => {
            pairs.push((*a, right.remove(at)));
            false
        }
        None => true,
    });
    pairs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_have_no_case_and_texts_have() {
        assert!(same_expression("(`Price` > 0) and (`b` = 'It''s')", "(`price` > 0) and (`B` = 'It''s')"));
        assert!(!same_expression("`a` = 'X'", "`a` = 'x'"));
        assert!(!same_expression("`a` = 'it''s X'", "`a` = 'it''s x'"));
        assert!(!same_expression(r"`a` = 'a\\' and `b` = 'X'", r"`a` = 'a\\' and `b` = 'x'"));
        assert!(same_expression(r"concat('\\', `A`)", r"concat('\\', `a`)"));
    }

    #[test]
    fn tables_have_the_case_that_servers_give_them() {
        let map = [("a".to_owned(), "b".to_owned())];
        let exact = TableNames { folds: false, database_map: &map };
        assert!(exact.same_table("P", "P") && !exact.same_table("P", "p"));
        assert!(exact.same_database("a", "b") && !exact.same_database("a", "a") && exact.same_database("c", "c"));
        let folding = TableNames { folds: true, ..exact };
        assert!(folding.same_table("P", "p") && folding.same_database("C", "c"));
    }

    #[test]
    fn what_has_the_meaning_is_paired_before_what_has_the_name() {
        let (source, replica) = ([("a", 1), ("b", 2), ("c", 3)], [("b", 1), ("A", 2), ("C", 4), ("d", 5)]);
        let matched = matched(&source, &replica, |one| one.0, |a, b| a.1 == b.1);
        assert_eq!(matched.same, [(&("a", 1), &("b", 1)), (&("b", 2), &("A", 2))]);
        assert_eq!(matched.changed, [(&("c", 3), &("C", 4))]);
        assert!(matched.source_only.is_empty());
        assert_eq!(matched.replica_only, [&("d", 5)]);
    }
}
