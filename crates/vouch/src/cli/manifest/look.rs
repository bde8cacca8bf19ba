//! `vouch manifest diff` and `vouch manifest lint`.

use crate::cli::output::When;
use crate::cli::validate::TrustArgs;
use clap::{Args, ValueEnum};
use std::path::PathBuf;

/// Shown below the help of `diff`.
pub const DIFF_EXAMPLES: &str = "\
Examples:
  vouch manifest diff yesterday.json today.json --trust /etc/vouch/trust
  vouch manifest diff a.json b.json --allow-unsigned --format json

Both signatures are verified first, as `vouch manifest show` does. Serials and expiry are not looked at: to hold an
old manifest against a new one is to look back.

Exit codes:
  0 both say the same   1 they differ   2 one of them cannot be read or is not to be believed";

/// Shown below the help of `lint`.
pub const LINT_EXAMPLES: &str = "\
Examples:
  vouch manifest lint today.json
  vouch manifest lint today.json --strict --format json

For whoever makes manifests: it looks at the file as it is, signed or not, and tells every fault at once with its
line, column and JSON pointer. Errors are what it is refused for. Advice is about what it could say and does not.

Exit codes:
  0 no errors (with --strict: no advice either)   1 errors   2 the file cannot be read";

/// What stdout gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum TextFormat {
    /// For people
    Human,
    /// One JSON document
    Json,
}

/// How the answer is shown.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Output")]
pub struct AnswerArgs {
    /// What stdout gets
    #[arg(long, value_enum, value_name = "FORMAT", default_value = "human")]
    pub format: TextFormat,
    /// When to use colours
    #[arg(long, value_enum, value_name = "WHEN", default_value = "auto")]
    pub color: When,
}

/// `vouch manifest diff`.
#[derive(Clone, Debug, Args)]
pub struct DiffArgs {
    /// The first manifest
    #[arg(value_name = "A")]
    pub before: PathBuf,
    /// The second manifest
    #[arg(value_name = "B")]
    pub after: PathBuf,
    /// The signature of A, and given again that of B [default: A.sig or A.minisig, B.sig or B.minisig]
    #[arg(long, value_name = "FILE", help_heading = "Trust")]
    pub signature: Vec<PathBuf>,
    /// The keys that are trusted, as for `vouch validate`
    #[arg(long, value_name = "KEYRING", help_heading = "Trust")]
    pub trust: Option<PathBuf>,
    /// Believe manifests without signatures
    #[arg(long, help_heading = "Trust")]
    pub allow_unsigned: bool,
    /// The cluster that both must be about
    #[arg(long, value_name = "NAME", help_heading = "Trust")]
    pub cluster: Option<String>,
    #[command(flatten)]
    pub answer: AnswerArgs,
}

impl DiffArgs {
    /// How the manifest of that place, 0 or 1, is verified.
    pub fn trust(&self, place: usize) -> TrustArgs {
        TrustArgs {
            signature: self.signature.get(place).cloned(),
            trust: self.trust.clone(),
            allow_unsigned: self.allow_unsigned,
            cluster: self.cluster.clone(),
            allow_older: true,
            allow_expired: true,
            require: Some(crate::cli::validate::Require::Any),
            state_dir: None,
        }
    }
}

/// `vouch manifest lint`.
#[derive(Clone, Debug, Args)]
pub struct LintArgs {
    /// The manifest: version 1, or a flat map
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// Advice fails like errors
    #[arg(long)]
    pub strict: bool,
    #[command(flatten)]
    pub answer: AnswerArgs,
}
