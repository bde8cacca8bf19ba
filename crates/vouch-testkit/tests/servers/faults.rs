//! Write loads and the proxy, on real servers.

use mysql::prelude::Queryable;
use mysql::{Conn, Opts, OptsBuilder};
use std::thread;
use std::time::{Duration, Instant};
use vouch_testkit::{Dist, FULL, Flavor, Load, PASSWORD, Proxy, Server, ServerConfig, Sysbench, Topology};

const SOON: Duration = Duration::from_secs(30);

#[test]
fn loads_write_and_stop() {
    for flavor in Flavor::ALL {
        let topology = Topology::pair(flavor).unwrap();
        let source = topology.source();
        let sysbench = Sysbench { rows: 1_000, quiet_rows: 100, tables: 1, ..Sysbench::default() };
        let loads = [
            Load::sysbench(source, &sysbench).unwrap(),
            Load::queue(source, "q", 1).unwrap(),
            Load::accounts(source, "bank", 1_000, 2, Duration::ZERO).unwrap(),
        ];
        for load in &loads {
            load.wait_for(20, SOON).unwrap();
        }
        assert!(loads.into_iter().all(|load| load.stop() >= 20));
        topology.wait_in_sync(SOON).unwrap();
        let position = if flavor == Flavor::Mysql { "gtid_executed" } else { "gtid_binlog_pos" };
        let written = "SELECT @@global.position, (SELECT COUNT(*) FROM sbtest.sbtest1), \
                       (SELECT CONCAT(COUNT(*), ' ', SUM(balance)) FROM bank.accounts)";
        let written = written.replace("position", position);
        let before = source.query_strings(&written).unwrap();
        assert_eq!(before[0][1..], [Some("1100".to_owned()), Some("1000 1249500.00".to_owned())]);
        thread::sleep(Duration::from_millis(300));
        assert_eq!(source.query_strings(&written).unwrap(), before, "a stopped load still writes");
    }
}

#[test]
fn a_load_lives_through_a_restart() {
    let server = Server::start(&Dist::mariadb().unwrap(), ServerConfig::default()).unwrap();
    let sysbench = Sysbench { rows: 100, quiet_rows: 0, tables: 1, ..Sysbench::default() };
    let loads = [Load::queue(&server, "q", 1).unwrap(), Load::sysbench(&server, &sysbench).unwrap()];
    for load in &loads {
        load.wait_for(5, SOON).unwrap();
    }
    server.restart().unwrap();
    for load in &loads {
        load.wait_for(50, SOON).unwrap();
    }
}

fn open(proxy: &Proxy) -> mysql::Result<Conn> {
    let options = OptsBuilder::from_opts(Opts::from_url(&proxy.url(FULL, PASSWORD)).unwrap()).prefer_socket(false);
    let timeout = Some(Duration::from_millis(500));
    Conn::new(options.read_timeout(timeout).tcp_connect_timeout(timeout))
}

fn one(conn: &mut Conn) -> mysql::Result<Option<u8>> {
    conn.query_first("SELECT 1")
}

#[test]
fn the_proxy_does_each_fault() {
    let server = Server::start(&Dist::mariadb().unwrap(), ServerConfig::default()).unwrap();
    let proxy = Proxy::start(&server).unwrap();
    let mut conn = open(&proxy).unwrap();
    assert_eq!(one(&mut conn).unwrap(), Some(1));

    proxy.delay(50);
    let started = Instant::now();
    assert_eq!(one(&mut conn).unwrap(), Some(1));
    assert!(started.elapsed() >= Duration::from_millis(100), "both directions are delayed");

    proxy.stall();
    assert!(one(&mut conn).is_err() && open(&proxy).is_err(), "a stalled proxy answered");
    proxy.pass();
    let mut conn = open(&proxy).unwrap();
    assert_eq!(one(&mut conn).unwrap(), Some(1));

    proxy.cut_now();
    assert!(one(&mut conn).is_err());
    let mut conn = open(&proxy).unwrap();

    proxy.cut_after(100_000);
    assert_eq!(one(&mut conn).unwrap(), Some(1));
    assert!(conn.query_first::<String, _>("SELECT REPEAT('x', 1000000)").is_err());
    assert_eq!(proxy.cuts(), 2);
    let mut conn = open(&proxy).unwrap();

    proxy.half_close();
    assert!(one(&mut conn).is_err());

    proxy.refuse();
    thread::sleep(Duration::from_millis(50));
    assert!(open(&proxy).unwrap_err().to_string().contains("refused"));
    proxy.pass();
    thread::sleep(Duration::from_millis(50));
    assert_eq!(one(&mut open(&proxy).unwrap()).unwrap(), Some(1));
}
