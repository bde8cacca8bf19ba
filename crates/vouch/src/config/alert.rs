//! Who is told, from arguments: secrets are looked up, addresses checked.

use super::{gate, secret};
use crate::alert::{Alerts, Receiver};
use crate::cli::alert::AlertArgs;
use crate::cli::validate::TrustArgs;
use crate::complaint::Complaint;
use crate::environment::Environment;

/// The receivers of a run that is about `about`; `None` where nobody is to be told.
///
/// # Errors
/// A secret that is not set, an address that is none, or no folder to remember in.
pub fn alerts(
    args: &AlertArgs,
    about: String,
    trust: &TrustArgs,
    now_ms: fn() -> u64,
    variables: &Environment,
) -> Result<Option<Alerts>, Complaint> {
    let secret = args.webhook_secret.as_ref().map(|text| secret::expand(text, variables)).transpose()?;
    let url = |text: &String| address(&secret::expand(text, variables)?);
    let mut receivers = Vec::new();
    for text in &args.webhook {
        receivers.push(Receiver::Generic { url: url(text)?, secret: secret.clone() });
    }
    for text in &args.slack {
        receivers.push(Receiver::Slack { url: url(text)? });
    }
    if let Some(key) = &args.pagerduty {
        let routing_key = secret::expand(key, variables)?;
        receivers.push(Receiver::Pagerduty { url: url(&args.pagerduty_url)?, routing_key });
    }
    if receivers.is_empty() {
        return Ok(None);
    }
    let folder = gate::state(trust, variables)?.join("alerts");
    Ok(Some(Alerts { receivers, folder, about, now_ms }))
}

fn address(url: &str) -> Result<String, Complaint> {
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
    let plain = |c: char| c.is_ascii_graphic();
    match rest {
        Some(rest) if !rest.is_empty() && !rest.starts_with('/') && url.chars().all(plain) => Ok(url.to_owned()),
        // It may be a secret: it is not repeated.
        _ => Err(Complaint::usage("the address of a webhook is none")
            .hint("it is http:// or https://, a host, and a path, without spaces")),
    }
}

#[cfg(test)]
mod tests {
    use super::address;

    #[test]
    fn addresses_are_http() {
        for good in ["https://hooks.slack.com/services/T/B/x", "http://127.0.0.1:8080/", "http://h"] {
            assert!(address(good).is_ok(), "{good}");
        }
        for bad in ["", "h", "ftp://h/", "http://", "https:///x", "http://h/a b", "http://h/\nX: y"] {
            assert!(address(bad).is_err(), "{bad:?}");
        }
    }
}
