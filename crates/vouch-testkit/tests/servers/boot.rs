//! The kit itself, on real servers of both flavors.

use mysql::prelude::Queryable;
use mysql::{Conn, Opts};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};
use vouch_testkit::drift::{self, Drift, Table};
use vouch_testkit::{Dist, Error, FULL, Flavor, PASSWORD, SELECT_ONLY, Server, ServerConfig, Topology, inspect, poll};

const SOON: Duration = Duration::from_secs(30);

fn ten_rows(topology: &Topology) {
    let rows: Vec<String> = (1..=10).map(|id| format!("({id}, {id} * 100, 'row {id}')")).collect();
    let create = "CREATE DATABASE d; CREATE TABLE d.t (id INT PRIMARY KEY, balance INT, note TEXT)";
    topology.source().sql(&format!("{create}; INSERT INTO d.t VALUES {}", rows.join(","))).unwrap();
    topology.wait_in_sync(SOON).unwrap();
}

fn sum(server: &Server) -> String {
    server.query_one("SELECT CONCAT(COUNT(*), ' ', SUM(balance)) FROM d.t").unwrap().unwrap()
}

#[test]
fn rows_arrive_on_every_topology() {
    for flavor in Flavor::ALL {
        let star = Topology::builder(flavor).unwrap().replicas(2);
        let chain = Topology::builder(flavor).unwrap().chain(3).gtid(false);
        for builder in [star, chain] {
            let topology = builder.start().unwrap();
            ten_rows(&topology);
            for server in topology.servers() {
                assert_eq!(sum(server), "10 5500", "{flavor:?} {}", server.name());
            }
        }
    }
}

#[test]
fn accounts_have_the_privileges_that_their_names_say() {
    for flavor in Flavor::ALL {
        let topology = Topology::pair(flavor).unwrap();
        ten_rows(&topology);
        for server in topology.servers() {
            for user in [FULL, SELECT_ONLY] {
                let mut conn = Conn::new(Opts::from_url(&server.url(user, PASSWORD)).unwrap()).unwrap();
                assert_eq!(conn.query_first::<u64, _>("SELECT COUNT(*) FROM d.t").unwrap(), Some(10));
                let logs = conn.query_drop("SHOW BINARY LOGS");
                assert_eq!(logs.is_ok(), user == FULL, "{flavor:?} {user}: {logs:?}");
                assert!(conn.query_drop("DELETE FROM d.t").is_err());
                assert_eq!(connections(server, user, 1), 1, "{flavor:?} {user}");
            }
        }
    }
}

/// How many connections a user has, looked at until it is `expected`: the client that asks for the
/// server's socket leaves its first connection, and the server takes a moment to let go of it.
fn connections(server: &Server, user: &str, expected: usize) -> usize {
    let mut seen = 0;
    let settled = poll::until(SOON, Duration::from_millis(10), "the connections", || {
        seen = inspect::processes_of(server, user).unwrap().len();
        (seen == expected).then_some(seen)
    });
    settled.unwrap_or(seen)
}

#[test]
fn semi_sync_is_in_force() {
    for (flavor, status) in
        [(Flavor::Mysql, "Rpl_semi_sync_source_yes_tx"), (Flavor::Mariadb, "Rpl_semi_sync_master_yes_tx")]
    {
        let topology = Topology::builder(flavor).unwrap().semi_sync().start().unwrap();
        ten_rows(&topology);
        // A source goes on without its replica when that is slow to answer, and comes back to it.
        let in_force = poll::until(Duration::from_secs(30), Duration::from_millis(200), "an answer", || {
            topology.source().sql("UPDATE d.t SET balance = balance + 1 WHERE id = 1").unwrap();
            let rows = topology.source().query_strings(&format!("SHOW GLOBAL STATUS LIKE '{status}'")).unwrap();
            (rows[0][1].as_deref() != Some("0")).then_some(())
        });
        in_force.unwrap_or_else(|error| panic!("{flavor:?}: {error}"));
    }
}

#[test]
fn a_delayed_replica_is_late() {
    for flavor in Flavor::ALL {
        let topology = Topology::builder(flavor).unwrap().delay_secs(2).start().unwrap();
        let started = Instant::now();
        ten_rows(&topology);
        assert!(started.elapsed() >= Duration::from_millis(1500), "{flavor:?}: {:?}", started.elapsed());
        assert_eq!(sum(topology.replica(0)), "10 5500");
    }
}

#[test]
fn drift_stays_where_it_was_put() {
    for flavor in Flavor::ALL {
        let topology = Topology::pair(flavor).unwrap();
        ten_rows(&topology);
        let (replica, table) = (topology.replica(0), Table::new("d", "t", "id"));
        let binlog = inspect::binlog_bytes(replica).unwrap();
        let swapped = drift::apply(replica, &table, &Drift::Swap { a: 1, b: 2, column: "balance".into() }).unwrap();
        assert_eq!(swapped.rows.len(), 2);
        assert_eq!(sum(replica), "10 5500");
        assert_eq!(replica.query_one("SELECT balance FROM d.t WHERE id = 1").unwrap().as_deref(), Some("200"));
        drift::apply(replica, &table, &Drift::Insert { like: 1, id: 11 }).unwrap();
        drift::apply(replica, &table, &Drift::Delete { id: 3 }).unwrap();
        assert_eq!(sum(replica), "10 5400");
        assert_eq!(sum(topology.source()), "10 5500");
        assert_eq!(inspect::binlog_bytes(replica).unwrap(), binlog);
        let nothing = drift::apply(replica, &table, &Drift::Delete { id: 3 });
        assert!(matches!(nothing, Err(Error::Unfit(_))));
        topology.source().sql("INSERT INTO d.t VALUES (20, 1, '')").unwrap();
        topology.wait_in_sync(SOON).unwrap();
        assert_eq!(drift::scatter(replica, &table, "balance", 4..11, 3).unwrap().len(), 3);
    }
}

#[test]
fn replication_that_stopped_is_told_with_its_error() {
    let topology = Topology::pair(Flavor::Mariadb).unwrap();
    ten_rows(&topology);
    drift::sql(topology.replica(0), "DELETE FROM d.t WHERE id = 5").unwrap();
    topology.source().sql("UPDATE d.t SET balance = 1 WHERE id = 5").unwrap();
    let text = topology.wait_in_sync(Duration::from_secs(2)).unwrap_err().to_string();
    assert!(text.contains("Can't find record") && text.contains("replica1"), "{text}");
}

#[test]
fn a_server_survives_kill_restart_and_freeze() {
    for flavor in Flavor::ALL {
        let server = Server::start(&Dist::of(flavor).unwrap(), ServerConfig::default()).unwrap();
        server.sql("CREATE DATABASE d; CREATE TABLE d.t (id INT PRIMARY KEY); INSERT INTO d.t VALUES (1)").unwrap();
        let (port, pid) = (server.port(), server.pid().unwrap());
        server.kill9().unwrap();
        assert!(server.conn().is_err());
        assert!(server.pid().is_none() && !is_running(pid));
        server.resume().unwrap();
        server.restart().unwrap();
        assert_eq!(server.query_one("SELECT id FROM d.t").unwrap().as_deref(), Some("1"));
        assert_eq!(server.port(), port);
        server.freeze().unwrap();
        let (sender, answered) = std::sync::mpsc::channel();
        std::thread::scope(|scope| {
            scope.spawn(|| sender.send(server.query_one("SELECT 1").unwrap()));
            assert!(answered.recv_timeout(Duration::from_millis(300)).is_err(), "a frozen server answered");
            server.thaw().unwrap();
            assert_eq!(answered.recv_timeout(SOON).unwrap().as_deref(), Some("1"));
        });
    }
}

#[test]
fn the_general_log_shows_statements_while_it_is_on() {
    let server = Server::start(&Dist::mariadb().unwrap(), ServerConfig::default()).unwrap();
    inspect::general_log_on(&server).unwrap();
    server.sql("SELECT 'seen'").unwrap();
    inspect::general_log_off(&server).unwrap();
    server.sql("SELECT 'unseen'").unwrap();
    let log = inspect::general_log(&server);
    assert!(log.contains("'seen'") && !log.contains("'unseen'"), "{log}");
}

#[test]
fn a_server_that_cannot_start_shows_its_log() {
    let config = ServerConfig { extra_args: vec!["--no-such-option=1".into()], ..ServerConfig::default() };
    let text = Server::start(&Dist::mariadb().unwrap(), config).unwrap_err().to_string();
    assert!(text.contains("no-such-option"), "{text}");
}

#[test]
fn dropping_leaves_no_process_and_no_folder() {
    for flavor in Flavor::ALL {
        let topology = Topology::pair(flavor).unwrap();
        let left: Vec<_> = topology.servers().iter().map(|s| (s.pid().unwrap(), s.dir().to_owned())).collect();
        assert!(left.iter().all(|(pid, dir)| is_running(*pid) && dir.exists()));
        drop(topology);
        assert!(left.iter().all(|(pid, dir)| !is_running(*pid) && !dir.exists()));
    }
}

#[test]
fn a_panic_keeps_the_folder_and_stops_the_server() {
    let (sender, told) = std::sync::mpsc::channel();
    let outcome = std::thread::spawn(move || {
        let server = Server::start(&Dist::mariadb().unwrap(), ServerConfig::default()).unwrap();
        sender.send((server.pid().unwrap(), server.dir().to_owned())).unwrap();
        panic!("on purpose");
    })
    .join();
    assert!(outcome.is_err());
    let (pid, dir) = told.recv().unwrap();
    assert!(!is_running(pid) && dir.join("data").exists());
    std::fs::remove_dir_all(dir).unwrap();
}

const CHILD: &str = "VOUCH_TESTKIT_CHILD";

/// The body of a process that the next test kills; by itself it does nothing.
#[test]
fn child_that_is_killed() {
    let Some(file) = std::env::var_os(CHILD) else { return };
    // A thread of its own: the servers must not depend on the thread that asked for them.
    let topology = std::thread::spawn(|| Topology::pair(Flavor::Mariadb).unwrap()).join().unwrap();
    std::thread::sleep(Duration::from_millis(200));
    let line = |s: &Server| format!("{} {}\n", s.pid().unwrap(), s.dir().display());
    let lines: String = topology.servers().iter().map(line).collect();
    let partial = Path::new(&file).with_extension("partial");
    std::fs::write(&partial, lines).unwrap();
    std::fs::rename(partial, file).unwrap();
    std::thread::sleep(Duration::from_secs(60));
}

#[test]
fn servers_die_with_a_killed_process() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("servers");
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "boot::child_that_is_killed"])
        .env(CHILD, &file)
        .env("TMPDIR", dir.path())
        .spawn()
        .unwrap();
    let read = || std::fs::read_to_string(&file).ok();
    let told = vouch_testkit::poll::until(SOON, Duration::from_millis(20), "the child's servers", read).unwrap();
    let pids: Vec<u32> = told.lines().map(|line| line.split(' ').next().unwrap().parse().unwrap()).collect();
    assert!(pids.len() == 2 && pids.iter().all(|pid| is_running(*pid)));
    child.kill().unwrap();
    child.wait().unwrap();
    let gone = || pids.iter().all(|pid| !is_running(*pid)).then_some(());
    vouch_testkit::poll::until(SOON, Duration::from_millis(20), "the servers' end", gone).unwrap();
}

/// Whether the process exists and is no zombie.
fn is_running(pid: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_else(|_| String::new());
    stat.rsplit(')').next().is_some_and(|rest| !rest.is_empty() && !rest.trim_start().starts_with('Z'))
}
