//! Manifests out of what other tools write.

#![allow(clippy::unwrap_used, clippy::panic)]

use proptest::prelude::*;
use vouch_manifest::{About, Dump, Manifest, Method, ServerFacts, Source};

const METADATA: &str = "\
# Started dump at: 2025-03-01 12:00:00
[config]
quote-character = BACKTICK

[myloader_session_variables]
SQL_MODE='NO_AUTO_VALUE_ON_ZERO' /*!40101

[source]
# Channel_Name = '' # It can be used to set up replication
File = mysql-bin.000017
Position = 241149225
Executed_Gtid_Set = 7b166a41-65a2-11ed-9de3-0800275ff74d:1-147115

[replication]
# relay_master_log_file = 'other-bin.000001'

[`shop`.`orders`]
real_table_name=orders
rows = 2
data_checksum = 3119812626
schema_checksum = B7B99B4C
indexes_checksum = B4D31E3

[`shop`.`mydumper_0`]
real_table_name=a``b.c
rows = 0
data_checksum = 0

[`shop`.`plain`]
real_table_name=plain
rows = 5

[`shop`.`v`]
real_table_name=v
is_view = 1

[`shop`]
schema_checksum = FDF2173B
post_checksum = 42085F07
# Finished dump at: 2025-03-01 12:00:07
";

fn about() -> About {
    About { now_ms: 1_740_830_400_250, cluster: "prod".to_owned(), serial: 3, ..About::default() }
}

fn import(bytes: &[u8], root: Option<&[u8]>, about: About) -> Result<Manifest, String> {
    Dump::read(Source::of(bytes)?, bytes, root)?.manifest(about)
}

/// `shop.orders=checksum-table:1/2`, table after table.
fn tables(manifest: &Manifest) -> String {
    let word = |table: &vouch_manifest::TableFacts| {
        let digest =
            table.digest.as_ref().map(|one| format!("{}:{}", one.method.name(), one.value)).unwrap_or_default();
        let rows = table.rows.map(|rows| format!("/{rows}")).unwrap_or_default();
        format!("{}={digest}{rows}", table.label())
    };
    manifest.tables.iter().map(word).collect::<Vec<_>>().join(" ")
}

#[test]
fn the_metadata_of_mydumper_is_taken_over() {
    let dump = Dump::read(Source::of(METADATA.as_bytes()).unwrap(), METADATA.as_bytes(), None).unwrap();
    assert_eq!((dump.source, dump.unused), (Source::Mydumper, 6));
    let manifest = dump.manifest(about()).unwrap();
    assert_eq!(tables(&manifest), "shop.a`b.c=checksum-table:0 shop.orders=checksum-table:3119812626");
    let position = manifest.position.clone().unwrap();
    assert_eq!(
        (position.file.as_str(), position.offset, position.method.as_str()),
        ("mysql-bin.000017", 241_149_225, "dump")
    );
    assert_eq!(position.gtid, "7b166a41-65a2-11ed-9de3-0800275ff74d:1-147115");
    assert_eq!(position.taken_ms, 1_740_830_400_000);
    let left: Vec<&str> = manifest.excludes.iter().map(|one| one.pattern.as_str()).collect();
    assert_eq!(left, ["shop.v", "shop.plain"]);
    assert_eq!((manifest.cluster.as_str(), manifest.serial, manifest.server), ("prod", 3, None));
}

#[test]
fn rows_are_counted_where_that_is_wanted() {
    let counting = About { count_rows: true, ..about() };
    let manifest = import(METADATA.as_bytes(), None, counting).unwrap();
    assert_eq!(
        tables(&manifest),
        "shop.a`b.c=checksum-table:0/0 shop.orders=checksum-table:3119812626/2 shop.plain=row-count:5/5"
    );
}

#[test]
fn older_and_newer_spellings_of_mydumper_are_known() {
    let newer = "[source]\nSOURCE_LOG_FILE = \"b.1\"\nSOURCE_LOG_POS = 4\nexecuted_gtid_set = \"0-1-7\"\n\
                 [\"s\".\"t\"]\nreal_table_name=t\nrows = 1\ndata_checksum = 7\n";
    let manifest = import(newer.as_bytes(), None, about()).unwrap();
    let position = manifest.position.clone().unwrap();
    assert_eq!(
        (tables(&manifest).as_str(), position.gtid.as_str(), position.offset),
        ("s.t=checksum-table:7", "0-1-7", 4)
    );
    let older = "# Started dump at: 2023-06-09 11:47:18\n[master]\nFile = b.1\nPosition = 4\nExecuted_Gtid_Set = \n\n\
                 [`s`.`t`]\nRows = 2\ndata_checksum = 8\n";
    let manifest = import(older.as_bytes(), None, about()).unwrap();
    assert_eq!((tables(&manifest).as_str(), manifest.position.unwrap().gtid.as_str()), ("s.t=checksum-table:8", ""));
}

#[test]
fn what_is_wrong_with_metadata_is_told_with_its_line() {
    for (text, why) in [
        ("Started dump at: 2011-05-05 13:57:17\nSHOW MASTER STATUS:\n", "before 0.14"),
        ("[`s`.`t`]\ndata_checksum = 9281736450\n", "line 2: data_checksum is `9281736450`"),
        ("[`s`.`t`]\ndata_checksum = 007\n", "line 2"),
        ("[`s`.`t`]\ndata_checksum = 7\ndata_checksum = 8\n", "line 3: data_checksum stands there twice"),
        ("[`s`.`t`]\ndata_checksum = 7\n[`s`.`u`]\nreal_table_name=t\ndata_checksum = 8\n", "`s.t` stands there twice"),
        ("[`s`.`mydumper_3`]\ndata_checksum = 7\n", "whose real name it does not tell"),
        ("[`mydumper_3`.`t`]\ndata_checksum = 7\n", "whose real name it does not tell"),
        ("[`s`.`t]\ndata_checksum = 7\n", "line 1"),
        ("[`s`.`t`]\nrows = many\n", "line 2: rows is `many`"),
        ("[`s`.`t`]\noops\n", "line 2"),
        ("[`s`.`t`]\nrows = 3\n", "--data-checksums"),
        ("[`s`.`t`]\nrows = 3\ndata_checksum = (null)\n", "--data-checksums"),
        ("[config]\n", "--data-checksums"),
        ("hello", "neither JSON nor the metadata of mydumper"),
        ("[1, 2]", "a list"),
        ("{\"schema\": 1}", "a manifest of version 1 already"),
    ] {
        let refused = import(text.as_bytes(), None, about()).unwrap_err();
        assert!(refused.contains(why), "{text}: {refused}");
    }
}

#[test]
fn a_flat_map_becomes_a_manifest() {
    let text = br#"{"app.users": "3847291056", "app.sessions": "1"}"#;
    let manifest = import(
        text,
        None,
        About {
            gtid: Some("0-1-7".to_owned()),
            renames: vec![("app".to_owned(), "copy".to_owned())],
            volatile: vec![("copy.sess*".to_owned(), "rewritten".to_owned())],
            server: Some(ServerFacts {
                flavor: "mysql".to_owned(),
                version: "9.7.4".to_owned(),
                ..ServerFacts::default()
            }),
            ..about()
        },
    )
    .unwrap();
    assert_eq!(tables(&manifest), "copy.sessions= copy.users=checksum-table:3847291056");
    let left: Vec<&str> = manifest.excludes.iter().map(|one| one.pattern.as_str()).collect();
    assert_eq!(left, ["copy.*", "copy.sess*"]);
    assert_eq!(manifest.position.unwrap().method, "given");
    for text in ["{}", r#"{"a.b.c": "1"}"#, r#"{"a.b": 1}"#, r#"{"a.b": "9281736450"}"#, r#"{"a.b": "1", "a.b": "1"}"#]
    {
        assert!(import(text.as_bytes(), None, about()).is_err(), "{text}");
    }
    let nothing_left = About { volatile: vec![("*".to_owned(), "x".to_owned())], ..about() };
    assert!(import(text, None, nothing_left).unwrap_err().contains("proves nothing"));
    let merged = About { renames: vec![("a".to_owned(), "b".to_owned())], ..about() };
    assert!(import(br#"{"a.t": "1", "b.t": "2"}"#, None, merged).unwrap_err().contains("stands there twice"));
    assert!(import(text, None, About { cluster: String::new(), ..about() }).unwrap_err().contains("cluster"));
}

const CHECKSUMS: &str = r#"{
  "config": {"version": "1.0.0", "algorithm": "bit_xor", "hash": "sha256"},
  "data": {"shop": {
    "orders": {"columns": ["id"], "partitions": {"": {
      "0": {"checksum": "AA", "count": 3, "boundary": "id BETWEEN 1 AND 3"}, "1": {"checksum": "BB", "count": 4}}}},
    "parts": {"columns": ["id"], "partitions": {"p0": {"-1": {"checksum": "CC", "count": 5}}}},
    "some": {"columns": ["id"], "extraFilter": "(id > 3)", "partitions": {"": {"-1": {"checksum": "DD", "count": 1}}}}
  }}
}"#;

#[test]
fn of_mysql_shell_numbers_of_rows_are_taken_over() {
    let root = br#"{"serverVersion": "8.0.41", "consistent": true, "gtidExecuted": "a:1-5,\nb:1-7",
        "gtidExecutedInconsistent": false, "binlogFile": "b.1", "binlogPosition": 157, "begin": "2025-03-01 12:00:00"}"#;
    let manifest = import(CHECKSUMS.as_bytes(), Some(root), about()).unwrap();
    assert_eq!(tables(&manifest), "shop.orders=row-count:7/7 shop.parts=row-count:5/5");
    assert_eq!(manifest.excludes.iter().map(|one| one.pattern.as_str()).collect::<Vec<_>>(), ["shop.some"]);
    let (position, server) = (manifest.position.unwrap(), manifest.server.unwrap());
    assert_eq!((position.gtid.as_str(), position.offset), ("a:1-5,b:1-7", 157));
    assert_eq!((server.flavor.as_str(), server.version.as_str()), ("mysql", "8.0.41"));
    let partial = br#"{"serverVersion": "5.5.5-10.11.6-MariaDB", "consistent": false, "gtidExecuted": "a:1",
        "options": {"partitions": {"shop.parts": ["p0"]}}}"#;
    let manifest = import(CHECKSUMS.as_bytes(), Some(partial), about()).unwrap();
    assert_eq!((tables(&manifest).as_str(), manifest.position), ("shop.orders=row-count:7/7", None));
    assert_eq!(manifest.server.unwrap().version, "10.11.6-MariaDB");
    assert_eq!(manifest.tables[0].digest.as_ref().unwrap().method, Method::RowCount);
}

#[test]
fn checksums_of_mysql_shell_that_are_broken_are_refused() {
    for (from, to, why) in [
        ("\"count\": 3", "\"count\": -3", "is no whole number"),
        ("\"count\": 3", "\"count\": 18446744073709551615", "more rows than there can be"),
        ("\"partitions\": {\"p0\"", "\"partition\": {\"p0\"", "data.shop.parts.partitions is missing"),
        ("\"shop\": {", "\"shop\": [], \"x\": {", "data.shop is a list"),
    ] {
        let refused = import(CHECKSUMS.replacen(from, to, 1).as_bytes(), None, about()).unwrap_err();
        assert!(refused.contains(why), "{to}: {refused}");
    }
    assert!(import(CHECKSUMS.as_bytes(), Some(b"{"), about()).unwrap_err().starts_with("@.json: "));
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(text in "(\\[|\\]|`|\"|\\.|s|=|\n|#|rows|data_checksum|7| ){0,40}") {
        let _ = import(text.as_bytes(), Some(text.as_bytes()), about());
        let _ = Dump::read(Source::Mydumper, text.as_bytes(), None);
        let _ = Dump::read(Source::MysqlShell, text.as_bytes(), None);
    }
}
