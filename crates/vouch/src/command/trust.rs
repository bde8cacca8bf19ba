//! From a manifest's file to a manifest that may be acted on.

use crate::cli::validate::TrustArgs;
use crate::complaint::{Complaint, cause};
use crate::config::gate;
use crate::environment::Environment;
use std::fs;
use std::path::{Path, PathBuf};
use vouch_manifest::{Accepted, Keyring, Policy, Serials, Untrusted, Verified};
use vouch_report::{Code, Refusal};

/// A manifest that was taken, and how.
pub struct Taken {
    pub accepted: Accepted,
    pub serials: Serials,
    /// The trusted keys lie where the manifest lies.
    pub key_beside: bool,
}

/// Reads a file that the user named.
pub fn read(path: &Path, what: &str) -> Result<Vec<u8>, Complaint> {
    fs::read(path).map_err(|error| {
        Complaint::usage(format!("the {what} {} could not be read: {}", path.display(), cause(&error)))
            .hint("check the path and its permissions")
    })
}

/// Where the signature of a manifest is, if anywhere.
fn signature(manifest: &Path, args: &TrustArgs) -> Option<PathBuf> {
    let beside = |extension: &str| {
        let mut path = manifest.as_os_str().to_owned();
        path.push(extension);
        Some(PathBuf::from(path)).filter(|path| path.is_file())
    };
    args.signature.clone().or_else(|| beside(".sig")).or_else(|| beside(".minisig"))
}

/// The files of a manifest: itself and its signature, wherever they are.
pub fn files(manifest: &Path, args: &TrustArgs) -> Vec<PathBuf> {
    [manifest.to_owned()].into_iter().chain(signature(manifest, args)).collect()
}

/// Verifies the signature, or does without where the user says so.
///
/// # Errors
/// There is none, or it does not hold.
pub fn verify(manifest: &Path, args: &TrustArgs, now_ms: u64) -> Result<Verified, Refusal> {
    let untrusted = Untrusted::new(read(manifest, "manifest")?);
    let unsigned = |message: &str, hint: &str| Err(Refusal::new(Code::Unsigned, message, hint));
    match (signature(manifest, args), &args.trust) {
        (Some(signature), Some(trust)) => {
            let keyring = Keyring::load(trust)?;
            Ok(untrusted.verify(&read(&signature, "signature")?, &keyring, now_ms)?)
        }
        _ if args.allow_unsigned => Ok(untrusted.without_signature()),
        (None, _) => unsigned(
            "the manifest has no signature",
            "name it with --signature; --allow-unsigned does without, and the result says so",
        ),
        (Some(_), None) => unsigned(
            "no key is trusted, so the signature says nothing",
            "name the trusted keys with --trust; --allow-unsigned does without, and the result says so",
        ),
    }
}

/// Verifies a manifest and holds it against all that it has to meet.
///
/// # Errors
/// Whatever it does not meet.
pub fn accept(manifest: &Path, args: &TrustArgs, variables: &Environment, now_ms: u64) -> Result<Taken, Refusal> {
    let verified = verify(manifest, args, now_ms)?;
    let serials = Serials::new(gate::serials(args, variables)?);
    let policy = Policy {
        now_ms,
        cluster: args.cluster.clone(),
        serials: (!args.allow_older).then(|| serials.clone()),
        allow_expired: args.allow_expired,
        require: match args.require {
            None | Some(crate::cli::validate::Require::Manifest) => vouch_manifest::Require::Manifest,
            Some(crate::cli::validate::Require::Any) => vouch_manifest::Require::Any,
        },
    };
    let accepted = policy.accept(verified)?;
    Ok(Taken { accepted, serials, key_beside: key_beside(manifest, args) })
}

/// Whether who can write the manifest can, as it looks, write the keys too.
fn key_beside(manifest: &Path, args: &TrustArgs) -> bool {
    let folder = |path: &Path| Some(path.canonicalize().ok()?.parent()?.to_owned());
    args.trust.as_ref().is_some_and(|trust| {
        let keys = if trust.is_dir() { trust.canonicalize().ok() } else { folder(trust) };
        keys.is_some() && (keys == folder(manifest) || folder(trust) == folder(manifest))
    })
}
