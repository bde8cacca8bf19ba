//! Posting a letter, again and again where that may help.

use super::letter::Letter;
use std::time::Duration;
use ureq::Agent;
use ureq::tls::{RootCerts, TlsConfig};

/// After which an attempt is given up.
const ATTEMPT: Duration = Duration::from_secs(5);
/// The pause after the first attempt; it doubles with every further one.
const PAUSE: Duration = Duration::from_millis(500);

/// What became of a letter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sent {
    /// The receiver has it.
    Delivered,
    /// Not now; says why.
    Later(String),
    /// The receiver will never take it; says why.
    Refused(String),
}

/// The way to receivers.
pub struct Poster(Agent);

impl Poster {
    /// With the certificates of the system's choice, and no redirects: what is posted is for one receiver.
    pub fn new() -> Poster {
        let tls = TlsConfig::builder().root_certs(RootCerts::WebPki).build();
        let config = Agent::config_builder()
            .timeout_global(Some(ATTEMPT))
            .max_redirects(0)
            .http_status_as_error(false)
            .user_agent(concat!("vouch/", env!("CARGO_PKG_VERSION")))
            .tls_config(tls)
            .build();
        Poster(config.into())
    }

    /// Tries up to `attempts` times.
    pub fn send(&self, letter: &Letter, attempts: u32) -> Sent {
        let mut pause = PAUSE;
        let mut sent = self.once(letter);
        for _ in 1..attempts {
            if !matches!(sent, Sent::Later(_)) {
                break;
            }
            std::thread::sleep(pause);
            pause *= 2;
            sent = self.once(letter);
        }
        sent
    }

    fn once(&self, letter: &Letter) -> Sent {
        let mut request = self.0.post(&letter.url).content_type("application/json");
        for (name, value) in &letter.headers {
            request = request.header(name, value);
        }
        match request.send(letter.body.as_str()) {
            Ok(response) => judge(response.status().as_u16()),
            Err(ureq::Error::BadUri(why)) => Sent::Refused(why),
            Err(ureq::Error::Http(why)) => Sent::Refused(why.to_string()),
            Err(error) => Sent::Later(error.to_string()),
        }
    }
}

fn judge(status: u16) -> Sent {
    match status {
        200..=299 => Sent::Delivered,
        408 | 425 | 429 | 500..=599 => Sent::Later(format!("it answered {status}")),
        _ => Sent::Refused(format!("it answered {status}")),
    }
}
