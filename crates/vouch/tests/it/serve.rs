//! The doors of `vouch serve`: clients that say nothing, and paths that are not its own.

use crate::vouch::{Vouch, peak_kib};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

/// A daemon that watches a port where nobody answers; it is killed at the end.
struct Daemon {
    child: Child,
    http: SocketAddr,
    agent: SocketAddr,
}

impl Drop for Daemon {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

fn serve(vouch: &Vouch) -> Daemon {
    let ports = ["--listen", "127.0.0.1:0", "--agent-listen", "127.0.0.1:0", "--socket", "vouch.sock"];
    let args = [&["serve", "--node", "db1=u@127.0.0.1:1"][..], &ports].concat();
    let mut child = vouch.command(&args).stderr(Stdio::piped()).spawn().unwrap();
    let mut said = BufReader::new(child.stderr.take().unwrap()).lines().map_while(Result::ok);
    let line = said.find(|line| line.contains("listening on")).unwrap();
    std::thread::spawn(move || said.for_each(drop));
    let (http, agent) = line.split_once("listening on ").unwrap().1.split_once(", agent-checks on ").unwrap();
    Daemon { child, http: http.parse().unwrap(), agent: agent.parse().unwrap() }
}

fn ask(address: SocketAddr, text: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(2))).unwrap();
    stream.write_all(text.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

const HEALTH: &str = "GET /liveness HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";

/// Ninety connections that sent half a request kept health checks waiting for more than half a
/// minute. A load balancer would have taken every server out of service.
#[test]
fn clients_that_say_nothing_keep_nobody_waiting() {
    let vouch = Vouch::new();
    let daemon = serve(&vouch);
    let silent = |address| {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.write_all(b"GET /liveness HT").unwrap();
        stream
    };
    let mut open: Vec<TcpStream> = (0..90).map(|_| silent(daemon.http)).collect();
    open.extend((0..90).map(|_| silent(daemon.agent)));
    open.extend((0..200).map(|_| silent(daemon.http)));
    let begun = Instant::now();
    for _ in 0..20 {
        assert!(ask(daemon.http, HEALTH).starts_with("HTTP/1.1 200"));
    }
    assert!(begun.elapsed() < Duration::from_secs(4), "{:?}", begun.elapsed());
    assert!(ask(daemon.agent, "rw db1\n").contains("down"));
    // They are sent away, and so is a head that never ends.
    let mut last = open.pop().unwrap();
    last.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    let ended = last.read_to_end(&mut Vec::new());
    assert!(ended.is_ok() || ended.unwrap_err().kind() == std::io::ErrorKind::ConnectionReset);
    let mut endless = TcpStream::connect(daemon.http).unwrap();
    endless.set_write_timeout(Some(Duration::from_secs(10))).unwrap();
    endless.write_all(b"GET / HTTP/1.1\r\n").unwrap();
    let line = [b"X-A: ", [b'a'; 1000].as_slice(), b"\r\n"].concat();
    let refused = (0..10_000).any(|_| endless.write_all(&line).is_err());
    assert!(refused, "10 MB of headers were taken");
    let peak = peak_kib(daemon.child.id()).unwrap();
    assert!(peak < 256 << 10, "{peak} KiB");
}

/// Maintenance was set for a page of another site whose name led to this machine, and through a
/// proxy that stands here. Anybody who could reach the proxy could take servers out of service.
#[test]
fn nobody_else_sets_maintenance() {
    let vouch = Vouch::new();
    let daemon = serve(&vouch);
    let post = |headers: &str| {
        let head = "POST /maintenance?node=db1 HTTP/1.1\r\nContent-Length: 0\r\nConnection: close\r\n";
        ask(daemon.http, &format!("{head}X-Vouch-Maintenance: yes\r\n{headers}\r\n\r\n"))
    };
    for headers in [
        "Host: evil.example",
        "Host: localhost\r\nOrigin: http://evil.example",
        "Host: localhost\r\nX-Forwarded-For: 10.0.0.9",
    ] {
        assert!(post(headers).starts_with("HTTP/1.1 403"), "{headers}");
    }
    assert!(post("Host: localhost").starts_with("HTTP/1.1 200"));
}

/// A mistyped `--socket` removed the file that stood there. It could have been the configuration,
/// or a database.
#[test]
fn a_file_at_the_path_of_the_socket_stays() {
    let vouch = Vouch::new().file("vouch.sock", "precious");
    let args = ["serve", "--node", "db1=u@127.0.0.1:1", "--listen", "127.0.0.1:0", "--socket", "vouch.sock"];
    let outcome = vouch.run(&args);
    assert_eq!(outcome.code, 2, "{}", outcome.stderr);
    assert!(outcome.stderr.contains("not a socket"), "{}", outcome.stderr);
    assert_eq!(std::fs::read_to_string(vouch.path().join("vouch.sock")).unwrap(), "precious");
}
