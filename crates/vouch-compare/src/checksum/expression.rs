//! From a table's plan to the expression that checksums its rows.

use super::options::Function;
use crate::plan::{self, TablePlan};
use vouch_report::DigestChoice;
use vouch_server::{ColumnEntry, ColumnForm, DigestColumn, Expression, PerconaColumn, PerconaForm};

/// The expression for a table.
pub fn of(plan: &TablePlan, function: Function) -> Expression {
    let taking_part = |column: &&ColumnEntry| plan.reading.columns.contains(&column.name);
    let columns = plan.definition.columns.iter().filter(taking_part);
    match function {
        Function::Sha2 => Expression::Strong { columns: columns.map(strong).collect(), distinct: plan.key.unique },
        Function::Crc32Percona => Expression::Percona { columns: columns.map(percona).collect() },
    }
}

/// What the server cannot take as it is, it digests first.
fn strong(column: &ColumnEntry) -> DigestColumn {
    let form = plan::form_of(column).unwrap_or(ColumnForm::Long);
    DigestColumn { name: column.name.clone(), form, nullable: column.nullable }
}

fn percona(column: &ColumnEntry) -> PerconaColumn {
    let form = match column.data_type.as_str() {
        "char" | "varchar" | "enum" | "set" | "json" => PerconaForm::Utf8,
        "timestamp" => PerconaForm::Seconds,
        "binary" | "varbinary" => PerconaForm::Digested,
        name if name.ends_with("text") || name.ends_with("blob") => PerconaForm::Digested,
        _ => PerconaForm::Plain,
    };
    PerconaColumn { name: column.name.clone(), form, nullable: column.nullable }
}

/// The choice in words.
pub fn describe(expression: &Expression, wide: bool) -> DigestChoice {
    let (method, bits, why) = match (expression, wide) {
        (Expression::Percona { .. }, _) => {
            ("crc32 xor, replicated", 32, "asked for; changes that cancel under XOR are not seen")
        }
        (Expression::Strong { distinct: true, .. }, true) => ("sha2-256 in server, replicated", 160, "the default"),
        (Expression::Strong { .. }, _) => ("sha2-256 in server, replicated", 108, "the default"),
    };
    DigestChoice { method: method.to_owned(), bits, why: why.to_owned() }
}
