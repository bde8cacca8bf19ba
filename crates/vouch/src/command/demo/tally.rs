//! What was found against what was put there: [`Tally`].

use crate::complaint::printable;
use crate::exit::Exit;
use vouch_report::{Code, Finding, Summary};
use vouch_testkit::drift::Drifted;
use vouch_testkit::{DiffKind, Expected, RowKey, mismatches};

/// The tour's result.
pub struct Tally {
    entries: Vec<Entry>,
    /// Findings of anything else, anywhere.
    strays: Vec<String>,
    /// Why something could not be looked at.
    errors: Vec<String>,
    /// Transactions that the source committed meanwhile, and in how many seconds.
    written: (u64, f64),
}

struct Entry {
    drifted: Drifted,
    /// Whether the usual checksum is the same on both sides.
    unseen: bool,
    rows: u64,
    proofs: Vec<&'static str>,
    wrong: Vec<String>,
}

impl Tally {
    /// Sorts what was found. `planted` comes with whether the usual checksum is the same on both sides, and
    /// is on `replica`; `written` are the transactions of the source meanwhile, and in how many seconds.
    pub fn of(summary: &Summary, planted: Vec<(Drifted, bool)>, replica: &str, written: (u64, f64)) -> Tally {
        let mut strays: Vec<&Finding> = summary.findings.iter().collect();
        let mut entries = Vec::new();
        for (expected, unseen) in planted {
            let about = |finding: &&Finding| {
                finding.location.table.as_ref() == Some(&expected.table)
                    && finding.location.replica.as_deref() == Some(replica)
            };
            let (own, rest): (Vec<&Finding>, Vec<&Finding>) = strays.into_iter().partition(about);
            strays = rest;
            entries.push(Entry::of(expected, unseen, &own));
        }
        Tally {
            entries,
            strays: strays.into_iter().map(described).collect(),
            errors: summary.errors.iter().map(|error| error.message.clone()).collect(),
            written,
        }
    }

    /// Whether exactly what was put there was found.
    fn exact(&self) -> bool {
        self.strays.is_empty() && self.entries.iter().all(|entry| entry.wrong.is_empty())
    }

    /// Clean when it is right, incomplete when something could not be looked at, else a bug.
    pub fn exit(&self) -> Exit {
        match (self.exact(), self.errors.is_empty()) {
            (true, true) => Exit::Clean,
            (_, false) => Exit::Incomplete,
            (false, true) => Exit::Bug,
        }
    }

    /// The table, and what is to be said about it.
    pub fn text(&self) -> String {
        let mut text = format!("\n{:<16} {:<56} {:<9} {}\n", "put on replica 2", "", "checksum", "vouch");
        for entry in &self.entries {
            let Drifted { table, what, .. } = &entry.drifted;
            let checksum = if entry.unseen { "equal" } else { "differs" };
            text.push_str(&format!("{table:<16} {what:<56} {checksum:<9} {}\n", entry.outcome()));
        }
        let elsewhere = if self.strays.is_empty() { "nothing" } else { "TOO MUCH" };
        text.push_str(&format!(
            "{:<16} {:<56} {:<9} {elsewhere}\n",
            "elsewhere", "nothing, and nothing on replica 1", ""
        ));
        for wrong in self.entries.iter().flat_map(|entry| &entry.wrong).chain(&self.strays).chain(&self.errors) {
            text.push_str(&format!("  {}\n", printable(wrong)));
        }
        text.push('\n');
        text.push_str(&self.sentences());
        text
    }

    fn sentences(&self) -> String {
        let unseen = self.entries.iter().filter(|entry| entry.unseen).count();
        let mut text = format!(
            "checksum: COUNT(*) and BIT_XOR(CRC32(row)) of chunks between keys of the source: blind to {unseen} of {}.\n",
            self.entries.len()
        );
        let (written, seconds) = self.written;
        let rate = written as f64 / seconds.max(0.001);
        text.push_str(&format!("The source committed {written} transactions meanwhile, {rate:.0} a second.\n"));
        text.push_str(match self.exit() {
            Exit::Clean => "Found: exactly what was put there.\n",
            Exit::Incomplete => "Something could not be looked at: the tour did not show what it should.\n",
            _ => "Found: NOT what was put there. This is a bug in vouch; please report it.\n",
        });
        text
    }
}

impl Entry {
    fn of(drifted: Drifted, unseen: bool, findings: &[&Finding]) -> Entry {
        let (rows, others): (Vec<_>, Vec<_>) =
            findings.iter().map(|finding| (row(finding), *finding)).partition(|(row, _)| row.is_some());
        let mut proofs: Vec<&str> =
            findings.iter().map(|f| f.proof.as_ref().map_or("unproven", |p| p.name())).collect();
        proofs.sort_unstable();
        proofs.dedup();
        let rows: Vec<Expected> = rows.into_iter().filter_map(|(row, _)| row).collect();
        let mut wrong: Vec<String> =
            mismatches(&drifted.rows, &rows).iter().map(|line| format!("{}: {line}", drifted.table)).collect();
        wrong.extend(others.into_iter().map(|(_, finding)| described(finding)));
        Entry { unseen, rows: rows.iter().map(|row| row.count).sum(), proofs, wrong, drifted }
    }

    fn outcome(&self) -> String {
        match (self.rows, self.wrong.is_empty()) {
            (0, _) => "MISSED".to_owned(),
            (_, false) => "WRONG".to_owned(),
            (1, true) => format!("1 row {}", self.proofs.join(", ")),
            (rows, true) => format!("{rows} rows {}", self.proofs.join(", ")),
        }
    }
}

fn described(finding: &Finding) -> String {
    let place = [&finding.location.table, &finding.location.replica].map(|part| part.clone().unwrap_or_default());
    format!("{} on {}: {}", place[0], place[1], finding.message)
}

/// A finding about rows in the words of what was expected; `None` for any other.
fn row(finding: &Finding) -> Option<Expected> {
    let kind = match finding.code {
        Code::RowSourceOnly => DiffKind::SourceOnly,
        Code::RowReplicaOnly => DiffKind::ReplicaOnly,
        Code::RowChanged => DiffKind::Changed,
        _ => return None,
    };
    let location = &finding.location;
    let key = match location.key.as_slice() {
        [only] if only.column == "row digest" => RowKey::Multiset,
        parts => RowKey::Columns(parts.iter().map(|part| (part.column.clone(), part.value.to_string())).collect()),
    };
    let changed = location.columns.iter().filter(|_| kind == DiffKind::Changed);
    let mut columns: Vec<String> = changed.map(|diff| diff.column.clone()).collect();
    columns.sort();
    Some(Expected { kind, key, columns, count: finding.count })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exit::tests::verified;
    use vouch_report::{Command, Failure, KeyPart, Proof, Reported, ValueDiff};

    fn changed(table: &str, replica: &str, id: &str, column: &str) -> Finding {
        let mut finding = Finding::new(Code::RowChanged, "the row differs");
        finding.location.table = Some(table.to_owned());
        finding.location.replica = Some(replica.to_owned());
        finding.location.key = vec![KeyPart { column: "id".to_owned(), value: id.into() }];
        finding.location.columns = vec![ValueDiff { column: column.to_owned(), source: None, replica: None }];
        finding.proof = Some(Proof::Confirmed);
        finding
    }

    fn tally(findings: Vec<Finding>, errors: Vec<Failure>) -> Tally {
        let summary =
            Summary::of(Command::Compare, verified(), Reported { findings, errors, ..Reported::default() }, None);
        let rows = vec![Expected::changed("id", 1, &["v"])];
        let drifted = Drifted { table: "shop.t".to_owned(), what: "v of row 1 changed".to_owned(), rows };
        Tally::of(&summary, vec![(drifted, true)], "two", (100, 2.0))
    }

    #[test]
    fn exactly_what_was_put_there_is_right() {
        let right = tally(vec![changed("shop.t", "two", "1", "v")], Vec::new());
        assert_eq!(right.exit(), Exit::Clean);
        assert!(right.text().contains("1 row confirmed") && right.text().contains("50 a second"), "{}", right.text());
    }

    #[test]
    fn whatever_else_was_found_is_a_bug_and_is_told() {
        for (findings, told) in [
            (vec![], "missing"),
            (vec![changed("shop.t", "two", "2", "v")], "too many"),
            (vec![changed("shop.t", "two", "1", "w")], "changed w"),
            (vec![changed("shop.t", "one", "1", "v")], "shop.t on one"),
            (vec![changed("shop.t", "two", "1", "v"), changed("shop.u", "two", "1", "v")], "shop.u on two"),
        ] {
            let wrong = tally(findings, Vec::new());
            assert_eq!(wrong.exit(), Exit::Bug);
            assert!(wrong.text().contains(told), "{}", wrong.text());
        }
    }

    #[test]
    fn what_could_not_be_looked_at_is_no_success() {
        let errors = vec![Failure::new(Code::KeyHot, "it kept changing")];
        assert_eq!(tally(vec![changed("shop.t", "two", "1", "v")], errors).exit(), Exit::Incomplete);
    }
}
