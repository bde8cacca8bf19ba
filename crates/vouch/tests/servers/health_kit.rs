//! What tests of health verdicts run: the daemon ([`Serve`]), HAProxy, snmpd, and
//! servers behind proxies ([`Pool`]).
//!
//! Invariant: every process that is started here ends with its value.

use crate::harness::full;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};
use tempfile::TempDir;
use vouch_testkit::{FULL, Flavor, PASSWORD, Proxy, Server, Topology, poll};

pub const VOUCH: &str = env!("CARGO_BIN_EXE_vouch");

/// A child that is killed when it is dropped.
pub struct Tied(pub Child);

impl Drop for Tied {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Servers behind proxies, named db1, db2 and so on.
pub struct Pool {
    pub topology: Topology,
    pub proxies: Vec<Proxy>,
}

impl Pool {
    pub fn of(topology: Topology) -> Pool {
        let proxies = topology.servers().iter().map(|server| Proxy::start(server).unwrap()).collect();
        Pool { topology, proxies }
    }

    /// A source and two replicas that take no writes.
    pub fn with_two_replicas(flavor: Flavor) -> Pool {
        let topology = Topology::with_replicas(flavor, 2).unwrap();
        topology.replicas().iter().for_each(|replica| replica.sql("SET GLOBAL read_only = 1").unwrap());
        topology
            .source()
            .sql("CREATE DATABASE d; CREATE TABLE d.t (id BIGINT PRIMARY KEY AUTO_INCREMENT, v INT)")
            .unwrap();
        topology.wait_in_sync(Duration::from_secs(30)).unwrap();
        Pool::of(topology)
    }

    /// `--node` arguments for all of them.
    pub fn nodes(&self) -> Vec<String> {
        let addresses =
            (1..).zip(&self.proxies).map(|(number, proxy)| format!("db{number}={}", proxy.url(FULL, PASSWORD)));
        addresses.flat_map(|address| ["--node".to_owned(), address]).collect()
    }

    pub fn server(&self, number: usize) -> &Server {
        &self.topology.servers()[number - 1]
    }

    pub fn proxy(&self, number: usize) -> &Proxy {
        &self.proxies[number - 1]
    }
}

/// `vouch serve` on ports of its own.
pub struct Serve {
    child: Tied,
    pub http: SocketAddr,
    pub agent: SocketAddr,
    pub home: TempDir,
    said: Arc<Mutex<String>>,
}

impl Serve {
    /// Starts it and waits until it listens.
    pub fn start(args: &[String]) -> Serve {
        Serve::start_with(args, &[])
    }

    /// The same with variables in its environment.
    pub fn start_with(args: &[String], variables: &[(&str, &str)]) -> Serve {
        let home = TempDir::new().unwrap();
        let mut command = Command::new(VOUCH);
        command.args(["serve", "--listen", "127.0.0.1:0", "--agent-listen", "127.0.0.1:0", "--socket"]);
        command.arg(home.path().join("vouch.sock")).args(args).current_dir(home.path());
        command.env_clear().env("HOME", home.path()).envs(variables.iter().copied());
        let mut child = command.stdin(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let (said, stderr) = (Arc::new(Mutex::new(String::new())), child.stderr.take().unwrap());
        let text = Arc::clone(&said);
        thread::spawn(move || {
            for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                text.lock().unwrap().push_str(&format!("{line}\n"));
            }
        });
        let mut child = Tied(child);
        let line = poll::until(Duration::from_secs(20), Duration::from_millis(10), "vouch serve", || {
            assert!(child.0.try_wait().unwrap().is_none(), "vouch serve ended: {}", said.lock().unwrap());
            said.lock().unwrap().lines().find(|line| line.contains("listening on")).map(str::to_owned)
        });
        let line = line.unwrap();
        let (http, agent) = line.split_once("listening on ").unwrap().1.split_once(", agent-checks on ").unwrap();
        Serve { http: http.parse().unwrap(), agent: agent.parse().unwrap(), child, home, said }
    }

    pub fn said(&self) -> String {
        self.said.lock().unwrap().clone()
    }

    pub fn pid(&self) -> u32 {
        self.child.0.id()
    }

    pub fn socket(&self) -> PathBuf {
        self.home.path().join("vouch.sock")
    }

    pub fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child.0), signal).unwrap();
    }

    /// Waits for its end; the exit code.
    pub fn ended(&mut self, within: Duration) -> i32 {
        let ended = || self.child.0.try_wait().unwrap();
        poll::until(within, Duration::from_millis(10), "the end of vouch serve", ended).unwrap().code().unwrap_or(-1)
    }

    /// Status and body of a GET.
    pub fn get(&self, path: &str) -> (u16, String) {
        http(self.http, "GET", path, "")
    }

    pub fn board(&self) -> Value {
        serde_json::from_str(&self.get("/board").1).unwrap()
    }

    /// A node as the board shows it.
    pub fn node(&self, name: &str) -> Value {
        let board = self.board();
        let nodes = board["nodes"].as_array().unwrap();
        nodes.iter().find(|node| node["name"] == name).unwrap_or_else(|| panic!("no {name}: {board}")).clone()
    }

    /// Waits until an answer of a node has this state.
    #[track_caller]
    pub fn until(&self, name: &str, service: &str, state: &str, within: Duration) -> Duration {
        let from = Instant::now();
        let there = || (self.node(name)[service]["state"] == state).then_some(());
        let what = format!("{name} {service} {state}");
        let reached = poll::until(within, Duration::from_millis(20), &what, there);
        assert!(reached.is_ok(), "{what} after {within:?}: {}\n{}", self.node(name), self.said());
        from.elapsed()
    }

    /// What the agent-check says to a question.
    pub fn ask_agent(&self, question: &str) -> String {
        let mut stream = TcpStream::connect(self.agent).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(2))).unwrap();
        stream.write_all(question.as_bytes()).unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        text
    }

    /// `vouch probe` asking this daemon.
    pub fn probe(&self, args: &[&str]) -> Output {
        let mut command = Command::new(VOUCH);
        command.arg("probe").arg("--socket").arg(self.socket()).args(args).current_dir(self.home.path());
        command.env_clear().env("HOME", self.home.path()).output().unwrap()
    }
}

/// Status and body of a plain HTTP request.
pub fn http(address: SocketAddr, method: &str, path: &str, headers: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    write!(stream, "{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{headers}\r\n").unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no answer: {text}"));
    (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
}

pub fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// HAProxy with backends that follow agent-checks and HTTP checks of a daemon.
pub struct Haproxy {
    _child: Tied,
    home: TempDir,
    /// The port of each frontend, by its name.
    pub ports: Vec<(&'static str, u16)>,
}

/// A section of HAProxy's configuration.
pub struct Backend<'a> {
    pub name: &'static str,
    /// The question, with NODE for the name of the server; HTTP when it begins with a slash.
    pub question: &'a str,
    /// Names and ports of the servers.
    pub servers: Vec<(String, u16)>,
}

impl Haproxy {
    pub fn start(serve: &Serve, backends: &[Backend<'_>]) -> Haproxy {
        let home = TempDir::new().unwrap();
        let socket = home.path().join("s");
        let mut text = format!(
            "global\n  stats socket {} level admin\n  maxconn 400\ndefaults\n  mode tcp\n  timeout connect 1s\n  \
             timeout client 30s\n  timeout server 30s\n",
            socket.display()
        );
        let mut ports = Vec::new();
        for backend in backends {
            let port = free_port();
            ports.push((backend.name, port));
            text.push_str(&format!("listen {}\n  bind 127.0.0.1:{port}\n", backend.name));
            text.push_str(&checks(backend, serve));
        }
        let file = home.path().join("haproxy.cfg");
        std::fs::write(&file, &text).unwrap();
        let child =
            Command::new("haproxy").arg("-db").arg("-f").arg(&file).stderr(Stdio::null()).stdout(Stdio::null()).spawn();
        let haproxy = Haproxy { _child: Tied(child.expect("haproxy: script/servers haproxy")), home, ports };
        let up = || UnixStream::connect(&socket).ok();
        poll::until(Duration::from_secs(10), Duration::from_millis(20), "haproxy", up).unwrap();
        haproxy
    }

    pub fn port(&self, name: &str) -> u16 {
        self.ports.iter().find(|(found, _)| *found == name).unwrap().1
    }

    /// Whether HAProxy sends new connections to a server.
    pub fn uses(&self, backend: &str, server: &str) -> bool {
        let (status, weight) = self.status(backend, server);
        (status.starts_with("UP") || status == "no check") && weight > 0
    }

    /// Status and weight of a server.
    pub fn status(&self, backend: &str, server: &str) -> (String, u64) {
        let mut stream = UnixStream::connect(self.home.path().join("s")).unwrap();
        stream.write_all(b"show stat\n").unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        let mut lines = text.lines();
        let head: Vec<&str> = lines.next().unwrap().trim_start_matches("# ").split(',').collect();
        let at = |name: &str| head.iter().position(|found| *found == name).unwrap();
        let rows = lines.map(|line| line.split(',').collect::<Vec<_>>());
        let row = rows.into_iter().find(|row| row.len() > 2 && row[0] == backend && row[1] == server).unwrap();
        (row[at("status")].to_owned(), row[at("weight")].parse().unwrap_or(0))
    }

    /// Waits until HAProxy uses a server, or does not. Fails past `within`.
    #[track_caller]
    pub fn until(&self, backend: &str, server: &str, uses: bool, within: Duration, serve: &Serve) -> Duration {
        let from = Instant::now();
        let there = || (self.uses(backend, server) == uses).then_some(());
        let reached = poll::until(within, Duration::from_millis(20), "haproxy", there);
        let status = self.status(backend, server);
        assert!(
            reached.is_ok(),
            "{backend}/{server} used: {uses}? {status:?} after {within:?}\n{}",
            serve.node(server)
        );
        from.elapsed()
    }
}

fn checks(backend: &Backend<'_>, serve: &Serve) -> String {
    let http = backend.question.starts_with('/');
    let mut text = String::new();
    if http {
        let uri = backend.question;
        text.push_str(&format!("  option httpchk\n  http-check send meth GET uri {uri}\n  http-check send-state\n"));
    }
    for (name, port) in &backend.servers {
        let check = if http {
            format!("check addr 127.0.0.1 port {} inter 250ms fall 1 rise 1", serve.http.port())
        } else {
            let question = backend.question.replace("NODE", name);
            let port = serve.agent.port();
            format!("agent-check agent-addr 127.0.0.1 agent-port {port} agent-inter 250ms agent-send \"{question}\\n\"")
        };
        // Of the default weight 1 any share is rounded down to 0.
        text.push_str(&format!("  server {name} 127.0.0.1:{port} weight 100 {check}\n"));
    }
    text
}

/// `vouch probe` that looks itself.
pub fn probe(args: &[String]) -> Output {
    Command::new(VOUCH).arg("probe").args(args).env_clear().env("HOME", std::env::temp_dir()).output().unwrap()
}

/// What a program wrote to stdout.
pub fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// A program's whole output, as text.
pub fn output(command: &mut Command) -> (i32, String) {
    let program = PathBuf::from(command.get_program());
    let output = command.stdin(Stdio::null()).output().unwrap_or_else(|error| panic!("{}: {error}", program.display()));
    let text = [output.stdout, output.stderr].concat();
    (output.status.code().unwrap_or(-1), String::from_utf8_lossy(&text).into_owned())
}

/// The root of the checkout.
pub fn checkout() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

/// The words that make a list of arguments.
pub fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

/// The address of a server under a name.
pub fn node(name: &str, server: &Server) -> String {
    format!("{name}={}", full(server))
}
