//! Pages counted by their types: [`Counted`].

use super::Dialect;
use super::kinds::Kind;
use std::collections::BTreeMap;
use vouch_innodb::{FilHeader, IndexFacts, UndoFacts};

/// Ranges of data in a page: none, tenths of it, more than all.
const RANGES: usize = 12;

/// The pages of one index.
#[derive(Default)]
struct OfIndex {
    pages: u64,
    leaves: u64,
    records: u64,
    bytes: u64,
    ranges: [u64; RANGES],
}

/// Whose words are used, and bytes of a page in memory.
pub(super) struct Of {
    pub dialect: Dialect,
    pub page_bytes: usize,
}

/// What was counted in a file.
#[derive(Default)]
pub(super) struct Counted {
    kinds: BTreeMap<Kind, u64>,
    undo_kinds: BTreeMap<u16, u64>,
    undo_states: BTreeMap<u16, u64>,
    indexes: BTreeMap<u64, OfIndex>,
}

impl Counted {
    /// Counts a page. Of one that is `encrypted` only the header is known, and one that was `freed` counts for no
    /// index. Returns a line on a node, as MariaDB tells it.
    pub(super) fn add(&mut self, of: &Of, no: u32, page: &[u8], encrypted: bool, freed: bool) -> Option<String> {
        let header = FilHeader::read(page)?;
        let kind = Kind::of(header.page_type, of.dialect);
        *self.kinds.entry(kind).or_default() += 1;
        if kind == Kind::Undo {
            let facts = UndoFacts::read(page)?;
            *self.undo_kinds.entry(facts.kind).or_default() += 1;
            *self.undo_states.entry(facts.state).or_default() += 1;
        }
        if kind != Kind::Index || encrypted {
            return None;
        }
        let (facts, bytes) = (IndexFacts::read(page)?, IndexFacts::data_bytes(page)?);
        let leaf = facts.level == 0;
        let (id, records) = (facts.index, facts.records);
        let line = format!("index id={id} page {no} leaf {} n_recs {records} data_bytes {bytes}\n", u8::from(leaf));
        let index = self.indexes.entry(id).or_default();
        if freed {
            return Some(line);
        }
        index.pages += 1;
        index.leaves += u64::from(leaf);
        index.records += u64::from(records);
        index.bytes += u64::from(bytes);
        let range = (usize::from(bytes) * 10).div_ceil(of.page_bytes).min(RANGES - 1);
        if let Some(range) = index.ranges.get_mut(range) {
            *range += 1;
        }
        Some(line)
    }

    /// The summary of a file.
    pub(super) fn text(&self, dialect: Dialect, file: &str) -> String {
        let rule = "=".repeat(47);
        let mut text = format!("\nFile::{file}\n================PAGE TYPE SUMMARY==============\n");
        text.push_str("#PAGE_COUNT\tPAGE_TYPE\n");
        text.push_str(&format!("{rule}\n"));
        for kind in Kind::listed(dialect) {
            let count = self.kinds.get(&kind).copied().unwrap_or(0);
            text.push_str(&format!("{count:8}\t{}\n", kind.counted_as()));
        }
        let gap = if dialect == Dialect::Mariadb { "\n" } else { "" };
        text.push_str(&format!("{gap}{rule}\nAdditional information:\n"));
        text + &self.undo(dialect) + &if dialect == Dialect::Mariadb { self.by_index() } else { String::new() }
    }

    fn undo(&self, dialect: Dialect) -> String {
        let kind = |number: u16| self.undo_kinds.get(&number).copied().unwrap_or(0);
        let state = |number: u16| self.undo_states.get(&number).copied().unwrap_or(0);
        let all: u64 = self.undo_kinds.values().sum();
        let (active, cached, free, purge, prepared) = (state(1), state(2), state(3), state(4), state(5));
        let known = active + cached + purge + prepared;
        match dialect {
            Dialect::Mysql => format!(
                "Undo page type: {} insert, {} update, {} other\nUndo page state: {active} active, {cached} cached, \
                 {free} to_free, {purge} to_purge, {prepared} prepared, {} other\n",
                kind(1),
                kind(2),
                all - kind(1) - kind(2),
                all - known - free,
            ),
            Dialect::Mariadb => format!(
                "Undo page type: {all}\nUndo page state: {active} active, {cached} cached, {purge} to_purge, \
                 {prepared} prepared, {} other\n",
                all - known,
            ),
        }
    }

    fn by_index(&self) -> String {
        let mut text = "index_id\t#pages\t\t#leaf_pages\t#recs_per_page\t#bytes_per_page\n".to_owned();
        for (id, of) in &self.indexes {
            let each = |sum: u64| sum.checked_div(of.pages).unwrap_or(0);
            let (records, bytes) = (each(of.records), each(of.bytes));
            text.push_str(&format!("{id}\t\t{}\t\t{}\t\t{records}\t\t{bytes}\n", of.pages, of.leaves));
        }
        text.push_str("\nindex_id\tpage_data_bytes_histgram(empty,...,oversized)\n");
        for (id, of) in &self.indexes {
            let ranges: String = of.ranges.iter().map(|count| format!("\t{count}")).collect();
            text.push_str(&format!("{id}\t{ranges}\n"));
        }
        text
    }
}
