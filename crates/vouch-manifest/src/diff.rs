//! What changed from one manifest to another: [`diff`].

use crate::model::{Kind, Manifest, PositionFacts, TableDigest, TableFacts};
use crate::rows::RowFacts;
use crate::time::rfc3339;
use std::collections::BTreeMap;
use vouch_report::{Aspect, Change, ChangeKind};

/// What differs, in the order of parts and names; empty when both say the same about the data and the
/// backup. Ids, serials and the times of making differ between any two, and are no difference. Against a
/// flat manifest only what that has is held.
pub fn diff(before: &Manifest, after: &Manifest) -> Vec<Change> {
    let flat = before.kind == Kind::Flat || after.kind == Kind::Flat;
    let mut changes: Vec<Change> = if flat { Vec::new() } else { whole(before, after).into_iter().collect() };
    changes.extend(parts("table", tables(before), tables(after), |a, b| if flat { rows(a, b) } else { table(a, b) }));
    if flat {
        return changes;
    }
    for kind in ["view", "procedure", "function", "trigger", "event"] {
        let of = |manifest| objects(manifest, kind);
        changes.extend(parts(kind, of(before), of(after), |a, b| listed([aspect("definition", a, b)])));
    }
    changes.extend(parts("file", files(before), files(after), |a, b| {
        listed([aspect("size", &a.0.to_string(), &b.0.to_string()), aspect("digest", a.1, b.1)])
    }));
    changes.extend(parts("exclude", excludes(before), excludes(after), |a, b| listed([aspect("reason", a, b)])));
    changes
}

/// What of two sets of named things is in one alone, or differs by `compare`.
fn parts<T>(
    part: &str,
    before: BTreeMap<String, T>,
    mut after: BTreeMap<String, T>,
    compare: impl Fn(&T, &T) -> Vec<Aspect>,
) -> Vec<Change> {
    let change = |kind, name, aspects| Change { kind, part: part.to_owned(), name, aspects };
    let mut changes = Vec::new();
    for (name, old) in before {
        match after.remove(&name) {
            None => changes.push(change(ChangeKind::Removed, name, Vec::new())),
            Some(new) => {
                let aspects = compare(&old, &new);
                changes.extend((!aspects.is_empty()).then(|| change(ChangeKind::Changed, name, aspects)));
            }
        }
    }
    changes.extend(after.into_keys().map(|name| change(ChangeKind::Added, name, Vec::new())));
    changes.sort_by(|a, b| a.name.cmp(&b.name));
    changes
}

fn aspect(what: &'static str, before: &str, after: &str) -> Option<Aspect> {
    (before != after).then(|| Aspect { what, before: before.to_owned(), after: after.to_owned() })
}

fn listed<const N: usize>(aspects: [Option<Aspect>; N]) -> Vec<Aspect> {
    aspects.into_iter().flatten().collect()
}

/// What is about all of the manifest.
fn whole(before: &Manifest, after: &Manifest) -> Option<Change> {
    let validity = |manifest: &Manifest| manifest.expires_ms.map(rfc3339).unwrap_or_default();
    let place = |manifest: &Manifest| manifest.position.as_ref().map(place).unwrap_or_default();
    let mut aspects = listed([
        aspect("cluster", &before.cluster, &after.cluster),
        aspect("expiry", &validity(before), &validity(after)),
    ]);
    aspects.extend(both(&before.server, &after.server, "server", |server| {
        vec![
            ("server", format!("{} {}", server.flavor, server.version)),
            ("server uuid", server.uuid.clone()),
            ("server id", server.id.to_string()),
            ("lower_case_table_names", server.lower_case_table_names.to_string()),
            ("sql_mode", server.sql_mode.clone()),
        ]
    }));
    aspects.extend(aspect("position", &place(before), &place(after)));
    aspects.extend(both(&before.backup, &after.backup, "backup", |backup| {
        vec![("backup kind", backup.kind.clone()), ("backup uri", backup.uri.clone())]
    }));
    let part = "manifest".to_owned();
    (!aspects.is_empty()).then(|| Change { kind: ChangeKind::Changed, part, name: String::new(), aspects })
}

/// The properties of a part that both may have; where one has it and the other not, only that is said.
fn both<T>(
    before: &Option<T>,
    after: &Option<T>,
    name: &'static str,
    read: impl Fn(&T) -> Vec<(&'static str, String)>,
) -> Vec<Aspect> {
    match (before, after) {
        (Some(before), Some(after)) => {
            let pairs = read(before).into_iter().zip(read(after));
            pairs.filter_map(|((what, old), (_, new))| aspect(what, &old, &new)).collect()
        }
        _ => {
            let said = |part: &Option<T>| {
                let first = part.as_ref().and_then(|part| read(part).into_iter().next());
                first.map(|(_, text)| if text.is_empty() { "named".to_owned() } else { text }).unwrap_or_default()
            };
            aspect(name, &said(before), &said(after)).into_iter().collect()
        }
    }
}

/// A position in words.
fn place(position: &PositionFacts) -> String {
    match position.gtid.as_str() {
        "" => format!("{}:{}", position.file, position.offset),
        gtid => gtid.to_owned(),
    }
}

fn tables(manifest: &Manifest) -> BTreeMap<String, &TableFacts> {
    manifest.tables.iter().map(|table| (table.label(), table)).collect()
}

fn table(before: &&TableFacts, after: &&TableFacts) -> Vec<Aspect> {
    let count = |table: &TableFacts| table.rows.map_or_else(|| "not counted".to_owned(), |rows| rows.to_string());
    let definition = |table: &TableFacts| table.definition_digest.clone().unwrap_or_default();
    let mut aspects = listed([
        aspect("class", before.class.name(), after.class.name()),
        aspect("rows", &count(before), &count(after)),
        aspect("engine", &before.engine, &after.engine),
        aspect("definition", &definition(before), &definition(after)),
    ]);
    aspects.extend(rows(before, after));
    aspects
}

/// The digests of rows; those of different methods cannot be held against each other.
fn rows(before: &&TableFacts, after: &&TableFacts) -> Vec<Aspect> {
    let method = |digest: &Option<TableDigest>| digest.as_ref().map_or("", |digest| digest.method.name());
    let value = |digest: &Option<TableDigest>| digest.as_ref().map(|digest| digest.value.clone()).unwrap_or_default();
    match (method(&before.digest), method(&after.digest)) {
        (old, new) if old == new => listed([
            aspect("digest", &value(&before.digest), &value(&after.digest)),
            ranges(before.row_facts.as_ref(), after.row_facts.as_ref()),
        ]),
        (old, new) => listed([aspect("digest method", old, new)]),
    }
}

/// Most ranges that are named one by one.
const RANGES_MAX: usize = 8;

/// The ranges whose rows differ, where both tables are cut at the same keys.
fn ranges(before: Option<&RowFacts>, after: Option<&RowFacts>) -> Option<Aspect> {
    let (before, after) = (before?, after?);
    let ends = |facts: &RowFacts| facts.ranges.iter().map(|range| range.upto.clone()).collect::<Vec<_>>();
    let count = format!("{} ranges", before.ranges.len());
    if before.key != after.key || ends(before) != ends(after) {
        return aspect("ranges", &count, &format!("{} ranges, cut elsewhere", after.ranges.len()));
    }
    let pairs = before.ranges.iter().zip(&after.ranges).enumerate();
    let differing: Vec<usize> = pairs.filter(|(_, (old, new))| old != new).map(|(at, _)| at).collect();
    let mut names: Vec<String> = differing.iter().take(RANGES_MAX).map(|&at| before.range_label(at)).collect();
    if let Some(more @ 1..) = differing.len().checked_sub(RANGES_MAX) {
        names.push(format!("{more} more"));
    }
    let named = format!("{} differ: {}", differing.len(), names.join("; "));
    (!differing.is_empty()).then_some(Aspect { what: "ranges", before: count, after: named })
}

fn objects<'a>(manifest: &'a Manifest, kind: &str) -> BTreeMap<String, &'a str> {
    let of_kind = manifest.objects.iter().filter(|one| one.kind == kind);
    of_kind.map(|one| (format!("{}.{}", one.schema, one.name), one.definition_digest.as_str())).collect()
}

fn files(manifest: &Manifest) -> BTreeMap<String, (u64, &str)> {
    let files = manifest.backup.iter().flat_map(|backup| &backup.files);
    files.map(|file| (file.path.clone(), (file.size, file.digest.as_str()))).collect()
}

fn excludes(manifest: &Manifest) -> BTreeMap<String, &str> {
    manifest.excludes.iter().map(|one| (one.pattern.clone(), one.reason.as_str())).collect()
}
