//! Names that break statements put together carelessly.

use super::Case;
use crate::DiffKind::{Changed, ReplicaOnly, SourceOnly};
use crate::drift::quote;
use crate::{Expected, numbers};

pub(super) fn cases() -> Vec<Case> {
    vec![hostile(), reserved()]
}

fn hostile() -> Case {
    named(
        "hostile-identifiers",
        "case `h.o,s\nt'i\"l  e; -- ",
        "t`a.b,l\ne'\"  /* é */ #",
        ["i`d.,\n'\"  x", "v`.`,\n\\ '%s", "<script>alert(1)</script>"],
    )
}

fn reserved() -> Case {
    named("reserved-words", "select", "order", ["key", "group", "count"])
}

/// Three columns with those names: an integer key, a text, a number.
fn named(name: &'static str, database: &str, table: &str, columns: [&str; 3]) -> Case {
    // The server takes no name that ends in a space.
    let (database, [id, text, number]) = (database.trim_end(), columns);
    let [t, i, v, n] = [table, id, text, number].map(quote);
    let create = format!(
        "CREATE TABLE {t} ({i} INT, {v} VARCHAR(40), {n} INT, PRIMARY KEY ({i})); \
         INSERT INTO {t} SELECT n, CONCAT('value ', n), n FROM {}",
        numbers(2_000)
    );
    let drift = format!(
        "UPDATE {t} SET {v} = 'x', {n} = 0 WHERE {i} = 100; UPDATE {t} SET {n} = 0 WHERE {i} = 1000; \
         DELETE FROM {t} WHERE {i} = 1500; INSERT INTO {t} VALUES (3000, '', 1)"
    );
    let expected = vec![
        Expected::keyed(Changed, &[(id, "100")], &[text, number]),
        Expected::keyed(Changed, &[(id, "1000")], &[number]),
        Expected::keyed(SourceOnly, &[(id, "1500")], &[]),
        Expected::keyed(ReplicaOnly, &[(id, "3000")], &[]),
    ];
    Case::named(name, database, table, &create, &drift, expected)
}
