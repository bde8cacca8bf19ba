//! Options on who is told what a run came to, the same for every command that is a gate.

use clap::Args;
use std::path::PathBuf;

/// Who is told when the gate shuts, and when it is open again.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Alerts")]
pub struct AlertArgs {
    /// Post JSON here when the gate is shut, and once when it is open again; may be given again
    #[arg(long, value_name = "URL")]
    pub webhook: Vec<String>,
    /// Sign what is posted to --webhook: HMAC-SHA256 in X-Vouch-Signature
    #[arg(long, value_name = "SECRET", requires = "webhook")]
    pub webhook_secret: Option<String>,
    /// The same as a message to an incoming webhook of Slack; may be given again
    #[arg(long, value_name = "URL")]
    pub slack: Vec<String>,
    /// The same as an incident of PagerDuty, with the integration key of Events API v2
    #[arg(long, value_name = "KEY")]
    pub pagerduty: Option<String>,
    /// Where PagerDuty takes events
    #[arg(long, value_name = "URL", default_value = "https://events.pagerduty.com/v2/enqueue")]
    pub pagerduty_url: String,
}

/// What is kept for whoever asks later.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Evidence")]
pub struct EvidenceArgs {
    /// Write what was proven, of which manifest and which server, and sign it into FILE.sig
    #[arg(long, value_name = "FILE", requires = "evidence_key")]
    pub evidence: Option<PathBuf>,
    /// The private key that signs it, as for vouch manifest sign
    #[arg(long, value_name = "KEY", requires = "evidence")]
    pub evidence_key: Option<PathBuf>,
}
