//! Rotating slices for people: a plan, and how far a rotation has come.

use crate::text::{clip, counted, grouped};
use crate::time::{span, stamp};
use vouch_convert::widen;
use vouch_report::{RotationCoverage, SlicePlan};

const GIB: f64 = (1_u64 << 30) as f64;

/// A plan as text.
pub fn plan(plan: &SlicePlan) -> String {
    let mut text = format!(
        "{}: about {:.1} GiB in {} (estimates of the server, which may be off by 40 %)\n\n",
        clip(&plan.source, 200),
        plan.bytes as f64 / GIB,
        counted(widen(plan.tables.len()), "table", "tables"),
    );
    text.push_str(&format!(
        "--modulo {}: each slice has about {:.2} GiB\n\n runs a day   days to full coverage\n",
        plan.modulo,
        plan.bytes as f64 / GIB / plan.modulo.max(1) as f64,
    ));
    for (runs, days) in &plan.schedules {
        text.push_str(&format!(" {runs:>10}   {days:>8.1}\n"));
    }
    text.push_str("\n       GiB         rows  table  (key)\n");
    for table in &plan.tables {
        text.push_str(&format!(
            " {:>9.2} {:>12}  {}  ({})\n",
            table.bytes as f64 / GIB,
            grouped(table.rows),
            clip(&table.table, 120),
            clip(&table.key, 120),
        ));
        if !table.remark.is_empty() {
            text.push_str(&format!("{:25} {}\n", "", clip(&table.remark, 200)));
        }
    }
    text.push_str(&format!(
        "\nNext: vouch checksum --modulo {}, again and again (contrib/ has a cron line and a systemd timer),\n\
         and vouch checksum status now and then.\n",
        plan.modulo
    ));
    text
}

/// Where a rotation stands, as text.
pub(crate) fn section(rotation: &RotationCoverage, now_ms: u64) -> String {
    let mut text = format!(
        "rotation {} of {} slices, begun {}; next is slice {}\n\n  verified    oldest slice  age        table\n",
        rotation.number,
        rotation.modulo,
        stamp(rotation.started_ms),
        rotation.next_slice,
    );
    for table in &rotation.tables {
        let age = match table.oldest_ms {
            0 => "never".to_owned(),
            at_ms => span(now_ms.saturating_sub(at_ms)),
        };
        let slice = table.oldest_slice.map_or_else(|| "–".to_owned(), |slice| slice.to_string());
        let mark = if table.stale { "  stale" } else { "" };
        text.push_str(&format!(
            "  {:>5}/{:<5} {slice:>12}  {age:<10} {}{mark}\n",
            table.verified,
            table.chunks,
            clip(&table.table, 120)
        ));
    }
    text
}
