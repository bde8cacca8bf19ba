//! A server that takes no more connections is busy, not dead.

use crate::harness::on_both;
use crate::health_kit::{Serve, free_port, probe, stdout, words};
use mysql::Conn;
use std::time::Duration;
use vouch_testkit::{FULL, Flavor, PASSWORD, Proxy, Server, Topology, poll};

const LONG: Duration = Duration::from_secs(30);

/// Options for a port beside the ordinary one.
fn admin_args(flavor: Flavor, port: u16) -> [String; 2] {
    match flavor {
        Flavor::Mysql => ["--admin-address=127.0.0.1".to_owned(), format!("--admin-port={port}")],
        Flavor::Mariadb => ["--extra-max-connections=10".to_owned(), format!("--extra-port={port}")],
    }
}

/// Connections that leave no room for another, even when one of them ends.
fn fill(server: &Server) -> Vec<Conn> {
    let url = server.url(FULL, PASSWORD);
    let held = (0..14).map(|_| Conn::new(url.as_str()).unwrap()).collect();
    server.sql("SET GLOBAL max_connections = 10").unwrap();
    held
}

#[test]
fn a_full_server_keeps_its_verdict_and_is_seen_through_its_admin_port() {
    on_both(|flavor| {
        let port = free_port();
        let args = admin_args(flavor, port);
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        let topology = Topology::builder(flavor).unwrap().standalone(1).args(&args).start().unwrap();
        let server = topology.source();
        if flavor == Flavor::Mysql {
            server.sql(&format!("GRANT SERVICE_CONNECTION_ADMIN ON *.* TO {FULL}@'%'")).unwrap();
        }
        let proxy = Proxy::start(server).unwrap();
        let through = format!("db1={}", proxy.url(FULL, PASSWORD));
        let serve = Serve::start(&words(&["--node", &through, "--interval", "100ms", "--hold", "1s"]));
        serve.until("db1", "write", "up", LONG);

        let held = fill(server);
        proxy.cut_now();
        let full = || (serve.node("db1")["write"]["reason"] == "too_many_connections:1040").then_some(());
        poll::until(LONG, Duration::from_millis(20), "a full server", full).unwrap();
        // Longer than the hold: a busy server is not failed over however long that lasts.
        let still = || (serve.node("db1")["write"]["for_ms"].as_u64()? > 2000).then_some(());
        poll::until(LONG, Duration::from_millis(50), "some seconds", still).unwrap();
        let db1 = serve.node("db1");
        assert_eq!((&db1["write"]["state"], &db1["write"]["held"]), (&"up".into(), &true.into()), "{db1}");

        let node = format!("db1={}", server.url(FULL, PASSWORD));
        let blind = probe(&words(&["--node", &node, "--format", "lb-text"]));
        assert_eq!((stdout(&blind).as_str(), blind.status.code()), ("200\n", Some(3)), "nothing is known about it");
        let admin = port.to_string();
        let seen = probe(&words(&["--node", &node, "--admin-port", &admin, "--format", "json", "--for", "db1"]));
        let said = stdout(&seen);
        assert_eq!(seen.status.code(), Some(0), "{said}");
        assert!(said.contains("\"too_many_connections\"") && said.contains("only the admin port"), "{said}");

        drop(held);
        let well = || (serve.node("db1")["write"]["reason"] == "healthy").then_some(());
        poll::until(LONG, Duration::from_millis(20), "a server with room", well).unwrap();
    });
}
