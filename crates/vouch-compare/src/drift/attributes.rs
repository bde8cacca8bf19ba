//! What a column says besides its type: DEFAULT, AUTO_INCREMENT, expression, visibility.

use super::Drift;
use super::full::Common;
use super::names::same_expression;
use vouch_report::Code;
use vouch_server::{ColumnDetail, DefaultValue};

/// What stands for a default, and nothing where a value must be given.
fn default_words(column: &ColumnDetail) -> String {
    let default = column.default.as_ref().map_or_else(|| "no DEFAULT".to_owned(), |value| format!("DEFAULT {value}"));
    match &column.on_update {
        Some(value) => format!("{default} ON UPDATE {value}"),
        None => default,
    }
}

fn same_default(ours: &ColumnDetail, theirs: &ColumnDetail, common: Common) -> bool {
    let value = match (&ours.default, &theirs.default) {
        (Some(DefaultValue::Expression(ours)), Some(DefaultValue::Expression(theirs))) => {
            !common.expressions || same_expression(ours, theirs)
        }
        (ours, theirs) => ours == theirs,
    };
    value && ours.on_update == theirs.on_update
}

fn visibility(column: &ColumnDetail) -> &'static str {
    if column.invisible { "invisible" } else { "visible" }
}

fn attribute_words(column: &ColumnDetail) -> String {
    if column.attributes.is_empty() { "no more clauses".to_owned() } else { column.attributes.join(" ") }
}

impl Drift<'_> {
    pub(super) fn attributes(&mut self, ours: &ColumnDetail, theirs: &ColumnDetail, common: Common) {
        let name = &ours.name;
        let both_computed = ours.generated.is_some() && theirs.generated.is_some();
        if !both_computed && !same_default(ours, theirs, common) {
            let (source, replica) = (default_words(ours), default_words(theirs));
            self.column_differs(Code::DefaultDiffers, name, "has", &source, &replica);
        }
        if ours.auto_increment != theirs.auto_increment {
            let words = |is: bool| if is { "AUTO_INCREMENT" } else { "not AUTO_INCREMENT" };
            let (source, replica) = (words(ours.auto_increment), words(theirs.auto_increment));
            self.column_differs(Code::AutoIncrementDiffers, name, "is", source, replica);
        }
        self.generated(ours, theirs, common);
        if ours.invisible != theirs.invisible {
            let (source, replica) = (visibility(ours), visibility(theirs));
            self.column_differs(Code::ColumnVisibilityDiffers, name, "is", source, replica);
        }
        if common.expressions && ours.attributes != theirs.attributes {
            let (source, replica) = (attribute_words(ours), attribute_words(theirs));
            self.column_differs(Code::ColumnAttributeDiffers, name, "has", &source, &replica);
        }
    }

    fn generated(&mut self, ours: &ColumnDetail, theirs: &ColumnDetail, common: Common) {
        let words = |column: &ColumnDetail| match &column.generated {
            Some(generated) => format!("generated as ({})", generated.expression),
            None => "not generated".to_owned(),
        };
        match (&ours.generated, &theirs.generated) {
            (None, None) => {}
            (Some(our), Some(their)) if !common.expressions || same_expression(&our.expression, &their.expression) => {
                let kind = |stored: bool| if stored { "stored" } else { "virtual" };
                if our.stored != their.stored {
                    let (source, replica) = (kind(our.stored), kind(their.stored));
                    self.column_differs(Code::GeneratedKindDiffers, &ours.name, "is", source, replica);
                }
            }
            _ => self.column_differs(Code::GeneratedDiffers, &ours.name, "is", &words(ours), &words(theirs)),
        }
    }
}
