//! Configuration: layers, the file, secrets, and what `config show` says of them.

use crate::vouch::Vouch;

fn shown(vouch: &Vouch, arguments: &[&str], option: &str) -> String {
    let outcome = vouch.run(&[&["config", "show"], arguments].concat());
    assert_eq!((outcome.code, outcome.stderr.as_str()), (0, ""));
    let start = format!("{option} =");
    let line = outcome.stdout.lines().find(|line| line.trim_start_matches("# ").starts_with(&start));
    line.unwrap().split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn flags_go_before_variables_before_the_file_before_defaults() {
    let vouch = Vouch::new();
    assert_eq!(shown(&vouch, &[], "chunk-time"), "chunk-time = \"0.5s\" # default");
    assert_eq!(shown(&vouch, &[], "run-time"), "# run-time = # not set");
    let vouch = vouch.file("vouch.toml", "[compare]\nchunk-time = 2\nrun_time = \"1h\"\n");
    assert_eq!(shown(&vouch, &[], "chunk-time"), "chunk-time = \"2\" # vouch.toml line 2");
    let vouch = vouch.variable("VOUCH_CHUNK_TIME", "3s");
    assert_eq!(shown(&vouch, &[], "chunk-time"), "chunk-time = \"3s\" # VOUCH_CHUNK_TIME");
    assert_eq!(shown(&vouch, &["--chunk-time", "4s"], "chunk-time"), "chunk-time = \"4s\" # --chunk-time");
    assert_eq!(shown(&vouch, &[], "run-time"), "run-time = \"1h\" # vouch.toml line 3");
}

#[test]
fn lists_of_a_higher_layer_replace_those_of_a_lower_one() {
    let vouch = Vouch::new().file("vouch.toml", "replica = ['a', 'b']\nno-replication = true\n");
    assert_eq!(shown(&vouch, &[], "replica"), "replica = [\"a\", \"b\"] # vouch.toml line 1");
    assert_eq!(shown(&vouch, &[], "no-replication"), "no-replication = true # vouch.toml line 2");
    assert_eq!(shown(&vouch, &["--replica", "c"], "replica"), "replica = [\"c\"] # --replica");
    let vouch = vouch.variable("VOUCH_REPLICA", "h=d,P=1  e").variable("VOUCH_NO_REPLICATION", "off");
    assert_eq!(shown(&vouch, &[], "replica"), "replica = [\"h=d,P=1\", \"e\"] # VOUCH_REPLICA");
    assert_eq!(shown(&vouch, &[], "no-replication"), "no-replication = false # VOUCH_NO_REPLICATION");
}

#[test]
fn the_file_is_looked_for_in_this_order() {
    let vouch = Vouch::new().file(".config/vouch/vouch.toml", "recurse = 1\n");
    assert!(shown(&vouch, &[], "recurse").ends_with(".config/vouch/vouch.toml line 1"));
    let vouch = vouch.file("xdg/vouch/vouch.toml", "recurse = 2\n").variable("XDG_CONFIG_HOME", "xdg");
    assert_eq!(shown(&vouch, &[], "recurse"), "recurse = \"2\" # xdg/vouch/vouch.toml line 1");
    let vouch = vouch.file("vouch.toml", "recurse = 3\n");
    assert_eq!(shown(&vouch, &[], "recurse"), "recurse = \"3\" # vouch.toml line 1");
    let vouch = vouch.file("other.toml", "recurse = 4\n").variable("VOUCH_CONFIG", "other.toml");
    assert_eq!(shown(&vouch, &[], "recurse"), "recurse = \"4\" # other.toml line 1");
    let vouch = vouch.file("named.toml", "recurse = 5\n");
    assert_eq!(shown(&vouch, &["--config", "named.toml"], "recurse"), "recurse = \"5\" # named.toml line 1");
}

#[test]
fn passwords_are_not_shown() {
    let vouch = Vouch::new().file("vouch.toml", "source = 'mysql://u:hunter2@db1/'\n");
    let outcome = vouch.run(&["config", "show", "--replica", "h=db2,p=hunter2", "--replica", "h=db3,p=${PW}"]);
    assert_eq!(outcome.code, 0);
    assert!(!outcome.stdout.contains("hunter2"), "{}", outcome.stdout);
    assert!(outcome.stdout.contains("mysql://u:***@db1/") && outcome.stdout.contains("p=${PW}"));
}

#[test]
fn what_is_shown_is_a_configuration_file_again() {
    let vouch = Vouch::new();
    let text = vouch.run(&["config", "show", "--where", "a = \"x\\y\"", "--tables", "a,b", "--quiet"]).stdout;
    let vouch = vouch.file("again.toml", &text);
    assert!(
        shown(&vouch, &["--config", "again.toml"], "where").starts_with("where = \"a = \\\"x\\\\y\\\"\" # again.toml")
    );
    assert!(shown(&vouch, &["--config", "again.toml"], "quiet").starts_with("quiet = true # again.toml"));
}

#[test]
fn a_malformed_file_is_named_with_its_line() {
    for (text, message, hint) in [
        ("\nchunk-tim = 1\n", "line 2: `chunk-tim` is no option", "did you mean chunk-time"),
        (
            "source = db1\n",
            "line 1: string values must be quoted, expected literal string",
            "strings need quotes: chunk-time = \"1s\"",
        ),
        (
            "[compare]\ntables = [1979-05-27]\n",
            "line 2: tables is a date",
            "write a string, a number or a list of these",
        ),
        (
            "[xyzzy]\n",
            "line 1: `xyzzy` is no option",
            "the options are those of `vouch compare --help`, without the dashes in front",
        ),
    ] {
        let message = format!("the configuration file vouch.toml is wrong at {message}");
        Vouch::new().file("vouch.toml", text).refuses(&["compare"], &message, hint);
    }
    Vouch::new().refuses(
        &["compare", "--config", "no.toml"],
        "the configuration file no.toml could not be read: No such file or directory",
        "check --config",
    );
}

#[test]
fn a_bad_value_is_named_with_the_place_it_stands_in() {
    Vouch::new().file("vouch.toml", "[compare]\ndigest = 'md5'\n").refuses(
        &["compare"],
        "invalid value 'md5' for '--digest <DIGEST>' (from vouch.toml line 2)",
        "one of auto, sha2, stream, crc",
    );
    Vouch::new().variable("VOUCH_READERS", "0").refuses(
        &["compare"],
        "invalid value '0' for '--readers <N>': 0 is not in 1..=64 (from VOUCH_READERS)",
        "see --help",
    );
    Vouch::new().file("vouch.toml", "quiet = 'maybe'\n").refuses(
        &["compare"],
        "quiet is neither true nor false (vouch.toml line 1)",
        "write true or false",
    );
    Vouch::new().file("vouch.toml", "source = ['a', 'b']\n").refuses(
        &["compare"],
        "source takes one value, not a list (vouch.toml line 1)",
        "write one value",
    );
}

#[test]
fn an_unset_secret_is_named() {
    let vouch = Vouch::new().file("vouch.toml", "source = 'mysql://u:${DB_PW}@db1/'\n");
    vouch.refuses(
        &["compare"],
        "vouch.toml line 1: the environment variable DB_PW is not set",
        "set it, or give a default: ${DB_PW:-default}",
    );
    Vouch::new().refuses(
        &["compare", "--source", "h=db1,p=${file:/no/such/file}"],
        "--source: the secret file /no/such/file could not be read: No such file or directory",
        "check the path and its permissions",
    );
    // With the secret set, the next thing that is wrong is complained about.
    vouch.variable("DB_PW", "x").refuses(
        &["compare", "--replica", "h=${NO:-}"],
        "--replica: the address has no usable host",
        "an address is mysql://user@host:3306/, h=host,P=3306,u=user, host:port, /path/to/socket or [group]",
    );
}

#[test]
fn option_files_are_read_and_complained_about() {
    let vouch = Vouch::new().file(".my.cnf", "[client]\nuser=dba\n\n[prod\n");
    let message = format!(
        "the option file {} is malformed at line 4: the group has no closing bracket",
        vouch.path().join(".my.cnf").display()
    );
    let hint = "a line is [group], name=value, !include FILE, !includedir FOLDER or # comment";
    vouch.refuses(&["compare", "--source", "db1"], &message, hint);
    Vouch::new().file("my.cnf", "[prod_b]\nhost=db1\n[x]\n").refuses(
        &["compare", "--source", "[nowhere]", "--defaults-file", "my.cnf", "--defaults-group-suffix", "_b"],
        "--source: no option file that was read has a group [nowhere]",
        "the groups are [prod_b] [x]",
    );
    Vouch::new().refuses(
        &["compare", "--source", "db1", "--defaults-file", "no.cnf"],
        "the option file no.cnf could not be read: No such file or directory",
        "check the path and its permissions",
    );
}
