//! What a window says about rows, by the changes in it.

use super::*;
use std::sync::Arc;
use vouch_server::{ColumnEntry, KeyColumn, KeyKind, Reading, TableDefinition, Value};

fn name(table: &str) -> TableName {
    TableName::new("d", table)
}

fn column(name: &str, data_type: &str) -> ColumnEntry {
    ColumnEntry {
        name: name.to_owned(),
        data_type: data_type.to_owned(),
        column_type: data_type.to_owned(),
        nullable: false,
        ..ColumnEntry::default()
    }
}

/// `t (id INT, k VARCHAR, v JSON)` with a key of these columns, or none.
fn plan(key: &[&str]) -> TablePlan {
    let columns = vec![column("id", "int"), column("k", "varchar"), column("v", "json")];
    let key_column = |name: &&str| KeyColumn { name: (*name).to_owned(), ..key_column() };
    TablePlan {
        name: name("t"),
        label: "d.t".to_owned(),
        rows: 0,
        key: crate::key::KeyChoice {
            columns: key.iter().map(key_column).collect(),
            unique: !key.is_empty(),
            ..Default::default()
        },
        reading: Reading {
            table: name("t"),
            columns: columns.iter().map(|column| column.name.clone()).collect(),
            converted: Vec::new(),
            key: Vec::new(),
            index: None,
            condition: None,
            history: false,
        },
        replicas: Vec::new(),
        server_columns: None,
        fits_packet: true,
        regions: None,
        definition: TableDefinition { columns, indexes: Vec::new() },
        replica_definitions: Vec::new(),
    }
}

fn key_column() -> KeyColumn {
    KeyColumn { name: String::new(), kind: KeyKind::Plain, descending: false, nullable: false }
}

fn watch<'a>(plan: &'a TablePlan, rows: &[&[Value]], ancestors: Vec<Ancestor>) -> Watch<'a> {
    let parts = parts(plan, 0);
    let tokens = |row: &&[Value]| parts.iter().zip(*row).map(|((_, form), value)| form.of_sql(value)).collect();
    let rows = rows.iter().map(tokens).collect();
    Watch::new(plan, parts, rows, ancestors)
}

fn changed(table: &str, before: Option<Image>, after: Option<Image>) -> Change {
    Change::Row(RowChange { table: Arc::new(name(table)), before, after })
}

fn row(id: i64, k: &str) -> Image {
    vec![Some(Value::Int(id)), Some(Value::from(k)), None]
}

#[test]
fn a_row_is_recognised_by_its_key() {
    let plan = plan(&["id"]);
    let mut watch = watch(&plan, &[&[Value::Int(1)], &[Value::Int(2)], &[Value::Int(3)]], Vec::new());
    watch.take(changed("t", Some(row(1, "a")), Some(row(2, "a"))));
    watch.take(changed("other", Some(row(3, "a")), None));
    assert_eq!([0, 1, 2].map(|at| watch.motion(at)), [Motion::Moved, Motion::Moved, Motion::Still]);
}

/// Its own bytes are in an event whenever a row comes, goes or changes, whatever its collation makes equal.
#[test]
fn text_is_recognised_by_its_bytes() {
    let plan = plan(&["k"]);
    let mut watch = watch(&plan, &[&[Value::from("abc ")], &[Value::from("ABC")]], Vec::new());
    watch.take(changed("T", None, Some(row(1, "abc"))));
    assert_eq!([0, 1].map(|at| watch.motion(at)), [Motion::Moved, Motion::Still]);
}

#[test]
fn a_row_without_a_key_is_recognised_by_all_that_can_be() {
    let plan = plan(&[]);
    let rows: [&[Value]; 2] =
        [&[Value::Int(1), Value::from("a"), Value::from("{}")], &[Value::Int(1), Value::from("b"), Value::from("{}")]];
    let mut first = watch(&plan, &rows, Vec::new());
    first.take(changed("t", Some(row(1, "b")), None));
    assert_eq!([0, 1].map(|at| first.motion(at)), [Motion::Still, Motion::Moved]);
    // An image that holds the id alone may be of either.
    let mut small = watch(&plan, &rows, Vec::new());
    small.take(changed("t", Some(vec![Some(Value::Int(1)), None, None]), None));
    assert_eq!([0, 1].map(|at| small.motion(at)), [Motion::Moved, Motion::Moved]);
    // What a small image after the change leaves out is as it was before.
    let mut merged = watch(&plan, &rows, Vec::new());
    merged.take(changed("t", Some(row(1, "c")), Some(vec![None, Some(Value::from("a")), None])));
    assert_eq!([0, 1].map(|at| merged.motion(at)), [Motion::Moved, Motion::Still]);
}

#[test]
fn a_key_without_tokens_matches_every_image() {
    let mut plan = plan(&["v"]);
    plan.definition.columns[2].data_type = "geometry".to_owned();
    let mut watch = watch(&plan, &[&[Value::from("x")]], Vec::new());
    assert_eq!(watch.motion(0), Motion::Still);
    watch.take(changed("t", None, Some(row(1, "a"))));
    assert_eq!(watch.motion(0), Motion::Moved);
}

#[test]
fn statements_concern_the_tables_that_they_name() {
    let (plan, at) = (plan(&["id"]), LogPlace { file: "bin.000001".to_owned(), offset: 4 });
    let statement = |table: &str, reach| Change::Tables {
        tables: vec![name(table)],
        reach,
        statement: "ALTER TABLE".to_owned(),
        at: at.clone(),
    };
    let after = |change: Change| {
        let mut watch = watch(&plan, &[&[Value::Int(1)]], Vec::new());
        watch.take(change);
        watch.motion(0)
    };
    assert_eq!(after(statement("other", Reach::Named)), Motion::Still);
    assert_eq!(after(statement("other", Reach::Beyond)), Motion::Unlogged);
    assert_eq!(after(statement("T", Reach::Named)), Motion::Unclear("ALTER TABLE at bin.000001:4".to_owned()));
    let unclear = Change::Unclear { what: "an event of type 99".to_owned(), at: at.clone() };
    assert_eq!(after(unclear), Motion::Unclear("an event of type 99 at bin.000001:4".to_owned()));
}

#[test]
fn foreign_keys_act_when_what_they_refer_to_changes() {
    let plan = plan(&["id"]);
    let after = |before: Option<Image>, after: Option<Image>| {
        let ancestor = Ancestor { table: name("parent"), columns: Some(vec![0]) };
        let mut watch = watch(&plan, &[&[Value::Int(1)]], vec![ancestor]);
        watch.take(changed("parent", before, after));
        watch.motion(0)
    };
    assert_eq!(after(None, Some(row(1, "a"))), Motion::Still);
    assert_eq!(after(Some(row(1, "a")), Some(row(1, "b"))), Motion::Still);
    assert_eq!(after(Some(row(1, "a")), Some(vec![None, Some(Value::from("b")), None])), Motion::Still);
    assert!(matches!(after(Some(row(1, "a")), Some(row(2, "a"))), Motion::Unclear(_)));
    assert!(matches!(after(Some(row(1, "a")), None), Motion::Unclear(_)));
}

#[test]
fn ancestors_are_found_however_far_away() {
    let key = |parent: &str, child: &str| Cascade {
        parent: name(parent),
        child: name(child),
        columns: vec!["id".to_owned()],
    };
    let cascades = [key("a", "b"), key("b", "t"), key("t", "c"), key("t", "a")];
    let mut found: Vec<String> = ancestors(&name("t"), &cascades).into_iter().map(|(name, _)| name.table).collect();
    found.sort();
    assert_eq!(found, ["a", "b", "t"]);
}
