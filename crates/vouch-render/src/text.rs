//! Text from outside made harmless, and numbers made readable.
//!
//! Main function: [`clean`]. Invariant: what it returns has no character that
//! moves a cursor, ends a line, or changes the direction of reading.

use std::borrow::Cow;
use vouch_convert::widen;

/// True for characters that a terminal or a reader would act on instead of showing them:
/// controls (C0, DEL, C1), line separators, and the invisible marks of direction and width.
pub(crate) fn is_unsafe(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

/// `text` on one line, with every character of [`is_unsafe`] spelled out as an escape.
pub(crate) fn clean(text: &str) -> Cow<'_, str> {
    if !text.contains(is_unsafe) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if is_unsafe(c) { out.extend(c.escape_default()) } else { out.push(c) }
    }
    Cow::Owned(out)
}

/// [`clean`], cut after `chars` characters with an ellipsis in the last place.
pub(crate) fn clip(text: &str, chars: usize) -> String {
    let cleaned = clean(text);
    if cleaned.chars().nth(chars).is_none() {
        return cleaned.into_owned();
    }
    let mut out: String = cleaned.chars().take(chars.saturating_sub(1)).collect();
    out.push('…');
    out
}

/// [`clean`], cut in the middle to at most `chars` characters, with a hash of the whole text after it: long values that
/// differ in the part that is left out print differently.
pub(crate) fn shorten(text: &str, chars: usize) -> String {
    let cleaned = clean(text);
    let all = cleaned.chars().count();
    if all <= chars {
        return cleaned.into_owned();
    }
    let mark = format!(" #{:08x}", hash(text.as_bytes()));
    let room = chars.saturating_sub(mark.len()).saturating_sub(1);
    let tail = room / 3;
    let head: String = cleaned.chars().take(room.saturating_sub(tail)).collect();
    let tail: String = cleaned.chars().skip(all.saturating_sub(tail)).collect();
    format!("{head}…{tail}{mark}")
}

/// FNV-1a, folded to 32 bits: it keeps values apart for a reader, not from an adversary. The JSON has the whole value.
fn hash(bytes: &[u8]) -> u32 {
    let step = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3);
    let hash = bytes.iter().fold(0xcbf2_9ce4_8422_2325, step);
    let [a, b, c, d, e, f, g, h] = hash.to_le_bytes();
    u32::from_le_bytes([a ^ e, b ^ f, c ^ g, d ^ h])
}

/// `1234567` as `1,234,567`.
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// Three digits or a little more, for a line that is short of room: `950`, `12.3k`, `444k`, `2.00M`.
pub(crate) fn brief(number: u64) -> String {
    const UNITS: [&str; 4] = ["k", "M", "G", "T"];
    if number < 1000 {
        return number.to_string();
    }
    let mut value = number as f64 / 1000.0;
    let mut unit = 0;
    while value >= 1000.0 && unit + 1 < UNITS.len() {
        value /= 1000.0;
        unit += 1;
    }
    let digits = if value < 10.0 { 2 } else { usize::from(value < 100.0) };
    format!("{value:.digits$}{}", UNITS[unit])
}

/// `1 row`, `2,000 rows`.
pub(crate) fn counted(number: u64, one: &str, many: &str) -> String {
    format!("{} {}", grouped(number), if number == 1 { one } else { many })
}

/// `part` of `whole` in words that never round to 0 % or 100 % what is not.
pub(crate) fn percent(part: u64, whole: u64) -> String {
    if whole == 0 {
        return "–".to_owned();
    }
    let share = part as f64 * 100.0 / whole as f64;
    match part {
        0 => "0 %".to_owned(),
        _ if part == whole => "100 %".to_owned(),
        _ if share < 0.01 => "< 0.01 %".to_owned(),
        _ if share > 99.99 => "> 99.99 %".to_owned(),
        _ => format!("{share:.2} %"),
    }
}

/// Bytes with a binary unit, one digit after the point: `1.5 MiB`.
pub(crate) fn bytes(number: u64) -> String {
    const UNITS: [&str; 5] = ["KiB", "MiB", "GiB", "TiB", "PiB"];
    if number < 1024 {
        return counted(number, "byte", "bytes");
    }
    let mut value = number as f64 / 1024.0;
    let mut unit = 0;
    while value >= 1024.0 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    format!("{value:.1} {}", UNITS[unit])
}

/// `text` broken at spaces into lines of at most `width` characters, each behind `indent`.
pub(crate) fn wrap(text: &str, width: usize, indent: &str) -> String {
    let room = width.saturating_sub(indent.chars().count()).max(20);
    let mut lines = vec![String::new()];
    let mut used = 0;
    for word in text.split(' ') {
        let length = word.chars().count();
        if used > 0 && used + 1 + length > room {
            lines.push(String::new());
            used = 0;
        }
        let Some(line) = lines.last_mut() else { continue };
        if used > 0 {
            line.push(' ');
            used += 1;
        }
        line.push_str(word);
        used += length;
    }
    lines.iter().map(|line| format!("{indent}{line}\n")).collect()
}

/// `a, b and 3 more`: the items that are shown, of `all` that there are.
pub(crate) fn listed(shown: &[String], all: usize) -> String {
    let rest = all.saturating_sub(shown.len());
    let head = shown.join(", ");
    if rest == 0 { head } else { format!("{head} and {} more", grouped(widen(rest))) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_moves_a_cursor_survives() {
        let hostile = "a\nb\r\t\u{1b}[2J\u{9b}31m\u{202e}evil\u{2028}\u{7f}\u{0}";
        let cleaned = clean(hostile);
        assert!(!cleaned.contains(is_unsafe), "{cleaned}");
        assert_eq!(cleaned, r"a\nb\r\t\u{1b}[2J\u{9b}31m\u{202e}evil\u{2028}\u{7f}\u{0}");
        assert!(matches!(clean("köln `t`"), Cow::Borrowed("köln `t`")));
    }

    #[test]
    fn clipping_keeps_to_the_limit_and_shows_that_it_cut() {
        assert_eq!(clip("abcdef", 6), "abcdef");
        assert_eq!(clip("abcdefg", 6), "abcde…");
        assert_eq!(clip("äöüäöüä", 6), "äöüäö…");
    }

    #[test]
    fn long_texts_that_differ_in_the_middle_stay_apart() {
        let of = |middle: &str| shorten(&format!("{}{middle}{}", "a".repeat(100), "z".repeat(100)), 40);
        assert_eq!(of("1").chars().count(), 40);
        assert!(of("1").starts_with("aaaa") && of("1").contains("zzz #"), "{}", of("1"));
        assert_ne!(of("1"), of("2"));
        assert_eq!(shorten("short\n", 40), r"short\n");
    }

    #[test]
    fn numbers_are_grouped_in_threes() {
        for (number, text) in [(0, "0"), (999, "999"), (1000, "1,000"), (1234567, "1,234,567")] {
            assert_eq!(grouped(number), text);
        }
        for (number, text) in [(950, "950"), (12_345, "12.3k"), (444_000, "444k"), (2_000_000, "2.00M")] {
            assert_eq!(brief(number), text);
        }
        assert_eq!(bytes(1023), "1,023 bytes");
        assert_eq!(bytes(1536 * 1024), "1.5 MiB");
    }

    #[test]
    fn a_share_never_rounds_to_none_or_all() {
        assert_eq!(percent(1, 10_000_000), "< 0.01 %");
        assert_eq!(percent(9_999_999, 10_000_000), "> 99.99 %");
        assert_eq!(percent(1, 4), "25.00 %");
        assert_eq!(percent(4, 4), "100 %");
    }

    #[test]
    fn wrapped_text_keeps_its_words_and_its_width() {
        let text = "one two three four five six seven eight nine ten eleven twelve";
        let wrapped = wrap(text, 30, "  ");
        assert!(wrapped.lines().all(|line| line.chars().count() <= 30 && line.starts_with("  ")));
        assert_eq!(wrapped.split_whitespace().collect::<Vec<_>>().join(" "), text);
    }
}
