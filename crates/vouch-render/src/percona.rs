//! The result as pt-table-checksum prints it: a line for each table.

use crate::text::clip;
use crate::time;
use std::collections::BTreeMap;
use vouch_report::{Code, Summary, TableCoverage};

const HEAD: &str = "            TS ERRORS  DIFFS     ROWS  DIFF_ROWS  CHUNKS SKIPPED    TIME TABLE\n";

/// The lines of all tables under their heading, then which replica differs.
pub fn lines(summary: &Summary) -> String {
    let mut text = HEAD.to_owned();
    for table in summary.coverage.tables() {
        text.push_str(&line(summary, table));
    }
    text + &differences(summary)
}

fn line(summary: &Summary, table: &TableCoverage) -> String {
    let here = |name: &Option<String>| name.as_deref() == Some(table.table.as_str());
    let errors = summary.errors.iter().filter(|error| here(&error.location.table) && error.code != Code::ChunkSkipped);
    let findings = summary.findings.iter().filter(|finding| here(&finding.location.table));
    let chunks = findings.filter_map(|finding| finding.location.chunk.as_ref());
    let mut differing: BTreeMap<u64, u64> = BTreeMap::new();
    for chunk in chunks {
        let most = differing.entry(chunk.number).or_default();
        *most = (*most).max(chunk.source_rows.abs_diff(chunk.replica_rows));
    }
    let ended = if table.finished_ms > 0 { table.finished_ms } else { summary.finished_ms };
    let took = if table.started_ms > 0 { ended.saturating_sub(table.started_ms) } else { 0 };
    format!(
        "{} {:>6} {:>6} {:>8} {:>10} {:>7} {:>7} {:>7.3} {}\n",
        stamp(ended),
        errors.count(),
        differing.len(),
        table.rows,
        differing.values().sum::<u64>(),
        table.chunks,
        table.chunks_skipped,
        took as f64 / 1000.0,
        clip(&table.table, 200),
    )
}

/// `MM-DDTHH:MM:SS`, in UTC.
fn stamp(at_ms: u64) -> String {
    time::rfc3339(at_ms).get(5..19).unwrap_or_default().to_owned()
}

/// `Differences on db2:3306`, and under it a line for each chunk.
fn differences(summary: &Summary) -> String {
    let mut text = String::new();
    let mut replicas: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for finding in &summary.findings {
        let location = &finding.location;
        if let (Some(table), Some(replica), Some(chunk)) = (&location.table, &location.replica, &location.chunk) {
            let bound = |bound: &Option<String>| bound.as_ref().map_or_else(String::new, |text| clip(text, 80));
            replicas.entry(replica).or_default().push(format!(
                "{} {} {} {} {} {} {}\n",
                clip(table, 200),
                chunk.number,
                i128::from(chunk.replica_rows) - i128::from(chunk.source_rows),
                1,
                clip(&chunk.index, 80),
                bound(&chunk.lower),
                bound(&chunk.upper),
            ));
        }
    }
    for (replica, lines) in replicas {
        text.push_str(&format!("Differences on {}\n", clip(replica, 200)));
        text.push_str("TABLE CHUNK CNT_DIFF CRC_DIFF CHUNK_INDEX LOWER_BOUNDARY UPPER_BOUNDARY\n");
        text.push_str(&lines.concat());
    }
    text
}
