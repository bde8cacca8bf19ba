//! Manifests taken under a write load, and copies restored from backups of the same position.

use super::kit::{Desk, assert_refused, copy, fill, statuses, table};
use crate::harness::on_both;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;
use vouch_testkit::{FULL, Flavor, PASSWORD, Proxy, Server, ServerConfig, Topology, numbers, poll};

/// Tells writers to stop, also when a test fails: a scope waits for its threads.
struct Until<'a>(&'a AtomicBool);

impl Drop for Until<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Release);
    }
}

const WITHIN: Duration = Duration::from_secs(60);

fn applier(flavor: Flavor, verb: &str) -> String {
    let word = if flavor == Flavor::Mysql { "REPLICA" } else { "SLAVE" };
    format!("{verb} {word} SQL_THREAD")
}

#[test]
fn a_manifest_holds_for_a_copy_of_the_backup_of_its_position() {
    on_both(|flavor| {
        let topology = Topology::pair(flavor).unwrap();
        let (source, replica) = (topology.source(), topology.replica(0));
        fill(source);
        if flavor == Flavor::Mysql {
            // With it the server tells a moment at which nothing is half committed.
            source.sql(&format!("GRANT BACKUP_ADMIN ON *.* TO {FULL}")).unwrap();
        }
        topology.wait_in_sync(WITHIN).unwrap();
        let stop = AtomicBool::new(false);
        let desk = Desk::new();
        thread::scope(|scope| {
            let until = Until(&stop);
            let writes = scope.spawn(|| write(source, &stop));
            under_load(&desk, source);
            replica.sql(&applier(flavor, "STOP")).unwrap();
            desk.create(
                "m.json",
                replica,
                &["--serial", "2", "--volatile", "app.log=appended to", "--ignore-tables", "app.pair_*"],
            )
            .assert_code(0);
            drop(until);
            writes.join().unwrap();
        });
        let restored = restore(replica);
        let args = ["--restored", "--expect-read-only"];
        let outcome = desk.validate("m.json", &restored, &args).assert_code(0);
        assert_eq!(table(&outcome, "app.log")["status"], "SKIPPED");
        assert_eq!(outcome.tables().len(), 6, "{}", statuses(&outcome));
        changes(&desk, &restored, &args);
        moves_on(&desk, &topology);
    });
}

/// Writes until it is told to stop.
fn write(source: &Server, stop: &AtomicBool) {
    use mysql::prelude::Queryable;
    let mut conn = source.conn().unwrap();
    let mut n = 10_000;
    while !stop.load(Ordering::Acquire) {
        n += 1;
        conn.query_drop(format!("INSERT INTO app.orders VALUES ({n}, 1)")).unwrap();
        conn.query_drop(format!("UPDATE app.users SET name = 'u{n}' WHERE id = {}", n % 2000 + 1)).unwrap();
        // MySQL has to be caught between two transactions.
        thread::sleep(Duration::from_millis(100));
    }
}

/// Workers of a server that takes writes share one snapshot: the two tables are as of one position.
fn under_load(desk: &Desk, source: &Server) {
    source.sql("CREATE TABLE app.pair_a (n INT PRIMARY KEY); CREATE TABLE app.pair_b (n INT PRIMARY KEY)").unwrap();
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        let stop = &stop;
        let _until = Until(stop);
        scope.spawn(move || {
            use mysql::prelude::Queryable;
            let mut conn = source.conn().unwrap();
            for n in 0.. {
                if stop.load(Ordering::Acquire) {
                    break;
                }
                conn.query_drop(format!(
                    "BEGIN; INSERT INTO app.pair_a VALUES ({n}); INSERT INTO app.pair_b VALUES ({n}); COMMIT"
                ))
                .ok();
                thread::sleep(Duration::from_millis(100));
            }
        });
        for serial in 0..3 {
            let args = ["--serial", "1", "--workers", "3", "--tables", "app.pair_*"];
            desk.create("live.json", source, &args).assert_code(0);
            let document = desk.manifest("live.json");
            let [a, b] = [0, 1].map(|at| document["tables"][at].clone());
            assert_eq!((&a["rows"], &a["digest"]), (&b["rows"], &b["digest"]), "{serial}: {}", document["position"]);
            let how = if source.flavor() == Flavor::Mysql { "log-status" } else { "snapshot" };
            assert_eq!(document["position"]["method"], how);
        }
    });
    source.sql("DROP TABLE app.pair_a, app.pair_b").unwrap();
}

/// A server on a copy of the replica's data: by mariabackup, or of the files at rest.
fn restore(replica: &Server) -> Server {
    let config = ServerConfig {
        name: "restored".to_owned(),
        server_id: 9,
        extra_args: vec!["--read-only=ON".to_owned()],
        ..ServerConfig::default()
    };
    let restored = Server::start(replica.dist(), config).unwrap();
    restored.stop().unwrap();
    std::fs::remove_dir_all(restored.data()).unwrap();
    match replica.flavor() {
        Flavor::Mariadb => {
            let target = restored.data();
            let run = |command: &mut Command| {
                let said = command.output().expect("mariabackup, which script/servers mariadb installs");
                assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
            };
            let socket = format!("--socket={}", replica.socket().display());
            let to = format!("--target-dir={}", target.display());
            run(Command::new("mariadb-backup").args(["--no-defaults", "--backup", "--user=root", &socket, &to]));
            run(Command::new("mariadb-backup").args(["--no-defaults", "--prepare", &to]));
        }
        Flavor::Mysql => {
            replica.stop().unwrap();
            copy(&replica.data(), &restored.data());
            std::fs::remove_file(restored.data().join("auto.cnf")).unwrap();
            replica.resume().unwrap();
        }
    }
    restored.resume().unwrap();
    restored
}

/// One row, one definition, one routine, a table more: each is found, and named.
fn changes(desk: &Desk, restored: &Server, args: &[&str]) {
    let with = |change: &str, back: &str, code: &str, what: &str| {
        restored.sql(change).unwrap();
        let outcome = desk.validate("m.json", restored, args).assert_code(1);
        let finding = outcome.only(code);
        assert!(finding["table"] == what || finding["message"].as_str().unwrap().contains(what), "{finding}");
        restored.sql(back).unwrap();
    };
    with(
        "UPDATE app.orders SET total = total + 0.01 WHERE id = 5",
        "UPDATE app.orders SET total = total - 0.01 WHERE id = 5",
        "table-mismatch",
        "app.orders",
    );
    with("CREATE INDEX n ON app.users (name)", "DROP INDEX n ON app.users", "table-mismatch", "app.users");
    with("CREATE TABLE app.more (id INT)", "DROP TABLE app.more", "table-extra", "app.more");
    with(
        "ALTER VIEW app.v AS SELECT id + 0 AS id FROM app.users",
        "ALTER VIEW app.v AS SELECT id FROM app.users",
        "object-mismatch",
        "the view app.v",
    );
    with(
        "RENAME TABLE app.blank TO `a.b`.hidden",
        "RENAME TABLE `a.b`.hidden TO app.blank",
        "table-missing",
        "app.blank",
    );
}

/// The replica at its position is valid; one that is behind is waited for, and one that moves past it is refused.
fn moves_on(desk: &Desk, topology: &Topology) {
    let (source, replica) = (topology.source(), topology.replica(0));
    let flavor = topology.flavor();
    let started = if flavor == Flavor::Mysql { "START REPLICA IO_THREAD" } else { "START SLAVE IO_THREAD" };
    replica.sql(started).unwrap();
    desk.validate("m.json", replica, &[]).assert_code(0);
    // The writers may have paused since the applier stopped.
    source.sql("INSERT INTO app.log VALUES ('not applied yet')").unwrap();
    desk.create("later.json", source, &["--serial", "3"]).assert_code(0);
    let args = ["--wait-timeout", "1s", "--allow-older"];
    assert_refused(&desk.validate("later.json", replica, &args), "position-refused");
    replica.sql(&applier(flavor, "START")).unwrap();
    desk.validate("later.json", replica, &["--max-lag", "1h"]).assert_code(0);
    source.sql("INSERT INTO app.log VALUES ('later')").unwrap();
    topology.wait_in_sync(WITHIN).unwrap();
    let past = desk.validate("later.json", replica, &[]);
    assert_refused(&past, "position-refused");
    assert!(past.stdout.contains("past the position"), "{}", past.stdout);
    gives_way(desk, topology);
    falls_behind(desk, topology);
}

/// A long read holds a table whose definition an applier is to change. It gives way, replication goes on, and the
/// table still gets its result; without the guard the applier waits until the read is over.
fn gives_way(desk: &Desk, topology: &Topology) {
    let (source, replica) = (topology.source(), topology.replica(0));
    let wide = "CREATE TABLE app.wide (id INT PRIMARY KEY, f FLOAT NOT NULL, pad CHAR(250) NOT NULL);
        INSERT INTO app.wide SELECT n, n / 3, REPEAT('p', 250) FROM";
    source.sql(&format!("{wide} {}", numbers(60_000))).unwrap();
    topology.wait_in_sync(WITHIN).unwrap();
    desk.create("wide.json", replica, &["--serial", "5", "--tables", "app.wide"]).assert_code(0);
    replica.sql("SET GLOBAL read_only = ON").unwrap();
    for (guarded, more) in [(true, &[][..]), (false, &["--no-guard"][..])] {
        let proxy = Proxy::start(replica).unwrap();
        proxy.delay(5);
        let args = [&["--restored", "--allow-older", "--extra", "ignore"][..], more].concat();
        let run = desk.begin_at("wide.json", &proxy.url(FULL, PASSWORD), &args);
        let wait = |what: &str, sees: &dyn Fn() -> bool| {
            let seen = poll::until(WITHIN, Duration::from_millis(20), what, || sees().then_some(()));
            seen.unwrap_or_else(|error| panic!("guarded {guarded}: {error}"));
        };
        wait("rows", &|| proxy.forwarded() > 300_000);
        proxy.delay(100);
        source.sql(&format!("ALTER TABLE app.wide COMMENT = 'guarded {guarded}'")).unwrap();
        let comment = "SELECT TABLE_COMMENT FROM information_schema.TABLES WHERE TABLE_NAME = 'wide'";
        let waiting = "SELECT COUNT(*) FROM information_schema.PROCESSLIST \
                       WHERE USER = 'system user' AND STATE = 'Waiting for table metadata lock'";
        match guarded {
            true => wait("the change", &|| replica.query_one(comment).unwrap().as_deref() == Some("guarded true")),
            false => wait("the applier", &|| replica.query_one(waiting).unwrap().as_deref() != Some("0")),
        }
        proxy.pass();
        let outcome = run.wait().assert_code(0);
        assert_eq!(statuses(&outcome), "app.wide=VALID");
        assert_eq!(outcome.coded("requeued").len(), usize::from(guarded), "{}", outcome.stdout);
        topology.wait_in_sync(WITHIN).unwrap();
    }
    replica.sql("SET GLOBAL read_only = OFF").unwrap();
    source.sql("DROP TABLE app.wide").unwrap();
    topology.wait_in_sync(WITHIN).unwrap();
}

/// Lag above the limit ends the run with 1 and what was not looked at.
fn falls_behind(desk: &Desk, topology: &Topology) {
    let (source, replica) = (topology.source(), topology.replica(0));
    let (stop, change, start, behind) = match topology.flavor() {
        Flavor::Mysql => {
            ("STOP REPLICA", "CHANGE REPLICATION SOURCE TO SOURCE_DELAY=3600", "START REPLICA", "SHOW REPLICA STATUS")
        }
        Flavor::Mariadb => ("STOP SLAVE", "CHANGE MASTER TO MASTER_DELAY=3600", "START SLAVE", "SHOW SLAVE STATUS"),
    };
    desk.create("now.json", replica, &["--serial", "4"]).assert_code(0);
    replica.sql(&format!("{stop}; {change}; {start}")).unwrap();
    source.sql("INSERT INTO app.log VALUES ('much later')").unwrap();
    let late = poll::until(WITHIN, Duration::from_millis(100), "lag", || {
        let rows = replica.query_strings(behind).unwrap();
        rows[0].iter().flatten().any(|field| field.contains("delay") || field.contains("DELAY")).then_some(())
    });
    late.unwrap();
    thread::sleep(Duration::from_millis(1200));
    let lock = replica.conn().unwrap();
    let mut lock = lock;
    mysql::prelude::Queryable::query_drop(&mut lock, "LOCK TABLES app.users WRITE").unwrap();
    let outcome = desk.validate("now.json", replica, &["--max-lag", "1s", "--lock-wait", "60s"]).assert_code(1);
    drop(lock);
    outcome.only("lag-abort");
    assert!(statuses(&outcome).contains("app.users=NOT_RUN"), "{}", outcome.stdout);
}
