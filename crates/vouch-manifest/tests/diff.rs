//! What changed from one manifest to another.

#![allow(clippy::unwrap_used)]

mod fixture;

use fixture::{ranges, sample, sample_v2, table, table_of_ranges};
use vouch_manifest::{
    BackupFile, Class, Exclude, Kind, Manifest, Method, ObjectFacts, TableDigest, TableFacts, diff, fresh_id,
};

/// `changed table app.orders: rows 7 → 8, digest 1 → 2`, a line for each change.
fn told(before: &Manifest, after: &Manifest) -> Vec<String> {
    let line = |change: vouch_report::Change| {
        let aspects: Vec<String> =
            change.aspects.iter().map(|one| format!("{} {} → {}", one.what, one.before, one.after)).collect();
        format!("{} {} {}: {}", change.kind.name(), change.part, change.name, aspects.join(", "))
    };
    diff(before, after).into_iter().map(line).collect()
}

#[test]
fn two_takes_of_the_same_data_do_not_differ() {
    let again = Manifest { id: fresh_id(1).unwrap(), serial: 9, created_ms: 1, tool: "other".to_owned(), ..sample() };
    assert_eq!(told(&sample(), &again), Vec::<String>::new());
}

#[test]
fn every_part_that_changed_is_told() {
    let before = sample();
    let mut after = sample();
    let changed = TableFacts {
        rows: Some(8),
        digest: Some(TableDigest { method: Method::ChecksumTable, value: "2".to_owned() }),
        definition_digest: Some("3".repeat(64)),
        engine: "MyISAM".to_owned(),
        ..table("app", "orders")
    };
    after.tables = vec![changed, TableFacts { class: Class::Volatile, digest: None, ..table("app", "new") }];
    after.objects = vec![ObjectFacts { definition_digest: "4".repeat(64), ..before.objects[0].clone() }];
    after.backup.as_mut().unwrap().files =
        vec![BackupFile { path: "a/b.ibd".to_owned(), size: 2, digest: "1".repeat(64) }];
    after.excludes = vec![Exclude { pattern: "tmp.*".to_owned(), reason: "rebuilt".to_owned() }];
    after.position.as_mut().unwrap().gtid = "0-1-9".to_owned();
    after.expires_ms = None;
    after.server.as_mut().unwrap().version = "9.7.5".to_owned();
    let zeros = "0".repeat(64);
    let expected = [
        "changed manifest : expiry 2025-03-01T12:00:00.251Z → , server mysql 9.7.4 → mysql 9.7.5, position 0-1-7 → 0-1-9"
            .to_owned(),
        "added table app.new: ".to_owned(),
        "removed table app.old.users`,`x: ".to_owned(),
        format!(
            "changed table app.orders: rows 7 → 8, engine InnoDB → MyISAM, definition {zeros} → {}, digest 3847291056 → 2",
            "3".repeat(64)
        ),
        format!("changed view app.v: definition {} → {}", "2".repeat(64), "4".repeat(64)),
        "changed file a/b.ibd: size 1 → 2".to_owned(),
        "changed exclude tmp.*: reason staging → rebuilt".to_owned(),
    ];
    let mut found = told(&before, &after);
    let mut expected = expected.to_vec();
    found.sort();
    expected.sort();
    assert_eq!(found, expected);
}

#[test]
fn digests_of_other_methods_are_not_held_against_each_other() {
    let mut after = sample();
    after.tables[0].digest = Some(TableDigest { method: Method::RowSha256, value: format!("xor:{}", "0".repeat(64)) });
    assert_eq!(told(&sample(), &after), ["changed table app.orders: digest method checksum-table → row-sha256"]);
}

#[test]
fn against_a_flat_map_only_checksums_are_held() {
    let flat = |value: &str| {
        let mut flat = Manifest { kind: Kind::Flat, server: None, backup: None, position: None, ..sample() };
        flat.tables = vec![TableFacts {
            engine: String::new(),
            rows: None,
            definition_digest: None,
            digest: Some(TableDigest { method: Method::ChecksumTable, value: value.to_owned() }),
            ..table("app", "orders")
        }];
        flat
    };
    let whole = Manifest { tables: vec![table("app", "orders")], ..sample() };
    assert_eq!(told(&flat("3847291056"), &whole), Vec::<String>::new());
    assert_eq!(told(&flat("1"), &whole), ["changed table app.orders: digest 1 → 3847291056"]);
}

#[test]
fn ranges_that_changed_are_named() {
    let of = |ranges| Manifest { tables: vec![table_of_ranges("app", "users", ranges)], ..sample_v2() };
    let before = of(ranges(&["10", "20", "30"]));
    assert_eq!(told(&before, &before), Vec::<String>::new());
    let mut changed = ranges(&["10", "20", "30"]);
    changed[1].sha256 = "d".repeat(64);
    changed[3].rows = 4;
    let found = told(&before, &of(changed));
    assert!(found[0].ends_with("ranges 4 ranges → 2 differ: rows after 10 up to 20; rows after 30"), "{found:?}");
    let found = told(&before, &of(ranges(&["10", "21", "30"])));
    assert!(found[0].ends_with("ranges 4 ranges → 4 ranges, cut elsewhere"), "{found:?}");
}
