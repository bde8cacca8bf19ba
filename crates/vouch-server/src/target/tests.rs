//! Tests of the address forms and of how their layers lie over each other.
#![allow(clippy::unwrap_used, clippy::panic)]

use super::*;
use proptest::prelude::*;
use std::fs;

use std::time::Duration;

const TICK: Duration = Duration::from_secs(1);

fn parse(text: &str) -> Result<Target, TargetError> {
    Target::parse(text, &Defaults::default())
}

fn password(target: &Target) -> Option<&str> {
    target.password.as_ref().map(|secret| secret.0.as_str())
}

/// Defaults from an option file of that text and an empty environment.
fn defaults(text: &str) -> Defaults {
    defaults_with(text, DefaultsRequest::default())
}

fn defaults_with(text: &str, request: DefaultsRequest) -> Defaults {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("my.cnf");
    fs::write(&path, text).unwrap();
    Defaults::load(&DefaultsRequest { defaults_file: Some(path), ..request }).unwrap()
}

#[test]
fn every_form_says_the_same() {
    let options = defaults("[db1]\nhost=db1\nport=3307\nuser=dba\npassword='s,e@c'\nssl_mode=REQUIRED\n");
    for text in [
        "mysql://dba:s%2ce%40c@db1:3307/?ssl-mode=required",
        "MariaDB://dba:s,e@c@db1:3307?ssl_mode=REQUIRED",
        r"h=db1,P=3307,u=dba,p=s\,e@c,s=1",
        r"h=db1,P=3307,u=dba,p=s\,e@c,ssl-mode=required",
        "[db1]",
    ] {
        let target = Target::parse(text, &options).unwrap();
        assert_eq!(target.name(), "db1:3307", "{text}");
        assert_eq!(target.user(), Some("dba"), "{text}");
        assert_eq!(password(&target), Some("s,e@c"), "{text}");
        assert_eq!(target.tls_mode(), TlsMode::Required, "{text}");
        assert_eq!(target.has_inline_password(), text != "[db1]", "{text}");
    }
}

#[test]
fn names_of_addresses() {
    for (text, name) in [
        ("db1", "db1:3306"),
        ("db1:3307", "db1:3307"),
        ("me@db1:3307", "db1:3307"),
        ("::1", "[::1]:3306"),
        ("[::1]", "[::1]:3306"),
        ("[fe80::1]:3307", "[fe80::1]:3307"),
        ("mysql://[::1]:3307/", "[::1]:3307"),
        ("mysql://u@", "127.0.0.1:3306"),
        ("mysql://", "127.0.0.1:3306"),
        ("h=::1", "[::1]:3306"),
        ("P=3307", "127.0.0.1:3307"),
        ("/run/a.sock", "/run/a.sock"),
        ("S=/run/a.sock,u=x", "/run/a.sock"),
        ("h=localhost,S=/run/a.sock", "/run/a.sock"),
        ("mysql://u@h/?socket=/run/a%20b.sock", "/run/a b.sock"),
        ("mysql://u@%2Frun%2Fa.sock/", "/run/a.sock"),
        ("localhost", "localhost:3306"),
    ] {
        assert_eq!(parse(text).unwrap().name(), name, "{text}");
    }
}

#[test]
fn wrong_addresses_say_what_is_wrong() {
    let letter = |letter: &str| TargetError::Letter(letter.into());
    for (text, error) in [
        ("  ", TargetError::Empty),
        ("http://db1/", TargetError::Scheme("http".into())),
        ("mysql://u:p%@db1/", TargetError::Encoding),
        ("mysql://u:p%4@db1/", TargetError::Encoding),
        ("mysql://u:%ff@db1/", TargetError::Encoding),
        ("mysql://u:a/b@db1/", TargetError::Port),
        ("mysql://u:a#b@db1/", TargetError::Fragment),
        ("mysql://db1/shop", TargetError::Database("shop".into())),
        ("mysql://db1/?compress=1", TargetError::Parameter("compress".into())),
        ("mysql://db1:0/", TargetError::Port),
        ("db1:65536", TargetError::Port),
        ("db 1", TargetError::Host),
        ("[::1", TargetError::Host),
        ("a:b:c", TargetError::Host),
        ("h=db1,3306", TargetError::Pair(2)),
        ("h=db1,x=1", letter("x")),
        ("h=db1,hots=1", TargetError::Parameter("hots".into())),
        ("h=db1,ssl-mode=verify-ca", TargetError::NoCa),
        ("h=db1,ssl-cert=c.pem", TargetError::HalfIdentity),
        ("[nowhere]", TargetError::Group { name: "nowhere".into(), known: vec![] }),
    ] {
        let found = parse(text).unwrap_err();
        assert_eq!(found, error, "{text}");
        assert!(!found.hint().is_empty() && !found.to_string().contains("a/b"));
    }
    let error = parse("h=db1,ssl-mode=maybe").unwrap_err();
    assert_eq!(error.to_string(), "`maybe` is no value of ssl-mode");
    assert!(error.hint().contains("verify-identity"), "{}", error.hint());
}

#[test]
fn an_address_goes_before_the_option_file_and_that_before_the_environment() {
    let request = DefaultsRequest {
        host: Some("env".into()),
        tcp_port: Some("4000".into()),
        password: Some("env".into()),
        ..DefaultsRequest::default()
    };
    let options = defaults_with("[client]\nhost=file\nuser=file\n[vouch]\nuser=vouch\n", request);
    let target = Target::parse("h=given", &options).unwrap();
    assert_eq!((target.name(), target.user(), password(&target)), ("given:4000", Some("vouch"), Some("env")));
    let target = Target::parse("u=me,p=", &options).unwrap();
    assert_eq!((target.name(), target.user(), password(&target)), ("file:4000", Some("me"), Some("")));
    assert!(!target.has_inline_password());
}

#[test]
fn a_socket_of_the_option_file_is_for_the_local_server_alone() {
    let options = defaults("[client]\nport=3306\nsocket=/run/a.sock\n[far]\nhost=db1\n");
    for (text, name) in [
        ("u=me", "/run/a.sock"),
        ("localhost", "/run/a.sock"),
        ("localhost:3306", "localhost:3306"),
        ("127.0.0.1", "127.0.0.1:3306"),
        ("P=3307", "127.0.0.1:3307"),
        ("[far]", "db1:3306"),
    ] {
        assert_eq!(Target::parse(text, &options).unwrap().name(), name, "{text}");
    }
}

#[test]
fn the_group_suffix_is_read_after_the_group() {
    let request = DefaultsRequest { group_suffix: Some("_b".into()), ..DefaultsRequest::default() };
    let options = defaults_with("[client_b]\nuser=b\n[client]\nuser=a\n[x]\nhost=h\n[x_b]\nport=9\n", request);
    let target = Target::parse("[x]", &options).unwrap();
    assert_eq!((target.name(), target.user()), ("h:9", Some("b")));
    let error = Target::parse("[y]", &options).unwrap_err();
    assert_eq!(error.hint(), "the groups are [client_b] [client] [x] [x_b]");
}

#[test]
fn the_option_file_of_a_dsn_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("other.cnf");
    fs::write(&path, "[client]\nuser=other\nhost=other\n").unwrap();
    let target = Target::parse(&format!("P=3307,F={}", path.display()), &Defaults::default()).unwrap();
    assert_eq!((target.name(), target.user()), ("other:3307", Some("other")));
    assert!(parse("F=/nowhere/my.cnf").unwrap_err().to_string().contains("/nowhere/my.cnf could not be read: No such"));
}

#[test]
fn a_home_without_option_file_is_no_error_but_a_named_one_is() {
    let folder = tempfile::tempdir().unwrap();
    let home = DefaultsRequest { home: Some(folder.path().into()), ..DefaultsRequest::default() };
    Defaults::load(&home).unwrap();
    fs::write(folder.path().join(".my.cnf"), "[client]\nuser=home\n").unwrap();
    let target = Target::parse("db1", &Defaults::load(&home).unwrap()).unwrap();
    assert_eq!(target.user(), Some("home"));
    let named = DefaultsRequest { defaults_file: Some(folder.path().join("no.cnf")), ..home };
    assert!(matches!(Defaults::load(&named), Err(TargetError::File(_))));
}

#[test]
fn a_ca_implies_that_it_is_verified_against() {
    let ca = tempfile::NamedTempFile::new().unwrap();
    let address = format!("h=db1,ssl-ca={}", ca.path().display());
    let target = parse(&address).unwrap();
    assert_eq!(target.tls_mode(), TlsMode::VerifyCa);
    assert!(target.warnings().is_empty());
    let target = parse(&format!("{address},ssl-mode=verify-identity")).unwrap();
    assert!(target.warnings().is_empty());
}

#[test]
fn a_key_file_that_is_not_there_is_named_when_it_is_needed() {
    let error = parse("h=db1,ssl-ca=/no/ca.pem").unwrap_err();
    assert!(error.to_string().starts_with("the file /no/ca.pem of ssl-ca could not be read: No such file"), "{error}");
    parse("h=db1,ssl-ca=/no/ca.pem,ssl-mode=required").unwrap();
    assert!(parse("h=db1,ssl-cert=/no/c,ssl-key=/no/k").unwrap_err().to_string().contains("/no/c of ssl-cert"));
    parse("h=db1,ssl-cert=/no/c,ssl-key=/no/k,ssl-mode=disabled").unwrap();
    assert!(parse("h=db1,server-public-key-path=/no/k").is_err());
}

#[test]
fn no_password_shows() {
    let request = DefaultsRequest { password: Some("hunter2".into()), ..DefaultsRequest::default() };
    let options = defaults_with("[client]\npassword=hunter2\n", request.clone());
    let target = Target::parse("h=db1,p=hunter2", &options).unwrap();
    let shown = format!("{target:?} {options:?} {request:?}");
    assert!(!shown.contains("hunter2") && shown.contains("***"), "{shown}");
}

#[test]
fn a_door_leads_where_the_address_says() {
    let door = |text: &str| parse(text).unwrap().door(Timeouts { connect: TICK, bytes: TICK }, 1 << 20);
    let plain = door("u:p@db1:3307");
    assert_eq!((plain.user.as_str(), plain.password.as_str(), plain.longest), ("u", "p", 1 << 20));
    assert_eq!(plain.address, Address::Tcp("db1".to_owned(), 3307));
    assert_eq!((plain.tls.mode, &plain.key), (TlsMode::Preferred, &ServerKey::None));
    assert_eq!(door("h=db1,ssl-mode=disabled").tls.mode, TlsMode::Disabled);
    assert_eq!(door("/run/a.sock").address, Address::Socket("/run/a.sock".into()));
    assert_eq!(door("::1").address, Address::Tcp("::1".to_owned(), 3306));
}

#[test]
fn a_discovered_replica_keeps_account_and_tls() {
    let source = parse("mysql://u:p@db1/?ssl-mode=required").unwrap();
    let replica = source.with_address("db2", 3308).unwrap();
    assert_eq!((replica.name(), replica.user(), password(&replica)), ("db2:3308", Some("u"), Some("p")));
    assert_eq!(replica.tls_mode(), TlsMode::Required);
    assert_eq!(source.with_address("db`2", 3306).unwrap_err(), TargetError::Host);
    assert_eq!(source.with_address("", 3306).unwrap_err(), TargetError::Host);
    assert_eq!(source.with_address("db2", 0).unwrap_err(), TargetError::Port);
}

#[test]
fn of_an_address_that_a_server_told_only_host_and_port_are_taken() {
    let place = |text: &str| Target::discovered(text).map(|address| (address.host, address.port));
    assert_eq!(place("h=db2,P=3307,u=root,D=percona,t=dsns"), Ok(("db2".to_owned(), Some(3307))));
    assert_eq!(place(" h=::1 "), Ok(("::1".to_owned(), None)));
    for forbidden in ["F=.my.cnf", "S=/tmp/s", "p=x", "s=1", "ssl-mode=disabled", "ssl_ca=/x", "x=y"] {
        let name = forbidden.split('=').next().unwrap().to_owned();
        assert_eq!(place(&format!("h=db2,{forbidden}")), Err(TargetError::Discovered(name)), "{forbidden}");
    }
    assert_eq!(place("P=3306"), Err(TargetError::Host));
    assert_eq!(place(""), Err(TargetError::Host));
    assert_eq!(place("db2"), Err(TargetError::Pair(1)));
}

#[test]
fn a_key_of_the_server_is_only_asked_for_where_that_is_allowed() {
    let key = |text: &str| parse(text).unwrap().door(Timeouts { connect: TICK, bytes: TICK }, 0).key;
    assert_eq!(key("mysql://u@h/?get-server-public-key=1"), ServerKey::Any);
    assert_eq!(key("h=h,get_server_public_key=on"), ServerKey::Any);
    assert_eq!(key("mysql://u@h/"), ServerKey::None);
    assert_eq!(key("mysql://u@h/?get-server-public-key=0"), ServerKey::None);
    let file = tempfile::NamedTempFile::new().unwrap();
    let named = format!("h=h,server-public-key-path={},get-server-public-key=1", file.path().display());
    assert_eq!(key(&named), ServerKey::File(file.path().to_owned()));
    assert!(matches!(parse("mysql://u@h/?get-server-public-key=2"), Err(TargetError::Value { .. })));
}

proptest! {
    #[test]
    fn parsing_never_panics(text in "\\PC*") {
        let _ = parse(&text);
    }

    #[test]
    fn nor_does_what_looks_like_an_address(text in "(mysql://|h=|\\[|)[a-z0-9%@:/?#,=\\\\\\[\\]&.-]{0,30}") {
        let _ = parse(&text);
    }

    #[test]
    fn any_password_survives_a_url_and_a_dsn(secret in "[^\\x00]{0,12}") {
        let encoded: String = secret.bytes().map(|byte| format!("%{byte:02x}")).collect();
        let target = parse(&format!("mysql://u:{encoded}@h/")).unwrap();
        prop_assert_eq!(password(&target), Some(secret.as_str()));
        // A DSN is trimmed as a whole, so its last part must not end in blanks.
        let target = parse(&format!("p={},h=h", secret.replace(',', "\\,"))).unwrap();
        if !secret.ends_with('\\') && !secret.contains("\\,") {
            prop_assert_eq!(password(&target), Some(secret.as_str()));
        }
    }
}
