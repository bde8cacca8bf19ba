//! `vouch probe` and `vouch serve` without any server: wrong usage, and what is said when nobody answers.

use crate::vouch::Vouch;

#[test]
fn usage_is_checked_before_anything_is_looked_at() {
    let vouch = Vouch::new();
    vouch.refuses(
        &["probe"],
        "no node is given",
        "name each with --node NAME=mysql://user@host:3306/, or in vouch.toml",
    );
    vouch.refuses(
        &["probe", "--node", "db1=u@127.0.0.1:1", "--node", "db1=u@127.0.0.1:2"],
        "the node db1 is given twice",
        "give each node a name of its own",
    );
    vouch.refuses(
        &["probe", "--node", "db1=u@127.0.0.1:1", "--policy", "active-passive", "--self", "db1"],
        "a pair needs two servers",
        "name them with --self and --peer, by a --node's name or by address",
    );
    vouch.refuses(
        &["probe", "--node", "db1=u@127.0.0.1:1", "--self", "db9"],
        "--self db9 is no node's name",
        "name it as in --node NAME=ADDRESS",
    );
    vouch.refuses(
        &["probe", "--node", "db1=u@127.0.0.1:1", "--return-lag", "90s"],
        "--low-lag and --return-lag must not be above --max-lag",
        "lower them, or raise --max-lag",
    );
}

#[test]
fn a_pair_by_address_that_nobody_answers_is_200_with_the_reason() {
    let vouch = Vouch::new();
    let pair = ["probe", "--format", "lb-text", "--policy", "active-passive"];
    let outcome = vouch.run(&[&pair[..], &["--self", "u@127.0.0.1:1", "--peer", "u@127.0.0.1:2"]].concat());
    assert_eq!((outcome.code, outcome.stdout.as_str()), (1, "200\n"), "{}", outcome.stderr);
    assert_eq!(outcome.stderr, "vouch: self: refused: connection refused\n");
    let quiet = vouch.run(&[&pair[..], &["--quiet", "--self", "u@127.0.0.1:1", "--peer", "u@127.0.0.1:2"]].concat());
    assert_eq!((quiet.code, quiet.stdout.as_str(), quiet.stderr.as_str()), (1, "200\n", ""));
}

#[test]
fn the_configuration_is_shared_by_probe_and_serve() {
    let text = "[serve]\nnode = [\"db1=u@127.0.0.1:1\"]\nlisten = \"127.0.0.1:0\"\nformat = \"nagios\"\n[compare]\nrecurse = 2\n";
    let vouch = Vouch::new().file("vouch.toml", text);
    let outcome = vouch.run(&["probe"]);
    assert!(
        outcome.stdout.starts_with("VOUCH CRITICAL - db1 ro down: connection refused (refused) | lag=U;;;0 "),
        "{}",
        outcome.stdout
    );
    assert_eq!(outcome.code, 2);
    Vouch::new().file("vouch.toml", "[serve]\nnodes = 1\n").refuses(
        &["serve"],
        "the configuration file vouch.toml is wrong at line 2: `nodes` is no option",
        "did you mean node",
    );
}

#[test]
fn grants_are_printed_for_a_person_to_run() {
    let outcome = Vouch::new().run(&["probe", "grants", "--flavor", "mysql", "--heartbeat-table", "percona.heartbeat"]);
    assert_eq!(outcome.code, 0);
    assert!(
        outcome.stdout.contains("GRANT SELECT ON `percona`.`heartbeat` TO 'vouch_probe'@'%';"),
        "{}",
        outcome.stdout
    );
}

#[test]
fn reasons_are_explained_as_protocols_write_them() {
    let outcome = Vouch::new().run(&["explain", "sql_stopped:1062"]);
    assert!(outcome.code == 0 && outcome.stdout.starts_with("sql-stopped  reason\n"), "{}", outcome.stdout);
}
