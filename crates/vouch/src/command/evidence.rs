//! Evidence files: what was proven, signed.

use super::manifest::{replace, signing_key, with_suffix};
use crate::cli::alert::EvidenceArgs;
use crate::complaint::Complaint;
use std::path::PathBuf;
use vouch_manifest::{Format, SigningKey, sign};
use vouch_report::Summary;

/// Where evidence goes, and the key that signs it.
pub struct Evidence {
    path: PathBuf,
    key: SigningKey,
}

impl Evidence {
    /// Reads the key, before anything is asked of a server.
    ///
    /// # Errors
    /// The key cannot be used.
    pub fn prepare(args: &EvidenceArgs) -> Result<Option<Evidence>, Complaint> {
        match (&args.evidence, &args.evidence_key) {
            (Some(path), Some(key)) => Ok(Some(Evidence { path: path.clone(), key: signing_key(key)? })),
            _ => Ok(None),
        }
    }

    /// Writes the evidence of a run and its signature beside it.
    ///
    /// # Errors
    /// One of them could not be written.
    pub fn write(&self, summary: &Summary) -> Result<(), Complaint> {
        let tool = format!("vouch {}", env!("CARGO_PKG_VERSION"));
        let fingerprint = self.key.public().fingerprint();
        let unsigned = || Complaint::incomplete("the evidence could not be signed").hint("try an Ed25519 key");
        let text = vouch_render::json::evidence(summary, &tool, &fingerprint).ok_or_else(unsigned)?;
        let signature = sign(&self.key, text.as_bytes(), Format::Raw, "").ok_or_else(unsigned)?;
        replace(&self.path, text.as_bytes())?;
        replace(&with_suffix(&self.path, ".sig"), &signature)
    }
}
