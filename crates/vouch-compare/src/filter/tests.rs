//! Tests of the filters.
#![allow(clippy::unwrap_used)]

use super::*;
use proptest::prelude::*;

fn list(items: &[&str]) -> Vec<String> {
    items.iter().map(|&item| item.to_owned()).collect()
}

fn tables(items: &[&str]) -> Filters {
    Filters::new(&FilterSpec { tables: list(items), ..FilterSpec::default() }).unwrap()
}

fn error(spec: &FilterSpec) -> String {
    Filters::new(spec).unwrap_err().to_string()
}

#[test]
fn without_options_all_but_system_schemas_is_in() {
    let filters = Filters::default();
    assert_eq!(filters.database("shop"), None);
    assert_eq!(filters.table("shop", "t"), None);
    assert_eq!(filters.column("shop", "t", "c"), None);
    for name in ["mysql", "sys", "performance_schema", "information_schema", "INFORMATION_SCHEMA"] {
        assert!(filters.database(name).is_some(), "{name}");
        assert!(filters.table(name, "t").is_some(), "{name}");
    }
    assert_eq!(filters.database("MYSQL"), None);
}

#[test]
fn globs_and_names_are_compared_by_case() {
    let filters = tables(&["shop.order*, log_?", "Item[0-9a]"]);
    for (database, table, included) in [
        ("shop", "orders", true),
        ("shop", "order", true),
        ("shop", "Orders", false),
        ("other", "orders", false),
        ("other", "log_ü", true),
        ("other", "log_12", false),
        ("other", "Item7", true),
        ("other", "Itema", true),
        ("other", "Itemb", false),
        ("other", "xItem7", false),
        ("shop", "order\nline", true),
    ] {
        assert_eq!(filters.table(database, table).is_none(), included, "{database}.{table}");
    }
    assert_eq!(filters.table("a", "b").unwrap(), "not named by --tables");
}

#[test]
fn backticks_make_names_literal() {
    let filters = tables(&["`a.b`.`c,d*`, `x``y`"]);
    assert_eq!(filters.table("a.b", "c,d*"), None);
    assert!(filters.table("a.b", "c,dd").is_some());
    assert_eq!(filters.table("any", "x`y"), None);
    assert_eq!(filters.exact_tables(), [(Some("a.b".into()), "c,d*".into()), (None, "x`y".into())]);
}

#[test]
fn characters_of_regular_expressions_are_no_wildcards() {
    let filters = tables(&["a+b*", "[^x]{1}", "[]]q", "[!]]r", "(z)|y*"]);
    for (table, included) in [
        ("a+b", true),
        ("aab", false),
        ("y{1}", true),
        ("x{1}", false),
        ("]q", true),
        ("ar", true),
        ("]r", false),
        ("y", false),
    ] {
        assert_eq!(filters.table("d", table).is_none(), included, "{table}");
    }
}

#[test]
fn exclusion_goes_before_inclusion_and_says_why() {
    let filters = Filters::new(&FilterSpec {
        databases: list(&["shop*"]),
        ignore_databases: list(&["shop_old"]),
        ignore_tables_regex: list(&["^tmp_", r"^shop_b\.x$"]),
        ..FilterSpec::default()
    })
    .unwrap();
    assert_eq!(filters.database("shop_a"), None);
    assert_eq!(filters.database("shop_old").unwrap(), "--ignore-databases shop_old");
    assert_eq!(filters.database("other").unwrap(), "not named by --databases");
    assert_eq!(filters.table("shop_a", "tmp_1").unwrap(), "--ignore-tables-regex ^tmp_");
    assert_eq!(filters.table("shop_a", "my_tmp_1"), None);
    assert!(filters.table("shop_b", "x").is_some() && filters.table("shop_a", "x").is_none());
}

#[test]
fn lists_and_regular_expressions_add_up() {
    let filters =
        Filters::new(&FilterSpec { databases: list(&["a"]), databases_regex: list(&["^b"]), ..FilterSpec::default() })
            .unwrap();
    assert!(filters.database("a").is_none() && filters.database("b1").is_none());
    assert_eq!(filters.database("c").unwrap(), "not named by --databases or --databases-regex");
}

#[test]
fn engines_without_rows_are_out_unless_named() {
    let filters = Filters::default();
    assert_eq!(filters.engine("InnoDB"), None);
    assert_eq!(filters.engine("memory").unwrap(), "engine MEMORY keeps no rows that replicate");
    assert!(filters.engine_is_unsupported("BLACKHOLE"));
    let filters = Filters::new(&FilterSpec { engines: list(&["memory,InnoDB"]), ..FilterSpec::default() }).unwrap();
    assert!(filters.engine("MEMORY").is_none() && filters.engine("innodb").is_none());
    assert!(filters.engine("MyISAM").is_some() && !filters.engine_is_unsupported("MyISAM"));
    let filters = Filters::new(&FilterSpec { ignore_engines: list(&["myisam"]), ..FilterSpec::default() }).unwrap();
    assert_eq!(filters.engine("MyISAM").unwrap(), "--ignore-engines MYISAM");
    assert!(filters.engine("MEMORY").is_some() && filters.engine("InnoDB").is_none());
}

#[test]
fn a_column_pattern_with_a_table_is_for_that_table_alone() {
    let filters = Filters::new(&FilterSpec {
        columns: list(&["t.id", "t.a*"]),
        ignore_columns: list(&["updated_at", "d.u.x"]),
        ..FilterSpec::default()
    })
    .unwrap();
    for (table, column, included) in [
        ("t", "id", true),
        ("t", "ab", true),
        ("t", "b", false),
        ("u", "b", true),
        ("u", "updated_at", false),
        ("u", "x", false),
        ("v", "x", true),
    ] {
        assert_eq!(filters.column("d", table, column).is_none(), included, "{table}.{column}");
    }
}

#[test]
fn exact_names_are_those_without_wildcard() {
    let filters = Filters::new(&FilterSpec {
        databases: list(&["a,b*", "`c*`"]),
        tables: list(&["t", "a.t", "a*.t", "t*"]),
        ..FilterSpec::default()
    })
    .unwrap();
    assert_eq!(filters.exact_databases(), ["a", "c*"]);
    assert_eq!(filters.exact_tables(), [(None, "t".into()), (Some("a".into()), "t".into())]);
}

#[test]
fn malformed_filters_name_option_and_problem() {
    for (text, problem) in [
        ("a.b.c", "it has too many dots"),
        ("a,,b", "a name is empty"),
        ("", "a name is empty"),
        ("``", "a name is empty"),
        ("a.", "a name is empty"),
        ("`a", "backticks must go around the whole name"),
        ("a`b`", "backticks must go around the whole name"),
        ("a[b", "a [ has no ]"),
        ("[z-a]", "a [ ] makes no sense"),
    ] {
        let message = error(&FilterSpec { tables: list(&[text]), ..FilterSpec::default() });
        assert!(message.contains("--tables") && message.ends_with(problem), "{text}: {message}");
    }
    let message = error(&FilterSpec { databases: list(&["a.b"]), ..FilterSpec::default() });
    assert_eq!(message, "the pattern `a.b` of --databases is malformed: it has a dot");
    let message = error(&FilterSpec { ignore_columns_regex: list(&["a("]), ..FilterSpec::default() });
    assert_eq!(message, "the regular expression `a(` of --ignore-columns-regex is malformed: unclosed group");
    let message = error(&FilterSpec { tables: list(&["mysql.user"]), ..FilterSpec::default() });
    assert_eq!(message, "mysql is a system schema, and those are never compared");
}

proptest! {
    #[test]
    fn compiling_and_matching_never_panics(text in "[ab*?!^\\[\\]`.,\\-\\\\é]{0,12}", name in "\\PC{0,6}") {
        if let Ok(filters) = Filters::new(&FilterSpec { tables: vec![text], ..FilterSpec::default() }) {
            let _ = filters.table("d", &name);
        }
    }

    #[test]
    fn every_name_is_matched_by_itself_in_backticks(database in "[^\\x00]{1,8}", table in "[^\\x00]{1,8}") {
        let quote = |name: &str| format!("`{}`", name.replace('`', "``"));
        let filters = tables(&[&format!("{}.{}", quote(&database), quote(&table))]);
        prop_assert_eq!(filters.exact_tables(), [(Some(database), table)]);
    }
}
