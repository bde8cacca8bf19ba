//! From bytes that anybody could have written to a manifest that may be acted on.
//!
//! [`Untrusted`] → [`Verified`] → [`Accepted`]. Invariant: there is no way around
//! the first step but [`Untrusted::without_signature`], which stays visible in the
//! result, and no other way to read a manifest than from [`Verified`] bytes.

use crate::digest::sha256_hex;
use crate::json::{self, Json};
use crate::keyring::Keyring;
use crate::model::{Kind, Manifest};
use crate::refused::{Reason, Refused};
use crate::rollback::Serials;
use crate::sig::{self, Signature};
use crate::time::rfc3339;
use crate::{flat, read};
use vouch_report::{Code, Notice};

/// Bytes of a manifest of which nothing is known.
pub struct Untrusted {
    bytes: Vec<u8>,
}

/// Who signed a manifest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signer {
    /// The key's id in the keyring.
    pub key: String,
    /// The signature's format in words.
    pub format: &'static str,
    /// The trusted comment of a minisign signature; empty without.
    pub comment: String,
    /// The clusters that the key is for; empty means all.
    pub clusters: Vec<String>,
}

/// Bytes of a manifest whose signature was verified, or needs none by the user's own word.
pub struct Verified {
    bytes: Vec<u8>,
    signer: Option<Signer>,
}

/// A manifest that may be acted on.
#[derive(Clone, Debug)]
pub struct Accepted {
    manifest: Manifest,
    digest: String,
    signer: Option<Signer>,
}

/// Which documents are accepted as a manifest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Require {
    /// A manifest, which has a serial, a cluster and a time; flat maps have none of them.
    #[default]
    Manifest,
    /// A manifest or a flat map.
    Any,
}

/// What a verified manifest has to meet besides.
#[derive(Clone, Debug, Default)]
pub struct Policy {
    /// Milliseconds since the Unix epoch.
    pub now_ms: u64,
    /// The cluster that it must be about.
    pub cluster: Option<String>,
    /// The serials accepted so far; `None` when an older one is wanted on purpose.
    pub serials: Option<Serials>,
    /// Past its time is no reason to refuse it.
    pub allow_expired: bool,
    /// Which documents are accepted.
    pub require: Require,
}

impl Untrusted {
    /// Bytes from anywhere.
    pub fn new(bytes: Vec<u8>) -> Self {
        Untrusted { bytes }
    }

    /// Verifies that a key of the ring, valid at `now_ms`, signed exactly these bytes.
    ///
    /// # Errors
    /// [`Reason::Unsigned`] when the signature is none, [`Reason::BadSignature`] when no key made
    /// it, [`Reason::Key`] when the key that did is not to be trusted now.
    pub fn verify(self, signature: &[u8], keyring: &Keyring, now_ms: u64) -> Result<Verified, Refused> {
        let signature = Signature::read(signature).ok_or_else(|| {
            Refused::new(
                Reason::Unsigned,
                "the signature is in no format that is known",
                "formats are: Ed25519, RSA or ECDSA bytes or base64, SSH SIGNATURE, minisign",
            )
        })?;
        let key = keyring.keys().iter().find(|key| sig::verifies(&signature, &self.bytes, &key.key));
        let key = key.ok_or_else(|| {
            Refused::new(
                Reason::BadSignature,
                format!("no key of the keyring made this {} signature of this manifest", signature.format()),
                "the manifest or its signature was changed, or it was signed by somebody else: do not use it",
            )
        })?;
        key.check(now_ms)?;
        let signer = Signer {
            key: key.id.clone(),
            format: signature.format(),
            comment: signature.comment().to_owned(),
            clusters: key.clusters.clone(),
        };
        Ok(Verified { bytes: self.bytes, signer: Some(signer) })
    }

    /// Takes the bytes as they are because the user says so. The result remembers.
    pub fn without_signature(self) -> Verified {
        Verified { bytes: self.bytes, signer: None }
    }
}

impl Verified {
    /// The exact bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Who signed; `None` when nobody had to.
    pub fn signer(&self) -> Option<&Signer> {
        self.signer.as_ref()
    }

    /// Reads the manifest: version 1 or 2, or a flat map.
    ///
    /// # Errors
    /// [`Reason::Malformed`] with what is wrong and where.
    pub fn manifest(&self) -> Result<Manifest, Refused> {
        let wrong = |problem: String| {
            Refused::new(
                Reason::Malformed,
                format!("the manifest is malformed: {problem}"),
                "see docs/formats; `vouch manifest lint` reports every fault with its place",
            )
        };
        let document = json::parse(&self.bytes).map_err(wrong)?;
        let is_manifest = matches!(&document, Json::Object(entries)
            if entries.iter().any(|(key, value)| key == "schema" && !matches!(value, Json::Text(_))));
        match is_manifest {
            true => read::manifest(document),
            false => flat::manifest(document, &sha256_hex(&self.bytes)),
        }
        .map_err(wrong)
    }
}

impl Policy {
    /// Holds a verified manifest against the policy.
    ///
    /// # Errors
    /// It is malformed, past its time, about another cluster, older than the last one, or its key
    /// is not for its cluster.
    pub fn accept(&self, verified: Verified) -> Result<Accepted, Refused> {
        let manifest = verified.manifest()?;
        if self.require == Require::Manifest && manifest.kind == Kind::Flat {
            return Err(Refused::new(
                Reason::Flat,
                "this is a flat map of checksums, without a serial, a cluster or an expiry: an old one would pass",
                "import it with `vouch manifest import`, or pass --require any to accept it",
            ));
        }
        let digest = sha256_hex(&verified.bytes);
        self.check_cluster(&manifest, verified.signer.as_ref())?;
        if let Some(expires) = manifest.expires_ms.filter(|&expires| expires <= self.now_ms && !self.allow_expired) {
            return Err(Refused::new(
                Reason::Expired,
                format!("the manifest expired at {}", rfc3339(expires)),
                "use a newer backup and its manifest",
            ));
        }
        if let Some(serials) = self.serials.as_ref().filter(|_| manifest.kind != Kind::Flat) {
            serials.check(&manifest.cluster, manifest.serial, &digest)?;
        }
        Ok(Accepted { manifest, digest, signer: verified.signer })
    }

    fn check_cluster(&self, manifest: &Manifest, signer: Option<&Signer>) -> Result<(), Refused> {
        if let Some(wanted) = self.cluster.as_ref().filter(|wanted| **wanted != manifest.cluster) {
            return Err(Refused::new(
                Reason::Cluster,
                format!(
                    "the manifest is about cluster `{}`, and `{}` is to be validated",
                    manifest.cluster.escape_debug(),
                    wanted.escape_debug()
                ),
                "use the manifest of this cluster, or correct --cluster",
            ));
        }
        let bound = signer.filter(|signer| !signer.clusters.is_empty() && !signer.clusters.contains(&manifest.cluster));
        bound.map_or(Ok(()), |signer| {
            Err(Refused::new(
                Reason::Key,
                format!(
                    "the key `{}` may not sign for cluster `{}`",
                    signer.key.escape_debug(),
                    manifest.cluster.escape_debug()
                ),
                "the keyring says which clusters a key is for",
            ))
        })
    }
}

impl Accepted {
    /// What it says.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// What weakens it, for the result: whether the keys lie beside it, and whether an older one was taken on purpose.
    pub fn remarks(&self, key_beside: bool, allow_older: bool) -> Vec<Notice> {
        let remarks = [
            (
                self.manifest.is_forgeable(),
                Code::ManifestForgeable,
                "the manifest's digests find accidents, not adversaries: whoever can write to the copy can forge \
                 rows that match them",
            ),
            (self.signer.is_none(), Code::UnsignedAllowed, "the manifest is not signed, and was believed all the same"),
            (key_beside, Code::KeyBeside, "the trusted keys lie in the folder of the manifest"),
            (allow_older, Code::OlderAllowed, "the manifest's serial was not held against the last one"),
        ];
        let notice =
            |(_, code, message): (bool, Code, &str)| Notice { code, server: None, message: message.to_owned() };
        remarks.into_iter().filter(|(holds, ..)| *holds).map(notice).collect()
    }

    /// SHA-256 of its exact bytes.
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// Who signed it; `None` when nobody had to.
    pub fn signer(&self) -> Option<&Signer> {
        self.signer.as_ref()
    }
}
