//! SQL text lives in `vouch-server/src/sql/` and nowhere else.
//!
//! The test kit and tests are exempt, and so is the state of a run, which is
//! an embedded database of our own and not a server's.

use crate::source::Source;
use crate::tidy::{Complaint, Project, complaint};

/// Where SQL may stand.
const HOMES: &[&str] = &["crates/vouch-server/src/sql/", "crates/vouch-testkit/", "crates/vouch-compare/src/state"];

/// Beginnings that no sentence has.
const STATEMENTS: &[&str] = &[
    "INSERT INTO ",
    "REPLACE INTO ",
    "DELETE FROM ",
    "SET SESSION ",
    "SET GLOBAL ",
    "SET @",
    "SET NAMES ",
    "SET TRANSACTION ",
    "START TRANSACTION",
    "CREATE TABLE ",
    "CREATE DATABASE ",
    "DROP TABLE ",
    "DROP DATABASE ",
    "ALTER TABLE ",
    "TRUNCATE TABLE ",
    "LOCK TABLES ",
    "FLUSH TABLES",
    "KILL QUERY ",
    "KILL CONNECTION ",
    "EXPLAIN FORMAT",
    "CHANGE MASTER TO",
    "CHANGE REPLICATION SOURCE TO",
];

/// Complains about each string literal that is a statement.
pub fn check(project: &Project) -> Vec<Complaint> {
    project.sources.iter().flat_map(check_source).collect()
}

fn check_source(source: &Source) -> Vec<Complaint> {
    if source.crate_name() == "xtask" || HOMES.iter().any(|home| source.path.starts_with(home)) {
        return Vec::new();
    }
    let shipped = source.lexed.strings.iter().filter(|literal| !source.is_test_line(literal.line));
    let statements = shipped.filter(|literal| is_sql(&literal.text));
    let message = "SQL belongs into crates/vouch-server/src/sql/";
    statements.map(|literal| complaint(&source.path, literal.line, message)).collect()
}

/// Whether a literal is a statement rather than a sentence that names one.
fn is_sql(text: &str) -> bool {
    let text = text.replace("\\n", " ");
    let text = text.trim_start_matches(|char: char| char.is_whitespace() || "(\\".contains(char));
    let begins = STATEMENTS.iter().any(|statement| text.starts_with(statement));
    begins || is_select(text) || is_show(text) || is_update(text) || text.contains(" FROM information_schema.")
}

fn is_select(text: &str) -> bool {
    let calls = || text.match_indices('(').any(|(at, _)| text.get(..at).is_some_and(ends_in_word));
    text.starts_with("SELECT ") && (text.contains(" FROM ") || text.contains("@@") || calls() || second_is_value(text))
}

fn second_is_value(text: &str) -> bool {
    text.split(' ').nth(1).is_some_and(|word| word.starts_with(|char: char| char.is_ascii_digit() || char == '{'))
}

fn ends_in_word(text: &str) -> bool {
    text.ends_with(|char: char| char.is_alphanumeric() || char == '_')
}

/// `SHOW` and a keyword, with no plain word after it as in "SHOW REPLICAS was refused".
fn is_show(text: &str) -> bool {
    let mut words = text.split_whitespace();
    let is = |word: Option<&str>, test: fn(char) -> bool| word.is_some_and(|word| word.chars().all(test));
    let shows = words.next() == Some("SHOW");
    let keyword = is(words.next(), |char| char.is_ascii_uppercase());
    shows && keyword && !is(words.next(), |char| char.is_ascii_lowercase())
}

fn is_update(text: &str) -> bool {
    text.starts_with("UPDATE ") && text.contains(" SET ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statements_are_known() {
        for text in [
            "SELECT a FROM b",
            "SELECT @@version",
            "SELECT WAIT_FOR_EXECUTED_GTID_SET(?, ?)",
            "SELECT 1",
            " SHOW REPLICA STATUS",
            "SHOW MASTER STATUS",
            "SET SESSION sql_mode = ''",
            "\\n  INSERT INTO t VALUES (1)",
            "UPDATE t SET a = 1",
            "(SELECT 1)",
        ] {
            assert!(is_sql(text), "{text}");
        }
    }

    #[test]
    fn sentences_about_statements_are_none() {
        for text in [
            "SELECT privilege (on every table) is needed",
            "SHOW REPLICAS was refused",
            "the SELECT privilege",
            "SET",
            "Grant REPLICATION CLIENT",
            "UPDATE is not needed",
            "SELECT",
        ] {
            assert!(!is_sql(text), "{text}");
        }
    }

    #[test]
    fn sql_is_found_outside_its_home_only() {
        let code = "fn a() { run(\"SELECT a FROM b\") }\n";
        assert_eq!(check(&Project::of("crates/vouch-compare/src/a.rs", code)).len(), 1);
        assert_eq!(check(&Project::of("crates/vouch-server/src/session.rs", code)).len(), 1);
        assert_eq!(check(&Project::of("crates/vouch-server/src/sql/a.rs", code)).len(), 0);
        assert_eq!(check(&Project::of("crates/vouch/tests/servers/a.rs", code)).len(), 0);
        let test = "#[cfg(test)]\nmod tests { fn a() { run(\"SELECT a FROM b\") } }\n";
        assert_eq!(check(&Project::of("crates/vouch-compare/src/a.rs", test)).len(), 0);
    }
}
