//! Long replication positions made short enough for a sentence.
//!
//! Main function: [`abbreviate`]. What it leaves out is marked with `…`; the
//! full text is in the JSON.

use crate::text::{clean, clip};

/// Positions up to this many characters are shown whole.
const SHOWN_WHOLE: usize = 64;
/// Sets of a GTID set that are shown when it is cut.
const SETS_SHOWN: usize = 2;

/// `position` as it is when short; else its first sets, with the server UUIDs
/// cut to eight characters and lists of intervals to the first and the last.
pub(crate) fn abbreviate(position: &str) -> String {
    let position = &whole(position);
    if position.chars().count() <= SHOWN_WHOLE {
        return clip(position, SHOWN_WHOLE);
    }
    let sets: Vec<&str> = position.split(',').map(str::trim).filter(|set| !set.is_empty()).collect();
    let shown: Vec<String> = sets.iter().take(SETS_SHOWN).map(|set| abbreviate_set(set)).collect();
    let text = match sets.len().saturating_sub(SETS_SHOWN) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    };
    clip(&text, 2 * SHOWN_WHOLE)
}

/// `position` without the newlines that MySQL puts into GTID sets, harmless to show.
pub(crate) fn whole(position: &str) -> String {
    clean(&position.replace(",\n", ", ")).into_owned()
}

/// `3e11fa47-…-c80aa9429562:1-5:7-9:11` as `3e11fa47…:1-5:…:11`.
fn abbreviate_set(set: &str) -> String {
    let mut parts = set.split(':');
    let server = parts.next().unwrap_or_default();
    let server = if server.chars().count() == 36 { clip(server, 9) } else { server.to_owned() };
    let intervals: Vec<&str> = parts.collect();
    match intervals.as_slice() {
        [] => server,
        [first, _, .., last] => format!("{server}:{first}:…:{last}"),
        few => format!("{server}:{}", few.join(":")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_positions_stay_whole() {
        for position in ["binlog.000003:1234", "0-1-100,1-2-300", "3e11fa47-71ca-11e1-9e33-c80aa9429562:1-5"] {
            assert_eq!(abbreviate(position), position);
        }
    }

    #[test]
    fn long_sets_are_cut_and_say_so() {
        let one = "3e11fa47-71ca-11e1-9e33-c80aa9429562:1-5:7-9:11-100000000000000:200-300";
        assert_eq!(abbreviate(one), "3e11fa47…:1-5:…:200-300");
        assert_eq!(abbreviate("a:1,\nb:2"), "a:1, b:2");
        let many = format!("{one},\n4e11fa47-71ca-11e1-9e33-c80aa9429562:1-7,{one},{one}");
        assert_eq!(abbreviate(&many), "3e11fa47…:1-5:…:200-300, 4e11fa47…:1-7 and 2 more");
    }

    #[test]
    fn a_position_is_never_longer_than_a_line_and_never_unsafe() {
        let hostile = format!("\u{1b}[31m{}", "x".repeat(5000));
        let short = abbreviate(&hostile);
        assert!(short.chars().count() <= 128 && !short.contains('\u{1b}'), "{short}");
    }
}
