//! Values of options: durations, sizes, limits, times of the day.
//!
//! Each function takes the text of a value and returns it typed, or half a
//! sentence on what it should have been.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;
use vouch_compare::{DiscoveryMethod, HostPattern, LoadLimit, Window};
use vouch_convert::parse;
use vouch_server::TableName;

/// Ten years: what is longer was not meant, and would overflow clocks.
const DURATION_MAX_S: f64 = 10.0 * 366.0 * 86_400.0;

/// A limit that may be lifted with `off`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limit<T>(pub Option<T>);

/// `500ms`, `1s`, `0.5s`, `5m`, `2h`, `1d`; a bare number is seconds.
pub fn duration(text: &str) -> Result<Duration, String> {
    let wrong = || "a duration is a number with ms, s, m, h or d, such as 500ms, 1s or 2h".to_owned();
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    let unit_s = match unit {
        "ms" => 0.001,
        "" | "s" => 1.0,
        "m" | "min" => 60.0,
        "h" => 3600.0,
        "d" => 86_400.0,
        _ => return Err(wrong()),
    };
    let seconds = number.parse::<f64>().map_err(|_| wrong())? * unit_s;
    if seconds > DURATION_MAX_S {
        return Err("a duration is at most ten years".to_owned());
    }
    Duration::try_from_secs_f64(seconds).map_err(|_| wrong())
}

/// A duration above zero.
pub fn time_span(text: &str) -> Result<Duration, String> {
    duration(text).and_then(|span| match span.is_zero() {
        true => Err("it must be longer than 0".to_owned()),
        false => Ok(span),
    })
}

/// A duration of at least 100 ms: more often than that, looking is itself a load.
pub fn interval(text: &str) -> Result<Duration, String> {
    duration(text).and_then(|span| match span < Duration::from_millis(100) {
        true => Err("it must be at least 100ms".to_owned()),
        false => Ok(span),
    })
}

/// A duration, or `off`.
pub fn duration_or_off(text: &str) -> Result<Limit<Duration>, String> {
    if text == "off" { Ok(Limit(None)) } else { duration(text).map(|span| Limit(Some(span))) }
}

/// `64M`, `1G`, `512k`, `1000`: bytes, in powers of 1024; at least 1.
pub fn size(text: &str) -> Result<u64, String> {
    let wrong = || "a size is a number of bytes with k, M, G or T, such as 64M".to_owned();
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    let shift = match unit.to_ascii_lowercase().trim_end_matches('b').trim_end_matches('i') {
        "" => 0,
        "k" => 10,
        "m" => 20,
        "g" => 30,
        "t" => 40,
        _ => return Err(wrong()),
    };
    let bytes = number.parse::<u64>().map_err(|_| wrong())?.checked_mul(1 << shift).ok_or_else(wrong)?;
    if bytes == 0 { Err("it must be at least 1".to_owned()) } else { Ok(bytes) }
}

/// `25%` or `25`: a share above 0 and up to 1.
pub fn share(text: &str) -> Result<f64, String> {
    let wrong = || "a share is a percentage from 1% to 100%".to_owned();
    let percent: u8 = text.trim_end_matches('%').parse().map_err(|_| wrong())?;
    if (1..=100).contains(&percent) { Ok(f64::from(percent) / 100.0) } else { Err(wrong()) }
}

/// `Threads_running=25`, or `off`.
pub fn load_limit(text: &str) -> Result<Limit<LoadLimit>, String> {
    if text == "off" {
        return Ok(Limit(None));
    }
    let wrong = || "a load limit is STATUS_VARIABLE=NUMBER, such as Threads_running=25, or off".to_owned();
    let (variable, limit) = text.split_once('=').ok_or_else(wrong)?;
    if variable.is_empty() || !variable.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
        return Err(wrong());
    }
    let limit = limit.parse().map_err(|_| wrong())?;
    Ok(Limit(Some(LoadLimit { variable: variable.to_owned(), limit })))
}

/// `22:00-06:00`, in UTC.
pub fn window(text: &str) -> Result<Window, String> {
    let wrong = || "a window is HH:MM-HH:MM in UTC, such as 22:00-06:00".to_owned();
    let (from, to) = text.split_once('-').ok_or_else(wrong)?;
    let window = Window { from: minute(from).ok_or_else(wrong)?, to: minute(to).ok_or_else(wrong)? };
    if window.from == window.to { Err("it begins and ends at the same minute".to_owned()) } else { Ok(window) }
}

/// Minutes after midnight; 24:00 is midnight.
fn minute(text: &str) -> Option<u16> {
    let (hour, minute) = text.split_once(':')?;
    let two_digits = |part: &str| part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_digit());
    if !two_digits(hour) || !two_digits(minute) {
        return None;
    }
    let (hour, minute) = (parse::<u16>(hour)?, parse::<u16>(minute)?);
    match (hour, minute) {
        (24, 0) => Some(0),
        (0..=23, 0..=59) => Some(hour * 60 + minute),
        _ => None,
    }
}

/// `A=B`: database A of the source is held against database B of the replicas.
pub fn database_pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((source, replica)) if !source.is_empty() && !replica.is_empty() => {
            Ok((source.to_owned(), replica.to_owned()))
        }
        _ => Err("a pair is SOURCE_DATABASE=REPLICA_DATABASE".to_owned()),
    }
}

/// `A=B`: database A of a dump is restored as database B.
pub fn renamed(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((dumped, restored)) if !dumped.is_empty() && !restored.is_empty() => {
            Ok((dumped.to_owned(), restored.to_owned()))
        }
        _ => Err("a new name is DUMPED_DATABASE=RESTORED_DATABASE".to_owned()),
    }
}

/// `shop.tmp_*` or `shop.tmp_*=why`.
pub fn pattern_with_reason(text: &str) -> Result<(String, String), String> {
    let (pattern, reason) = text.split_once('=').unwrap_or((text, "named on the command line"));
    match pattern.is_empty() {
        true => Err("a pattern is DB.TABLE with * and ?, and may have =REASON behind it".to_owned()),
        false => Ok((pattern.to_owned(), reason.to_owned())),
    }
}

/// A host, or a host and port, with `*` and `?`.
pub fn host_pattern(text: &str) -> Result<HostPattern, String> {
    HostPattern::new(text).ok_or_else(|| "it is empty: name a host, such as db2 or db*.example.com".to_owned())
}

/// A way to find replicas; `None` for the word `none`.
pub fn recursion(text: &str) -> Result<Limit<DiscoveryMethod>, String> {
    let method = match text {
        "processlist" => DiscoveryMethod::Processlist,
        "hosts" => DiscoveryMethod::Hosts,
        "none" => return Ok(Limit(None)),
        _ => {
            let place = text.strip_prefix("dsn=").and_then(|place| place.split_once('.'));
            let (database, table) = place
                .filter(|(database, table)| !database.is_empty() && !table.is_empty())
                .ok_or("a way to find replicas is processlist, hosts, dsn=DATABASE.TABLE or none")?;
            DiscoveryMethod::Dsn { database: database.to_owned(), table: table.to_owned() }
        }
    };
    Ok(Limit(Some(method)))
}

/// A time of the day for one node, or for all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeWindow {
    /// The node; all when there is none.
    pub node: Option<String>,
    /// The time.
    pub window: Window,
}

/// `db2=22:00-06:00` or `22:00-06:00`.
pub fn node_window(text: &str) -> Result<NodeWindow, String> {
    let (node, time) = text.rsplit_once('=').map_or((None, text), |(node, time)| (Some(node.to_owned()), time));
    Ok(NodeWindow { node, window: window(time)? })
}

/// Where agent-checks are answered, and what is meant when a client asks nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AgentAddress {
    /// Where.
    pub address: SocketAddr,
    /// The question; empty for reads of the node that is meant.
    pub question: String,
}

/// `0.0.0.0:8307` or `0.0.0.0:8307=rw db1`.
pub fn agent_address(text: &str) -> Result<AgentAddress, String> {
    let (address, question) = text.split_once('=').unwrap_or((text, ""));
    let address = address.parse().map_err(|_| "an address is IP:PORT, such as 0.0.0.0:8307".to_owned())?;
    match vouch_probe::protocol::query(question) {
        Ok(_) => Ok(AgentAddress { address, question: question.to_owned() }),
        Err(word) => Err(format!("`{word}` is no part of a question such as `ro db3 lag=5s`")),
    }
}

/// `db.table`; a name with a dot of its own stands in `backticks`.
pub fn table_name(text: &str) -> Result<TableName, String> {
    let wrong = || "a table is DATABASE.TABLE".to_owned();
    let plain = |name: &str| {
        let inner = name.strip_prefix('`').and_then(|name| name.strip_suffix('`'));
        inner.map_or_else(|| name.to_owned(), |name| name.replace("``", "`"))
    };
    let at = if text.starts_with('`') { text.find("`.").map(|at| at + 1) } else { text.find('.') };
    let (database, table) = text.split_at(at.ok_or_else(wrong)?);
    let (database, table) = (plain(database), plain(table.trim_start_matches('.')));
    if database.is_empty() || table.is_empty() { Err(wrong()) } else { Ok(TableName::new(database, table)) }
}

/// `name=value`: a session variable of the server, and its value as SQL has it.
pub fn session_variable(text: &str) -> Result<(String, String), String> {
    let wrong = || "a session variable is NAME=VALUE, such as innodb_lock_wait_timeout=5".to_owned();
    let (name, value) = text.split_once('=').ok_or_else(wrong)?;
    let word = |text: &str, more: &str| {
        !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || more.contains(c))
    };
    let quoted = value.len() > 1 && value.starts_with('\'') && value.ends_with('\'');
    let inner = if quoted { &value[1..value.len() - 1] } else { value };
    let fits = word(name, "_") && (word(inner, "_-+.:, ") || (quoted && inner.is_empty()));
    if fits { Ok((name.to_owned(), value.to_owned())) } else { Err(wrong()) }
}

/// How much larger than its size a chunk may turn out: a number from 1 on, or 0 for no limit.
pub fn size_limit(text: &str) -> Result<f64, String> {
    let wrong = || "it is a number from 1 on, such as 2.0, or 0 for no limit".to_owned();
    let limit: f64 = text.parse().map_err(|_| wrong())?;
    if limit == 0.0 || (1.0..1e9).contains(&limit) { Ok(limit) } else { Err(wrong()) }
}

/// What a report file holds, by its extension.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReportKind {
    /// A self-contained page.
    Html,
    /// The result document.
    Json,
    /// Test suites, tables as their cases.
    Junit,
}

/// A file to write a report to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReportFile {
    /// Where.
    pub path: PathBuf,
    /// What.
    pub kind: ReportKind,
}

/// `FILE.html`, `FILE.json` or `FILE.xml`.
pub fn report_file(text: &str) -> Result<ReportFile, String> {
    let path = PathBuf::from(text);
    let kind = match path.extension().and_then(|extension| extension.to_str()) {
        Some("html" | "htm") => ReportKind::Html,
        Some("json") => ReportKind::Json,
        Some("xml") => ReportKind::Junit,
        _ => return Err("a report is a file named .html, .json or .xml".to_owned()),
    };
    Ok(ReportFile { path, kind })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations() {
        let ms = |text| duration(text).map(|span| span.as_millis());
        for (text, expected) in [("500ms", 500), ("1s", 1000), ("0.5", 500), ("0.5s", 500), ("5m", 300_000)] {
            assert_eq!(ms(text), Ok(expected), "{text}");
        }
        assert_eq!((ms("2h"), ms("1d"), ms("0")), (Ok(7_200_000), Ok(86_400_000), Ok(0)));
        for text in ["", "s", "1 s", "-1s", "1w", "1.2.3s", ".", "99999999999d", "1e9s", "inf"] {
            assert!(duration(text).is_err(), "{text}");
        }
        assert!(time_span("0s").is_err() && interval("99ms").is_err() && interval("100ms").is_ok());
        assert_eq!(duration_or_off("off"), Ok(Limit(None)));
    }

    #[test]
    fn sizes() {
        for (text, expected) in [("1", 1), ("1k", 1024), ("64M", 64 << 20), ("64MiB", 64 << 20), ("1GB", 1 << 30)] {
            assert_eq!(size(text), Ok(expected), "{text}");
        }
        for text in ["", "0", "M", "1X", "-1", "1.5M", "99999999999T"] {
            assert!(size(text).is_err(), "{text}");
        }
    }

    #[test]
    fn windows_may_run_over_midnight() {
        assert_eq!(window("22:00-06:30"), Ok(Window { from: 1320, to: 390 }));
        assert_eq!(window("20:00-24:00"), Ok(Window { from: 1200, to: 0 }));
        for text in ["22-6", "22:00", "25:00-06:00", "22:60-06:00", "22:00-22:00", "+2:00-06:00", "2:00-06:00"] {
            assert!(window(text).is_err(), "{text}");
        }
    }

    #[test]
    fn load_limits_pairs_and_ways_to_find_replicas() {
        let limit = LoadLimit { variable: "Threads_running".into(), limit: 25 };
        assert_eq!(load_limit("Threads_running=25"), Ok(Limit(Some(limit))));
        for text in ["Threads_running", "=5", "a b=5", "a=x", "a=-1"] {
            assert!(load_limit(text).is_err(), "{text}");
        }
        assert_eq!(database_pair("a=b"), Ok(("a".into(), "b".into())));
        assert!(database_pair("a=").is_err() && database_pair("ab").is_err());
        let dsn = DiscoveryMethod::Dsn { database: "percona".into(), table: "dsns".into() };
        assert_eq!(recursion("dsn=percona.dsns"), Ok(Limit(Some(dsn))));
        assert!(recursion("dsn=percona").is_err() && recursion("dsn=.t").is_err() && recursion("cluster").is_err());
    }

    #[test]
    fn tables_and_session_variables() {
        assert_eq!(table_name("a.b"), Ok(TableName::new("a", "b")));
        assert_eq!(table_name("`a.b`.c"), Ok(TableName::new("a.b", "c")));
        assert!(table_name("ab").is_err() && table_name("a.").is_err() && table_name(".b").is_err());
        assert_eq!(session_variable("a_b=5"), Ok(("a_b".into(), "5".into())));
        assert!(session_variable("sql_mode='A,B'").is_ok() && session_variable("x=''").is_ok());
        for text in ["a", "a=", "a=1;b", "a=(SELECT 1)", "a b=1", "a='b'c'"] {
            assert!(session_variable(text).is_err(), "{text}");
        }
        assert_eq!((size_limit("2.0"), size_limit("0")), (Ok(2.0), Ok(0.0)));
        assert!(size_limit("0.5").is_err() && size_limit("x").is_err());
    }

    #[test]
    fn reports_are_known_by_their_extension() {
        assert_eq!(report_file("a/b.html").map(|file| file.kind), Ok(ReportKind::Html));
        assert_eq!(report_file("b.json").map(|file| file.kind), Ok(ReportKind::Json));
        assert_eq!(report_file("c.xml").map(|file| file.kind), Ok(ReportKind::Junit));
        assert!(report_file("b.txt").is_err() && report_file("html").is_err());
    }
}
