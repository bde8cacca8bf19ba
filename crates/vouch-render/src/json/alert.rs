//! What is posted when a gate shuts and when it is open again: [`Alert`], in the shapes of several receivers.
//!
//! Invariant: names and messages come from servers and are hostile; no receiver
//! is made to mention anybody, or to follow a link, by them.

use super::finding::ErrorJson;
use super::gate::{Counts, ManifestJson};
use super::{compact, filled, time};
use crate::text::clip;
use serde::Serialize;
use vouch_report::{CheckStatus, GateCoverage, Summary, TableCheck};

/// Most tables and errors that an alert names; the result has all.
const NAMED_MAX: usize = 20;
/// Most characters of a sentence.
const SENTENCE_CHARS: usize = 500;
/// Most characters of the name of what an alert is about.
const ABOUT_CHARS: usize = 200;

/// Which way it went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// What was to be proven was not.
    Failure,
    /// It is again, after it was not.
    Recovery,
}

impl Turn {
    /// `failure` or `recovery`.
    pub fn name(self) -> &'static str {
        match self {
            Turn::Failure => "failure",
            Turn::Recovery => "recovery",
        }
    }
}

/// Something that people are to be told.
pub struct Alert<'a> {
    /// Its own id, by which a receiver knows one that comes twice.
    pub id: &'a str,
    /// Which way it went.
    pub turn: Turn,
    /// Milliseconds since the Unix epoch.
    pub at_ms: u64,
    /// The command, such as `validate`.
    pub command: &'a str,
    /// What it is about, the same from run to run.
    pub about: &'a str,
    /// The exit code.
    pub exit_code: u8,
    /// Why nothing was looked at: a code and a sentence; where there is a result, that tells.
    pub refused: Option<(&'a str, &'a str)>,
    /// The result, where there is one.
    pub summary: Option<&'a Summary>,
}

#[derive(Serialize)]
struct AlertJson<'a> {
    schema: u32,
    event: &'static str,
    id: &'a str,
    at: Option<String>,
    command: &'a str,
    about: &'a str,
    exit_code: u8,
    verdict: &'a str,
    message: String,
    #[serde(flatten)]
    details: Details<'a>,
}

/// What stands behind the sentence.
#[derive(Serialize)]
struct Details<'a> {
    run_id: Option<&'a str>,
    code: Option<&'a str>,
    server: Option<&'a str>,
    position: Option<&'a str>,
    manifest: Option<ManifestJson<'a>>,
    counts: Option<Counts>,
    /// Tables that are no reason to proceed, the first of them.
    tables: Vec<NamedJson<'a>>,
    errors: Vec<ErrorJson<'a>>,
}

#[derive(Serialize)]
struct NamedJson<'a> {
    table: String,
    status: &'static str,
    reason: Option<&'a str>,
}

impl<'a> Alert<'a> {
    fn gate(&self) -> Option<&'a GateCoverage> {
        self.summary?.coverage.gate()
    }

    fn sentence(&self) -> String {
        let said = match (self.refused, self.summary) {
            (Some((code, message)), _) => format!("Nothing was looked at ({code}): {message}"),
            (None, Some(summary)) => crate::words::gate::headline(summary),
            (None, None) => "Nothing was looked at.".to_owned(),
        };
        clip(&said, SENTENCE_CHARS)
    }

    fn verdict(&self) -> &'static str {
        self.summary.filter(|_| self.refused.is_none()).map_or("refused", |summary| summary.verdict.name())
    }

    /// The line that says what it is about and which way it went.
    fn title(&self) -> String {
        let state = match self.turn {
            Turn::Failure => "FAILED",
            Turn::Recovery => "recovered",
        };
        format!("vouch {} {state}: {}", self.command, clip(self.about, ABOUT_CHARS))
    }

    fn halting(&self) -> impl Iterator<Item = &'a TableCheck> {
        let checks = self.gate().map(|gate| gate.checks.as_slice()).unwrap_or_default();
        let grave = |check: &&TableCheck| !check.status.passes() && check.status != CheckStatus::NotRun;
        checks.iter().filter(grave).take(NAMED_MAX)
    }

    fn details(&self) -> Details<'a> {
        let named = |check: &'a TableCheck| NamedJson {
            table: check.label(),
            status: check.status.name(),
            reason: filled(&check.reason),
        };
        let errors = self.summary.map(|summary| summary.errors.as_slice()).unwrap_or_default();
        Details {
            run_id: self.summary.map(|summary| summary.run_id.as_str()),
            code: self.refused.map(|(code, _)| code),
            server: self.summary.and_then(|summary| Some(summary.coverage.servers().first()?.name.as_str())),
            position: self.gate().and_then(|gate| filled(&gate.position)),
            manifest: self.gate().map(ManifestJson::of),
            counts: self.gate().map(Counts::of),
            tables: self.halting().map(named).collect(),
            errors: errors.iter().take(NAMED_MAX).map(ErrorJson::of).collect(),
        }
    }
}

/// The document of vouch's own.
pub fn generic(alert: &Alert<'_>) -> String {
    compact(&AlertJson {
        schema: super::SCHEMA,
        event: alert.turn.name(),
        id: alert.id,
        at: time(alert.at_ms),
        command: alert.command,
        about: alert.about,
        exit_code: alert.exit_code,
        verdict: alert.verdict(),
        message: alert.sentence(),
        details: alert.details(),
    })
}

/// A message for an incoming webhook of Slack, and of what takes the same.
pub fn slack(alert: &Alert<'_>) -> String {
    #[derive(Serialize)]
    struct Message {
        text: String,
        attachments: [Attachment; 1],
    }
    #[derive(Serialize)]
    struct Attachment {
        color: &'static str,
        fallback: String,
        text: String,
    }
    let line = |check: &TableCheck| format!("{} {}", clip(&check.label(), ABOUT_CHARS), check.status.name());
    let lines: Vec<String> = std::iter::once(alert.sentence()).chain(alert.halting().map(line)).collect();
    let color = if alert.turn == Turn::Failure { "danger" } else { "good" };
    let text = unlinked(&lines.join("\n"));
    let fallback = unlinked(&alert.sentence());
    compact(&Message { text: unlinked(&alert.title()), attachments: [Attachment { color, fallback, text }] })
}

/// Text in which Slack sees no link and no mention.
fn unlinked(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// An event of PagerDuty's Events API v2. The same `dedup_key` opens an incident and resolves it.
pub fn pagerduty(alert: &Alert<'_>, routing_key: &str, dedup_key: &str) -> String {
    #[derive(Serialize)]
    struct Event<'a> {
        routing_key: &'a str,
        event_action: &'static str,
        dedup_key: &'a str,
        client: &'static str,
        payload: Payload<'a>,
    }
    #[derive(Serialize)]
    struct Payload<'a> {
        summary: String,
        source: String,
        severity: &'static str,
        timestamp: Option<String>,
        component: &'static str,
        class: &'a str,
        custom_details: Details<'a>,
    }
    let details = alert.details();
    let source = details.server.unwrap_or(alert.about);
    compact(&Event {
        routing_key,
        event_action: if alert.turn == Turn::Failure { "trigger" } else { "resolve" },
        dedup_key,
        client: "vouch",
        payload: Payload {
            summary: format!("{}: {}", alert.title(), alert.sentence()),
            source: clip(source, ABOUT_CHARS),
            severity: if alert.turn == Turn::Failure { "critical" } else { "info" },
            timestamp: time(alert.at_ms),
            component: "vouch",
            class: alert.command,
            custom_details: details,
        },
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use super::*;
    use serde_json::Value;
    use vouch_report::{Command, Coverage, Scope, Verdict};

    fn check(name: &str, status: CheckStatus) -> TableCheck {
        TableCheck {
            schema: "app".to_owned(),
            name: name.to_owned(),
            status,
            method: "row-sha256".to_owned(),
            expected: "xor:1".to_owned(),
            actual: "xor:2".to_owned(),
            rows_expected: Some(2),
            rows: Some(3),
            reason: "it has 3 rows".to_owned(),
            took_ms: 5,
            attempts: 1,
            at_ms: 9,
        }
    }

    fn summary(verdict: Verdict) -> Summary {
        let mut checks = vec![check("<!channel>", CheckStatus::Mismatch), check("ok", CheckStatus::Valid)];
        checks.extend((0..50).map(|n| check(&format!("t{n}"), CheckStatus::Missing)));
        let gate = GateCoverage { manifest_id: "m1".to_owned(), checks, ..GateCoverage::default() };
        Summary {
            command: Command::Validate,
            run_id: "r".to_owned(),
            started_ms: 1,
            finished_ms: 2,
            verdict,
            scope: Scope::default(),
            coverage: Coverage::Gate(Vec::new(), Box::new(gate)),
            findings: Vec::new(),
            skips: Vec::new(),
            errors: Vec::new(),
            notices: Vec::new(),
        }
    }

    fn alert(turn: Turn, summary: Option<&Summary>) -> Alert<'_> {
        let refused = summary.is_none().then_some(("bad-signature", "no trusted key signed it"));
        Alert { id: "a-1", turn, at_ms: 1_000, command: "validate", about: "<@U1>&dr", exit_code: 1, refused, summary }
    }

    fn parsed(text: &str) -> Value {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn the_generic_document_says_what_halts_and_not_more_than_a_receiver_takes() {
        let summary = summary(Verdict::Findings);
        let document = parsed(&generic(&alert(Turn::Failure, Some(&summary))));
        assert_eq!((&document["event"], &document["about"]), (&"failure".into(), &"<@U1>&dr".into()));
        assert_eq!(document["counts"]["missing"], 50);
        assert_eq!(document["tables"].as_array().unwrap().len(), NAMED_MAX);
        assert_eq!(document["tables"][0]["table"], "app.<!channel>");
        assert_eq!(document["manifest"]["id"], "m1");
        let refused = parsed(&generic(&alert(Turn::Failure, None)));
        assert_eq!((&refused["code"], &refused["verdict"]), (&"bad-signature".into(), &"refused".into()));
    }

    #[test]
    fn slack_sees_no_link_and_no_mention() {
        let summary = summary(Verdict::Findings);
        let text = slack(&alert(Turn::Failure, Some(&summary)));
        assert!(!text.contains('<') && !text.contains('>'), "{text}");
        let message = parsed(&text);
        assert_eq!(message["text"], "vouch validate FAILED: &lt;@U1&gt;&amp;dr");
        assert_eq!(message["attachments"][0]["color"], "danger");
        assert!(message["attachments"][0]["text"].as_str().unwrap().contains("app.&lt;!channel&gt; MISMATCH"));
    }

    #[test]
    fn an_incident_is_opened_and_resolved_by_one_key() {
        let summary = summary(Verdict::Incomplete);
        let opened = parsed(&pagerduty(&alert(Turn::Failure, None), "R", "K"));
        let resolved = parsed(&pagerduty(&alert(Turn::Recovery, Some(&summary)), "R", "K"));
        assert_eq!((&opened["event_action"], &resolved["event_action"]), (&"trigger".into(), &"resolve".into()));
        assert_eq!((&opened["dedup_key"], &opened["routing_key"]), (&resolved["dedup_key"], &"R".into()));
        assert_eq!(opened["payload"]["severity"], "critical");
        assert!(opened["payload"]["summary"].as_str().unwrap().chars().count() < 1024);
    }
}
