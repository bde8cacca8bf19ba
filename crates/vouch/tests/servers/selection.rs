//! What is compared with what: filters, conditions, mapped databases, replicas
//! that are found, chains, and definitions that differ.

use crate::harness::{Outcome, Vouch, full, on_both};
use std::io;
use std::net::{TcpListener, TcpStream};
use std::thread;
use std::time::Duration;
use vouch_testkit::{DiffKind, Expected, FULL, Flavor, PASSWORD, Server, Topology, drift};

const IN_SYNC: Duration = Duration::from_secs(60);

/// A comparison that confirms quickly.
fn quick(topology: &Topology, args: &[&str]) -> Outcome {
    Vouch::of(topology).args(&["--confirm-after", "100ms"]).args(args).run()
}

fn name(server: &Server) -> String {
    format!("127.0.0.1:{}", server.port())
}

/// The servers that a run compared the source with, sorted.
fn replicas_of(outcome: &Outcome) -> Vec<String> {
    let servers = outcome.document["coverage"]["servers"].as_array().unwrap();
    let replicas = servers.iter().filter(|server| server["role"] == "replica");
    let mut names: Vec<String> = replicas.map(|server| server["name"].as_str().unwrap().to_owned()).collect();
    names.sort();
    names
}

fn sorted(servers: &[&Server]) -> Vec<String> {
    let mut names: Vec<String> = servers.iter().map(|server| name(server)).collect();
    names.sort();
    names
}

const SHOP: &str = "
    CREATE DATABASE shop; CREATE DATABASE crm;
    CREATE TABLE shop.orders (id INT PRIMARY KEY, total INT, note VARCHAR(30));
    INSERT INTO shop.orders VALUES (1, 10, 'one'), (2, 20, 'two'), (3, 30, 'three');
    CREATE TABLE shop.items (id INT PRIMARY KEY); INSERT INTO shop.items VALUES (1);
    CREATE TABLE shop.log (id INT PRIMARY KEY) ENGINE=MyISAM; INSERT INTO shop.log VALUES (1);
    CREATE TABLE crm.people (id INT PRIMARY KEY); INSERT INTO crm.people VALUES (1);
    CREATE TABLE crm.orders (id INT PRIMARY KEY); INSERT INTO crm.orders VALUES (1);
    CREATE VIEW shop.view AS SELECT * FROM shop.orders;
    CREATE DATABASE shop_copy; CREATE TABLE shop_copy.orders LIKE shop.orders;
    INSERT INTO shop_copy.orders SELECT * FROM shop.orders;
    UPDATE shop_copy.orders SET total = 21 WHERE id = 2";

#[test]
fn filters_choose_what_is_compared() {
    on_both(|flavor| {
        let topology = Topology::pair(flavor).unwrap();
        topology.source().sql(SHOP).unwrap();
        topology.wait_in_sync(IN_SYNC).unwrap();
        tables_are_chosen(&topology);
        let drifted =
            "UPDATE shop.orders SET note = 'eins' WHERE id = 1; UPDATE shop.orders SET total = 0 WHERE id = 2";
        drift::sql(topology.replica(0), drifted).unwrap();
        columns_and_rows_are_chosen(&topology);
        databases_are_mapped(&topology);
    });
}

fn tables_are_chosen(topology: &Topology) {
    let shop = ["shop.items", "shop.log", "shop.orders"];
    let all = ["crm.orders", "crm.people", "shop.items", "shop.log", "shop.orders", "shop_copy.orders"];
    let chosen: [(&[&str], &[&str]); 12] = [
        (&[], &all),
        (&["--databases", "shop"], &shop),
        (&["--databases", "shop,c*", "--ignore-databases", "s*p"], &["crm.orders", "crm.people"]),
        (&["--databases-regex", "^(crm|shop)$", "--ignore-databases-regex", "m$"], &shop),
        (&["--tables", "orders"], &["crm.orders", "shop.orders", "shop_copy.orders"]),
        (&["--tables", "shop.o*,crm.people"], &["crm.people", "shop.orders"]),
        (&["--databases", "shop", "--ignore-tables", "shop.orders"], &["shop.items", "shop.log"]),
        (&["--tables-regex", r"^shop\.(items|log)$"], &["shop.items", "shop.log"]),
        (&["--ignore-tables-regex", "orders$"], &["crm.people", "shop.items", "shop.log"]),
        (&["--engines", "myisam"], &["shop.log"]),
        (&["--databases", "shop", "--ignore-engines", "MyISAM"], &["shop.items", "shop.orders"]),
        (&["--databases", "`shop`", "--tables", "`log`"], &["shop.log"]),
    ];
    for (args, tables) in chosen {
        let outcome = quick(topology, args).assert_clean();
        assert_eq!(outcome.table_names(), tables, "{args:?}");
    }
    let outcome = quick(topology, &["--databases", "shop"]);
    let skipped = |code: &str| -> Vec<String> {
        outcome.coded(code).iter().map(|skip| skip["what"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(skipped("not-a-table"), ["shop.view"]);
    assert!(skipped("filtered-out").contains(&"crm.people".to_owned()), "{}", outcome.stdout);
}

fn columns_and_rows_are_chosen(topology: &Topology) {
    let (one, two) = (Expected::changed("id", 1, &["note"]), Expected::changed("id", 2, &["total"]));
    let keyless = [DiffKind::SourceOnly, DiffKind::ReplicaOnly].map(|kind| Expected::multiset(kind, 1));
    let chosen: [(&[&str], &[Expected]); 8] = [
        (&[], &[one.clone(), two.clone()]),
        (&["--columns", "id,total"], std::slice::from_ref(&two)),
        // Without the key there is nothing to tell rows apart by.
        (&["--columns", "shop.orders.note"], &keyless),
        (&["--ignore-columns", "orders.note"], std::slice::from_ref(&two)),
        (&["--columns-regex", "^(id|note)$"], std::slice::from_ref(&one)),
        (&["--ignore-columns-regex", r"\.(note|total)$"], &[]),
        (&["--where", "id > 1"], std::slice::from_ref(&two)),
        (&["--where", "note = 'three' OR id = 3"], &[]),
    ];
    for (args, rows) in chosen {
        let outcome = quick(topology, &[&["--tables", "shop.orders"], args].concat());
        let outcome = outcome.assert_code(if rows.is_empty() { 0 } else { 1 });
        outcome.assert_rows("shop.orders", rows);
    }
}

/// Database A of the source against database B: of the replica, and of the source itself.
fn databases_are_mapped(topology: &Topology) {
    let args = ["--map", "shop=shop_copy", "--databases", "shop", "--tables", "orders"];
    let expected = [Expected::changed("id", 2, &["total"])];
    let outcome = quick(topology, &args).assert_code(1);
    outcome.assert_rows("shop.orders", &expected);
    let source = full(topology.source());
    let itself = Vouch::compare().source(&source).replica(&source).args(&args).args(&["--confirm-after", "100ms"]);
    let outcome = itself.args(&["--no-replication"]).run().assert_code(1);
    outcome.assert_rows("shop.orders", &expected);
    assert_eq!(outcome.table_names(), ["shop.orders"]);
}

#[test]
fn definitions_that_differ_are_told() {
    on_both(|flavor| {
        let topology = Topology::pair(flavor).unwrap();
        let table =
            "(id INT PRIMARY KEY, v INT NOT NULL, name VARCHAR(20) CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci)";
        let names = ["gone", "less", "more", "wider", "sorted", "indexed", "stored", "same"];
        let make = |name: &str| {
            format!(
                "CREATE TABLE ddl.{name} {table} ENGINE=InnoDB; INSERT INTO ddl.{name} VALUES (1, 1, 'a'), (2, 2, 'b');"
            )
        };
        topology.source().sql(&format!("CREATE DATABASE ddl; {}", names.map(make).concat())).unwrap();
        topology.wait_in_sync(IN_SYNC).unwrap();
        let alter = "DROP TABLE ddl.gone; CREATE TABLE ddl.extra (id INT PRIMARY KEY); \
             ALTER TABLE ddl.less DROP COLUMN v; ALTER TABLE ddl.more ADD COLUMN w INT; \
             ALTER TABLE ddl.wider MODIFY v BIGINT NOT NULL; \
             ALTER TABLE ddl.sorted MODIFY name VARCHAR(20) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin; \
             ALTER TABLE ddl.indexed ADD INDEX by_name (name); ALTER TABLE ddl.stored ENGINE=MyISAM; \
             UPDATE ddl.wider SET name = 'x' WHERE id = 1";
        drift::sql(topology.replica(0), alter).unwrap();
        let outcome = quick(&topology, &["--databases", "ddl"]).assert_code(1);
        let told = [
            ("ddl.gone", "table-source-only"),
            ("ddl.extra", "table-replica-only"),
            ("ddl.less", "column-source-only"),
            ("ddl.more", "column-replica-only"),
            ("ddl.wider", "column-differs"),
            ("ddl.sorted", "column-differs"),
            ("ddl.indexed", "index-differs"),
            ("ddl.stored", "engine-differs"),
        ];
        for (table, code) in told {
            assert_eq!(outcome.only_of(code, table)["replica"], name(topology.replica(0)), "{table} {code}");
        }
        outcome.assert_rows("ddl.wider", &[Expected::changed("id", 1, &["name"])]);
        assert_eq!(outcome.findings().len(), told.len() + 1, "{}", outcome.stdout);
        assert_eq!(outcome.only_of("column-source-only", "ddl.less")["columns"][0]["column"], "v");
        // What does not touch the rows is told, and spoils no verdict.
        let outcome = quick(&topology, &["--tables", "ddl.indexed,ddl.stored,ddl.same"]).assert_code(0);
        assert_eq!(outcome.finding_codes(), ["engine-differs", "index-differs"]);
    });
}

#[test]
fn errant_transactions_are_told() {
    on_both(|flavor| {
        let topology = Topology::pair(flavor).unwrap();
        let (source, replica) = (topology.source(), topology.replica(0));
        source.sql("CREATE DATABASE d; CREATE TABLE d.t (id INT PRIMARY KEY); INSERT INTO d.t VALUES (1)").unwrap();
        topology.wait_in_sync(IN_SYNC).unwrap();
        replica.sql("INSERT INTO d.t VALUES (7)").unwrap();
        source.sql("INSERT INTO d.t VALUES (2)").unwrap();
        topology.wait_in_sync(IN_SYNC).unwrap();
        let outcome = quick(&topology, &[]).assert_code(1);
        let errant = outcome.only("errant-transactions");
        let origin = match flavor {
            Flavor::Mysql => replica.query_one("SELECT @@server_uuid").unwrap().unwrap(),
            Flavor::Mariadb => "0-2-".to_owned(),
        };
        assert!(errant["message"].as_str().unwrap().contains(&origin), "{errant}");
        outcome.assert_rows("d.t", &[Expected::replica_only("id", 7)]);
        assert_eq!(outcome.findings().len(), 2, "{}", outcome.stdout);
    });
}

#[test]
fn replicas_are_found_and_told_apart() {
    on_both(|flavor| {
        let topology = Topology::chain(flavor, 3).unwrap();
        let [source, near, far] = topology.servers() else { panic!("a chain of three") };
        let dsn = |server: &Server| format!("h=127.0.0.1,P={}", server.port());
        source
            .sql(&format!(
                "CREATE DATABASE d; CREATE TABLE d.t (id INT PRIMARY KEY, v INT); \
                 INSERT INTO d.t VALUES (1, 1), (2, 2), (3, 3); CREATE DATABASE ops; \
                 CREATE TABLE ops.dsns (id INT PRIMARY KEY, dsn VARCHAR(99)); INSERT INTO ops.dsns VALUES (1, '{}')",
                dsn(far)
            ))
            .unwrap();
        topology.wait_in_sync(IN_SYNC).unwrap();
        discovery(source, near, far);
        drift::sql(near, "UPDATE d.t SET v = 0 WHERE id = 1").unwrap();
        drift::sql(far, "DELETE FROM d.t WHERE id = 2; INSERT INTO d.t VALUES (9, 9)").unwrap();
        let outcome = quick(&topology, &[]).assert_code(1);
        let (ours, theirs) = (outcome.rows_on(&name(near), "d.t"), outcome.rows_on(&name(far), "d.t"));
        assert_eq!(ours, [Expected::changed("id", 1, &["v"])], "{}", outcome.stdout);
        assert_eq!(theirs, [Expected::source_only("id", 2), Expected::replica_only("id", 9)], "{}", outcome.stdout);
    });
}

fn discovery(source: &Server, near: &Server, far: &Server) {
    let found = |args: &[&str], code: i32| {
        let outcome = Vouch::compare().source(&full(source)).args(args).run().assert_code(code);
        (replicas_of(&outcome), outcome)
    };
    assert_eq!(found(&[], 0).0, [name(near)]);
    assert_eq!(found(&["--recursion-method", "hosts"], 0).0, [name(near)]);
    assert_eq!(found(&["--recurse", "2", "--expect-replicas", "2"], 0).0, sorted(&[near, far]));
    assert_eq!(found(&["--recursion-method", "dsn=ops.dsns"], 0).0, [name(far)]);
    let (replicas, outcome) = found(&["--expect-replicas", "2"], 3);
    assert_eq!(replicas, [name(near)]);
    let missing = outcome.only("replica-missing");
    assert!(missing["message"].as_str().unwrap().contains("1 of 2"), "{missing}");
    by_processlist(source, near);
}

/// The process list names a replica's host alone, so its port is taken to be the source's:
/// here the source answers on the replica's port too, on another address.
fn by_processlist(source: &Server, replica: &Server) {
    let listener = TcpListener::bind(("127.0.0.2", replica.port())).unwrap();
    let target = source.port();
    thread::spawn(move || listener.incoming().flatten().for_each(|client| forward(client, target)));
    let address = format!("mysql://{FULL}:{PASSWORD}@127.0.0.2:{}", replica.port());
    let vouch = Vouch::compare().source(&address).args(&["--recursion-method", "processlist"]);
    let outcome = vouch.run().assert_clean();
    assert_eq!(replicas_of(&outcome), [name(replica)]);
}

fn forward(client: TcpStream, port: u16) {
    let server = TcpStream::connect(("127.0.0.1", port)).unwrap();
    for (mut from, mut to) in [(client.try_clone().unwrap(), server.try_clone().unwrap()), (server, client)] {
        thread::spawn(move || {
            // Either side may close whenever it likes.
            let _ = io::copy(&mut from, &mut to);
            let _ = to.shutdown(std::net::Shutdown::Write);
        });
    }
}

#[test]
fn positions_work_without_gtids() {
    on_both(|flavor| {
        let topology = Topology::builder(flavor).unwrap().gtid(false).start().unwrap();
        let source = topology.source();
        source
            .sql("CREATE DATABASE d; CREATE TABLE d.t (id INT PRIMARY KEY, v INT); INSERT INTO d.t VALUES (1, 1), (2, 2)")
            .unwrap();
        topology.wait_in_sync(IN_SYNC).unwrap();
        let outcome = quick(&topology, &[]).assert_clean();
        let as_of = &outcome.tables()[0]["replicas"][0]["as_of"]["position"];
        // MariaDB has GTIDs wherever it has a binary log, and replicas keep them even when they ask by position.
        let kind = if flavor == Flavor::Mysql { "binlog.0" } else { "0-1-" };
        assert!(as_of.as_str().is_some_and(|position| position.contains(kind)), "{as_of}");
        drift::sql(topology.replica(0), "UPDATE d.t SET v = 7 WHERE id = 2").unwrap();
        let outcome = quick(&topology, &[]).assert_code(1);
        outcome.assert_rows("d.t", &[Expected::changed("id", 2, &["v"])]);
        assert_eq!(outcome.findings().len(), 1);
    });
}

#[test]
fn servers_that_do_not_replicate_are_compared_when_asked() {
    on_both(|flavor| {
        let topology = Topology::standalone(flavor, 2).unwrap();
        let (ours, theirs) = (topology.source(), topology.replica(0));
        let make = |database: &str| {
            format!(
                "CREATE DATABASE {database}; CREATE TABLE {database}.t (id INT PRIMARY KEY, v INT); \
                 INSERT INTO {database}.t VALUES (1, 1), (2, 2)"
            )
        };
        ours.sql(&make("d")).unwrap();
        theirs.sql(&make("other")).unwrap();
        theirs.sql(&make("d")).unwrap();
        let refused = Vouch::of(&topology).run().assert_code(2);
        assert!(refused.stderr.contains("is no replica"), "{}", refused.stderr);
        assert!(refused.stderr.contains("--no-replication"), "{}", refused.stderr);
        quick(&topology, &["--no-replication", "--databases", "d"]).assert_clean();
        theirs.sql("UPDATE d.t SET v = 5 WHERE id = 1; DELETE FROM other.t WHERE id = 2").unwrap();
        let outcome = quick(&topology, &["--no-replication", "--databases", "d"]).assert_code(1);
        outcome.assert_rows("d.t", &[Expected::changed("id", 1, &["v"])]);
        assert_eq!(outcome.only("row-changed")["proof"]["kind"], "confirmed");
        let outcome = quick(&topology, &["--no-replication", "--map", "d=other"]).assert_code(1);
        outcome.assert_rows("d.t", &[Expected::source_only("id", 2)]);
        assert_eq!(outcome.findings().len(), 1, "{}", outcome.stdout);
    });
}
