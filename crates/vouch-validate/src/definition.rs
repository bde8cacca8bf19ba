//! The definition of a table or object as a digest: version 1 here, version 2 in [`v2`].

mod v2;

use crate::request::Fold;
pub use v2::{v2_of_object, v2_of_table};
use vouch_convert::widen;
use vouch_manifest::{Kind, Sha256};
use vouch_server::{ColumnEntry, IndexEntry, ObjectEntry, TableDefinition};

/// SHA-256 over texts, each with its length, so that no two lists of texts look alike.
#[derive(Default)]
struct Texts(Sha256);

impl Texts {
    fn add(&mut self, text: &str) {
        self.0.update(&widen(text.len()).to_be_bytes());
        self.0.update(text.as_bytes());
    }

    fn flag(&mut self, flag: bool) {
        self.add(if flag { "1" } else { "0" });
    }
}

/// The digest of a table's columns and indexes in manifests of version 1, in 64 hexadecimal digits.
pub fn of_table(definition: &TableDefinition) -> String {
    let mut texts = Texts::default();
    for column in &definition.columns {
        add_column(&mut texts, column);
    }
    for index in &definition.indexes {
        add_index(&mut texts, index);
    }
    texts.0.finish_hex()
}

fn add_column(texts: &mut Texts, column: &ColumnEntry) {
    texts.add("column");
    for text in [&column.name, &column.column_type, &column.charset, &column.collation, &column.generated] {
        texts.add(text);
    }
    texts.flag(column.nullable);
}

fn add_index(texts: &mut Texts, index: &IndexEntry) {
    texts.add("index");
    texts.add(&index.name);
    texts.add(&index.kind);
    texts.flag(index.unique);
    for part in &index.parts {
        texts.add(part.column.as_deref().unwrap_or("an expression"));
        texts.flag(part.prefix);
        texts.flag(part.descending);
    }
}

/// The digest of an object in a manifest of that kind; `None` when the account may not see what it is made of.
pub fn of_object_in(kind: Kind, object: &ObjectEntry) -> Option<String> {
    match kind {
        Kind::V2 => v2_of_object(object),
        Kind::V1 | Kind::Flat => of_object(object),
    }
}

/// The digest of an object in manifests of version 1; `None` when the account may not see what it is made of.
pub fn of_object(object: &ObjectEntry) -> Option<String> {
    let parts = object.definition.as_ref()?;
    let mut texts = Texts::default();
    parts.iter().for_each(|part| texts.add(part));
    Some(texts.0.finish_hex())
}

/// How digests of this table's rows are combined: by XOR only where a key keeps rows apart.
pub fn fold_of(definition: &TableDefinition) -> Fold {
    let nullable = |name: &str| definition.columns.iter().any(|column| column.name == name && column.nullable);
    let keeps_apart = |index: &IndexEntry| {
        index.unique && index.parts.iter().all(|part| part.column.as_deref().is_some_and(|name| !nullable(name)))
    };
    if definition.indexes.iter().any(keeps_apart) { Fold::Xor } else { Fold::Sum }
}
