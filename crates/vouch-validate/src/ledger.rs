//! What a validation owes, and how each item is settled: [`Ledger`].
//!
//! Owed are the rows and the definition of every table of the manifest, every object, the position of
//! the server, and the listing of its tables, in which tables that the manifest does not name are
//! found. Invariant: nothing is settled before the run knows whether the server moved meanwhile,
//! because until then no result stands.

use crate::result;
use std::collections::HashMap;
use vouch_manifest::{Class, Manifest, ObjectFacts, TableFacts};
use vouch_report::{
    CheckStatus, Code, Coverage, Debt, ExcludedBy, Failure, Finding, Item, ItemKind, Outcome, Recorder, Skip, Summary,
    TableCheck,
};

/// What of a table is owed, and what was found to differ.
struct Owed {
    rows: Option<Debt>,
    definition: Option<Debt>,
    differing: Differing,
}

/// Which parts of a table differ; both where that is not known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Differing {
    /// The rows or their number.
    pub rows: bool,
    /// The definition.
    pub definition: bool,
}

/// Whether definitions are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Definitions {
    /// They are.
    Compared,
    /// The manifest is from the other flavor.
    OtherFlavor,
    /// The same, and an option accepts it.
    Accepted,
}

/// The account of a validation.
pub struct Ledger {
    recorder: Recorder,
    tables: HashMap<String, Owed>,
    objects: HashMap<String, Debt>,
    /// The position of the server.
    pub position: Debt,
    /// The listing of its tables.
    pub listing: Debt,
}

fn object_name(facts: &ObjectFacts) -> String {
    format!("{} {}.{}", facts.kind, facts.schema, facts.name)
}

impl Ledger {
    /// Writes down all that a manifest owes.
    pub fn new(recorder: Recorder, manifest: &Manifest) -> Self {
        let owe = |kind, name: String| recorder.owe(Item::new(kind, name));
        let table = |facts: &TableFacts| {
            let rows = facts.class != Class::SchemaOnly;
            let definition = facts.class != Class::Volatile && facts.definition_digest.is_some() || !rows;
            let owed = Owed {
                rows: rows.then(|| owe(ItemKind::Table, facts.label())),
                definition: definition.then(|| owe(ItemKind::Definition, facts.label())),
                differing: Differing { rows: true, definition: true },
            };
            (facts.label(), owed)
        };
        let tables = manifest.tables.iter().map(table).collect();
        let object = |facts: &ObjectFacts| (object_name(facts), owe(ItemKind::Object, object_name(facts)));
        let objects = manifest.objects.iter().map(object).collect();
        let position = owe(ItemKind::Position, "position of the server".to_owned());
        let listing = owe(ItemKind::Listing, "tables in the databases of the manifest".to_owned());
        Ledger { recorder, tables, objects, position, listing }
    }

    /// What takes reports.
    pub fn recorder(&self) -> &Recorder {
        &self.recorder
    }

    /// Reports an error that concerns no single item.
    pub fn error(&self, failure: Failure) {
        self.recorder.error(self.recorder.run(), failure);
    }

    /// Reports what a result says about a table that the manifest names, or in the listing about one that it does not.
    pub fn report(&mut self, check: &TableCheck, differing: Differing) {
        let debt = match self.tables.get_mut(&check.label()) {
            Some(owed) => {
                owed.differing = differing;
                owed.rows.or(owed.definition)
            }
            None => Some(self.listing),
        };
        let Some(debt) = debt else { return };
        if let Some(finding) = result::finding(check) {
            self.recorder.finding(debt, finding);
        }
        if let Some(failure) = result::failure(check) {
            self.recorder.error(debt, failure);
        }
    }

    /// Takes back what was reported about a table: it is not proven any more.
    pub fn withdraw(&mut self, label: &str) {
        let Some(owed) = self.tables.get_mut(label) else { return };
        owed.differing = Differing { rows: false, definition: false };
        if let Some(debt) = owed.rows {
            owed.rows = Some(self.recorder.supersede(debt, Item::new(ItemKind::Table, label)));
        } else if let Some(debt) = owed.definition {
            owed.definition = Some(self.recorder.supersede(debt, Item::new(ItemKind::Definition, label)));
        }
    }

    /// Reports a choice not to check a table.
    pub fn skip(&self, label: String, code: Code, reason: &str) {
        self.recorder.skip(Skip { code, what: label, reason: reason.to_owned() });
    }

    /// Settles an object that was compared.
    pub fn object(&mut self, facts: &ObjectFacts, result: Result<Outcome, Finding>) {
        let Some(debt) = self.objects.remove(&object_name(facts)) else { return };
        match result {
            Ok(outcome) => self.recorder.settle(debt, outcome),
            Err(finding) => {
                self.recorder.finding(debt, finding);
                self.recorder.settle(debt, Outcome::Differs);
            }
        }
    }

    /// Settles every object that is still open.
    pub fn objects(&mut self, outcome: &Outcome) {
        for (_, debt) in self.objects.drain() {
            self.recorder.settle(debt, outcome.clone());
        }
    }

    /// Settles every table by its result.
    pub fn tables(&mut self, manifest: &Manifest, checks: &[TableCheck], definitions: Definitions, as_of: &str) {
        let classes: HashMap<String, Class> = manifest.tables.iter().map(|one| (one.label(), one.class)).collect();
        for check in checks {
            let label = check.label();
            let (Some(owed), Some(class)) = (self.tables.remove(&label), classes.get(&label)) else { continue };
            if let Some(debt) = owed.rows {
                self.recorder.settle(debt, outcome(check, *class, owed.differing.rows, as_of));
            }
            if let Some(debt) = owed.definition {
                self.recorder.settle(debt, definition_outcome(check, *class, owed.differing, definitions, as_of));
            }
        }
    }

    /// Ends the account: whatever is still open was not run.
    pub fn finish(self, coverage: Coverage) -> Summary {
        let by_place = |a: &Finding, b: &Finding| (&a.location.table, &a.message).cmp(&(&b.location.table, &b.message));
        self.recorder.finish_ordered(coverage, by_place, |_, _| std::cmp::Ordering::Equal)
    }
}

fn outcome(check: &TableCheck, class: Class, differs: bool, as_of: &str) -> Outcome {
    let verified = || Outcome::Verified { how: check.method.clone().into(), as_of: as_of.to_owned() };
    match check.status {
        CheckStatus::Valid => verified(),
        CheckStatus::Mismatch if !differs => verified(),
        CheckStatus::Mismatch | CheckStatus::Missing | CheckStatus::Extra => Outcome::Differs,
        CheckStatus::Error => Outcome::Unproven(Code::TableFailed),
        CheckStatus::Timeout => Outcome::Unproven(Code::TableTimeout),
        CheckStatus::NotRun => Outcome::Unproven(Code::NotRun),
        CheckStatus::Skipped if class == Class::Volatile => Outcome::excluded_by_option(Code::Volatile),
        CheckStatus::Skipped => Outcome::excluded_by_option(Code::ChangedSince),
    }
}

fn definition_outcome(
    check: &TableCheck,
    class: Class,
    differing: Differing,
    definitions: Definitions,
    as_of: &str,
) -> Outcome {
    let uncompared = |by| Outcome::Excluded { by, code: Code::DefinitionUnjudged };
    let read = matches!(check.status, CheckStatus::Valid | CheckStatus::Mismatch);
    match (definitions, class) {
        (Definitions::Accepted, Class::SchemaOnly) if check.status == CheckStatus::Skipped => {
            uncompared(ExcludedBy::Option)
        }
        (Definitions::OtherFlavor, Class::SchemaOnly) if check.status == CheckStatus::Error => {
            Outcome::Unproven(Code::NotCompared)
        }
        // The rows of such a table were compared, which is what is asked of it.
        (Definitions::Accepted, _) if read => uncompared(ExcludedBy::Option),
        (Definitions::OtherFlavor, _) if read => uncompared(ExcludedBy::Default),
        _ => match outcome(check, class, differing.definition, as_of) {
            Outcome::Verified { as_of, .. } => Outcome::Verified { how: "definition digest".into(), as_of },
            other => other,
        },
    }
}
