//! The daemon and its service manager: ready, alive, read again, stopped.

use crate::health_kit::{Serve, node, words};
use rustix::process::Signal;
use std::os::unix::net::UnixDatagram;
use std::time::Duration;
use tempfile::TempDir;
use vouch_testkit::{Flavor, Topology, poll};

const LONG: Duration = Duration::from_secs(30);

#[test]
fn the_daemon_speaks_to_its_service_manager() {
    let topology = Topology::standalone(Flavor::Mariadb, 2).unwrap();
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("notify");
    let socket = UnixDatagram::bind(&path).unwrap();
    socket.set_read_timeout(Some(LONG)).unwrap();
    let hear = |wanted: &str| {
        let mut buffer = [0; 256];
        loop {
            let length = socket.recv(&mut buffer).unwrap_or_else(|error| panic!("{wanted} was not said: {error}"));
            if String::from_utf8_lossy(&buffer[..length]) == wanted {
                return;
            }
        }
    };
    let config = folder.path().join("vouch.toml");
    let write = |nodes: &[String]| std::fs::write(&config, format!("[serve]\nnode = {nodes:?}\n")).unwrap();
    let (first, second) = (node("one", &topology.servers()[0]), node("two", &topology.servers()[1]));
    write(std::slice::from_ref(&first));
    let variables = [("NOTIFY_SOCKET", path.to_str().unwrap()), ("WATCHDOG_USEC", "400000")];
    let mut serve = Serve::start_with(&words(&["--config", config.to_str().unwrap()]), &variables);
    hear("READY=1");
    hear("WATCHDOG=1");
    write(&[first, second]);
    serve.signal(Signal::HUP);
    hear("RELOADING=1");
    hear("READY=1");
    let both = || (serve.board()["nodes"].as_array()?.len() == 2).then_some(());
    poll::until(LONG, Duration::from_millis(50), "the second node", both).unwrap();
    serve.until("two", "write", "down", LONG);
    assert_eq!(serve.node("one")["write"]["state"], "up", "the one that had the writes keeps them");
    std::fs::write(&config, "[serve]\nnonsense = 1\n").unwrap();
    serve.signal(Signal::HUP);
    let said = || serve.said().contains("`nonsense` is no option").then_some(());
    poll::until(LONG, Duration::from_millis(50), "the mistake", said).unwrap();
    assert_eq!(serve.board()["nodes"].as_array().unwrap().len(), 2, "a wrong configuration changes nothing");
    serve.signal(Signal::TERM);
    assert_eq!(serve.ended(LONG), 0);
    hear("STOPPING=1");
    assert!(!serve.socket().exists());
}
