//! The commands that need no server at all.

use crate::vouch::Vouch;
use std::process::Stdio;

#[test]
fn codes_are_explained() {
    let outcome = Vouch::new().run(&["explain", "ROW_CHANGED"]);
    assert_eq!((outcome.code, outcome.stderr.as_str()), (0, ""));
    assert!(outcome.stdout.starts_with("row-changed  finding\n"), "{}", outcome.stdout);
    assert!(outcome.stdout.contains("What to do\n") && !outcome.stdout.contains('\u{1b}'));
}

#[test]
fn all_codes_are_listed() {
    let outcome = Vouch::new().run(&["explain"]);
    assert_eq!(outcome.stdout.lines().count(), vouch_report::Code::ALL.len());
    for code in vouch_report::Code::ALL {
        let line = outcome.stdout.lines().find(|line| line.split(' ').next() == Some(code.name()));
        assert!(line.is_some_and(|line| line.ends_with(code.explanation().meaning)), "{}", code.name());
    }
}

#[test]
fn unknown_codes_are_refused_with_what_is_near() {
    let vouch = Vouch::new();
    vouch.refuses(&["explain", "row-chnged"], "`row-chnged` is no code", "did you mean row-changed");
    vouch.refuses(&["explain", "xyzzy"], "`xyzzy` is no code", "`vouch explain` lists all codes");
}

#[test]
fn completions_know_every_command() {
    for shell in ["bash", "zsh", "fish"] {
        let outcome = Vouch::new().run(&["completions", shell]);
        assert_eq!(outcome.code, 0);
        for word in ["compare", "explain", "chunk-time", "ignore-tables-regex"] {
            assert!(outcome.stdout.contains(word), "{shell}: {word}");
        }
    }
    Vouch::new().refuses(
        &["completions", "tcsh"],
        "invalid value 'tcsh' for '<SHELL>'",
        "one of bash, elvish, fish, powershell, zsh",
    );
}

#[test]
fn a_man_page_is_written_for_every_command() {
    let vouch = Vouch::new();
    assert_eq!(vouch.run(&["man", "man1"]).code, 0);
    let page = |name: &str| std::fs::read_to_string(vouch.path().join("man1").join(name)).unwrap();
    for name in ["vouch", "vouch-compare", "vouch-config", "vouch-config-show", "vouch-explain", "vouch-man"] {
        assert!(page(&format!("{name}.1")).contains(&format!(".TH {name} 1")), "{name}");
    }
    assert_eq!(vouch.run(&["man"]).stdout, page("vouch.1"));
    assert!(page("vouch-compare.1").contains("Examples:"));
    let vouch = vouch.file("taken", "");
    vouch.refuses(&["man", "taken"], "taken could not be written: File exists", "name a folder that you may write to");
}

#[test]
fn a_reader_that_goes_away_is_no_error_but_a_full_disk_is() {
    let vouch = Vouch::new();
    let mut child =
        vouch.command(&["completions", "bash"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), String::from_utf8_lossy(&output.stderr).as_ref()), (Some(0), ""));
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let output = vouch.command(&["explain"]).stdout(full).output().unwrap();
    assert_eq!(output.status.code(), Some(3));
    let message =
        "vouch: the result could not be written to stdout: No space left on device\nhint: look for a full disk\n";
    assert_eq!(String::from_utf8_lossy(&output.stderr), message);
}
