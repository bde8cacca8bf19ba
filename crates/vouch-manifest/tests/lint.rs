//! Every fault of a manifest at once, and the JSON Schema: both agree with the strict reader.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "../../vouch-render/tests/checker/mod.rs"]
mod checker;
mod fixture;

use checker::Schemas;
use fixture::{sample, sample_v2, table};
use proptest::prelude::*;
use serde_json::{Value, json};
use vouch_manifest::{Class, Manifest, Method, TableDigest, TableFacts, Untrusted, Version, bytes, lint, schema};
use vouch_report::{ManifestLint, RemarkLevel};

const NOW: u64 = 1_740_830_400_250;

fn reads(bytes: &[u8]) -> bool {
    Untrusted::new(bytes.to_vec()).without_signature().manifest().is_ok()
}

fn refused(lint: &ManifestLint) -> bool {
    lint.count(RemarkLevel::Error) > 0
}

/// `code /pointer line:column`, one after another.
fn said(text: &str, level: RemarkLevel) -> Vec<String> {
    let remarks = lint(text.as_bytes(), NOW).remarks.into_iter().filter(|remark| remark.level == level);
    remarks.map(|one| format!("{} {} {}:{}", one.code, one.pointer, one.line, one.column)).collect()
}

fn text() -> String {
    String::from_utf8(bytes(&sample())).unwrap()
}

#[test]
fn a_good_manifest_has_no_faults() {
    assert_eq!(said(&text(), RemarkLevel::Error), Vec::<String>::new());
    assert_eq!(said(&text(), RemarkLevel::Advice), ["weak-digest /tables/0/digest 19:5"]);
}

#[test]
fn all_faults_are_told_at_once_with_their_places() {
    let broken = text()
        .replace("\"serial\": 3", "\"serial\": -3,\n  \"serial\": \"3\"")
        .replace("\"tool\"", "\"töol\"")
        .replace("3847291056", "9281736450")
        .replace("\"name\": \"orders\"", "\"name\": \"users`,`x\", \"schema\": \"app.old\"")
        .replace("a/b.ibd", "../b.ibd")
        .replace("\"rows\": 14", "\"rows\": 15");
    let expected = [
        "missing-field /tool 1:1",
        "wrong-type /serial 4:13",
        "duplicate-key /serial 5:3",
        "wrong-type /serial 5:13",
        "unknown-field /töol 8:3",
        "bad-value /backup/files/0/path 15:17",
        "duplicate-key /tables/0/schema 20:53",
        "bad-value /tables/0/digest/value 20:159",
        "bad-value /tables/1/digest/value 21:139",
        "totals-differ /totals/rows 26:36",
    ];
    let found = said(&broken, RemarkLevel::Error);
    let codes = |lines: &[String]| -> Vec<String> {
        lines.iter().map(|line| line.rsplit_once(' ').unwrap().0.to_owned()).collect()
    };
    assert_eq!(codes(&found), codes(&expected.map(str::to_owned)), "{found:#?}\n{broken}");
    // Places are those of the text.
    for line in found.iter().filter(|line| line.starts_with("unknown-field")) {
        let (row, column) = line.rsplit_once(' ').unwrap().1.split_once(':').unwrap();
        let row = broken.lines().nth(row.parse::<usize>().unwrap() - 1).unwrap();
        let rest: String = row.chars().skip(column.parse::<usize>().unwrap() - 1).collect();
        assert!(rest.starts_with("\"töol\""), "{rest}");
    }
}

#[test]
fn what_is_no_json_is_told_with_its_place() {
    assert_eq!(said("{\n  \"schema\": 1,\n  oops", RemarkLevel::Error), ["syntax  3:3"]);
    assert_eq!(said("", RemarkLevel::Error), ["syntax  1:1"]);
}

#[test]
fn advice_is_about_what_is_not_said() {
    let volatile = TableFacts { class: Class::Volatile, digest: None, rows: None, ..table("app", "sessions") };
    let bare =
        TableFacts { class: Class::SchemaOnly, digest: None, definition_digest: None, rows: None, ..table("app", "x") };
    let counted = TableFacts {
        digest: Some(TableDigest { method: Method::RowCount, value: "7".to_owned() }),
        definition_digest: None,
        ..table("app", "counted")
    };
    let manifest = Manifest {
        expires_ms: None,
        created_ms: NOW + 3_600_000,
        server: None,
        backup: None,
        position: None,
        tables: vec![volatile, bare, counted, table("app", "weak")],
        ..sample()
    };
    let text = String::from_utf8(bytes(&manifest)).unwrap();
    let codes: Vec<String> =
        said(&text, RemarkLevel::Advice).iter().map(|line| line.split(' ').next().unwrap().to_owned()).collect();
    let expected = [
        "no-expiry",
        "no-position",
        "no-backup-files",
        "no-server",
        "made-in-the-future",
        "weak-digest",
        "no-definitions",
        "volatile-unexplained",
        "weak-digest",
        "nothing-held",
    ];
    let sorted = |mut codes: Vec<String>| {
        codes.sort();
        codes
    };
    assert_eq!(sorted(codes), sorted(expected.map(str::to_owned).to_vec()), "{text}");
    assert_eq!(said(&text, RemarkLevel::Error), Vec::<String>::new());
    let late = lint(&bytes(&sample()), NOW + 1);
    assert_eq!(late.remarks.iter().filter(|one| one.code == "expired").count(), 1);
}

#[test]
fn a_flat_map_is_looked_at_too() {
    let text = "{\"a.b.c\": \"1\",\n \"a.b\": 7, \"a.b\": \"9281736450\"}";
    let expected = ["bad-name /a.b.c 1:2", "wrong-type /a.b 2:9", "duplicate-key /a.b 2:12", "bad-value /a.b 2:19"];
    assert_eq!(said(text, RemarkLevel::Error), expected);
    assert_eq!(said("{}", RemarkLevel::Error), ["nothing-to-verify  1:1"]);
    assert_eq!(said("{\"a.b\": \"1\"}", RemarkLevel::Error), Vec::<String>::new());
    assert_eq!(said("[]", RemarkLevel::Error), ["wrong-type  1:1"]);
}

/// Documents that differ from a good one in one place, as trees.
fn mutants(good: &Value) -> Vec<Value> {
    let mut places = Vec::new();
    leaves(good, String::new(), &mut places);
    let values =
        [json!(null), json!(""), json!("x"), json!(-1), json!(1.5), json!(true), json!([]), json!({}), json!(7)];
    let mut mutants = vec![good.clone()];
    // What version 2 has as version 1 has it was looked at there.
    let apart = |place: &&String| good["schema"] == 1 || place.starts_with("/tables") || *place == "/schema";
    for place in places.iter().filter(apart) {
        for value in &values {
            let mut mutant = good.clone();
            *mutant.pointer_mut(place).unwrap() = value.clone();
            mutants.push(mutant);
        }
        let (parent, key) = place.rsplit_once('/').unwrap_or(("", place));
        let mut mutant = good.clone();
        if let Some(object) = mutant.pointer_mut(parent).and_then(Value::as_object_mut) {
            object.remove(key);
            mutants.push(mutant.clone());
            let object = mutant.pointer_mut(parent).and_then(Value::as_object_mut).unwrap();
            object.insert("what".to_owned(), json!(1));
            mutants.push(mutant);
        }
    }
    mutants
}

fn leaves(value: &Value, at: String, places: &mut Vec<String>) {
    let entries: Vec<(String, &Value)> = match value {
        Value::Object(object) => object.iter().map(|(key, value)| (key.clone(), value)).collect(),
        Value::Array(items) => items.iter().enumerate().map(|(index, value)| (index.to_string(), value)).collect(),
        _ => Vec::new(),
    };
    for (key, value) in entries {
        leaves(value, format!("{at}/{key}"), places);
        places.push(format!("{at}/{key}"));
    }
}

/// What the strict reader alone can hold: what one part says about another.
fn beyond_the_schema(document: &Value) -> bool {
    lint(document.to_string().as_bytes(), 0).remarks.iter().filter(|remark| remark.level == RemarkLevel::Error).all(
        |remark| {
            matches!(
                remark.code,
                "totals-differ"
                    | "duplicate-table"
                    | "duplicate-file"
                    | "duplicate-column"
                    | "nothing-to-verify"
                    | "ranges-differ"
            ) || remark.message.contains("not after")
        },
    )
}

#[test]
fn lint_schema_and_reader_agree_about_every_mutant() {
    let of_v2 = |table: &TableFacts| table.row_facts.is_some();
    let newer = Manifest { tables: sample_v2().tables.into_iter().filter(of_v2).collect(), ..sample_v2() };
    for (version, id, sample) in
        [(Version::V1, "manifest-v1.schema.json", sample()), (Version::V2, "manifest-v2.schema.json", newer)]
    {
        agree(version, id, &serde_json::from_slice(&bytes(&sample)).unwrap());
    }
}

fn agree(version: Version, id: &str, sample: &Value) {
    let text = String::from_utf8(schema(version)).unwrap();
    let schemas = Schemas::new(&[&text]);
    let (mut good, mut bad) = (0, 0);
    for mutant in mutants(sample) {
        // The other version's schema is the one for it.
        if mutant["schema"] != sample["schema"] && reads(mutant.to_string().as_bytes()) {
            continue;
        }
        let bytes = mutant.to_string().into_bytes();
        let reads = reads(&bytes);
        let found = lint(&bytes, 0);
        assert_eq!(refused(&found), !reads, "{mutant}\n{:?}", found.remarks);
        // `refused` is the net under the walk, and nothing should ever fall into it.
        assert!(found.remarks.iter().all(|remark| remark.code != "refused"), "{mutant}\n{:?}", found.remarks);
        let faults = schemas.check(id, &mutant);
        match reads {
            true => assert_eq!(faults, Vec::<String>::new(), "{mutant}"),
            false => assert!(!faults.is_empty() || beyond_the_schema(&mutant), "{mutant}"),
        }
        if reads { good += 1 } else { bad += 1 }
    }
    assert!(good > 20 && bad > 300, "{good} and {bad}");
}

#[test]
fn the_schema_knows_the_values_of_digests_and_paths() {
    let text = String::from_utf8(schema(Version::V1)).unwrap();
    let schemas = Schemas::new(&[&text]);
    let good: Value = serde_json::from_slice(&bytes(&sample())).unwrap();
    for (place, value, holds) in [
        ("/tables/0/digest/value", "4294967295", true),
        ("/tables/0/digest/value", "4294967296", false),
        ("/tables/0/digest/value", "9281736450", false),
        ("/tables/0/digest/value", "4294959999", true),
        ("/tables/0/digest/value", "0", true),
        ("/tables/0/digest/value", "00", false),
        ("/tables/0/digest/value", "xor:00", false),
        ("/tables/0/class", "volatile", true),
        ("/backup/files/0/path", "a/..b/.c/d.e", true),
        ("/backup/files/0/path", "a/../b", false),
        ("/backup/files/0/path", "..", false),
        ("/backup/files/0/path", "a//b", false),
        ("/backup/files/0/path", "./a", false),
        ("/backup/files/0/path", "a/", false),
        ("/backup/files/0/path", "...", true),
        ("/id", "01955193-defa-7000-8000-000000000000", true),
        ("/id", "01955193-DEFA-7000-8000-000000000000", false),
    ] {
        let mut changed = good.clone();
        *changed.pointer_mut(place).unwrap() = json!(value);
        let faults = schemas.check("manifest-v1.schema.json", &changed);
        assert_eq!(
            (faults.is_empty(), reads(changed.to_string().as_bytes())),
            (holds, holds),
            "{place} {value} {faults:?}"
        );
    }
}

/// Run with VOUCH_WRITE_SCHEMA=1 to write them.
#[test]
fn the_schemas_in_the_documentation_are_those_that_are_made() {
    for (version, number, fields_min, described) in [
        (Version::V1, 1, 40, include_str!("../../../docs/formats/manifest-v1.md")),
        (Version::V2, 2, 50, include_str!("../../../docs/formats/manifest-v2.md")),
    ] {
        let path = format!("{}/../../docs/formats/manifest-v{number}.schema.json", env!("CARGO_MANIFEST_DIR"));
        if std::env::var_os("VOUCH_WRITE_SCHEMA").is_some() {
            std::fs::write(&path, schema(version)).unwrap();
        }
        let written = std::fs::read_to_string(&path).unwrap();
        assert_eq!(
            written,
            String::from_utf8(schema(version)).unwrap(),
            "VOUCH_WRITE_SCHEMA=1 cargo test -p vouch-manifest writes it"
        );
        let document: Value = serde_json::from_str(&written).unwrap();
        let mut names = Vec::new();
        fields(&document, &mut names);
        assert!(names.len() > fields_min, "{names:?}");
        for name in names {
            assert!(described.contains(&format!("`{name}`")), "manifest-v{number}.md does not describe {name}");
        }
    }
}

fn fields(schema: &Value, names: &mut Vec<String>) {
    match schema {
        Value::Object(object) => {
            for (name, value) in object {
                if name == "properties" {
                    names.extend(value.as_object().unwrap().keys().cloned());
                }
                fields(value, names);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| fields(item, names)),
        _ => {}
    }
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(noise in prop::collection::vec(any::<u8>(), 0..200)) {
        let found = lint(&noise, NOW);
        prop_assert_eq!(refused(&found), !reads(&noise));
    }

    #[test]
    fn a_changed_byte_is_refused_by_both_or_by_none(at in 0_usize..3000, byte in any::<u8>()) {
        let mut bytes = bytes(&sample());
        let at = at % bytes.len();
        bytes[at] = byte;
        prop_assert_eq!(refused(&lint(&bytes, 0)), !reads(&bytes));
    }
}
