//! What a person reads at a terminal, as snapshots.

mod fixture;

use vouch_render::human::{HumanStyle, render};

const PLAIN: HumanStyle = HumanStyle { colour: false, width: 110 };

#[test]
fn clean() {
    insta::assert_snapshot!(render(&fixture::clean(), &PLAIN));
}

#[test]
fn everything() {
    insta::assert_snapshot!(render(&fixture::everything(), &PLAIN));
}

#[test]
fn incomplete() {
    insta::assert_snapshot!(render(&fixture::incomplete(), &PLAIN));
}

#[test]
fn interrupted() {
    insta::assert_snapshot!(render(&fixture::interrupted(), &PLAIN));
}

#[test]
fn refused() {
    insta::assert_snapshot!(render(&fixture::refused(), &PLAIN));
}

#[test]
fn many_tables() {
    insta::assert_snapshot!(render(&fixture::many(), &PLAIN));
}

#[test]
fn a_narrow_terminal_gets_no_lines_of_the_table_beyond_its_width() {
    let text = render(&fixture::clean(), &HumanStyle { colour: false, width: 60 });
    let table = text.split("\n\n").next().unwrap_or_default();
    assert!(table.contains("shop.accounts"), "{table}");
    assert!(table.lines().all(|line| line.chars().count() <= 60), "{table}");
}

#[test]
fn nothing_hostile_reaches_the_terminal() {
    for style in [PLAIN, HumanStyle { colour: true, width: 80 }] {
        let text = render(&fixture::everything(), &style);
        for escape in text.split('\u{1b}').skip(1) {
            let (code, _) = escape.split_once('m').unwrap_or((escape, ""));
            assert!(style.colour, "an escape without colour: {escape:?}");
            let ours = code.starts_with('[') && code[1..].bytes().all(|b| b.is_ascii_digit() || b == b';');
            assert!(ours, "not a colour: {escape:?}");
        }
        assert!(!text.contains(|c: char| (c.is_control() && c != '\n' && c != '\u{1b}') || c == '\u{202e}'), "{text}");
        assert!(!text.contains("[31m\u{202e}"), "{text}");
    }
}

#[test]
fn nothing_found_is_never_said_without_what_was_looked_at() {
    for summary in [fixture::clean(), fixture::incomplete(), fixture::interrupted(), fixture::refused()] {
        let text = render(&summary, &PLAIN);
        assert!(text.contains("Looked at "), "{text}");
    }
    let mut nothing = fixture::clean();
    fixture::tables(&mut nothing).clear();
    let text = render(&nothing, &PLAIN);
    assert!(!text.contains("No difference") && text.contains("Nothing was compared"), "{text}");
}
