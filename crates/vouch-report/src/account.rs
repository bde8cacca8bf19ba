//! The account of a run: what it owes, and how each debt was settled.
//!
//! Main type: [`Account`]. A run first writes down every item that its request
//! names, then settles each item exactly once. The account is a state machine
//! over [`Entry`] values and checks itself when it is closed: an entry that was
//! lost, doubled or contradicts another one makes the account *unsound*, and an
//! unsound account is never clean. Entries may arrive in any order.
//!
//! Invariant: an item without an outcome is [`Outcome::Unproven`], never clean.

use crate::Code;
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

/// What sort of thing an item is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ItemKind {
    /// The run itself: errors that concern no single item. Never counted.
    Run,
    /// A listing that the scope was taken from: is it complete?
    Listing,
    /// The rows of a table; on a replica where several are compared.
    Table,
    /// The definition of a table.
    Definition,
    /// Views, routines, triggers and events.
    Object,
    /// The transactions that a replica has executed and its source has not.
    History,
    /// A replication position.
    Position,
    /// A file and its pages.
    File,
    /// A redo log, binary log or relay log.
    Log,
    /// The files that a directory must have.
    Directory,
    /// A server and the questions put to it.
    Node,
    /// A step of a drill.
    Step,
}

impl ItemKind {
    /// The name in reports: `table`, `definition`, `file` and so on.
    pub fn name(self) -> &'static str {
        match self {
            ItemKind::Run => "run",
            ItemKind::Listing => "listing",
            ItemKind::Table => "table",
            ItemKind::Definition => "definition",
            ItemKind::Object => "object",
            ItemKind::History => "history",
            ItemKind::Position => "position",
            ItemKind::File => "file",
            ItemKind::Log => "log",
            ItemKind::Directory => "directory",
            ItemKind::Node => "node",
            ItemKind::Step => "step",
        }
    }

    /// Whether it is data, or a server, and not only what the check of them rests on.
    fn is_subject(self) -> bool {
        !matches!(self, ItemKind::Run | ItemKind::Listing | ItemKind::Position | ItemKind::Directory)
    }
}

/// One thing that a run owes an answer about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Item {
    /// What sort of thing.
    pub kind: ItemKind,
    /// Its name: `db.table`, a path, a step.
    pub name: String,
    /// The server that it is checked on, where there are several.
    pub on: Option<String>,
}

impl Item {
    /// An item of that kind, on no particular server.
    pub fn new(kind: ItemKind, name: impl Into<String>) -> Self {
        Item { kind, name: name.into(), on: None }
    }

    /// The same item on that server.
    pub fn on(self, server: impl Into<String>) -> Self {
        Item { on: Some(server.into()), ..self }
    }
}

/// Who left an item out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ExcludedBy {
    /// An option of the user, such as `--ignore-tables`.
    Option,
    /// A documented default of the tool. Counted in the headline.
    Default,
    /// Its kind is none that the command verifies. Counted in the headline.
    Kind,
}

impl ExcludedBy {
    /// `option`, `default`, `kind`.
    pub fn name(self) -> &'static str {
        match self {
            ExcludedBy::Option => "option",
            ExcludedBy::Default => "default",
            ExcludedBy::Kind => "kind",
        }
    }
}

/// How an item was settled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Positively verified.
    Verified {
        /// How strongly, in words: `xxh3-128 streamed`, `page checksums`. May be empty.
        how: Cow<'static, str>,
        /// The position it holds for; empty where there is none.
        as_of: String,
    },
    /// At least one finding, listed or not.
    Differs,
    /// It could not be checked; the code says why.
    Unproven(Code),
    /// Not to be checked.
    Excluded {
        /// By whom.
        by: ExcludedBy,
        /// Why.
        code: Code,
    },
}

impl Outcome {
    /// Verified, with no more to say about how.
    pub fn verified() -> Self {
        Outcome::verified_by("")
    }

    /// Verified by that method.
    pub fn verified_by(how: impl Into<Cow<'static, str>>) -> Self {
        Outcome::Verified { how: how.into(), as_of: String::new() }
    }

    /// Left out because of an option.
    pub fn excluded_by_option(code: Code) -> Self {
        Outcome::Excluded { by: ExcludedBy::Option, code }
    }

    /// The name in reports: `verified`, `differs`, `unproven`, `excluded`.
    pub fn name(&self) -> &'static str {
        match self {
            Outcome::Verified { .. } => "verified",
            Outcome::Differs => "differs",
            Outcome::Unproven(_) => "unproven",
            Outcome::Excluded { .. } => "excluded",
        }
    }
}

/// The number of a debt; the run itself has number 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Debt(pub(crate) u64);

/// One line of the account, as it travels from an engine's recorder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Entry {
    /// An item is owed.
    Owed {
        /// Its debt.
        debt: Debt,
        /// The item.
        item: Item,
    },
    /// A finding about it was reported.
    Found {
        /// The debt.
        debt: Debt,
        /// Whether the finding is more than a notice.
        grave: bool,
    },
    /// An error about it was reported.
    Failed {
        /// The debt.
        debt: Debt,
        /// The error's code.
        code: Code,
    },
    /// It was settled.
    Settled {
        /// The debt.
        debt: Debt,
        /// The outcome.
        outcome: Outcome,
        /// Grave findings that were reported about it.
        found: u64,
        /// Errors that were reported about it.
        failed: u64,
    },
    /// It is checked again under another debt, which counts instead.
    Superseded {
        /// The debt that counts no longer.
        debt: Debt,
        /// The debt that counts.
        by: Debt,
    },
}

/// What is known about one debt.
#[derive(Clone, Debug, Default)]
struct Page {
    item: Option<Item>,
    outcome: Option<(Outcome, u64, u64)>,
    found: u64,
    failed: u64,
    first_failure: Option<Code>,
    superseded_by: Option<Debt>,
}

/// What a run owes, and how it was settled so far.
#[derive(Clone, Debug, Default)]
pub struct Account {
    pages: BTreeMap<Debt, Page>,
    contradiction: Option<String>,
}

impl Account {
    /// Enters one line.
    pub fn enter(&mut self, entry: Entry) {
        match entry {
            Entry::Owed { debt, item } => {
                let page = self.page(debt);
                if page.item.is_some() {
                    return self.contradicts(format!("debt {} was entered twice", debt.0));
                }
                page.item = Some(item);
            }
            Entry::Found { debt, grave } => self.page(debt).found += u64::from(grave),
            Entry::Failed { debt, code } => {
                let page = self.page(debt);
                page.failed += 1;
                page.first_failure.get_or_insert(code);
            }
            Entry::Settled { debt, outcome, found, failed } => {
                let page = self.page(debt);
                if page.outcome.is_some() {
                    return self.contradicts(format!("debt {} was settled twice", debt.0));
                }
                page.outcome = Some((outcome, found, failed));
            }
            Entry::Superseded { debt, by } => {
                let page = self.page(debt);
                if page.superseded_by.is_some() {
                    return self.contradicts(format!("debt {} was superseded twice", debt.0));
                }
                page.superseded_by = Some(by);
            }
        }
    }

    fn page(&mut self, debt: Debt) -> &mut Page {
        self.pages.entry(debt).or_default()
    }

    fn contradicts(&mut self, why: String) {
        self.contradiction.get_or_insert(why);
    }

    /// Closes the account of a run that issued `issued` debts and settled each of them.
    pub fn close(mut self, issued: u64) -> Scope {
        self.prove_complete(issued);
        self.scope()
    }

    /// Closes the account of a run that was cut off: what is not settled was not run.
    pub fn cut_off(self) -> Scope {
        self.scope()
    }

    fn scope(self) -> Scope {
        let counting: Vec<&Page> = self.pages.values().filter(|page| page.superseded_by.is_none()).collect();
        let mut seen = BTreeSet::new();
        let mut doubled = None;
        let mut items = Vec::with_capacity(counting.len());
        for page in counting {
            let Some(item) = &page.item else { continue };
            if !seen.insert(item) {
                doubled = Some(format!("{} {} is owed twice", item.kind.name(), item.name));
            }
            items.push((item.clone(), page.result()));
        }
        items.sort_by(|a, b| a.0.cmp(&b.0));
        Scope { items, contradiction: self.contradiction.or(doubled) }
    }

    /// Every debt that was issued is here, and each page agrees with itself.
    fn prove_complete(&mut self, issued: u64) {
        for number in 0..issued {
            if !self.pages.contains_key(&Debt(number)) {
                self.contradicts(format!("debt {number} was issued and never entered"));
            }
        }
        let faults: Vec<String> =
            self.pages.iter().filter_map(|(debt, page)| self.fault_of(*debt, page, issued)).collect();
        if let Some(first) = faults.into_iter().next() {
            self.contradicts(first);
        }
    }

    fn fault_of(&self, debt: Debt, page: &Page, issued: u64) -> Option<String> {
        let number = debt.0;
        if page.item.is_none() || number >= issued {
            return Some(format!("debt {number} has entries and was never entered itself"));
        }
        if let Some(by) = page.superseded_by {
            let successor = self.pages.get(&by).and_then(|other| other.item.as_ref());
            let replaced = by > debt && successor.is_some() && successor == page.item.as_ref();
            return (!replaced).then(|| format!("debt {number} was superseded by another item"));
        }
        let Some((outcome, found, failed)) = &page.outcome else {
            return Some(format!("debt {number} was never settled"));
        };
        if (*found, *failed) != (page.found, page.failed) {
            return Some(format!("reports about debt {number} were lost or doubled"));
        }
        let contradicted = match outcome {
            Outcome::Verified { .. } => page.found > 0 || page.failed > 0,
            Outcome::Excluded { .. } => page.found > 0,
            Outcome::Differs | Outcome::Unproven(_) => false,
        };
        contradicted.then(|| format!("debt {number} was settled as {} against its reports", outcome.name()))
    }
}

impl Page {
    /// The outcome; what was never settled is unproven, unless a finding was reported.
    fn result(&self) -> Outcome {
        match &self.outcome {
            Some((outcome, ..)) => outcome.clone(),
            None if self.found > 0 => Outcome::Differs,
            None => Outcome::Unproven(self.first_failure.unwrap_or(Code::NotRun)),
        }
    }
}

/// Items by outcome.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ScopeCounts {
    /// All of them.
    pub owed: u64,
    /// Positively verified.
    pub verified: u64,
    /// With findings.
    pub differing: u64,
    /// Could not be checked.
    pub unproven: u64,
    /// Left out by an option.
    pub excluded_by_option: u64,
    /// Left out by a default of the tool, or for their kind.
    pub excluded_by_default: u64,
}

/// A closed account: every item with its one outcome.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scope {
    items: Vec<(Item, Outcome)>,
    contradiction: Option<String>,
}

impl Scope {
    /// Every item but the run itself, in the order of kind and name.
    pub fn items(&self) -> impl Iterator<Item = &(Item, Outcome)> {
        self.items.iter().filter(|(item, _)| item.kind != ItemKind::Run)
    }

    /// How the run itself was settled: unproven when an error concerned no single item.
    pub fn run(&self) -> Option<&Outcome> {
        self.items.iter().find(|(item, _)| item.kind == ItemKind::Run).map(|(_, outcome)| outcome)
    }

    /// Why the account contradicts itself, which is a bug in vouch.
    pub fn contradiction(&self) -> Option<&str> {
        self.contradiction.as_deref()
    }

    /// Items by outcome, without the run itself.
    pub fn counts(&self) -> ScopeCounts {
        let mut counts = ScopeCounts::default();
        for (_, outcome) in self.items() {
            counts.add(outcome);
        }
        counts
    }

    /// Items by outcome, without listings, positions and directories: a complete list of tables and a known position
    /// prove nothing about a row.
    pub fn counts_of_subjects(&self) -> ScopeCounts {
        let mut counts = ScopeCounts::default();
        for (_, outcome) in self.items().filter(|(item, _)| item.kind.is_subject()) {
            counts.add(outcome);
        }
        counts
    }

    /// Items of one kind by outcome.
    pub fn counts_of(&self, kind: ItemKind) -> ScopeCounts {
        let mut counts = ScopeCounts::default();
        for (_, outcome) in self.items().filter(|(item, _)| item.kind == kind) {
            counts.add(outcome);
        }
        counts
    }
}

impl ScopeCounts {
    fn add(&mut self, outcome: &Outcome) {
        self.owed += 1;
        let counter = match outcome {
            Outcome::Verified { .. } => &mut self.verified,
            Outcome::Differs => &mut self.differing,
            Outcome::Unproven(_) => &mut self.unproven,
            Outcome::Excluded { by: ExcludedBy::Option, .. } => &mut self.excluded_by_option,
            Outcome::Excluded { by: ExcludedBy::Default | ExcludedBy::Kind, .. } => &mut self.excluded_by_default,
        };
        *counter += 1;
    }
}
