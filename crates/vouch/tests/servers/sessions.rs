//! What a session is, whatever the server it is opened on is set to, and where it leads.

use crate::gate::kit::{Desk, last_line};
use crate::harness::{Outcome, Vouch, full, on_both};
use std::fmt::Write as _;
use std::time::Duration;
use vouch_testkit::{FULL, Flavor, PASSWORD, Proxy, Server, Topology, drift, numbers, poll};

const SOON: Duration = Duration::from_secs(60);

/// A value of a session variable that would change what a run says if the run did not change it back. The list is the
/// test's own, so that a variable is tried also when the program forgets it.
const HOSTILE: &[(&str, &str)] = &[
    ("character_set_client", "latin1"),
    ("character_set_connection", "latin1"),
    ("collation_connection", "latin1_general_ci"),
    ("character_set_results", "utf16"),
    ("sql_select_limit", "100"),
    ("sql_mode", "'ANSI_QUOTES,PIPES_AS_CONCAT,PAD_CHAR_TO_FULL_LENGTH,NO_BACKSLASH_ESCAPES'"),
    ("max_join_size", "10"),
    ("sql_big_selects", "0"),
    ("time_zone", "'-11:00'"),
    ("timestamp", "1"),
    ("lc_time_names", "'de_DE'"),
    ("group_concat_max_len", "4"),
    ("max_sort_length", "8"),
    ("div_precision_increment", "0"),
    ("default_week_format", "3"),
    ("sql_auto_is_null", "1"),
    ("sql_safe_updates", "1"),
    ("sql_quote_show_create", "0"),
    ("sql_notes", "0"),
    ("max_error_count", "0"),
    ("completion_type", "'CHAIN'"),
    ("autocommit", "0"),
    ("transaction_isolation", "'READ-UNCOMMITTED'"),
    ("tx_isolation", "'READ-UNCOMMITTED'"),
    ("transaction_read_only", "0"),
    ("tx_read_only", "0"),
    ("lock_wait_timeout", "1"),
    ("net_write_timeout", "1"),
    ("max_execution_time", "1"),
    ("max_statement_time", "0.001"),
    ("information_schema_stats_expiry", "86400"),
    ("show_gipk_in_create_table_and_information_schema", "0"),
    ("explain_format", "'JSON'"),
    ("use_secondary_engine", "'FORCED'"),
    ("terminology_use_previous", "'BEFORE_8_0_26'"),
    ("show_create_table_verbosity", "1"),
    ("show_create_table_skip_secondary_engine", "1"),
    ("old_mode", "'ZERO_DATE_TIME_CAST'"),
    ("old", "1"),
    ("system_versioning_asof", "'2020-01-01 00:00:00'"),
    ("sql_if_exists", "1"),
    ("query_cache_type", "'DEMAND'"),
    ("default_regex_flags", "'DOTALL'"),
    ("character_set_collations", "'latin1=latin1_general_ci'"),
];

fn hostile(name: &str) -> &'static str {
    let found = HOSTILE.iter().find(|(known, _)| *known == name);
    found.unwrap_or_else(|| panic!("no hostile value of {name} is known")).1
}

/// The hostile variables that a server has, whether or not vouch sets them.
fn known(server: &Server) -> Vec<String> {
    let names = HOSTILE.iter().map(|(name, _)| (*name).to_owned());
    names.filter(|name| server.query_one(&format!("SELECT @@session.{name}")).is_ok()).collect()
}

fn shop(flavor: Flavor) -> Topology {
    let topology = Topology::pair(flavor).unwrap();
    let mut sql = format!(
        "CREATE DATABASE shop; USE shop;
         CREATE TABLE items (id INT PRIMARY KEY, price INT, label VARCHAR(40), changed TIMESTAMP NULL) CHARSET utf8mb4;
         INSERT INTO items SELECT n, n % 97, CONCAT('Größe ', n), '2024-05-05 05:05:05' FROM {numbers};
         CREATE TABLE heap (a INT, b CHAR(9)); INSERT INTO heap SELECT n % 5, 'x' FROM {numbers};",
        numbers = numbers(3_000)
    );
    for table in 1..=120 {
        write!(sql, "CREATE TABLE t{table:03} (id INT PRIMARY KEY);").unwrap();
    }
    match flavor {
        Flavor::Mysql => sql.push_str(
            "SET sql_generate_invisible_primary_key = 1; CREATE TABLE keyless (v INT); \
             INSERT INTO keyless VALUES (1), (2), (3)",
        ),
        Flavor::Mariadb => sql.push_str(
            "CREATE TABLE kept (id INT PRIMARY KEY, v INT) WITH SYSTEM VERSIONING; \
             INSERT INTO kept VALUES (1, 1), (2, 2), (3, 3)",
        ),
    }
    topology.source().sql(&sql).unwrap();
    topology.wait_in_sync(SOON).unwrap();
    topology
}

/// Sets what new sessions begin with: as a global value where there is one, else by `init_connect`.
fn begin_sessions_with(topology: &Topology, settings: &[(&str, &str)]) {
    for server in topology.servers() {
        let mut conn = server.conn().unwrap();
        let mut init = Vec::new();
        for (name, value) in settings {
            use mysql::prelude::Queryable;
            if conn.query_drop(format!("SET GLOBAL {name} = {value}")).is_err() {
                init.push(format!("@@session.{name} = {value}"));
            }
        }
        let init = if init.is_empty() { String::new() } else { format!("SET {}", init.join(", ")) };
        set_init_connect(server, &init);
    }
}

fn set_init_connect(server: &Server, init: &str) {
    server.sql(&format!("SET GLOBAL init_connect = \"{init}\"")).unwrap();
}

fn reset(topology: &Topology, names: &[String]) {
    for server in topology.servers() {
        use mysql::prelude::Queryable;
        let mut conn = server.conn().unwrap();
        for name in names {
            // What has no global value was set by init_connect.
            drop(conn.query_drop(format!("SET GLOBAL {name} = DEFAULT")));
        }
        set_init_connect(server, "");
    }
}

fn compare(topology: &Topology) -> Outcome {
    Vouch::of(topology).args(&["--databases", "shop", "--confirm-after", "100ms"]).run()
}

/// The variables that a session of vouch sets, as the server logs its statements.
fn pinned(topology: &Topology) -> Vec<String> {
    let source = topology.source();
    source.sql("SET GLOBAL log_output = 'TABLE'; SET GLOBAL general_log = 1").unwrap();
    compare(topology).assert_code(1);
    source.sql("SET GLOBAL general_log = 0").unwrap();
    let logged = source.query_strings("SELECT CONVERT(argument USING utf8mb4) FROM mysql.general_log").unwrap();
    let statements = logged.iter().filter_map(|row| row[0].as_deref());
    let longest = statements.filter(|text| text.starts_with("SET @@session.")).max_by_key(|text| text.len()).unwrap();
    longest.split("@@session.").skip(1).map(|part| part.split(' ').next().unwrap().to_owned()).collect()
}

/// What a run says of tables and rows.
fn essence(outcome: &Outcome) -> (Vec<String>, Vec<String>, Vec<String>) {
    let codes =
        |list: &[serde_json::Value]| list.iter().map(|entry| format!("{} {}", entry["code"], entry["key"])).collect();
    let tables = outcome.tables().iter().map(|table| format!("{} {}", table["table"], table["rows"])).collect();
    (codes(outcome.findings()), codes(outcome.errors()), tables)
}

/// A server whose sessions began with `sql_select_limit = 1000` had its rows compared up to the
/// 1,000th of each statement, and the run said clean while row 2,500 differed. Every variable of
/// that kind, set on the server or by init_connect, made a damaged replica look sound.
#[test]
fn settings_of_a_server_change_no_answer() {
    on_both(|flavor| {
        let topology = shop(flavor);
        let desk = Desk::new();
        desk.create("calm.json", topology.source(), &[]).assert_code(0);
        drift::sql(topology.replica(0), "UPDATE shop.items SET price = -1 WHERE id = 2500").unwrap();
        let calm = essence(&compare(&topology).assert_code(1));
        assert_eq!(calm.0.len(), 1, "{calm:?}");
        let names = known(topology.source());
        let unlisted: Vec<String> = pinned(&topology).into_iter().filter(|name| !names.contains(name)).collect();
        assert!(unlisted.is_empty(), "pinned, and no hostile value of it is tried: {unlisted:?}");
        assert!(names.len() > 30, "{names:?}");

        for name in &names {
            begin_sessions_with(&topology, &[(name, hostile(name))]);
            let outcome = compare(&topology);
            assert_eq!(essence(&outcome), calm, "{name}: {}\n{}", outcome.stdout, outcome.stderr);
            reset(&topology, std::slice::from_ref(name));
        }

        let all: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), hostile(name))).collect();
        begin_sessions_with(&topology, &all);
        let outcome = compare(&topology);
        assert_eq!(essence(&outcome), calm, "all: {}\n{}", outcome.stdout, outcome.stderr);
        every_other_command(&topology, &desk);
        reset(&topology, &names);
    });
}

fn every_other_command(topology: &Topology, desk: &Desk) {
    desk.create("all.json", topology.source(), &[]).assert_code(0);
    assert_eq!(desk.manifest("all.json")["tables"], desk.manifest("calm.json")["tables"]);
    let valid = desk.validate("calm.json", topology.source(), &[]);
    assert_eq!(last_line(&valid)["exit_code"], 0, "{}\n{}", valid.stdout, valid.stderr);
    desk.validate("calm.json", topology.replica(0), &[]).assert_code(1);
    let node = |name: &str, server: &Server| format!("{name}={}", full(server));
    let (first, second) = (node("db1", topology.source()), node("db2", topology.replica(0)));
    let probed = Vouch::new(&["probe", "--node", &first, "--node", &second]).run().assert_code(0);
    assert!(probed.stdout.lines().next().unwrap().contains("rw up"), "{}", probed.stdout);
    let root = |server: &Server| format!("S={},u=root", server.socket().display());
    let written = Vouch::checksum(&["--tables", "shop.items"]);
    let written = written.source(&root(topology.source())).replica(&root(topology.replica(0))).run().assert_code(1);
    assert_eq!(written.finding_codes(), ["chunk-differs"], "{}", written.stdout);
}

/// Some servers were reached through an address that led elsewhere in the middle of a run: a virtual
/// IP after a failover, or a load balancer. Rows of two servers made one verdict, and it was clean.
#[test]
fn an_address_that_leads_to_another_server_ends_a_run() {
    on_both(|flavor| {
        let topology = Topology::with_replicas(flavor, 2).unwrap();
        let sql = format!(
            "CREATE DATABASE shop; CREATE TABLE shop.items (id INT PRIMARY KEY, v INT); \
             INSERT INTO shop.items SELECT n, n FROM {}",
            numbers(20_000)
        );
        topology.source().sql(&sql).unwrap();
        topology.wait_in_sync(SOON).unwrap();
        let proxy = Proxy::start(topology.replica(0)).unwrap();
        let vouch = || {
            let vouch = Vouch::compare().source(&full(topology.source())).replica(&proxy.url(FULL, PASSWORD));
            vouch.args(&["--databases", "shop", "--chunk-rows-min", "100", "--chunk-rows-max", "100"])
        };
        vouch().run().assert_clean();

        // A load balancer: the first connections lead to one, all later ones to the other.
        proxy.lead_after(2, topology.replica(1));
        let outcome = vouch().run().assert_code(3);
        let said = format!("{}{}", outcome.stdout, outcome.stderr);
        let port = topology.replica(1).port().to_string();
        assert!(
            said.contains("leads to") && said.contains(&port) && !outcome.states().contains(&"equal".to_owned()),
            "{said}"
        );

        // Two addresses of one server are not two replicas.
        let twice = Vouch::compare().source(&full(topology.source()));
        let twice = twice.replica(&proxy.url(FULL, PASSWORD)).replica(&full(topology.replica(1))).run().assert_code(2);
        assert!(twice.stderr.contains("lead to the same server"), "{}", twice.stderr);

        // A failover in the middle, which cuts what is open.
        proxy.lead_to(topology.replica(0));
        proxy.delay(5);
        let from = proxy.forwarded();
        let mut running = vouch().args(&["--retry-for", "20s"]).spawn();
        poll::until(SOON, Duration::from_millis(1), "rows", || (proxy.forwarded() > from + 60_000).then_some(()))
            .unwrap();
        assert!(!running.ended());
        proxy.lead_to(topology.replica(1));
        proxy.cut_now();
        let outcome = running.wait().assert_code(3);
        outcome.only("address-moved");
        assert!(!outcome.states().contains(&"equal".to_owned()), "{}", outcome.stdout);
    });
}

/// An account that may read one of two tables was listed that one alone. The other one differed, and
/// the run said clean without a word of it; a manifest was signed that lacked it.
#[test]
fn tables_that_privileges_may_hide_are_said() {
    on_both(|flavor| {
        let topology = Topology::pair(flavor).unwrap();
        topology.source().sql(&hidden_sql(flavor)).unwrap();
        topology.wait_in_sync(SOON).unwrap();
        drift::sql(topology.replica(0), "UPDATE shop.secret SET v = 0 WHERE id = 2").unwrap();
        let run = |user: &str, args: &[&str]| {
            let url = |server: &Server| server.url(user, PASSWORD);
            let vouch = Vouch::compare().source(&url(topology.source())).replica(&url(topology.replica(0)));
            vouch.args(&["--confirm-after", "100ms"]).args(args).run()
        };
        let hides = |user: &str, args: &[&str], place: &str| {
            let outcome = run(user, args);
            let told = outcome.coded("tables-hidden");
            assert_eq!(told.len(), 2, "{user} {args:?}: {}\n{}", outcome.stdout, outcome.stderr);
            assert!(told.iter().all(|error| error["message"].as_str().unwrap().contains(place)), "{place}: {told:?}");
            assert_ne!(outcome.code, 0);
        };
        let sees = |user: &str, args: &[&str]| {
            let outcome = run(user, args).assert_code(1);
            outcome.only("row-changed");
            assert!(outcome.errors().is_empty(), "{user} {args:?}: {}", outcome.stdout);
        };
        hides("one", &[], "shop, other databases");
        hides("one", &["--databases", "shop"], "exist in shop");
        hides("one", &["--tables", "shop.*"], "exist in shop");
        run("one", &["--tables", "shop.items"]).assert_clean();
        let accepted = run("one", &["--accept-hidden-tables"]).assert_clean();
        assert_eq!(accepted.coded("hidden-tables-accepted").len(), 2, "{}", accepted.stdout);
        hides("whole", &[], "other databases");
        sees("whole", &["--databases", "shop"]);
        sees("whole", &["--tables", "shop.*"]);
        sees("several", &["--tables", "shop.*,crm.people"]);
        hides("held", &["--databases", "shop"], "exist in shop");
        sees("active", &["--databases", "shop"]);
        sees(FULL, &[]);
        if flavor == Flavor::Mysql {
            partly_revoked(&topology, &hides, &sees);
        }
        manifests_without_a_table(&topology);
    });
}

fn hidden_sql(flavor: Flavor) -> String {
    let mut sql = "CREATE DATABASE shop; CREATE DATABASE crm; CREATE TABLE shop.items (id INT PRIMARY KEY); \
        CREATE TABLE shop.secret (id INT PRIMARY KEY, v INT); CREATE TABLE crm.people (id INT PRIMARY KEY); \
        INSERT INTO shop.items VALUES (1); INSERT INTO shop.secret VALUES (1, 1), (2, 2); \
        INSERT INTO crm.people VALUES (1); CREATE ROLE reader; GRANT SELECT ON shop.* TO reader;"
        .to_owned();
    for (user, grants) in [
        ("one", &["SELECT ON shop.items"][..]),
        ("whole", &["SELECT ON shop.*"]),
        ("several", &["SELECT ON shop.*", "SELECT ON crm.people"]),
        ("held", &["reader", "SELECT ON shop.items"]),
        ("active", &["reader"]),
    ] {
        write!(sql, "CREATE USER {user}@'%' IDENTIFIED BY '{PASSWORD}';").unwrap();
        for grant in grants {
            write!(sql, "GRANT {grant} TO {user}@'%';").unwrap();
        }
    }
    sql.push_str(match flavor {
        Flavor::Mysql => "SET DEFAULT ROLE reader TO active@'%'",
        Flavor::Mariadb => "SET DEFAULT ROLE reader FOR active@'%'",
    });
    sql
}

fn partly_revoked(topology: &Topology, hides: &dyn Fn(&str, &[&str], &str), sees: &dyn Fn(&str, &[&str])) {
    for server in topology.servers() {
        server.sql("SET GLOBAL partial_revokes = ON").unwrap();
    }
    let sql = format!(
        "CREATE USER most@'%' IDENTIFIED BY '{PASSWORD}'; GRANT SELECT ON *.* TO most@'%'; \
         REVOKE SELECT ON crm.* FROM most@'%'; REVOKE SELECT ON mysql.* FROM most@'%'"
    );
    topology.source().sql(&sql).unwrap();
    topology.wait_in_sync(SOON).unwrap();
    hides("most", &[], "exist in crm");
    sees("most", &["--ignore-databases", "crm"]);
}

fn manifests_without_a_table(topology: &Topology) {
    let desk = Desk::new();
    let create = |name: &str, args: &[&str]| {
        let (address, out) = (topology.source().url("one", PASSWORD), desk.text(name));
        let fixed = ["manifest", "create", "--server", &address, "--cluster", "prod", "--out", &out];
        Vouch::new(&[&fixed[..], &["--key", &desk.text("key")], args].concat()).run()
    };
    for args in [&[][..], &["--tables", "shop.*"], &["--tables", "shop.items,shop.secret"]] {
        let refused = create("refused", args).assert_code(3);
        assert!(refused.stderr.contains("hidden by privileges may exist in"), "{}", refused.stderr);
        assert!(!desk.path("refused").exists());
    }
    create("named", &["--tables", "shop.items"]).assert_code(0);
    create("accepted", &["--accept-hidden-tables"]).assert_code(0);
}

/// Whoever may write to a table of DSNs, or reports itself as a replica, chose where the source's account
/// was sent, and which local file was read for it.
#[test]
fn an_account_only_goes_where_the_user_sends_it() {
    on_both(|flavor| {
        let topology = Topology::pair(flavor).unwrap();
        let rows = "('F=/etc/my.cnf,h=127.0.0.1'), ('S=/tmp/s'), ('h=127.0.0.1,p=x'), ('h=db9.invalid,P=3399,u=eve')";
        let sql =
            format!("CREATE DATABASE ops; CREATE TABLE ops.dsns (dsn VARCHAR(99)); INSERT INTO ops.dsns VALUES {rows}");
        topology.source().sql(&sql).unwrap();
        topology.wait_in_sync(SOON).unwrap();
        let run = |args: &[&str]| {
            let vouch = Vouch::compare().source(&full(topology.source()));
            vouch.args(&["--recursion-method", "dsn=ops.dsns"]).args(args).run().assert_code(3)
        };
        let told: Vec<String> =
            run(&[]).coded("replica-not-allowed").iter().map(|error| error["message"].to_string()).collect();
        assert_eq!(told.len(), 4, "{told:?}");
        for part in ["`F=`", "`S=`", "`p=`", "db9.invalid:3399"] {
            assert!(told.iter().any(|message| message.contains(part)), "{part}: {told:?}");
        }
        let allowed = run(&["--allow-discovered", "DB?.*:3399"]);
        assert_eq!(allowed.coded("replica-not-allowed").len(), 3, "{}", allowed.stdout);
        assert!(allowed.only("replica-unreachable")["message"].as_str().unwrap().contains("db9.invalid"));
        if flavor == Flavor::Mysql {
            passwords_without_tls(&topology);
        }
    });
}

/// Without TLS, MySQL's accounts need the password in full at first. It was encrypted with whatever key came.
fn passwords_without_tls(topology: &Topology) {
    let user =
        |name: &str| format!("CREATE USER {name}@'%' IDENTIFIED BY '{PASSWORD}'; GRANT SELECT ON *.* TO {name}@'%';");
    topology.source().sql(&["new1", "new2"].map(user).concat()).unwrap();
    topology.wait_in_sync(SOON).unwrap();
    let run = |name: &str, parameters: &str| {
        let url = |server: &Server| format!("{}/?ssl-mode=disabled{parameters}", server.url(name, PASSWORD));
        Vouch::compare().source(&url(topology.source())).replica(&url(topology.replica(0))).run()
    };
    let refused = run("new1", "").assert_code(2);
    assert!(refused.stderr.contains("get-server-public-key=1"), "{}", refused.stderr);
    run("new1", "&get-server-public-key=1").assert_clean();
    let key = topology.source().dir().join("key.pem");
    let sql = "SHOW STATUS LIKE 'Caching_sha2_password_rsa_public_key'";
    let text = topology.source().query_strings(sql).unwrap()[0][1].clone().unwrap();
    std::fs::write(&key, text).unwrap();
    let source = format!(
        "{}/?ssl-mode=disabled&server-public-key-path={}",
        topology.source().url("new2", PASSWORD),
        key.display()
    );
    Vouch::compare().source(&source).replica(&topology.replica(0).url("new2", PASSWORD)).run().assert_clean();
}

/// A server that sent one packet after the other, each promising another one, took all memory until the run
/// was killed; one that sent a byte now and then was waited for without an end.
#[test]
fn answers_without_an_end_are_ended() {
    on_both(|flavor| {
        let topology = Topology::pair(flavor).unwrap();
        topology
            .source()
            .sql(
                "CREATE DATABASE shop; CREATE TABLE shop.items (id INT PRIMARY KEY); INSERT INTO shop.items VALUES (1)",
            )
            .unwrap();
        topology.wait_in_sync(SOON).unwrap();
        let proxy = Proxy::start(topology.replica(0)).unwrap();
        proxy.delay(50);
        let desk = Desk::new();
        desk.create("m.json", topology.replica(0), &[]).assert_code(0);
        let compare = || Vouch::compare().source(&full(topology.source())).replica(&proxy.url(FULL, PASSWORD));
        let validate =
            || desk.begin_at("m.json", &proxy.url(FULL, PASSWORD), &["--table-timeout", "2s", "--retry-for", "0s"]);
        let from = proxy.forwarded();
        let mut running = compare().args(&["--retry-for", "1s"]).spawn();
        poll::until(SOON, Duration::from_millis(1), "questions", || (proxy.forwarded() > from + 6_000).then_some(()))
            .unwrap();
        proxy.flood();
        let mut peak = 0;
        while !running.ended() {
            peak = peak.max(running.peak_kib().unwrap_or(0));
            std::thread::sleep(Duration::from_millis(2));
        }
        let outcome = running.wait();
        assert_ne!(outcome.code, 0, "{}", outcome.stdout);
        assert!(peak < 256 << 10, "it took {peak} KiB");

        proxy.cut_now();
        proxy.pass();
        let from = proxy.forwarded();
        proxy.delay(50);
        let running = validate();
        poll::until(SOON, Duration::from_millis(1), "questions", || (proxy.forwarded() > from + 5_000).then_some(()))
            .unwrap();
        proxy.trickle();
        let outcome = running.wait();
        assert_ne!(outcome.code, 0, "{}", outcome.stdout);
        assert!(outcome.took < Duration::from_secs(100), "{:?}", outcome.took);
    });
}
