//! Nothing writes to a database but the replicate table with its bookkeeping, and
//! the heartbeat.
//!
//! Statements that write stand in three files, and sessions that write checksums are
//! only asked for by their engine.

use crate::source::{Source, has_word};
use crate::tidy::{Complaint, Project, complaint};

/// Where statements that write may stand.
const HOMES: &[&str] = &[
    "crates/vouch-server/src/sql/health.rs",
    "crates/vouch-server/src/sql/replicate.rs",
    "crates/vouch-server/src/sql/rotation.rs",
];

/// Who may ask for a session that writes, besides the crate that opens it.
const WRITERS: &[&str] = &["crates/vouch-compare/src/checksum/", "crates/vouch-server/src/"];

const VERBS: &[&str] = &[
    "INSERT ",
    "REPLACE INTO ",
    "UPDATE ",
    "DELETE ",
    "CREATE ",
    "ALTER ",
    "DROP ",
    "TRUNCATE ",
    "RENAME TABLE ",
    "GRANT ",
];

/// Complains about each statement that writes elsewhere, and each session for it.
pub fn check(project: &Project) -> Vec<Complaint> {
    project.sources.iter().flat_map(|source| [statements(source), sessions(source)].concat()).collect()
}

fn statements(source: &Source) -> Vec<Complaint> {
    if !source.path.starts_with("crates/vouch-server/src/") || HOMES.contains(&source.path.as_str()) {
        return Vec::new();
    }
    let shipped = source.lexed.strings.iter().filter(|literal| !source.is_test_line(literal.line));
    // With a semicolon it is for a person to run.
    let writes = shipped.filter(|literal| {
        VERBS.iter().any(|verb| literal.text.trim_start().starts_with(verb)) && !literal.text.ends_with(';')
    });
    let message = "only the replicate table with its bookkeeping and the heartbeat are written to";
    writes.map(|literal| complaint(&source.path, literal.line, message)).collect()
}

fn sessions(source: &Source) -> Vec<Complaint> {
    if source.crate_name() == "xtask" || WRITERS.iter().any(|home| source.path.starts_with(home)) {
        return Vec::new();
    }
    let asks = |code: &str| code.contains("Access::Replicate") || has_word(code, "Replicate {");
    let lines = source.shipped_code().filter(|(_, code)| asks(code));
    let message = "only the engine of replicated checksums opens sessions that write";
    lines.map(|(line, _)| complaint(&source.path, line, message)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statements_that_write_have_their_homes() {
        let code = "fn a() { run(\"DELETE FROM b\") }\n";
        assert_eq!(check(&Project::of("crates/vouch-server/src/sql/rows.rs", code)).len(), 1);
        assert_eq!(check(&Project::of("crates/vouch-server/src/sql/replicate.rs", code)).len(), 0);
        assert_eq!(check(&Project::of("crates/vouch-server/tests/a.rs", code)).len(), 0);
        let for_people = "fn a() { say(\"GRANT SELECT ON b TO c;\") }\n";
        assert_eq!(check(&Project::of("crates/vouch-server/src/sql/privileges.rs", for_people)).len(), 0);
        let sentence = "fn a() { say(\"DELETED rows\") }\n";
        assert_eq!(check(&Project::of("crates/vouch-server/src/sql/rows.rs", sentence)).len(), 0);
    }

    #[test]
    fn sessions_that_write_have_one_user() {
        let code = "fn a() { open(Access::Replicate { variables }) }\n";
        assert_eq!(check(&Project::of("crates/vouch-compare/src/run.rs", code)).len(), 1);
        assert_eq!(check(&Project::of("crates/vouch-compare/src/checksum/engine.rs", code)).len(), 0);
    }
}
