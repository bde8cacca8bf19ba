//! Tables × replicas: one line for each pair, or one line for all that are equal.
//!
//! Main function: [`section`]. Invariant: a pair that is not equal is shown or
//! counted, never dropped.

use super::Canvas;
use crate::figures::{SchemaPairs, state_label};
use crate::style::Tone;
use crate::text::{clip, counted, grouped};
use crate::words::differences;
use comfy_table::{
    Attribute, Cell, CellAlignment, Color, ColumnConstraint, ContentArrangement, LineStyle, Table, TableStyle, Width,
};
use vouch_convert::widen;
use vouch_report::{ReplicaCoverage, Summary, TableCoverage, TableState};

/// With more pairs than this, equal ones are counted instead of listed.
const LISTED_WHOLE: usize = 50;
/// Most pairs that are listed when not equal.
const UNEQUAL_SHOWN: usize = 100;
/// A name is cut to this many characters.
const NAME_CHARS: usize = 48;
/// Below this width, columns that can be spared are.
const NARROW: u16 = 80;

/// No frame, and one rule under the header.
const PLAIN: TableStyle = TableStyle::new().header_separator(LineStyle::none().fill('─').junction('─'));

type Pair<'a> = (&'a TableCoverage, &'a ReplicaCoverage);

/// The table, and lines for what it leaves out; empty when no table took part.
pub(super) fn section(summary: &Summary, canvas: Canvas) -> String {
    let pairs: Vec<Pair> = summary
        .coverage
        .tables()
        .iter()
        .flat_map(|table| table.replicas.iter().map(move |replica| (table, replica)))
        .collect();
    if pairs.is_empty() {
        return String::new();
    }
    let brief = pairs.len() > LISTED_WHOLE;
    let listed: Vec<Pair> = pairs.iter().filter(|pair| !brief || pair.1.state != TableState::Equal).copied().collect();
    let mut out = String::new();
    if !listed.is_empty() {
        let schema = SchemaPairs::of(summary);
        out.push_str(&drawn(listed.get(..UNEQUAL_SHOWN).unwrap_or(&listed), &schema, canvas));
    }
    for line in left_out(&pairs, &listed, brief) {
        out.push_str(&canvas.paint.paint(Tone::Dim, &format!(" {line}")));
        out.push('\n');
    }
    out
}

/// Lines for the pairs that the table does not list.
fn left_out(pairs: &[Pair], listed: &[Pair], brief: bool) -> Vec<String> {
    let mut lines = Vec::new();
    if let Some(more) = listed.len().checked_sub(UNEQUAL_SHOWN).filter(|more| *more > 0) {
        lines.push(format!("… and {} more that are not equal, see --format json or --report", grouped(widen(more))));
    }
    if brief {
        let equal: Vec<&Pair> = pairs.iter().filter(|pair| pair.1.state == TableState::Equal).collect();
        let rows = equal.iter().map(|pair| pair.0.rows).sum();
        let pairs = counted(widen(equal.len()), "pair of table and replica is", "pairs of table and replica are");
        lines.push(format!("{pairs} equal ({})", counted(rows, "row", "rows")));
    }
    lines
}

/// A column: its name, whether it may be wrapped, and its cells.
struct Field {
    name: &'static str,
    wraps: bool,
    cells: Vec<Cell>,
}

/// The columns that have something to say about `pairs`.
fn fields(pairs: &[Pair], schema: &SchemaPairs, narrow: bool) -> Vec<Field> {
    let field =
        |name, wraps, cell: &dyn Fn(&Pair) -> Cell| Field { name, wraps, cells: pairs.iter().map(cell).collect() };
    let differs = |pair: &Pair| differences(pair.1, schema.contains(&pair.0.table, &pair.1.replica));
    let mut fields = vec![
        field("table", true, &|pair| Cell::new(clip(&pair.0.table, NAME_CHARS))),
        field("replica", true, &|pair| Cell::new(clip(&pair.1.replica, NAME_CHARS))),
        field("rows", false, &|pair| number(pair.1.rows)),
    ];
    if !narrow {
        fields.push(field("chunks", false, &|pair| right(chunks(pair.0, pair.1))));
    }
    fields.push(field("verdict", false, &|pair| verdict(pair.1)));
    if pairs.iter().any(|pair| !differs(pair).is_empty()) {
        fields.push(field("what differs", true, &|pair| Cell::new(differs(pair))));
    }
    if !narrow && pairs.iter().any(|pair| pair.1.in_flight > 0) {
        fields.push(field("in flight", false, &|pair| number(pair.1.in_flight)));
    }
    if pairs.iter().any(|pair| pair.1.unproven > 0) {
        fields.push(field("unproven", false, &|pair| number(pair.1.unproven)));
    }
    fields
}

fn drawn(pairs: &[Pair], schema: &SchemaPairs, canvas: Canvas) -> String {
    let fields = fields(pairs, schema, canvas.width < NARROW);
    let columns: Vec<Column> = fields.iter().map(|field| Column { name: field.name, wraps: field.wraps }).collect();
    let rows = (0..pairs.len()).map(|at| fields.iter().filter_map(|field| field.cells.get(at).cloned()).collect());
    draw(&columns, rows, canvas)
}

/// The head of a column.
pub(super) struct Column {
    pub(super) name: &'static str,
    /// Whether its text may be broken into lines.
    pub(super) wraps: bool,
}

/// A table without a frame.
pub(super) fn draw(columns: &[Column], rows: impl Iterator<Item = Vec<Cell>>, canvas: Canvas) -> String {
    let mut table = Table::new();
    table.load_style(PLAIN).set_content_arrangement(ContentArrangement::Dynamic).set_width(canvas.width);
    if canvas.paint.colour {
        table.enforce_styling()
    } else {
        table.force_no_tty()
    };
    table.set_header(columns.iter().map(|column| Cell::new(column.name).add_attribute(Attribute::Bold)));
    for row in rows {
        table.add_row(row);
    }
    for (column, head) in table.column_iter_mut().zip(columns) {
        column.set_padding((1, 0));
        column.set_constraint(match head.wraps {
            true => ColumnConstraint::LowerBoundary(Width::Fixed(8)),
            false => ColumnConstraint::ContentWidth,
        });
    }
    let lines: Vec<String> = table.lines().map(|line| format!("{}\n", line.trim_end())).collect();
    lines.concat()
}

fn right(text: String) -> Cell {
    Cell::new(text).set_alignment(CellAlignment::Right)
}

fn number(count: u64) -> Cell {
    right(if count == 0 { "–".to_owned() } else { grouped(count) })
}

/// `84`, or `12/84` when not all are decided.
fn chunks(table: &TableCoverage, replica: &ReplicaCoverage) -> String {
    if replica.chunks_done == table.chunks {
        grouped(table.chunks)
    } else {
        format!("{}/{}", grouped(replica.chunks_done), grouped(table.chunks))
    }
}

fn verdict(replica: &ReplicaCoverage) -> Cell {
    let colour = match replica.state {
        TableState::Equal => Color::Green,
        TableState::Differs => Color::Red,
        TableState::Unproven | TableState::NotRun => Color::Yellow,
    };
    Cell::new(state_label(replica)).fg(colour)
}
