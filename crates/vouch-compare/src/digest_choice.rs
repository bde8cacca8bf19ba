//! Choosing how a table is digested: by what was asked for, or by measurement.

use crate::link::Link;
use crate::options::DigestPolicy;
use crate::read::{self, ChunkFacts, Method, Task};
use crate::run::{Run, TableRun};
use std::sync::PoisonError;
use vouch_report::DigestChoice;
use vouch_server::{Extent, Interval, Result, ServerDigest};

/// Rows by which the two ways are measured, and how often: the best time of
/// each counts, since others use the machine too.
const SAMPLE: u64 = 4_000;
const TIMES: usize = 3;

/// So many times slower, a way does not win by being timed again.
const HOPELESS: u32 = 3;

/// Tables with fewer rows are not worth measuring.
const WORTH_MEASURING: u64 = 30_000;

/// The table's method; decided when it is first asked for.
///
/// # Errors
/// Those of the server, while measuring.
pub fn method(run: &Run<'_>, table: &TableRun, link: &mut Link<'_>) -> Result<Method> {
    let mut slot = table.method.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(method) = *slot {
        return Ok(method);
    }
    let (method, why) = decide(run, table, link)?;
    *slot = Some(method);
    run.ledger.digest(table.number, &table.plan.label, describe(method, why));
    Ok(method)
}

fn describe(method: Method, why: String) -> DigestChoice {
    let (name, bits) = match method {
        Method::Stream => ("xxh3-128 streamed", 128),
        Method::Server(ServerDigest::Sha2) => ("sha2-256 in server", 120),
        Method::Server(ServerDigest::Crc) => ("crc32 in server", 32),
    };
    DigestChoice { method: name.to_owned(), bits, why }
}

fn decide(run: &Run<'_>, table: &TableRun, link: &mut Link<'_>) -> Result<(Method, String)> {
    let plan = &table.plan;
    let (stream, sha2, crc) = (Method::Stream, Method::Server(ServerDigest::Sha2), Method::Server(ServerDigest::Crc));
    let wanted = run.options.digest;
    let chosen = |method, why: &str| Ok((method, why.to_owned()));
    if wanted == DigestPolicy::Stream {
        return chosen(stream, "asked for");
    }
    if !plan.key.unique {
        return chosen(stream, "rows without a unique key are streamed, so that duplicates cannot cancel");
    }
    if !plan.key.ranged {
        return chosen(stream, "the table is read as a whole");
    }
    if plan.server_columns.is_none() {
        return chosen(stream, "a column's type has no form for a digest in the server");
    }
    match wanted {
        DigestPolicy::Sha2 => chosen(sha2, "asked for"),
        DigestPolicy::Crc => chosen(crc, "asked for"),
        _ if plan.rows < WORTH_MEASURING => chosen(stream, "small table"),
        _ => measured(run, table, link),
    }
}

/// The best of some times; no more are taken once one is `hopeless`.
fn best(hopeless: impl Fn(&ChunkFacts) -> bool, mut time: impl FnMut() -> Result<ChunkFacts>) -> Result<ChunkFacts> {
    let mut best = time()?;
    for _ in 1..TIMES {
        if hopeless(&best) {
            break;
        }
        let again = time()?;
        if again.took < best.took {
            best = again;
        }
    }
    Ok(best)
}

/// Reads the first rows both ways.
fn measured(run: &Run<'_>, table: &TableRun, link: &mut Link<'_>) -> Result<(Method, String)> {
    let plan = &table.plan;
    let salt = run.state.salt();
    let whole = Interval::default();
    let Some(end) = link.ask(|session| session.key_after(&plan.reading, &whole, SAMPLE))? else {
        return Ok((Method::Stream, "small table".to_owned()));
    };
    let interval = Interval { lower: None, upper: Some(end) };
    let mut time = |method| {
        link.ask(|session| {
            let (reading, extent, interval) = (&plan.reading, Extent::All, &interval);
            read::chunk(session, Task { plan, reading, interval, extent, method, remember: false, salt })
        })
    };
    let stream = best(|_| false, || time(Method::Stream))?;
    let hopeless = |facts: &ChunkFacts| facts.took > stream.took * HOPELESS;
    let sha2 = best(hopeless, || time(Method::Server(ServerDigest::Sha2)))?;
    let per_million = |seconds: f64, rows: u64| seconds * 1e6 / rows.max(1) as f64;
    let limited = run.options.max_bandwidth.map_or(0.0, |limit| stream.bytes as f64 / limit.max(1) as f64);
    let stream_s = per_million(stream.took.as_secs_f64().max(limited), stream.rows);
    let sha2_s = per_million(sha2.took.as_secs_f64(), sha2.rows);
    let figures = format!("streamed {stream_s:.2} s, SHA-2 in the server {sha2_s:.2} s per million rows");
    if sha2_s < stream_s { Ok((Method::Server(ServerDigest::Sha2), figures)) } else { Ok((Method::Stream, figures)) }
}
