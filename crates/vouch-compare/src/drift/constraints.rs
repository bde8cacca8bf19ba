//! Foreign keys and CHECK constraints.

use super::Drift;
use super::full::Common;
use super::names::{Matched, TableNames, matched, same_expression, same_names};
use crate::plan::same_name;
use vouch_report::Code;
use vouch_server::{CheckConstraint, ForeignKey, FullDefinition, is_generated_name};

fn foreign_key_words(key: &ForeignKey) -> String {
    let table = match &key.referenced_database {
        Some(database) => format!("{database}.{}", key.referenced_table),
        None => key.referenced_table.clone(),
    };
    let (columns, referenced) = (key.columns.join(", "), key.referenced_columns.join(", "));
    format!("({columns}) REFERENCES {table} ({referenced}) ON DELETE {} ON UPDATE {}", key.on_delete, key.on_update)
}

fn same_key(ours: &ForeignKey, theirs: &ForeignKey, names: TableNames<'_>) -> bool {
    let same_database = match (&ours.referenced_database, &theirs.referenced_database) {
        (Some(ours), Some(theirs)) => names.same_database(ours, theirs),
        (None, None) => true,
        // Named where it is another one than that of the table, which a mapped database may turn around.
        _ => !names.database_map.is_empty(),
    };
    same_database
        && names.same_table(&ours.referenced_table, &theirs.referenced_table)
        && same_names(&ours.columns, &theirs.columns)
        && same_names(&ours.referenced_columns, &theirs.referenced_columns)
        && (&ours.on_delete, &ours.on_update) == (&theirs.on_delete, &theirs.on_update)
}

fn same_check(ours: &CheckConstraint, theirs: &CheckConstraint) -> bool {
    ours.enforced == theirs.enforced && same_expression(&ours.expression, &theirs.expression)
}

fn check_words(check: &CheckConstraint) -> String {
    let enforced = if check.enforced { "" } else { " NOT ENFORCED" };
    format!("CHECK ({}){enforced}", check.expression)
}

/// MariaDB's JSON is a text with this constraint; MySQL's is a type.
fn is_of_json(check: &CheckConstraint) -> bool {
    check.expression.starts_with("json_valid(")
}

impl Drift<'_> {
    pub(super) fn foreign_keys(&mut self, ours: &FullDefinition, theirs: &FullDefinition, names: TableNames<'_>) {
        let matched =
            matched(&ours.foreign_keys, &theirs.foreign_keys, |key| key.name.as_str(), |a, b| same_key(a, b, names));
        let told = Told {
            code: Code::ForeignKeyDiffers,
            what: "foreign key",
            is_generated: &|key: &ForeignKey| is_generated_name(&key.name),
        };
        self.constraints(&matched, &told, |key| key.name.as_str(), foreign_key_words);
    }

    pub(super) fn checks(&mut self, ours: &FullDefinition, theirs: &FullDefinition, common: Common) {
        if !common.expressions {
            return self.number_of_checks(ours, theirs);
        }
        let matched = matched(&ours.checks, &theirs.checks, |check| check.name.as_str(), same_check);
        // MariaDB names the constraint of a column after it.
        let of_column = |check: &CheckConstraint| {
            let columns = ours.columns.iter().chain(&theirs.columns);
            is_generated_name(&check.name) || columns.into_iter().any(|column| same_name(&column.name, &check.name))
        };
        let told = Told { code: Code::CheckDiffers, what: "constraint", is_generated: &of_column };
        self.constraints(&matched, &told, |check| check.name.as_str(), check_words);
    }

    /// The flavors print expressions in their own ways, so there only the number of constraints can be compared.
    fn number_of_checks(&mut self, ours: &FullDefinition, theirs: &FullDefinition) {
        let count = |definition: &FullDefinition| definition.checks.iter().filter(|check| !is_of_json(check)).count();
        let (source, replica) = (count(ours), count(theirs));
        if source != replica {
            let (source, replica) = (source.to_string(), replica.to_string());
            self.differs(Code::CheckDiffers, "the number of CHECK constraints", &source, &replica);
        }
    }

    fn constraints<T>(
        &mut self,
        matched: &Matched<'_, T>,
        told: &Told<'_, T>,
        name: impl Fn(&T) -> &str,
        words: impl Fn(&T) -> String,
    ) {
        for (our, their) in &matched.same {
            let chosen = !(told.is_generated)(our) || !(told.is_generated)(their);
            if chosen && !same_name(name(our), name(their)) {
                let what = format!("the name of the {} {}", told.what, words(our));
                self.differs(Code::ConstraintNameDiffers, &what, name(our), name(their));
            }
        }
        for (our, their) in &matched.changed {
            self.differs(told.code, &format!("{} {}", told.what, name(our)), &words(our), &words(their));
        }
        for our in &matched.source_only {
            let message =
                format!("{} {} is {} on the source and missing on the replica", told.what, name(our), words(our));
            self.add(told.code, message, Vec::new());
        }
        for their in &matched.replica_only {
            let message =
                format!("{} {} is missing on the source and {} on the replica", told.what, name(their), words(their));
            self.add(told.code, message, Vec::new());
        }
    }
}

/// How a kind of constraint is reported.
struct Told<'a, T> {
    code: Code,
    what: &'a str,
    /// Whether a server chose its name, which then may differ.
    is_generated: &'a dyn Fn(&T) -> bool,
}
