//! What a statement in a binlog may have changed, read off its text: [`effect`].
//!
//! Only the statement's kind and the tables that it names are read. Whatever is not understood is
//! [`Effect::Unclear`]: a wrong "nothing changed" would turn into a wrong proof.

use super::words::{Word, Words};
use crate::ident::TableName;

/// What a statement may have changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// No row of any table.
    Nothing,
    /// Views, routines, triggers or events, and no row.
    Objects,
    /// Rows of these tables.
    Tables(Vec<TableName>, Reach),
    /// Every table of this database.
    Database(String),
    /// An XA transaction begins that has this name.
    XaBegins(String),
    /// An XA transaction of this name becomes visible, with rows that may have been logged long before.
    XaCommits(String),
    /// Anything.
    Unclear,
}

/// How far a statement reaches beyond the tables that it names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// No further.
    Named,
    /// Triggers and functions that it calls may write to other tables, and that is in no log.
    Beyond,
}

/// What the statement `text`, run in the database `database`, may have changed.
pub fn effect(database: &str, text: &str) -> Effect {
    let Some(words) = Words::read(text) else { return Effect::Unclear };
    Statement { database, words }.effect().unwrap_or(Effect::Unclear)
}

/// The kind of a statement for a report: its first words, without values.
pub fn kind(text: &str) -> String {
    let Some(words) = Words::read(text) else { return "a statement".to_owned() };
    let plain = words.plain_words(3);
    if plain.is_empty() { "a statement".to_owned() } else { plain.join(" ") }
}

struct Statement<'a> {
    database: &'a str,
    words: Words,
}

/// What the definition of a kind of object changes, where that is no row.
fn defines(kind: &str) -> Option<Effect> {
    match kind {
        "VIEW" | "TRIGGER" | "PROCEDURE" | "FUNCTION" | "EVENT" | "PACKAGE" | "LIBRARY" => Some(Effect::Objects),
        "USER" | "ROLE" | "SERVER" | "TABLESPACE" | "LOGFILE" | "UNDO" | "RESOURCE" | "INSTANCE" | "PREPARE" => {
            Some(Effect::Nothing)
        }
        _ => None,
    }
}

impl Statement<'_> {
    fn effect(mut self) -> Option<Effect> {
        let Some(verb) = self.words.next_plain() else {
            return self.words.is_over().then_some(Effect::Nothing);
        };
        match verb.as_str() {
            "BEGIN" => self.begin(),
            "COMMIT" | "ROLLBACK" | "SAVEPOINT" | "RELEASE" | "FLUSH" | "RESET" | "GRANT" | "REVOKE" | "OPTIMIZE"
            | "CHECKSUM" | "CACHE" | "LOCK" | "UNLOCK" | "INSTALL" | "UNINSTALL" => Some(Effect::Nothing),
            "START" => self.words.skip(&["TRANSACTION"]).then_some(Effect::Nothing),
            "ANALYZE" | "CHECK" => self.upkeep(),
            "REPAIR" => self.repair(),
            "SET" => self.set(),
            "XA" => self.xa(),
            "CREATE" => self.create(),
            "ALTER" => self.alter(),
            "DROP" => self.drop(),
            "TRUNCATE" => {
                self.words.skip(&["TABLE"]);
                self.names(Reach::Named)
            }
            "RENAME" => self.rename(),
            "INSERT" | "REPLACE" => self.insert(),
            "UPDATE" => self.update(),
            "DELETE" => self.delete(),
            "LOAD" => self.load(),
            _ => None,
        }
    }

    fn begin(&mut self) -> Option<Effect> {
        self.words.skip(&["WORK"]);
        self.words.is_over().then_some(Effect::Nothing)
    }

    /// MariaDB's ANALYZE also runs a statement and says how that went.
    fn upkeep(&mut self) -> Option<Effect> {
        self.words.skip(&["NO_WRITE_TO_BINLOG", "LOCAL"]);
        self.words.skip(&["TABLE", "TABLES"]).then_some(Effect::Nothing)
    }

    fn repair(&mut self) -> Option<Effect> {
        self.words.skip(&["NO_WRITE_TO_BINLOG", "LOCAL"]);
        if !self.words.skip(&["TABLE", "TABLES"]) {
            return None;
        }
        self.names(Reach::Named)
    }

    /// `SET STATEMENT name = value, … FOR statement` runs a statement with other settings (MariaDB).
    fn set(mut self) -> Option<Effect> {
        if self.words.skip(&["PASSWORD", "DEFAULT", "ROLE", "RESOURCE"]) {
            return Some(Effect::Nothing);
        }
        if !self.words.skip(&["STATEMENT"]) {
            return None;
        }
        while !self.words.skip(&["FOR"]) {
            self.words.take()?;
        }
        self.effect()
    }

    fn xa(&mut self) -> Option<Effect> {
        let verb = self.words.next_plain()?;
        match verb.as_str() {
            "START" | "BEGIN" => Some(Effect::XaBegins(self.words.rest(&["JOIN", "RESUME"]))),
            "COMMIT" => Some(Effect::XaCommits(self.words.rest(&["ONE", "PHASE"]))),
            "END" | "PREPARE" | "ROLLBACK" => Some(Effect::Nothing),
            _ => None,
        }
    }

    fn create(&mut self) -> Option<Effect> {
        let mut temporary = false;
        loop {
            match self.words.take()? {
                Word::Plain(word) => match word.as_str() {
                    "TEMPORARY" => temporary = true,
                    "TABLE" | "SEQUENCE" if temporary => return Some(Effect::Nothing),
                    "TABLE" | "SEQUENCE" => return self.created(),
                    "INDEX" | "KEY" => return self.indexed(),
                    "DATABASE" | "SCHEMA" => return Some(Effect::Nothing),
                    word => {
                        if let Some(effect) = defines(word) {
                            return Some(effect);
                        }
                    }
                },
                // A definer's name and host.
                Word::Quoted(_) | Word::Text(_) | Word::Mark(_) => {}
            }
        }
    }

    /// A table that is filled by a query reads whatever functions that calls.
    fn created(&mut self) -> Option<Effect> {
        self.words.skip_all(&["IF", "NOT", "EXISTS"]);
        let name = self.name()?;
        let reach = if self.words.has("SELECT") { Reach::Beyond } else { Reach::Named };
        Some(Effect::Tables(vec![name], reach))
    }

    fn indexed(&mut self) -> Option<Effect> {
        while !self.words.skip(&["ON"]) {
            self.words.take()?;
        }
        Some(Effect::Tables(vec![self.name()?], Reach::Named))
    }

    fn alter(&mut self) -> Option<Effect> {
        loop {
            match self.words.take()? {
                Word::Plain(word) => match word.as_str() {
                    "TABLE" | "SEQUENCE" => return self.altered(),
                    "DATABASE" | "SCHEMA" if self.words.has("UPGRADE") => return None,
                    "DATABASE" | "SCHEMA" => return Some(Effect::Nothing),
                    word => {
                        if let Some(effect) = defines(word) {
                            return Some(effect);
                        }
                    }
                },
                Word::Quoted(_) | Word::Text(_) | Word::Mark(_) => {}
            }
        }
    }

    /// The table itself, and those that it becomes or that take part: `RENAME TO b`, `EXCHANGE PARTITION p WITH
    /// TABLE b`, `CONVERT TABLE b TO PARTITION p`, `CONVERT PARTITION p TO TABLE b`.
    fn altered(&mut self) -> Option<Effect> {
        self.words.skip_all(&["IF", "EXISTS"]);
        let mut tables = vec![self.name()?];
        while let Some(word) = self.words.take() {
            match word {
                Word::Plain(word) if word == "UNION" => return None,
                Word::Plain(word) if word == "TABLE" => tables.push(self.name()?),
                Word::Plain(word) if word == "RENAME" && !self.words.next_is(&["COLUMN", "INDEX", "KEY"]) => {
                    self.words.skip_all(&["TO", "AS", "="]);
                    tables.push(self.name()?);
                }
                _ => {}
            }
        }
        Some(Effect::Tables(tables, Reach::Named))
    }

    fn drop(&mut self) -> Option<Effect> {
        let temporary = self.words.skip(&["TEMPORARY"]);
        let kind = self.words.next_plain()?;
        match kind.as_str() {
            _ if temporary => Some(Effect::Nothing),
            "TABLE" | "TABLES" | "SEQUENCE" => {
                self.words.skip_all(&["IF", "EXISTS"]);
                self.names(Reach::Named)
            }
            "DATABASE" | "SCHEMA" => {
                self.words.skip_all(&["IF", "EXISTS"]);
                self.words.next_name().map(Effect::Database)
            }
            "INDEX" => self.indexed(),
            kind => defines(kind),
        }
    }

    fn rename(&mut self) -> Option<Effect> {
        if self.words.skip(&["USER"]) {
            return Some(Effect::Nothing);
        }
        if !self.words.skip(&["TABLE", "TABLES"]) {
            return None;
        }
        self.words.skip_all(&["IF", "EXISTS"]);
        let mut tables = vec![self.name()?];
        while !self.words.is_over() {
            if !self.words.skip_all(&["TO", ",", "WAIT", "NOWAIT"]) {
                return None;
            }
            tables.push(self.name()?);
        }
        Some(Effect::Tables(tables, Reach::Named))
    }

    fn insert(&mut self) -> Option<Effect> {
        self.words.skip_all(&["LOW_PRIORITY", "DELAYED", "HIGH_PRIORITY", "IGNORE", "INTO"]);
        Some(Effect::Tables(vec![self.name()?], Reach::Beyond))
    }

    fn update(&mut self) -> Option<Effect> {
        self.words.skip_all(&["LOW_PRIORITY", "IGNORE"]);
        let name = self.name()?;
        // An alias may follow; a comma or a join means several tables.
        self.words.skip_all(&["AS"]);
        if !self.words.next_is(&["SET"]) {
            self.words.next_name()?;
        }
        self.words.next_is(&["SET"]).then(|| Effect::Tables(vec![name], Reach::Beyond))
    }

    fn delete(&mut self) -> Option<Effect> {
        self.words.skip_all(&["LOW_PRIORITY", "QUICK", "IGNORE", "HISTORY"]);
        if !self.words.skip(&["FROM"]) {
            return None;
        }
        let name = self.name()?;
        let single = self.words.is_over() || self.words.next_is(&["WHERE", "ORDER", "LIMIT", "RETURNING"]);
        single.then(|| Effect::Tables(vec![name], Reach::Beyond))
    }

    fn load(&mut self) -> Option<Effect> {
        while !self.words.skip(&["TABLE"]) {
            self.words.take()?;
        }
        Some(Effect::Tables(vec![self.name()?], Reach::Beyond))
    }

    /// `name` or `database.name`.
    fn name(&mut self) -> Option<TableName> {
        let first = self.words.next_name()?;
        Some(match self.words.skip(&["."]) {
            true => TableName::new(first, self.words.next_name()?),
            false => TableName::new(self.database, first),
        })
    }

    /// A list of names, with words behind it that change nothing about them.
    fn names(&mut self, reach: Reach) -> Option<Effect> {
        let mut tables = vec![self.name()?];
        while self.words.skip(&[","]) {
            tables.push(self.name()?);
        }
        Some(Effect::Tables(tables, reach))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tables(names: &[&str], reach: Reach) -> Effect {
        let name = |name: &&str| match name.split_once('.') {
            Some((database, table)) => TableName::new(database, table),
            None => TableName::new("d", *name),
        };
        Effect::Tables(names.iter().map(name).collect(), reach)
    }

    #[test]
    fn statements_without_effect_on_rows_are_known() {
        for text in [
            "",
            "# Dum",
            "BEGIN",
            "begin work",
            "COMMIT",
            "SAVEPOINT `a`",
            "ROLLBACK TO `a`",
            "RELEASE SAVEPOINT a",
            "ANALYZE TABLE t",
            "ANALYZE LOCAL TABLE t",
            "OPTIMIZE TABLE t",
            "/*!50000 OPTIMIZE */ TABLE t",
            "GRANT SELECT ON *.* TO 'a'@'%'",
            "CREATE USER 'a'@'%' IDENTIFIED WITH 'x' AS '*AB'",
            "ALTER USER a ACCOUNT LOCK",
            "DROP ROLE r",
            "RENAME USER a TO b",
            "SET PASSWORD FOR 'a'@'%'='x'",
            "FLUSH TABLES",
            "DROP TEMPORARY TABLE IF EXISTS `t`",
            "CREATE TEMPORARY TABLE t (id INT)",
            "CREATE DATABASE x",
            "XA END X'61',X'',1",
            "XA ROLLBACK X'61',X'',1",
        ] {
            assert_eq!(effect("d", text), Effect::Nothing, "{text}");
        }
        for text in [
            "CREATE DEFINER=`root`@`localhost` TRIGGER x BEFORE INSERT ON t FOR EACH ROW SET NEW.a = 1",
            "CREATE OR REPLACE ALGORITHM=UNDEFINED VIEW v AS SELECT 1",
            "ALTER DEFINER=a@b EVENT e DISABLE",
            "DROP FUNCTION IF EXISTS f",
        ] {
            assert_eq!(effect("d", text), Effect::Objects, "{text}");
        }
    }

    #[test]
    fn statements_that_name_a_table_concern_that_table() {
        for (text, names) in [
            ("ALTER TABLE t ADD COLUMN c INT DEFAULT 0 COMMENT 'RENAME TO x'", &["t"][..]),
            ("ALTER ONLINE TABLE IF EXISTS `x`.`t` DROP COLUMN c", &["x.t"]),
            ("ALTER TABLE a EXCHANGE PARTITION p WITH TABLE b", &["a", "b"]),
            ("ALTER TABLE a RENAME TO x.b", &["a", "x.b"]),
            ("ALTER TABLE a RENAME INDEX i TO j, RENAME COLUMN c TO d", &["a"]),
            ("CREATE TABLE IF NOT EXISTS `a``b` (id INT) /* generated */", &["a`b"]),
            ("DROP TABLE IF EXISTS `a`,`x`.`b` /* generated by server */", &["a", "x.b"]),
            ("TRUNCATE t", &["t"]),
            ("RENAME TABLE a TO b, b TO x.c", &["a", "b", "b", "x.c"]),
            ("CREATE UNIQUE INDEX i ON t (a)", &["t"]),
            ("DROP INDEX i ON x.t", &["x.t"]),
        ] {
            assert_eq!(effect("d", text), tables(names, Reach::Named), "{text}");
        }
        assert_eq!(effect("d", "DROP DATABASE IF EXISTS `x`"), Effect::Database("x".to_owned()));
    }

    #[test]
    fn statements_that_write_may_reach_further_by_triggers() {
        for (text, names) in [
            ("INSERT IGNORE INTO t VALUES (1, 'x')", &["t"][..]),
            ("replace into x.t select 1", &["x.t"]),
            ("UPDATE t SET a = 1", &["t"]),
            ("UPDATE t AS b SET b.a = 1", &["t"]),
            ("DELETE FROM `t` WHERE a = 1", &["t"]),
            ("SET STATEMENT max_statement_time=0 FOR DELETE FROM t", &["t"]),
            ("CREATE TABLE t AS SELECT f(1)", &["t"]),
            ("LOAD DATA INFILE '/x' INTO TABLE `t` FIELDS TERMINATED BY ','", &["t"]),
        ] {
            assert_eq!(effect("d", text), tables(names, Reach::Beyond), "{text}");
        }
    }

    #[test]
    fn what_is_not_understood_is_unclear() {
        for text in [
            "SELECT `d`.`f`()",
            "UPDATE a JOIN b ON a.id = b.id SET a.v = 1",
            "UPDATE a, b SET a.v = 1",
            "DELETE a FROM a JOIN b",
            "DELETE FROM a USING a JOIN b",
            "WITH x AS (SELECT 1) DELETE FROM t",
            "ANALYZE UPDATE t SET a = 1",
            "BEGIN NOT ATOMIC DELETE FROM t; END",
            "CREATE",
            "DROP TABLE 'unterminated",
            "ALTER TABLE t UNION=(a, b)",
        ] {
            assert_eq!(effect("d", text), Effect::Unclear, "{text}");
        }
        assert_eq!(kind("UPDATE t SET card = '4111'"), "UPDATE t SET");
    }

    #[test]
    fn an_xa_transaction_has_one_name() {
        let begins = effect("d", "XA START X'61',X'',1");
        let commits = effect("d", "XA COMMIT X'61',X'',1");
        let (Effect::XaBegins(begun), Effect::XaCommits(done)) = (begins, commits) else { panic!("no XA") };
        assert_eq!(begun, done);
    }
}
