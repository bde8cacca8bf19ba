//! The help of every command, as a snapshot: what users read changes only on purpose.

use crate::vouch::Vouch;

#[test]
fn help_of_every_command() {
    for path in [
        &[][..],
        &["compare"],
        &["probe"],
        &["probe", "pass-persist"],
        &["probe", "heartbeat"],
        &["probe", "replay"],
        &["probe", "grants"],
        &["probe", "doctor"],
        &["serve"],
        &["validate"],
        &["drill"],
        &["manifest"],
        &["manifest", "keygen"],
        &["manifest", "create"],
        &["manifest", "sign"],
        &["manifest", "verify"],
        &["manifest", "show"],
        &["manifest", "import"],
        &["manifest", "diff"],
        &["manifest", "lint"],
        &["innochecksum"],
        &["demo"],
        &["explain"],
        &["config"],
        &["config", "show"],
        &["completions"],
        &["man"],
    ] {
        let name = format!("help {}", path.join(" ")).trim_end().replace(' ', "-");
        let outcome = Vouch::new().run(&[path, &["--help"]].concat());
        assert_eq!((outcome.code, outcome.stderr.as_str()), (0, ""));
        assert!(outcome.stdout.contains("Examples:\n"), "{name} has no examples");
        insta::assert_snapshot!(name, outcome.stdout);
    }
}

#[test]
fn short_help_of_compare() {
    insta::assert_snapshot!("short-help-compare", Vouch::new().run(&["compare", "-h"]).stdout);
}

#[test]
fn the_version_is_that_of_the_package() {
    let outcome = Vouch::new().run(&["--version"]);
    assert_eq!((outcome.code, outcome.stdout), (0, format!("vouch {}\n", env!("CARGO_PKG_VERSION"))));
}
