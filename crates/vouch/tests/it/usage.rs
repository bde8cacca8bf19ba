//! Wrong usage: the exit code, one sentence that names the cause, and a hint.

use crate::vouch::Vouch;

#[test]
fn unknown_commands_and_options() {
    let vouch = Vouch::new();
    vouch.refuses(&["cmpare"], "unrecognized subcommand 'cmpare'", "did you mean compare");
    vouch.refuses(
        &["compare", "--chunk-tme", "1"],
        "unexpected argument '--chunk-tme' found",
        "did you mean --chunk-time",
    );
    vouch.refuses(&["compare", "db1"], "unexpected argument 'db1' found", "see --help");
    let none = vouch.run(&[]);
    assert_eq!(none.code, 2);
    assert!(
        none.stderr
            .starts_with("vouch: 'vouch' requires a subcommand but one was not provided\nhint: one of compare, ")
    );
}

#[test]
fn every_bad_value_is_refused_with_what_it_should_be() {
    let (duration, range) = ("a duration is a number with ms, s, m, h or d, such as 500ms, 1s or 2h", "is not in 1..");
    let cases = [
        ("--recursion-method", "cluster", "a way to find replicas is processlist, hosts, dsn=DATABASE.TABLE or none"),
        ("--recurse", "0", "0 is not in 1..=16"),
        ("--expect-replicas", "two", "invalid digit found in string"),
        ("--map", "shop", "a pair is SOURCE_DATABASE=REPLICA_DATABASE"),
        ("--digest", "md5", ""),
        ("--chunk-time", "fast", duration),
        ("--chunk-time", "0", "it must be longer than 0"),
        ("--chunk-rows-min", "0", range),
        ("--chunk-rows-max", "0", range),
        ("--chunk-bytes", "64X", "a size is a number of bytes with k, M, G or T, such as 64M"),
        ("--proof", "maybe", ""),
        ("--confirm-after", "1w", duration),
        ("--hot-deadline", "1w", duration),
        ("--max-findings", "many", "invalid digit found in string"),
        ("--max-lag", "never", duration),
        ("--max-load", "25", "a load limit is STATUS_VARIABLE=NUMBER, such as Threads_running=25, or off"),
        ("--max-bandwidth", "0", "it must be at least 1"),
        ("--check-interval", "10ms", "it must be at least 100ms"),
        ("--run-time", "0s", "it must be longer than 0"),
        ("--windows", "22-6", "a window is HH:MM-HH:MM in UTC, such as 22:00-06:00"),
        ("--readers", "65", "65 is not in 1..=64"),
        ("--wait-timeout", "x", duration),
        ("--retry-for", "x", duration),
        ("--format", "xml", ""),
        ("--report", "result.txt", "a report is a file named .html, .json or .xml"),
        ("--color", "blue", ""),
    ];
    for (option, value, cause) in cases {
        let outcome = Vouch::new().run(&["compare", "--source", "db1", &format!("{option}={value}")]);
        assert_eq!((outcome.code, outcome.stdout.as_str()), (2, ""), "{option}");
        let message = outcome.stderr.lines().next().unwrap();
        let start = format!("vouch: invalid value '{value}' for '{option} <");
        assert!(message.starts_with(&start) && message.contains(cause), "{option}: {message}");
        assert!(outcome.stderr.lines().nth(1).unwrap().starts_with("hint: "), "{option}");
    }
    Vouch::new().refuses(
        &["compare", "--digest", "md5"],
        "invalid value 'md5' for '--digest <DIGEST>'",
        "one of auto, sha2, stream, crc",
    );
}

#[test]
fn combinations_that_leave_nothing_to_do() {
    let vouch = Vouch::new();
    let source = ["compare", "--source", "db1"];
    let with = |more: &[&'static str]| [&source[..], more].concat();
    vouch.refuses(
        &["compare"],
        "no source is given",
        "name it with --source mysql://user@host:3306/, or in vouch.toml",
    );
    vouch.refuses(
        &with(&["--no-replication"]),
        "--no-replication leaves no replica to find",
        "name the server to hold against the source with --replica",
    );
    vouch.refuses(
        &with(&["--recursion-method", "none"]),
        "no replica is given, and none is to be found",
        "name one with --replica, or leave out --recursion-method none",
    );
    vouch.refuses(
        &with(&["--chunk-rows-min", "10", "--chunk-rows-max", "9"]),
        "--chunk-rows-min 10 is above --chunk-rows-max 9",
        "lower the one or raise the other",
    );
    vouch.refuses(
        &with(&["--replica", "db2", "--replica", "db2:3306"]),
        "the replica db2:3306 is given twice",
        "name it once",
    );
    vouch.refuses(
        &with(&["--replica", "db1"]),
        "db1:3306 is both source and replica",
        "to compare two databases of one server, say --map A=B --no-replication",
    );
    vouch.refuses(
        &with(&["--map", "a=b", "--map", "a=c"]),
        "--map names database a twice",
        "a database is held against one other",
    );
    vouch.refuses(
        &with(&["--report", "no/such.html"]),
        "the report no/such.html cannot be written there",
        "make the folder no first, and name a file in it",
    );
}

#[test]
fn filters_that_make_no_sense() {
    let vouch = Vouch::new();
    let source = ["compare", "--source", "db1"];
    let with = |more: &[&'static str]| [&source[..], more].concat();
    vouch.refuses(
        &with(&["--tables-regex", "a("]),
        "the regular expression `a(` of --tables-regex is malformed: unclosed group",
        "put a backslash before . * + ? ( ) [ ] { } ^ $ | that are meant literally",
    );
    vouch.refuses(
        &with(&["--databases", "mysql"]),
        "mysql is a system schema, and those are never compared",
        "leave it out of --databases and --tables",
    );
    let outcome = vouch.run(&with(&["--tables", "a.b.c"]));
    assert_eq!(outcome.code, 2);
    assert!(
        outcome.stderr.starts_with("vouch: the pattern `a.b.c` of --tables is malformed: it has too many dots\nhint: ")
    );
}

#[test]
fn wrong_addresses() {
    let vouch = Vouch::new();
    let source = |address: &'static str| ["compare", "--source", address];
    vouch.refuses(&source("http://db1/"), "--source: the URL scheme `http` is not known", "use mysql:// or mariadb://");
    vouch.refuses(
        &source("mysql://db1/?ssl_mod=x"),
        "--source: the parameter `ssl_mod` is not known",
        "known are ssl-mode, ssl-ca, ssl-cert, ssl-key, socket, server-public-key-path, get-server-public-key",
    );
    vouch.refuses(
        &source("[prod]"),
        "--source: no option file that was read has a group [prod]",
        "name the option file with --defaults-file",
    );
    vouch.refuses(
        &source("db1:99999"),
        "--source: the port is not a number from 1 to 65535",
        "in a URL, write % / ? # @ : of a user or password as %25 %2F %3F %23 %40 %3A",
    );
    vouch.refuses(
        &["compare", "--source", "db1", "--replica", "h=db2,Q=1"],
        "--replica: the DSN letter `Q` is not known",
        "known are h (host), P (port), u (user), p (password), S (socket), F (option file), s (1: TLS), and the \
         parameters ssl-mode, ssl-ca, ssl-cert, ssl-key, socket, server-public-key-path, get-server-public-key",
    );
}

#[test]
fn no_refusal_shows_a_password() {
    for address in ["mysql://u:hunter2/x@db1/", "h=db1,p=hunter2,Q=1", "u:hunter2@db 1", "mysql://u:hunter2%@db1/"] {
        let outcome = Vouch::new().run(&["compare", "--source", address]);
        assert_eq!(outcome.code, 2);
        assert!(!outcome.stderr.contains("hunter2"), "{}", outcome.stderr);
    }
}

#[test]
fn hostile_arguments_do_not_reach_the_terminal() {
    let outcome = Vouch::new().run(&["explain", "\u{1b}[31mred\n"]);
    assert_eq!(outcome.code, 2);
    assert!(!outcome.stderr.contains('\u{1b}') && outcome.stderr.lines().count() == 2, "{}", outcome.stderr);
}

#[test]
fn a_source_that_cannot_be_reached_is_incomplete_and_not_clean() {
    let vouch = Vouch::new();
    let outcome = vouch.run(&["compare", "--source", "/no/such.sock", "--replica", "db2", "--state-dir", "state"]);
    assert_eq!((outcome.code, outcome.stdout.as_str()), (3, ""));
    assert!(outcome.stderr.starts_with("vouch: the source cannot be asked: no connection to /no/such.sock"));
    assert!(outcome.stderr.lines().nth(1).is_some_and(|line| line.starts_with("hint: ")), "{}", outcome.stderr);
}

#[test]
fn a_password_on_the_command_line_works_and_warns_unless_quiet() {
    let arguments = ["compare", "--source", "S=/no/such.sock,p=hunter2", "--replica", "db2", "--state-dir", "state"];
    let warned =
        |outcome: &crate::vouch::Outcome| outcome.stderr.contains("warning: the password of /no/such.sock is on");
    let outcome = Vouch::new().run(&arguments);
    assert!(warned(&outcome) && !outcome.stderr.contains("hunter2"), "{}", outcome.stderr);
    assert!(!warned(&Vouch::new().run(&[&arguments[..], &["--quiet"]].concat())));
    let secret = ["compare", "--source", "S=/no/such.sock,p=${PW}", "--replica", "db2", "--state-dir", "state"];
    assert!(!warned(&Vouch::new().variable("PW", "hunter2").run(&secret)));
}
