//! The definition digest of manifests of version 2, as docs/formats/definition-v2.md describes it.
//!
//! ```text
//! digest = SHA-256 of all fields, in 64 hexadecimal digits
//! field  = 8 bytes   length of what follows, big-endian
//!          n bytes   UTF-8 text
//! flag   = field "0" or "1"
//! option = flag, and if it is 1 what is meant
//! list   = field with the number of entries in decimal digits, then each entry
//! ```
//!
//! The encoding is public and never changes: what it does not cover goes into a version 3.

use vouch_manifest::Sha256;
use vouch_server::{
    CheckConstraint, ColumnDetail, ColumnEntry, DefaultValue, ForeignKey, FullDefinition, IndexDetail, KeyPartDetail,
    ObjectEntry, TableDefinition, is_generated_name,
};

/// The first field of every encoding.
const MARK: &str = "vouch definition 2";

/// An encoding.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Fields(Vec<u8>);

impl Fields {
    fn text(&mut self, text: &str) {
        // A length in memory fits into 64 bits on every platform.
        let length = vouch_convert::widen(text.len());
        self.0.extend_from_slice(&length.to_be_bytes());
        self.0.extend_from_slice(text.as_bytes());
    }

    fn flag(&mut self, flag: bool) {
        self.text(if flag { "1" } else { "0" });
    }

    fn option(&mut self, text: Option<&str>) {
        self.flag(text.is_some());
        if let Some(text) = text {
            self.text(text);
        }
    }

    fn list<T>(&mut self, entries: &[T], mut add: impl FnMut(&mut Fields, &T)) {
        self.text(&entries.len().to_string());
        for entry in entries {
            add(self, entry);
        }
    }

    fn texts(&mut self, texts: &[String]) {
        self.list(texts, |fields, text| fields.text(text));
    }

    /// Entries in the order of their encodings, for what has no order of its own.
    fn sorted<T>(&mut self, entries: &[T], add: impl Fn(&mut Fields, &T)) {
        let mut encoded: Vec<Fields> = entries
            .iter()
            .map(|entry| {
                let mut fields = Fields::default();
                add(&mut fields, entry);
                fields
            })
            .collect();
        encoded.sort();
        self.text(&encoded.len().to_string());
        for entry in encoded {
            self.0.extend_from_slice(&entry.0);
        }
    }

    fn digest(&self) -> String {
        let mut hash = Sha256::default();
        hash.update(&self.0);
        hash.finish_hex()
    }
}

/// The digest of a table's whole definition, but for comments, options that concern speed and space alone, and
/// names that the server chose.
pub fn v2_of_table(definition: &TableDefinition, full: &FullDefinition) -> String {
    encoded_table(definition, full).digest()
}

fn encoded_table(definition: &TableDefinition, full: &FullDefinition) -> Fields {
    let mut fields = Fields::default();
    fields.text(MARK);
    fields.text("table");
    fields.list(&definition.columns, |fields, column| {
        let detail = full.columns.iter().find(|detail| detail.name == column.name);
        column_type(fields, column);
        // Columns that SHOW CREATE TABLE does not print, a server generated.
        fields.flag(detail.is_some());
        if let Some(detail) = detail {
            column_detail(fields, detail);
        }
    });
    fields.sorted(&full.indexes, index);
    fields.sorted(&full.foreign_keys, foreign_key);
    fields.sorted(&full.checks, |fields, one| check(fields, one, full));
    fields.texts(&full.periods);
    fields.flag(full.versioned);
    fields.flag(full.partitioning.is_some());
    if let Some(partitioning) = &full.partitioning {
        fields.text(&partitioning.scheme);
        fields.list(&partitioning.partitions, |fields, (name, clause)| {
            fields.text(name);
            fields.text(clause);
        });
    }
    fields
}

/// `utf8` and `utf8_…` are `utf8mb3` to newer servers.
fn modern(name: &str) -> String {
    match name.strip_prefix("utf8") {
        Some(rest) if rest.is_empty() || rest.starts_with('_') => format!("utf8mb3{rest}"),
        _ => name.to_owned(),
    }
}

fn column_type(fields: &mut Fields, column: &ColumnEntry) {
    fields.text(&column.name);
    // MariaDB 10.6 changed the comment in which it says that a column is compressed.
    fields.text(&column.column_type.replace("/*!100301", "/*M!100301"));
    fields.text(&modern(&column.charset));
    fields.text(&modern(&column.collation));
    fields.flag(column.nullable);
}

fn column_detail(fields: &mut Fields, column: &ColumnDetail) {
    let (kind, value) = match &column.default {
        None => ("none", ""),
        Some(DefaultValue::Null) => ("null", ""),
        Some(DefaultValue::Literal(value)) => ("literal", value.as_str()),
        Some(DefaultValue::Bytes(digits)) => ("bytes", digits.as_str()),
        Some(DefaultValue::Expression(expression)) => ("expression", expression.as_str()),
    };
    fields.text(kind);
    fields.text(value);
    fields.option(column.on_update.as_deref());
    fields.flag(column.auto_increment);
    fields.flag(column.generated.is_some());
    if let Some(generated) = &column.generated {
        fields.text(&generated.expression);
        fields.flag(generated.stored);
    }
    fields.flag(column.invisible);
    fields.texts(&column.attributes);
}

fn index(fields: &mut Fields, index: &IndexDetail) {
    fields.text(&index.name);
    fields.text(index.kind.name());
    fields.list(&index.parts, key_part);
    fields.flag(index.hidden);
    fields.texts(&index.attributes);
}

fn key_part(fields: &mut Fields, part: &KeyPartDetail) {
    fields.text(&part.of);
    fields.option(part.length.map(|length| length.to_string()).as_deref());
    fields.flag(part.descending);
    fields.texts(&part.attributes);
}

fn chosen_name(name: &str) -> &str {
    if is_generated_name(name) { "" } else { name }
}

fn foreign_key(fields: &mut Fields, key: &ForeignKey) {
    fields.text(chosen_name(&key.name));
    fields.texts(&key.columns);
    fields.option(key.referenced_database.as_deref());
    fields.text(&key.referenced_table);
    fields.texts(&key.referenced_columns);
    fields.text(&key.on_delete);
    fields.text(&key.on_update);
}

fn check(fields: &mut Fields, check: &CheckConstraint, full: &FullDefinition) {
    // MariaDB names the constraint of a column after it.
    let of_column = full.columns.iter().any(|column| column.name == check.name);
    fields.text(if of_column { "" } else { chosen_name(&check.name) });
    fields.text(&check.expression);
    fields.flag(check.enforced);
}

/// The digest of a view, routine, trigger or event; `None` when the account may not see what it is made of.
/// Whether an event is enabled is no part of it.
pub fn v2_of_object(object: &ObjectEntry) -> Option<String> {
    let parts = object.definition.as_ref()?;
    let mut fields = Fields::default();
    fields.text(MARK);
    fields.text(&object.kind);
    fields.texts(parts);
    let circumstances: Vec<String> = object.circumstances.iter().map(|text| modern(text)).collect();
    fields.texts(&circumstances);
    Some(fields.digest())
}

#[cfg(test)]
mod tests {
    use super::*;
    use vouch_server::{Flavor, Generated, IndexKind, Language, Partitioning};

    fn definition() -> (TableDefinition, FullDefinition) {
        let column = ColumnEntry {
            name: "id".into(),
            data_type: "int".into(),
            column_type: "int unsigned".into(),
            nullable: false,
            precision: 10,
            ..ColumnEntry::default()
        };
        let text = ColumnEntry {
            name: "name".into(),
            column_type: "varchar(20)".into(),
            charset: "utf8mb3".into(),
            collation: "utf8mb3_bin".into(),
            nullable: true,
            ..column.clone()
        };
        let part = KeyPartDetail { of: "name".into(), length: Some(5), ..KeyPartDetail::default() };
        let index = IndexDetail {
            name: "k".into(),
            kind: IndexKind::Unique,
            parts: vec![part],
            hidden: false,
            attributes: Vec::new(),
        };
        let full = FullDefinition {
            language: Language { flavor: Flavor::Mysql, descending: true, hidden_indexes: true, checks: true },
            columns: vec![
                ColumnDetail { name: "id".into(), auto_increment: true, ..ColumnDetail::default() },
                ColumnDetail {
                    name: "name".into(),
                    default: Some(DefaultValue::Literal("x".into())),
                    ..ColumnDetail::default()
                },
            ],
            indexes: vec![index.clone(), IndexDetail { name: "other".into(), ..index }],
            foreign_keys: vec![ForeignKey {
                name: "t_ibfk_1".into(),
                columns: vec!["id".into()],
                ..ForeignKey::default()
            }],
            checks: vec![CheckConstraint { name: "positive".into(), expression: "`id` > 0".into(), enforced: true }],
            periods: Vec::new(),
            versioned: false,
            partitioning: Some(Partitioning { scheme: "hash(id)".into(), partitions: Vec::new() }),
            options: [("stats_persistent".to_owned(), "1".to_owned())].into(),
        };
        (TableDefinition { columns: vec![column, text], indexes: Vec::new() }, full)
    }

    /// The encoding is public: a manifest that was created once must hold for ever.
    #[test]
    fn the_digest_stays_as_it_is() {
        let (definition, full) = definition();
        assert_eq!(v2_of_table(&definition, &full), "e87cd783281b4a72d8b7659fe1a29f9b7ad992195b547f63a912be79c3c5351e");
        let mut hex = String::new();
        for byte in encoded_table(&definition, &full).0.iter().take(26) {
            hex += &format!("{byte:02x}");
        }
        assert_eq!(hex, "0000000000000012766f75636820646566696e6974696f6e2032");
    }

    #[test]
    fn every_clause_counts() {
        type Change = fn(&mut TableDefinition, &mut FullDefinition);
        let changes: [Change; 17] = [
            |definition, _| definition.columns[0].nullable = true,
            |definition, _| definition.columns.swap(0, 1),
            |_, full| full.columns[0].auto_increment = false,
            |_, full| full.columns[1].default = Some(DefaultValue::Expression("x".into())),
            |_, full| full.columns[1].default = None,
            |_, full| full.columns[1].on_update = Some("current_timestamp()".into()),
            |_, full| full.columns[1].generated = Some(Generated { expression: "`id`".into(), stored: true }),
            |_, full| full.columns[1].invisible = true,
            |_, full| full.columns[1].attributes.push("srid 1".into()),
            |_, full| full.indexes[0].kind = IndexKind::Plain,
            |_, full| full.indexes[0].parts[0].length = None,
            |_, full| full.indexes[0].hidden = true,
            |_, full| full.foreign_keys[0].on_delete = "CASCADE".into(),
            |_, full| full.checks[0].enforced = false,
            |_, full| full.versioned = true,
            |_, full| full.partitioning = None,
            |_, full| full.periods.push("p (`a`, `b`)".into()),
        ];
        let (plain, full) = definition();
        let mut seen = vec![v2_of_table(&plain, &full)];
        for change in changes {
            let (mut definition, mut full) = definition();
            change(&mut definition, &mut full);
            seen.push(v2_of_table(&definition, &full));
        }
        let all = seen.len();
        seen.sort();
        seen.dedup();
        assert_eq!(seen.len(), all);
    }

    #[test]
    fn what_versions_spell_otherwise_and_what_concerns_no_row_does_not_count() {
        type Change = fn(&mut TableDefinition, &mut FullDefinition);
        let changes: [Change; 5] = [
            |definition, _| definition.columns[1].collation = "utf8_bin".into(),
            |definition, _| definition.columns[1].charset = "utf8".into(),
            |_, full| full.indexes.swap(0, 1),
            |_, full| full.foreign_keys[0].name = "renamed_ibfk_7".into(),
            |_, full| full.options.clear(),
        ];
        let (plain, full) = definition();
        for change in changes {
            let (mut definition, mut changed) = definition();
            change(&mut definition, &mut changed);
            assert_eq!(v2_of_table(&definition, &changed), v2_of_table(&plain, &full));
        }
    }

    #[test]
    fn an_object_is_its_kind_parts_and_circumstances() {
        let object = ObjectEntry {
            kind: "event".into(),
            database: "d".into(),
            name: "e".into(),
            definition: Some(vec!["DO 1".into(), "a".into()]),
            circumstances: vec!["utf8".into()],
            state: None,
        };
        let digest = v2_of_object(&object);
        let with = |change: fn(&mut ObjectEntry)| {
            let mut changed = object.clone();
            change(&mut changed);
            v2_of_object(&changed)
        };
        assert_ne!(with(|object| object.definition = Some(vec!["DO 1a".into(), String::new()])), digest);
        assert_ne!(with(|object| object.circumstances = vec!["latin1".into()]), digest);
        assert_eq!(with(|object| object.circumstances = vec!["utf8mb3".into()]), digest);
        assert_eq!(with(|object| object.state = Some(vouch_server::EventState::Disabled)), digest);
        assert_eq!(with(|object| object.definition = None), None);
    }
}
