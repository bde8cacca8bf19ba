//! The page in a real browser: Chromium without a window, spoken to over its debugging pipe.

use crate::harness::on_both;
use crate::health_kit::{Pool, Serve, Tied, checkout, words};
use serde_json::{Value, json};
use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;
use tempfile::TempDir;
use vouch_testkit::poll;

const LONG: Duration = Duration::from_secs(60);

/// A page in a browser.
struct Browser {
    _child: Tied,
    _home: TempDir,
    send: File,
    answers: mpsc::Receiver<Value>,
    session: Option<String>,
    number: u64,
}

impl Browser {
    fn start() -> Browser {
        let home = TempDir::new().unwrap();
        let (to, from) = (home.path().join("to"), home.path().join("from"));
        assert!(Command::new("mkfifo").args([&to, &from]).status().unwrap().success());
        let run = "exec chromium --headless --no-sandbox --disable-gpu --disable-dev-shm-usage --no-first-run \
                   --user-data-dir=\"$0/profile\" --window-size=1200,1000 --remote-debugging-pipe 3<\"$0/to\" 4>\"$0/from\"";
        let child = Command::new("sh")
            .args(["-c", run])
            .arg(home.path())
            .env("HOME", home.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("chromium: script/servers chromium");
        let child = Tied(child);
        let send = OpenOptions::new().write(true).open(&to).unwrap();
        let mut receive = BufReader::new(File::open(&from).unwrap());
        let (sender, answers) = mpsc::channel();
        thread::spawn(move || {
            let mut bytes = Vec::new();
            while receive.read_until(0, &mut bytes).is_ok_and(|length| length > 0) {
                bytes.pop();
                let message = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
                bytes.clear();
                if sender.send(message).is_err() {
                    return;
                }
            }
        });
        let mut browser = Browser { _child: child, _home: home, send, answers, session: None, number: 0 };
        let target = browser.call("Target.createTarget", json!({ "url": "about:blank" }))["targetId"].clone();
        let attached = browser.call("Target.attachToTarget", json!({ "targetId": target, "flatten": true }));
        browser.session = attached["sessionId"].as_str().map(str::to_owned);
        browser
    }

    fn call(&mut self, method: &str, params: Value) -> Value {
        self.number += 1;
        let mut message = json!({ "id": self.number, "method": method, "params": params });
        if let Some(session) = &self.session {
            message["sessionId"] = session.as_str().into();
        }
        self.send.write_all(format!("{message}\0").as_bytes()).unwrap();
        loop {
            let answer = self.answers.recv_timeout(LONG).unwrap_or_else(|error| panic!("{method}: {error}"));
            if answer["id"] == self.number {
                assert!(answer["error"].is_null(), "{method}: {answer}");
                return answer["result"].clone();
            }
        }
    }

    fn eval(&mut self, script: &str) -> Value {
        let result = self.call("Runtime.evaluate", json!({ "expression": script, "returnByValue": true }));
        assert!(result["exceptionDetails"].is_null(), "{script}: {result}");
        result["result"]["value"].clone()
    }

    #[track_caller]
    fn until(&mut self, script: &str, within: Duration) {
        let reached =
            poll::until(within, Duration::from_millis(50), script, || (self.eval(script) == true).then_some(()));
        assert!(reached.is_ok(), "{script}\n{}", self.eval("document.body.innerText"));
    }

    /// Keeps a picture as an artefact of the test run.
    fn picture(&mut self, name: &str) {
        let data = self.call("Page.captureScreenshot", json!({ "format": "png" }));
        let folder = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| checkout().join("target"), Into::into);
        let folder = folder.join("screenshots");
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join(name), base64(data["data"].as_str().unwrap())).unwrap();
    }

    fn press(&mut self, key: &str, code: u32) {
        for kind in ["keyDown", "keyUp"] {
            let text = if key == "Enter" { "\r" } else { "" };
            let event = json!({ "type": kind, "key": key, "code": key, "windowsVirtualKeyCode": code, "text": text });
            self.call("Input.dispatchKeyEvent", event);
        }
    }
}

fn base64(text: &str) -> Vec<u8> {
    let value =
        |byte: u8| b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".iter().position(|b| *b == byte);
    let (mut bits, mut count, mut bytes) = (0_u32, 0, Vec::new());
    for six in text.bytes().filter_map(value) {
        (bits, count) = (bits << 6 | six as u32, count + 6);
        if count >= 8 {
            count -= 8;
            bytes.push((bits >> count & 255) as u8);
        }
    }
    bytes
}

#[test]
fn the_page_shows_a_stopped_node_without_a_reload() {
    on_both(|flavor| {
        let pool = Pool::with_two_replicas(flavor);
        let serve = Serve::start(&[pool.nodes(), words(&["--interval", "300ms"])].concat());
        let mut browser = Browser::start();
        let name = flavor.name();
        browser.call("Page.enable", json!({}));
        browser.call("Page.navigate", json!({ "url": format!("http://{}/", serve.http) }));
        let shows = |node: &str, state: &str| {
            format!(
                "[...document.querySelectorAll('#nodes tbody tr')].some(line => line.cells[0].textContent === '{node}' \
                 && line.cells[3].textContent.startsWith('{state}'))"
            )
        };
        browser.until("document.querySelectorAll('#nodes tbody tr').length === 3", LONG);
        browser.until("document.getElementById('sum').textContent === '3 of 3 nodes serve'", LONG);
        browser.eval("window.unreloaded = true");
        assert_eq!(
            browser.eval("document.querySelectorAll('#map svg path').length"),
            2,
            "two replicas are drawn with their source"
        );
        browser.picture(&format!("probe-{name}-healthy.png"));

        pool.server(2).kill9().unwrap();
        browser.until(&shows("db2", "down"), Duration::from_secs(5));
        pool.server(3).sql("STOP REPLICA SQL_THREAD").unwrap();
        browser.until(&shows("db3", "drain"), Duration::from_secs(5));
        browser.until("document.getElementById('nodes').innerText.includes('unknown: sql_stopped')", LONG);
        browser.until("document.getElementById('last').innerText.includes('db2 ro up → down')", LONG);
        assert_eq!(browser.eval("window.unreloaded"), true, "the page was loaded again");
        browser.picture(&format!("probe-{name}-stopped.png"));

        // What each protocol says is reached and opened by keys alone.
        for _ in 0..4 {
            browser.press("Tab", 9);
        }
        browser.until(
            "document.activeElement.tagName === 'SUMMARY' || document.activeElement.closest('.scroll') !== null",
            LONG,
        );
        browser.eval("document.querySelector('#said summary').focus()");
        browser.press("Enter", 13);
        browser.until("document.querySelector('#said details').open", LONG);
        browser.until("document.querySelector('#said details').innerText.includes('ready up 100%')", LONG);
        let dark = json!({ "features": [{ "name": "prefers-color-scheme", "value": "dark" }] });
        browser.call("Emulation.setEmulatedMedia", dark);
        browser.until("getComputedStyle(document.body).backgroundColor === 'rgb(18, 22, 28)'", LONG);
        browser.picture(&format!("probe-{name}-dark.png"));
        let foreign =
            "performance.getEntriesByType('resource').filter(one => !one.name.startsWith(location.origin)).length";
        assert_eq!(browser.eval(foreign), 0, "something was asked of another host");
    });
}
