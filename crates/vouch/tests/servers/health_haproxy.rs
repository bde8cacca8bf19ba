//! A real HAProxy in front of real servers: who is taken out, when, and put back.

use crate::harness::on_both;
use crate::health_kit::{Backend, Haproxy, Pool, Serve, words};
use std::time::{Duration, Instant};
use vouch_testkit::poll;

/// What the servers may take to be taken out.
const OUT: Duration = Duration::from_secs(3);
/// What they may take to be put back, a restart included.
const BACK: Duration = Duration::from_secs(30);

struct Site {
    pool: Pool,
    serve: Serve,
    haproxy: Haproxy,
}

impl Site {
    fn new(flavor: vouch_testkit::Flavor) -> Site {
        let pool = Pool::with_two_replicas(flavor);
        let limits = words(&["--max-lag", "2s", "--low-lag", "1s", "--interval", "300ms", "--dwell", "1s"]);
        let serve = Serve::start(&[pool.nodes(), limits].concat());
        let servers = |numbers: &[usize]| {
            numbers.iter().map(|number| (format!("db{number}"), pool.proxy(*number).port())).collect::<Vec<_>>()
        };
        let backends = [
            Backend { name: "write", question: "rw NODE", servers: servers(&[1, 2, 3]) },
            Backend { name: "read", question: "ro NODE", servers: servers(&[2, 3]) },
            Backend { name: "write_http", question: "/primary", servers: servers(&[1, 2, 3]) },
            Backend { name: "read_http", question: "/replica", servers: servers(&[2, 3]) },
        ];
        let haproxy = Haproxy::start(&serve, &backends);
        let site = Site { pool, serve, haproxy };
        site.all_in(BACK);
        site
    }

    /// Waits until every server is where it belongs.
    #[track_caller]
    fn all_in(&self, within: Duration) {
        for (backend, right) in
            [("write", 1), ("write_http", 1), ("read", 2), ("read", 3), ("read_http", 2), ("read_http", 3)]
        {
            self.haproxy.until(backend, &format!("db{right}"), true, within, &self.serve);
        }
        for backend in ["write", "write_http"] {
            self.haproxy.until(backend, "db2", false, within, &self.serve);
            self.haproxy.until(backend, "db3", false, within, &self.serve);
        }
    }

    /// Holds that a server leaves both of its backends in time, while the others stay, and comes back.
    #[track_caller]
    fn out_and_back(&self, number: usize, harm: impl FnOnce(), mend: impl FnOnce()) {
        let backends = if number == 1 { ["write", "write_http"] } else { ["read", "read_http"] };
        let name = format!("db{number}");
        let from = Instant::now();
        harm();
        for backend in backends {
            self.haproxy.until(backend, &name, false, OUT.saturating_sub(from.elapsed()), &self.serve);
        }
        let other = if number == 2 { "db3" } else { "db2" };
        assert!(self.haproxy.uses("read", other) && self.haproxy.uses("read_http", other), "{other} went too");
        mend();
        self.all_in(BACK);
    }
}

#[test]
fn the_right_server_is_taken_out_and_put_back() {
    on_both(|flavor| {
        let site = Site::new(flavor);
        let (db1, db2, db3) = (site.pool.server(1), site.pool.server(2), site.pool.server(3));
        let (stop, start) = ("STOP REPLICA SQL_THREAD", "START REPLICA SQL_THREAD");
        site.out_and_back(2, || db2.sql(stop).unwrap(), || db2.sql(start).unwrap());
        site.out_and_back(
            1,
            || db1.sql("SET GLOBAL read_only = 1").unwrap(),
            || db1.sql("SET GLOBAL read_only = 0").unwrap(),
        );
        site.out_and_back(3, || db3.freeze().unwrap(), || db3.thaw().unwrap());
        site.out_and_back(3, || site.pool.proxy(3).stall(), || site.pool.proxy(3).pass());
        let restart = || {
            db2.resume().unwrap();
            db2.sql("SET GLOBAL read_only = 1").unwrap();
            // A replica that starts replication by itself is as good.
            let _ = db2.sql("START REPLICA");
        };
        site.out_and_back(2, || db2.kill9().unwrap(), restart);
        lag(&site);
        source_dies(&site);
    });
}

/// A lock stops the applier; its server counts the seconds.
fn lag(site: &Site) {
    let mut holder = site.pool.server(2).conn().unwrap();
    use mysql::prelude::Queryable;
    holder.query_drop("FLUSH TABLES WITH READ LOCK").unwrap();
    site.pool.server(1).sql("INSERT INTO d.t (v) VALUES (1)").unwrap();
    let late = || site.serve.node("db2")["lag"]["ms"].as_u64().filter(|ms| *ms > 2000);
    poll::until(BACK, Duration::from_millis(20), "lag over the limit", late).unwrap();
    for backend in ["read", "read_http"] {
        site.haproxy.until(backend, "db2", false, OUT, &site.serve);
        assert!(site.haproxy.uses(backend, "db3"));
    }
    holder.query_drop("UNLOCK TABLES").unwrap();
    site.all_in(BACK);
}

/// The source is killed while replicas have applied everything: readers stay in.
fn source_dies(site: &Site) {
    site.pool.topology.wait_in_sync(BACK).unwrap();
    site.pool.server(1).kill9().unwrap();
    site.haproxy.until("write", "db1", false, OUT, &site.serve);
    site.haproxy.until("write_http", "db1", false, OUT, &site.serve);
    let until = Instant::now() + Duration::from_secs(4);
    while Instant::now() < until {
        for (backend, server) in [("read", "db2"), ("read", "db3"), ("read_http", "db2"), ("read_http", "db3")] {
            assert!(site.haproxy.uses(backend, server), "{backend}/{server} went: {}", site.serve.node(server));
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    let db2 = site.serve.node("db2");
    assert_eq!((&db2["read"]["reason"], &db2["promotable"]), (&"source_unreachable".into(), &true.into()), "{db2}");
}
