//! The total order along which a table is cut, and intervals of it as SQL.
//!
//! The order is that of an index: column by column, ascending columns with NULL
//! first, descending ones with NULL last. Every row stands in exactly one place,
//! so half-open intervals `(lower, upper]` that touch cover every row exactly
//! once, rows with NULL in the key included: where a comparison with NULL should
//! hold, it is asked for by name, and nothing is ever negated.

use crate::ident::quote;
use mysql_common::Value;

/// How the values of a key column are bound in a comparison.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyKind {
    /// As they came: integers, reals, dates, and bytes in the column's own charset.
    Plain,
    /// As text that must be cast, or the server would compare by rounded doubles.
    Decimal {
        /// Digits in all.
        precision: u64,
        /// Digits after the point.
        scale: u64,
    },
    /// By number: ENUM and SET sort by it, BIT compares by it.
    Number,
    /// As text of a charset: UUID and INET types take raw bytes for their storage format, and match nothing.
    Text,
}

/// One column of the order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyColumn {
    /// Column name.
    pub name: String,
    /// How values are bound.
    pub kind: KeyKind,
    /// Whether it may be NULL.
    pub nullable: bool,
    /// Whether the index runs downwards here.
    pub descending: bool,
}

impl KeyColumn {
    /// The placeholder for a value, and what is bound to it. A TIME goes as text: as such MySQL 9.7 refuses some that it
    /// stores (1690, "TIME value is out of range").
    fn bound(&self, value: &Value) -> (String, Value) {
        match value {
            Value::Time(..) => {
                let text = value.as_sql(true).trim_matches('\'').to_owned();
                ("CAST(? AS TIME(6))".to_owned(), Value::from(text))
            }
            _ => (self.parameter(), value.clone()),
        }
    }

    fn parameter(&self) -> String {
        match self.kind {
            KeyKind::Decimal { precision, scale } => format!("CAST(? AS DECIMAL({precision},{scale}))"),
            KeyKind::Text => "CONVERT(? USING ascii)".to_owned(),
            KeyKind::Plain | KeyKind::Number => "?".to_owned(),
        }
    }

    /// The expression whose value is bound later.
    pub(crate) fn selected(&self) -> String {
        match self.kind {
            KeyKind::Number => format!("{}+0", quote(&self.name)),
            _ => quote(&self.name),
        }
    }
}

/// A place in the order: one value per key column.
pub type Bound = Vec<Value>;

/// The rows after `lower` up to and including `upper`; an open end is `None`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Interval {
    /// Exclusive.
    pub lower: Option<Bound>,
    /// Inclusive.
    pub upper: Option<Bound>,
}

/// A condition on key columns, by their place in the order.
#[derive(Clone, Debug, PartialEq)]
enum Condition {
    Never,
    IsNull(usize),
    IsNotNull(usize),
    Compare(usize, &'static str, Value),
    All(Vec<Condition>),
    Any(Vec<Condition>),
}

use Condition::{All, Any, Compare, IsNotNull, IsNull, Never};

fn equal(at: usize, value: &Value) -> Condition {
    if *value == Value::NULL { IsNull(at) } else { Compare(at, "=", value.clone()) }
}

fn after_one(at: usize, column: &KeyColumn, value: &Value) -> Condition {
    match (column.descending, *value == Value::NULL) {
        (false, true) => IsNotNull(at),
        (false, false) => Compare(at, ">", value.clone()),
        (true, true) => Never,
        (true, false) => or_null(at, column, Compare(at, "<", value.clone())),
    }
}

fn before_one(at: usize, column: &KeyColumn, value: &Value) -> Condition {
    match (column.descending, *value == Value::NULL) {
        (false, true) => Never,
        (false, false) => or_null(at, column, Compare(at, "<", value.clone())),
        (true, true) => IsNotNull(at),
        (true, false) => Compare(at, ">", value.clone()),
    }
}

fn or_null(at: usize, column: &KeyColumn, condition: Condition) -> Condition {
    if column.nullable { Any(vec![condition, IsNull(at)]) } else { condition }
}

/// Widens a comparison with `value` so that equal values meet it too: by one operator where there is
/// one for both, since the server weighs the condition for every row.
fn or_equal(beyond: Condition, at: usize, value: &Value) -> Condition {
    match beyond {
        Compare(at, "<", value) => Compare(at, "<=", value),
        Compare(at, ">", value) => Compare(at, ">=", value),
        Any(parts) => Any(parts.into_iter().map(|part| or_equal(part, at, value)).collect()),
        IsNull(_) if *value != Value::NULL => beyond,
        other => Any(vec![other, equal(at, value)]),
    }
}

type OneColumn = fn(usize, &KeyColumn, &Value) -> Condition;

/// Lexicographic comparison, innermost column first; `last` is what holds when all are equal.
fn lexicographic(columns: &[KeyColumn], bound: &[Value], one: OneColumn, equal_counts: bool) -> Condition {
    let mut nested: Option<Condition> = None;
    for (at, (column, value)) in columns.iter().zip(bound).enumerate().rev() {
        let beyond = one(at, column, value);
        nested = Some(match nested {
            Some(inner) => Any(vec![beyond, All(vec![equal(at, value), inner])]),
            None if equal_counts => or_equal(beyond, at, value),
            None => beyond,
        });
    }
    nested.unwrap_or(if equal_counts { All(Vec::new()) } else { Never })
}

/// A weaker condition on the first column alone, which lets the optimizer see a
/// range where it does not see through the lexicographic one.
fn first_column(columns: &[KeyColumn], bound: &[Value], one: OneColumn) -> Option<Condition> {
    match (columns, bound) {
        ([first, _, ..], [value, ..]) => Some(or_equal(one(0, first, value), 0, value)),
        _ => None,
    }
}

fn condition(columns: &[KeyColumn], interval: &Interval) -> Condition {
    let mut parts = Vec::new();
    if let Some(lower) = &interval.lower {
        parts.extend(first_column(columns, lower, after_one));
        parts.push(lexicographic(columns, lower, after_one, false));
    }
    if let Some(upper) = &interval.upper {
        parts.extend(first_column(columns, upper, before_one));
        parts.push(lexicographic(columns, upper, before_one, true));
    }
    All(parts)
}

fn render(condition: &Condition, columns: &[KeyColumn], sql: &mut String, params: &mut Vec<Value>) {
    let name = |at: usize| columns.get(at).map(|c| quote(&c.name)).unwrap_or_default();
    match condition {
        Never => sql.push_str("1=0"),
        IsNull(at) => sql.push_str(&format!("{} IS NULL", name(*at))),
        IsNotNull(at) => sql.push_str(&format!("{} IS NOT NULL", name(*at))),
        Compare(at, operator, value) => {
            let bound = columns.get(*at).map(|column| column.bound(value));
            let (parameter, value) = bound.unwrap_or_else(|| ("?".to_owned(), value.clone()));
            sql.push_str(&format!("{} {operator} {parameter}", name(*at)));
            params.push(value);
        }
        All(parts) => join(parts, " AND ", "1=1", columns, sql, params),
        Any(parts) => join(parts, " OR ", "1=0", columns, sql, params),
    }
}

fn join(parts: &[Condition], word: &str, none: &str, columns: &[KeyColumn], sql: &mut String, params: &mut Vec<Value>) {
    if parts.is_empty() {
        sql.push_str(none);
        return;
    }
    for (at, part) in parts.iter().enumerate() {
        sql.push_str(if at == 0 { "(" } else { word });
        render(part, columns, sql, params);
    }
    sql.push(')');
}

/// The interval as a condition with its parameters.
pub(crate) fn interval_sql(columns: &[KeyColumn], interval: &Interval) -> (String, Vec<Value>) {
    let (mut sql, mut params) = (String::new(), Vec::new());
    render(&condition(columns, interval), columns, &mut sql, &mut params);
    (sql, params)
}

/// The rows before `bound` as a condition with its parameters.
pub(crate) fn below_sql(columns: &[KeyColumn], bound: &[Value]) -> (String, Vec<Value>) {
    let mut parts: Vec<Condition> = first_column(columns, bound, before_one).into_iter().collect();
    parts.push(lexicographic(columns, bound, before_one, false));
    let (mut sql, mut params) = (String::new(), Vec::new());
    render(&All(parts), columns, &mut sql, &mut params);
    (sql, params)
}

/// Exactly the rows with one of `keys`, as a condition with its parameters.
/// Keys with NULL match rows with NULL in the same place.
pub(crate) fn keys_sql(columns: &[KeyColumn], keys: &[Bound]) -> (String, Vec<Value>) {
    let plain = keys.iter().all(|key| !key.contains(&Value::NULL));
    if plain && columns.len() == 1 {
        let name = columns.first().map(|c| quote(&c.name)).unwrap_or_default();
        let bound = columns.iter().flat_map(|column| keys.iter().flatten().map(|value| column.bound(value)));
        let (list, params): (Vec<String>, Vec<Value>) = bound.unzip();
        return (format!("{name} IN ({})", list.join(",")), params);
    }
    let each = keys.iter().map(|key| All(key.iter().enumerate().map(|(at, value)| equal(at, value)).collect()));
    let (mut sql, mut params) = (String::new(), Vec::new());
    render(&Any(each.collect()), columns, &mut sql, &mut params);
    (sql, params)
}

/// `ORDER BY` along the order.
pub(crate) fn order_by(columns: &[KeyColumn]) -> String {
    let list: Vec<String> =
        columns.iter().map(|c| format!("{}{}", quote(&c.name), if c.descending { " DESC" } else { "" })).collect();
    list.join(", ")
}

/// `ORDER BY` against the order.
pub(crate) fn order_backwards(columns: &[KeyColumn]) -> String {
    let list: Vec<String> =
        columns.iter().map(|c| format!("{}{}", quote(&c.name), if c.descending { "" } else { " DESC" })).collect();
    list.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    type Row = Vec<Option<i64>>;

    /// SQL's three-valued logic: `None` is NULL.
    fn holds(condition: &Condition, row: &Row) -> Option<bool> {
        match condition {
            Never => Some(false),
            IsNull(at) => Some(row[*at].is_none()),
            IsNotNull(at) => Some(row[*at].is_some()),
            Compare(at, operator, value) => {
                let (Some(left), Value::Int(right)) = (row[*at], value) else { return None };
                Some(match *operator {
                    "<" => left < *right,
                    "<=" => left <= *right,
                    ">" => left > *right,
                    ">=" => left >= *right,
                    _ => left == *right,
                })
            }
            All(parts) => decided_by(false, parts, row),
            Any(parts) => decided_by(true, parts, row),
        }
    }

    /// AND and OR: one part that is `decisive` decides, else one that is NULL does.
    fn decided_by(decisive: bool, parts: &[Condition], row: &Row) -> Option<bool> {
        let answers: Vec<Option<bool>> = parts.iter().map(|part| holds(part, row)).collect();
        if answers.contains(&Some(decisive)) {
            return Some(decisive);
        }
        if answers.contains(&None) { None } else { Some(!decisive) }
    }

    fn columns() -> impl Strategy<Value = Vec<KeyColumn>> {
        prop::collection::vec((any::<bool>(), any::<bool>()), 1..4).prop_map(|flags| {
            flags
                .into_iter()
                .enumerate()
                .map(|(at, (nullable, descending))| KeyColumn {
                    name: format!("c{at}"),
                    kind: KeyKind::Plain,
                    nullable,
                    descending,
                })
                .collect()
        })
    }

    fn in_order(columns: &[KeyColumn], a: &Row, b: &Row) -> std::cmp::Ordering {
        for ((column, x), y) in columns.iter().zip(a).zip(b) {
            let ordering = if column.descending { y.cmp(x) } else { x.cmp(y) };
            if ordering.is_ne() {
                return ordering;
            }
        }
        std::cmp::Ordering::Equal
    }

    fn bound(row: &Row) -> Bound {
        row.iter().map(|value| value.map_or(Value::NULL, Value::Int)).collect()
    }

    proptest! {
            /// Cut anywhere, every row lies in exactly one interval.
        #[test]
        fn chunks_cover_every_key_exactly_once(
            (columns, rows, cuts) in columns().prop_flat_map(|columns| {
                let cell = |nullable: bool| (-3i64..4, any::<bool>()).prop_map(move |(v, null)| (!(nullable && null)).then_some(v));
                let row = columns.iter().map(|c| cell(c.nullable)).collect::<Vec<_>>();
                (Just(columns), prop::collection::vec(row.clone(), 1..40), prop::collection::vec(row, 0..6))
            })
        ) {
            let mut cuts = cuts;
            cuts.sort_by(|a, b| in_order(&columns, a, b));
            cuts.dedup();
            let mut edges: Vec<Option<Bound>> = vec![None];
            edges.extend(cuts.iter().map(|cut| Some(bound(cut))));
            edges.push(None);
            for row in &rows {
                let mut times = 0;
                for pair in edges.windows(2) {
                    let interval = Interval { lower: pair[0].clone(), upper: pair[1].clone() };
                    // What is NULL is not selected.
                    times += usize::from(holds(&condition(&columns, &interval), row) == Some(true));
                }
                prop_assert_eq!(times, 1);
            }
        }
    }

    #[test]
    fn a_composite_interval_names_the_first_column_alone_too() {
        let column =
            |name: &str, nullable| KeyColumn { name: name.into(), kind: KeyKind::Plain, nullable, descending: false };
        let columns = [column("a", false), column("b", true)];
        let interval = Interval { lower: Some(vec![Value::Int(1), Value::NULL]), upper: None };
        let (sql, params) = interval_sql(&columns, &interval);
        assert_eq!(sql, "(`a` >= ? AND (`a` > ? OR (`a` = ? AND `b` IS NOT NULL)))");
        assert_eq!(params.len(), 3);
        let interval = Interval { lower: None, upper: Some(vec![Value::Int(1), Value::Int(2)]) };
        let (sql, _) = interval_sql(&columns, &interval);
        assert_eq!(sql, "(`a` <= ? AND (`a` < ? OR (`a` = ? AND (`b` <= ? OR `b` IS NULL))))");
    }
}
