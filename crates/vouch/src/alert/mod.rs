//! Telling people what a run came to: webhooks, Slack, PagerDuty.
//!
//! Main type: [`Alerts`]. Every run that fails is told, and the first that does not
//! after one that did. Invariant: whatever becomes of a message, it changes neither
//! the result nor the exit code; what could not be delivered is sent by the next run.

mod letter;
mod post;
mod spool;

use crate::complaint::printable;
use crate::terminal::say;
use letter::Letter;
use post::{Poster, Sent};
use ring::hmac;
use spool::Spool;
use std::collections::HashSet;
use std::fs;
use std::path::PathBuf;
use vouch_manifest::Sha256;
use vouch_render::json::alert::{self, Alert, Turn};
use vouch_report::Summary;

/// Attempts at each letter, unless the run was stopped.
const ATTEMPTS: u32 = 3;

/// Who is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Receiver {
    /// Takes vouch's own document, signed with a secret where there is one.
    Generic {
        /// The address.
        url: String,
        /// What the signature is made with.
        secret: Option<String>,
    },
    /// An incoming webhook of Slack.
    Slack {
        /// The address, which is a secret.
        url: String,
    },
    /// Events API v2 of PagerDuty.
    Pagerduty {
        /// The address.
        url: String,
        /// The integration key.
        routing_key: String,
    },
}

/// What a run came to.
pub struct Outcome<'a> {
    /// The command.
    pub command: &'a str,
    /// The exit code that the process ends with.
    pub exit_code: u8,
    /// Why nothing was looked at.
    pub refused: Option<(&'a str, &'a str)>,
    /// The result, where there is one.
    pub summary: Option<&'a Summary>,
    /// The run was asked to stop: nobody waits for a receiver.
    pub hurried: bool,
}

/// The receivers of a run, and what is remembered from the ones before it.
pub struct Alerts {
    /// Who is told.
    pub receivers: Vec<Receiver>,
    /// Where is kept what was told, and what is yet to be.
    pub folder: PathBuf,
    /// What the run is about, the same from run to run.
    pub about: String,
    /// Milliseconds since the Unix epoch.
    pub now_ms: fn() -> u64,
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        text.push_str(&format!("{byte:02x}"));
        text
    })
}

impl Alerts {
    /// Tells what is to be told. Problems are warnings on stderr.
    pub fn tell(&self, outcome: &Outcome<'_>) {
        let poster = Poster::new();
        let spool = Spool::new(self.folder.join("spool"));
        let held = self.flush(&poster, &spool);
        let Some(turn) = self.turn(outcome.exit_code == 0) else { return };
        let letters = self.letters(turn, outcome);
        let attempts = if outcome.hurried { 1 } else { ATTEMPTS };
        let sent: Vec<Sent> = std::thread::scope(|scope| {
            let send = |letter| match held.contains(&letter_url(letter)) {
                // What came before it is still here, and goes first.
                true => Sent::Later("it does not answer".to_owned()),
                false => poster.send(letter, attempts),
            };
            let threads: Vec<_> = letters.iter().map(|letter| scope.spawn(move || send(letter))).collect();
            let gone = || Sent::Later("the sender stopped".to_owned());
            threads.into_iter().map(|thread| thread.join().unwrap_or_else(|_| gone())).collect()
        });
        for (number, (letter, sent)) in letters.iter().zip(sent).enumerate() {
            self.settle(&spool, number, letter, &sent);
        }
    }

    /// Sends what earlier runs could not; returns the addresses that still take nothing.
    fn flush(&self, poster: &Poster, spool: &Spool) -> HashSet<String> {
        let mut held = HashSet::new();
        // Another run that delivers what is kept does it for everybody: no letter is sent twice.
        let _claim = match spool.claim() {
            Ok(Some(claim)) => claim,
            Ok(None) => return held,
            Err(error) => {
                warn(&format!("alerts of earlier runs could not be looked for: {error}"));
                return held;
            }
        };
        let letters = match spool.letters() {
            Ok(letters) => letters,
            Err(error) => {
                warn(&format!("alerts of earlier runs could not be read: {error}"));
                return held;
            }
        };
        for (file, letter) in letters {
            if held.contains(&letter.url) {
                continue;
            }
            match poster.send(&letter, 1) {
                Sent::Delivered => spool.forget(&file),
                Sent::Later(_) => drop(held.insert(letter.url)),
                Sent::Refused(why) => {
                    warn(&format!("{} takes no alert of an earlier run: {why}", letter.place()));
                    spool.forget(&file);
                }
            }
        }
        held
    }

    /// Which way it went, if anybody is to know; remembers it.
    fn turn(&self, good: bool) -> Option<Turn> {
        let digest: String = hex(&Sha256::of(self.about.as_bytes())).chars().take(32).collect();
        let folder = self.folder.join("failed");
        let file = folder.join(digest);
        match good {
            true => fs::remove_file(&file).is_ok().then_some(Turn::Recovery),
            false => {
                let kept = spool::make_folder(&folder).and_then(|()| spool::write_whole(&file, &self.about));
                if let Err(error) = kept {
                    warn(&format!("that it failed could not be remembered, so recovery will not be told: {error}"));
                }
                Some(Turn::Failure)
            }
        }
    }

    fn letters(&self, turn: Turn, outcome: &Outcome<'_>) -> Vec<Letter> {
        let at_ms = (self.now_ms)();
        let id = format!("{at_ms:x}-{:x}", std::process::id());
        let alert = Alert {
            id: &id,
            turn,
            at_ms,
            command: outcome.command,
            about: &self.about,
            exit_code: outcome.exit_code,
            refused: outcome.refused,
            summary: outcome.summary,
        };
        self.receivers.iter().map(|receiver| self.letter(receiver, &alert)).collect()
    }

    fn letter(&self, receiver: &Receiver, alert: &Alert<'_>) -> Letter {
        match receiver {
            Receiver::Generic { url, secret } => {
                let body = alert::generic(alert);
                let mut headers = vec![
                    ("X-Vouch-Event".to_owned(), alert.turn.name().to_owned()),
                    ("X-Vouch-Delivery".to_owned(), alert.id.to_owned()),
                ];
                if let Some(secret) = secret {
                    let time = alert.at_ms.to_string();
                    let signed = format!("{time}.{}.{body}", alert.id);
                    headers.push(("X-Vouch-Signature".to_owned(), signature(secret, &body)));
                    headers.push(("X-Vouch-Time".to_owned(), time));
                    headers.push(("X-Vouch-Signature-V2".to_owned(), signature(secret, &signed)));
                }
                Letter { url: url.clone(), headers, body }
            }
            Receiver::Slack { url } => Letter { url: url.clone(), headers: Vec::new(), body: alert::slack(alert) },
            Receiver::Pagerduty { url, routing_key } => {
                let dedup: String = hex(&Sha256::of(self.about.as_bytes())).chars().take(40).collect();
                let body = alert::pagerduty(alert, routing_key, &format!("vouch-{}-{dedup}", alert.command));
                Letter { url: url.clone(), headers: Vec::new(), body }
            }
        }
    }

    fn settle(&self, spool: &Spool, number: usize, letter: &Letter, sent: &Sent) {
        match sent {
            Sent::Delivered => {}
            Sent::Refused(why) => warn(&format!("{} took no alert: {why}", letter.place())),
            Sent::Later(why) => {
                let name = format!("{:016x}-{:08x}-{number}", (self.now_ms)(), std::process::id());
                match spool.keep(&name, letter) {
                    Ok(()) => warn(&format!("{} took no alert; the next run sends it: {why}", letter.place())),
                    Err(error) => {
                        warn(&format!("{} took no alert ({why}), and it could not be kept: {error}", letter.place()));
                    }
                }
            }
        }
    }
}

fn letter_url(letter: &Letter) -> String {
    letter.url.clone()
}

/// `sha256=` and the HMAC of the body, as receivers know it from others.
fn signature(secret: &str, body: &str) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    format!("sha256={}", hex(hmac::sign(&key, body.as_bytes()).as_ref()))
}

fn warn(message: &str) {
    say(&format!("warning: {}", printable(message)));
}

#[cfg(test)]
mod tests {
    use super::signature;

    /// The second example of RFC 4231.
    #[test]
    fn the_signature_is_that_of_the_standard() {
        let expected = "sha256=5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
        assert_eq!(signature("Jefe", "what do ya want for nothing?"), expected);
    }
}
