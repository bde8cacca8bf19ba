//! What is a manifest and what is none.

#![allow(clippy::unwrap_used, clippy::panic)]

mod fixture;

use fixture::{ranges, sample, sample_v2, table, table_of_ranges};
use proptest::prelude::*;
use vouch_manifest::{Kind, Manifest, Policy, Reason, Serials, TableFacts, Untrusted, bytes};

fn read(bytes: &[u8]) -> Result<Manifest, String> {
    Untrusted::new(bytes.to_vec()).without_signature().manifest().map_err(|refused| refused.message)
}

fn text() -> String {
    String::from_utf8(bytes(&sample())).unwrap()
}

#[test]
fn a_manifest_reads_back_and_has_one_spelling() {
    let manifest = sample();
    assert_eq!(read(&bytes(&manifest)).unwrap(), manifest);
    assert_eq!(bytes(&read(&bytes(&manifest)).unwrap()), bytes(&manifest));
    let mut reversed = manifest.clone();
    reversed.tables.reverse();
    assert_eq!(bytes(&reversed), bytes(&manifest));
}

proptest! {
    #[test]
    fn any_names_read_back(schema in "\\PC{1,20}", name in any::<String>().prop_filter("a name", |n| {
        !n.is_empty() && n.len() < 200 && !n.contains('\0')
    })) {
        let manifest = Manifest { tables: vec![table(&schema, &name)], ..sample() };
        prop_assert_eq!(read(&bytes(&manifest)).unwrap(), manifest);
    }

    #[test]
    fn no_bytes_make_it_panic(noise in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = read(&noise);
    }

    #[test]
    fn no_change_of_a_manifest_makes_it_panic(at in 0_usize..2000, byte in any::<u8>()) {
        let mut bytes = bytes(&sample());
        let at = at % bytes.len();
        bytes[at] = byte;
        let _ = read(&bytes);
    }
}

#[test]
fn what_contradicts_itself_is_refused_with_its_place() {
    let twice = Manifest { tables: vec![table("a", "b"), table("a", "b")], ..sample() };
    assert!(read(&bytes(&twice)).unwrap_err().contains("`a.b` stands there twice"));
    let empty = Manifest { tables: Vec::new(), ..sample() };
    assert!(read(&bytes(&empty)).unwrap_err().contains("proves nothing"));
    let cases = [
        ("\"schema\": 1", "\"schema\": 3", "schema is 3"),
        ("\"serial\": 3", "\"serial\": -3", "serial is a number and not a whole number"),
        ("\"serial\": 3", "\"serial\": \"3\"", "serial is a string"),
        ("\"serial\": 3", "\"serial\": 3,\"serial\": 4", "`serial` stands there twice"),
        ("\"serial\": 3", "\"serial\": 3,\"extra\": 4", "extra is no field"),
        ("\"engine\"", "\"motor\"", "tables[0].engine is missing"),
        ("3847291056", "9281736450", "tables[0].digest.value is no value that checksum-table has"),
        ("3847291056", "03847291056", "no value that checksum-table has"),
        ("\"method\": \"checksum-table\"", "\"method\": \"md5\"", "not a method that this version has"),
        ("\"class\": \"verify\"", "\"class\": \"maybe\"", "tables[0].class is none of"),
        ("a/b.ibd", "a/../b.ibd", "no path inside the backup"),
        ("a/b.ibd", "/b.ibd", "no path inside the backup"),
        ("\"rows\": 14", "\"rows\": 15", "totals are not those"),
        ("\"expires_at\": \"2025-03-01T12:00:00.251Z\"", "\"expires_at\": \"2025-03-01T12:00:00.250Z\"", "not after"),
        ("\"cluster\": \"prod\"", "\"cluster\": \"\"", "cluster is empty"),
        ("\"flavor\": \"mysql\"", "\"flavor\": \"oracle\"", "server.flavor is neither"),
    ];
    for (from, to, why) in cases {
        let text = text();
        assert!(text.contains(from), "{from}: {text}");
        let refused = read(text.replacen(from, to, 1).as_bytes()).unwrap_err();
        assert!(refused.contains(why), "{to}: {refused}");
    }
}

#[test]
fn version_2_reads_back_and_its_parts_must_fit() {
    let manifest = sample_v2();
    assert_eq!(read(&bytes(&manifest)).unwrap(), manifest);
    assert_eq!(bytes(&read(&bytes(&manifest)).unwrap()), bytes(&manifest));
    let text = String::from_utf8(bytes(&manifest)).unwrap();
    let root = table_of_ranges("a", "b", ranges(&["10", "20"])).digest.unwrap().value;
    let range = "{ \"upto\": [\"20\"], \"rows\": 10,";
    let cases = [
        (
            root.as_str(),
            "0000000000000000000000000000000000000000000000000000000000000000",
            "the root of its ranges is",
        ),
        (range, "{ \"upto\": [\"21\"], \"rows\": 10,", "the root of its ranges is"),
        (range, "{ \"upto\": [\"20\"], \"rows\": 11,", "the ranges have 24 rows together"),
        (range, "{ \"upto\": [\"20\", \"1\"], \"rows\": 10,", "one text for each column of the key"),
        (range, "{ \"upto\": null, \"rows\": 10,", "every range but the last"),
        (range, "{ \"upto\": [20], \"rows\": 10,", "upto[0] is a number and not a string"),
        (range, "{ \"up\": 1, \"upto\": [\"20\"], \"rows\": 10,", "ranges[1].up is no field"),
        ("\"form\": \"literal\"", "\"form\": \"text\"", "not a form that is known"),
        ("\"name\": \"note\"", "\"name\": \"id\"", "names the column `id` twice"),
        ("\"virtual_columns\": [\"v\"]", "\"virtual_columns\": [\"id\"]", "names the column `id` twice"),
        ("\"descending\": false", "\"descending\": 0", "is a number and not true or false"),
        ("\"method\": \"row-sha256-tree\"", "\"method\": \"row-lthash\"", "belong to the method row-sha256-tree"),
        ("\"schema\": 2", "\"schema\": 1", "is not a method that this version has"),
    ];
    for (from, to, why) in cases {
        assert!(text.contains(from), "{from}: {text}");
        let refused = read(text.replacen(from, to, 1).as_bytes()).unwrap_err();
        assert!(refused.contains(why), "{to}: {refused}");
    }
}

#[test]
fn a_flat_map_is_read_strictly() {
    let flat = read(br#"{"app.users": "3847291056", "app.orders": "0", "a`,`b.c": "1"}"#).unwrap();
    let names: Vec<String> = flat.tables.iter().map(TableFacts::label).collect();
    assert_eq!((names.join(" "), flat.kind), ("a`,`b.c app.orders app.users".to_owned(), Kind::Flat));
    for (text, why) in [
        ("{}", "empty manifest proves nothing"),
        ("[]", "not an object"),
        (r#"{"a.b.c": "1"}"#, "more than one dot"),
        (r#"{"users": "1"}"#, "is not schema.table"),
        (r#"{".users": "1"}"#, "is not schema.table"),
        (r#"{"a.b": 3847291056}"#, "is a number and not a string"),
        (r#"{"a.b": null}"#, "is null and not a string"),
        (r#"{"a.b": "9281736450"}"#, "no number from 0 to 4294967295"),
        (r#"{"a.b": "1", "a.b": "1"}"#, "stands there twice"),
        (r#"{"a.b": "1""#, "malformed"),
    ] {
        let refused = read(text.as_bytes()).unwrap_err();
        assert!(refused.contains(why), "{text}: {refused}");
    }
}

#[test]
fn a_manifest_past_its_time_of_another_cluster_or_older_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let serials = Serials::new(folder.path());
    let accept = |policy: Policy| policy.accept(Untrusted::new(bytes(&sample())).without_signature());
    let fine = Policy { now_ms: 1_740_830_400_250, serials: Some(serials.clone()), ..Policy::default() };
    let accepted = accept(fine.clone()).unwrap();
    assert_eq!((accepted.manifest(), accepted.signer()), (&sample_with(accepted.manifest()), None));
    let late = Policy { now_ms: 1_740_830_400_251, ..fine.clone() };
    assert_eq!(accept(late.clone()).unwrap_err().reason, Reason::Expired);
    accept(Policy { allow_expired: true, ..late }).unwrap();
    let other = Policy { cluster: Some("staging".to_owned()), ..fine.clone() };
    assert_eq!(accept(other).unwrap_err().reason, Reason::Cluster);
    serials.keep("prod", 4, "x").unwrap();
    assert_eq!(accept(fine.clone()).unwrap_err().reason, Reason::Rollback);
    accept(Policy { serials: None, ..fine }).unwrap();
}

/// The sample with the id of `manifest`, which is made anew each time.
fn sample_with(manifest: &Manifest) -> Manifest {
    Manifest { id: manifest.id.clone(), ..sample() }
}
