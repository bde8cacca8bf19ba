//! A real snmpd that asks vouch, by `extend` and by `pass_persist`.

use crate::harness::on_both;
use crate::health_kit::{Serve, Tied, VOUCH, checkout, free_port, node, output, words};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;
use vouch_testkit::{Topology, poll};

/// Where `pass_persist` hangs the table.
const TABLE: &str = ".1.3.6.1.4.1.8072.9999.9999.8306";

struct Snmpd {
    _child: Tied,
    _home: TempDir,
    port: u16,
}

impl Snmpd {
    /// With the sample of contrib/, which asks the daemon whose socket is in `runtime`, and looks at `node` itself.
    fn start(runtime: &Path, node: &str) -> Snmpd {
        let home = TempDir::new().unwrap();
        let port = free_port();
        let (file, config) = (home.path().join("snmpd.conf"), home.path().join("vouch.toml"));
        std::fs::write(&config, format!("[serve]\nnode = [{node:?}]\n")).unwrap();
        let sample = std::fs::read_to_string(checkout().join("contrib/snmp/snmpd.conf")).unwrap();
        let sample = sample.replace("/usr/bin/vouch", VOUCH).replace("/etc/vouch/vouch.toml", config.to_str().unwrap());
        let text = format!("agentAddress udp:127.0.0.1:{port}\nrocommunity public 127.0.0.1\n{sample}");
        std::fs::write(&file, text).unwrap();
        let child = Command::new("snmpd")
            .args(["-f", "-Lo", "-C", "-c"])
            .arg(&file)
            .env("SNMP_PERSISTENT_DIR", home.path())
            .env("XDG_RUNTIME_DIR", runtime)
            .env("MIBS", "")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("snmpd: script/servers snmpd");
        let snmpd = Snmpd { _child: Tied(child), _home: home, port };
        let up = || snmpd.get(".1.3.6.1.2.1.1.5.0").map(|_| ());
        poll::until(Duration::from_secs(20), Duration::from_millis(50), "snmpd", up).unwrap();
        snmpd
    }

    /// The value at an OID, as `snmpget` shows it.
    fn get(&self, oid: &str) -> Option<String> {
        let address = format!("127.0.0.1:{}", self.port);
        let mut command = Command::new("snmpget");
        command.args(["-v2c", "-c", "public", "-Oqv", "-t", "3", "-r", "0", "-m", "", &address, oid]);
        let (code, text) = output(&mut command);
        (code == 0 && !text.starts_with("No Such")).then(|| text.trim().trim_matches('"').to_owned())
    }

    /// `nsExtendOutputFull."vouch"`.
    fn extend(&self) -> Option<String> {
        let name: String = "vouch".bytes().map(|byte| format!(".{byte}")).collect();
        self.get(&format!(".1.3.6.1.4.1.8072.1.3.2.3.1.2.5{name}"))
    }

    fn column(&self, column: u32, index: u32) -> Option<String> {
        self.get(&format!("{TABLE}.1.1.{column}.{index}"))
    }
}

#[test]
fn snmpd_gives_the_right_answer_even_while_a_database_hangs() {
    on_both(|flavor| {
        let topology = Topology::standalone(flavor, 1).unwrap();
        let server = topology.source();
        let serve = Serve::start(&["--node".to_owned(), node("db1", server)]);
        let snmpd = Snmpd::start(serve.home.path(), &node("db1", server));
        assert_eq!(snmpd.extend().as_deref(), Some("100"));
        assert_eq!(snmpd.column(1, 1).as_deref(), Some("db1"));
        assert_eq!((snmpd.column(2, 1).as_deref(), snmpd.column(7, 1).as_deref()), (Some("1"), Some("100")));
        assert_eq!(snmpd.column(5, 1), None, "a source has no lag");

        server.freeze().unwrap();
        let from = Instant::now();
        let out =
            || (snmpd.extend().as_deref() == Some("200") && snmpd.column(2, 1).as_deref() == Some("4")).then_some(());
        poll::until(Duration::from_secs(10), Duration::from_millis(100), "both say so", out).unwrap();
        assert!(from.elapsed() < Duration::from_secs(6), "{:?}", from.elapsed());
        for _ in 0..5 {
            let from = Instant::now();
            assert_eq!((snmpd.extend().as_deref(), snmpd.column(7, 1).as_deref()), (Some("200"), Some("200")));
            assert!(from.elapsed() < Duration::from_secs(2), "two answers took {:?}", from.elapsed());
        }
        assert!(snmpd.column(3, 1).unwrap().ends_with("_stalled"));
        // Without a daemon a look of its own ends within the deadline too.
        let from = Instant::now();
        let arguments = [words(&["probe", "--no-daemon", "--format", "lb-text", "--node"]), vec![node("db1", server)]];
        let once = Command::new(VOUCH).args(arguments.concat()).output().unwrap();
        assert_eq!((once.status.code(), String::from_utf8_lossy(&once.stdout).as_ref()), (Some(1), "200\n"));
        assert!(from.elapsed() < Duration::from_millis(1700), "{:?}", from.elapsed());
        server.thaw().unwrap();
        let back = || (snmpd.extend().as_deref() == Some("100")).then_some(());
        poll::until(Duration::from_secs(20), Duration::from_millis(100), "back", back).unwrap();
    });
}
