//! The keys that are trusted, each with its time, its clusters and whether it is revoked.
//!
//! Main type: [`Keyring`], read from a folder of public keys, a single key, a file of
//! allowed signers, or a description in TOML that names keys and limits them.

use crate::key::PublicKey;
use crate::refused::{Reason, Refused};
use crate::sig::NAMESPACE;
use crate::time;
use serde::Deserialize;
use std::fs;
use std::path::Path;

/// The description that a folder of keys may have.
const DESCRIPTION: &str = "keyring.toml";

/// A key and what it is trusted for.
#[derive(Clone, Debug)]
pub struct TrustedKey {
    /// Its name: as described, the principal of an allowed signer, or the name of its file.
    pub id: String,
    /// The key.
    pub key: PublicKey,
    /// Not trusted before, in milliseconds since the Unix epoch.
    pub not_before_ms: Option<u64>,
    /// Not trusted from then on.
    pub not_after_ms: Option<u64>,
    /// Not trusted at all.
    pub revoked: bool,
    /// The clusters that it may sign for; empty means all.
    pub clusters: Vec<String>,
}

impl TrustedKey {
    fn new(id: &str, key: PublicKey) -> Self {
        let id = id.to_owned();
        TrustedKey { id, key, not_before_ms: None, not_after_ms: None, revoked: false, clusters: Vec::new() }
    }

    /// Whether it is trusted at `now_ms`.
    ///
    /// # Errors
    /// [`Reason::Key`].
    pub fn check(&self, now_ms: u64) -> Result<(), Refused> {
        let why = if self.revoked {
            "is revoked".to_owned()
        } else if let Some(after) = self.not_after_ms.filter(|&after| after <= now_ms) {
            format!("expired at {}", time::rfc3339(after))
        } else if let Some(before) = self.not_before_ms.filter(|&before| before > now_ms) {
            format!("is not valid before {}", time::rfc3339(before))
        } else {
            return Ok(());
        };
        Err(Refused::new(
            Reason::Key,
            format!("the manifest is signed by the key `{}`, which {why}", self.id.escape_debug()),
            "have it signed by a key that is valid, or correct the keyring",
        ))
    }
}

/// The keys that are trusted.
#[derive(Clone, Debug, Default)]
pub struct Keyring {
    keys: Vec<TrustedKey>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Described {
    #[serde(default)]
    key: Vec<DescribedKey>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DescribedKey {
    id: String,
    file: Option<String>,
    public: Option<String>,
    not_before: Option<String>,
    not_after: Option<String>,
    #[serde(default)]
    revoked: bool,
    #[serde(default)]
    clusters: Vec<String>,
}

impl Keyring {
    /// Reads the keys at `path`.
    ///
    /// # Errors
    /// [`Reason::Keyring`]: it is not there, has no key, or one of its keys is not whole.
    pub fn load(path: &Path) -> Result<Keyring, Refused> {
        let keys = if path.is_dir() { of_folder(path)? } else { of_file(path)? };
        if keys.is_empty() {
            return Err(wrong(path, "there is no public key in it"));
        }
        let mut seen = std::collections::HashSet::new();
        if let Some(twice) = keys.iter().find(|key| !seen.insert(key.id.clone())) {
            return Err(wrong(path, &format!("two keys are called `{}`", twice.id.escape_debug())));
        }
        match ambiguous(&keys) {
            Some(why) => Err(wrong(path, &why)),
            None => Ok(Keyring { keys }),
        }
    }

    /// A ring of these keys.
    pub fn of(keys: Vec<TrustedKey>) -> Keyring {
        Keyring { keys }
    }

    /// A ring of one key without limits.
    pub fn of_key(id: &str, key: PublicKey) -> Keyring {
        Keyring { keys: vec![TrustedKey::new(id, key)] }
    }

    /// The keys.
    pub fn keys(&self) -> &[TrustedKey] {
        &self.keys
    }
}

/// A key that is there twice, trusted for different things: which entry counts would depend on their order.
fn ambiguous(keys: &[TrustedKey]) -> Option<String> {
    let mut known: std::collections::HashMap<String, &TrustedKey> = std::collections::HashMap::new();
    for key in keys {
        let limits = |key: &TrustedKey| (key.not_before_ms, key.not_after_ms, key.revoked, key.clusters.clone());
        if let Some(other) = known.insert(key.key.fingerprint(), key)
            && limits(other) != limits(key)
        {
            let (one, two) = (other.id.escape_debug(), key.id.escape_debug());
            return Some(format!("`{one}` and `{two}` are the same public key with different limits"));
        }
    }
    None
}

fn wrong(path: &Path, why: &str) -> Refused {
    Refused::new(
        Reason::Keyring,
        format!("the keyring {} cannot be used: {why}", path.display()),
        "--trust takes a folder of public keys, a key, a file of allowed signers, or a keyring.toml",
    )
}

fn read(path: &Path) -> Result<String, Refused> {
    fs::read_to_string(path).map_err(|error| wrong(path, &error.to_string()))
}

fn of_folder(folder: &Path) -> Result<Vec<TrustedKey>, Refused> {
    let description = folder.join(DESCRIPTION);
    if description.is_file() {
        return of_file(&description);
    }
    let entries = fs::read_dir(folder).map_err(|error| wrong(folder, &error.to_string()))?;
    let is_key = |path: &Path| {
        path.is_file() && path.extension().is_some_and(|extension| extension == "pub" || extension == "pem")
    };
    let mut files: Vec<_> = entries.flatten().map(|entry| entry.path()).filter(|path| is_key(path)).collect();
    files.sort();
    let keys = files.iter().map(|file| of_file(file)).collect::<Result<Vec<_>, _>>()?;
    Ok(keys.into_iter().flatten().collect())
}

fn of_file(path: &Path) -> Result<Vec<TrustedKey>, Refused> {
    let text = read(path)?;
    if path.extension().is_some_and(|extension| extension == "toml") {
        return described(path, &text);
    }
    let signers = allowed_signers(&text).map_err(|why| wrong(path, &why))?;
    if !signers.is_empty() {
        return Ok(signers);
    }
    let name = path.file_stem().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    PublicKey::parse(&text).map(|key| vec![TrustedKey::new(&name, key)]).map_err(|why| wrong(path, why))
}

fn described(path: &Path, text: &str) -> Result<Vec<TrustedKey>, Refused> {
    let all: Described = toml::from_str(text).map_err(|error| wrong(path, error.message()))?;
    let folder = path.parent().unwrap_or(Path::new("."));
    all.key.into_iter().map(|one| of_description(path, folder, one)).collect()
}

fn of_description(path: &Path, folder: &Path, one: DescribedKey) -> Result<TrustedKey, Refused> {
    let about = |why: &str| wrong(path, &format!("key `{}`: {why}", one.id.escape_debug()));
    let text = match (&one.public, &one.file) {
        (Some(text), None) => text.clone(),
        (None, Some(file)) => read(&folder.join(file))?,
        _ => return Err(about("it needs either `public` or `file`")),
    };
    let time = |text: &Option<String>, name: &str| {
        let time = text.as_ref().map(|text| time::parse(text).ok_or_else(|| about(&format!("{name} is no time"))));
        time.transpose()
    };
    let key = PublicKey::parse(&text).map_err(about)?;
    let (not_before_ms, not_after_ms) = (time(&one.not_before, "not_before")?, time(&one.not_after, "not_after")?);
    Ok(TrustedKey { id: one.id, key, not_before_ms, not_after_ms, revoked: one.revoked, clusters: one.clusters })
}

/// Lines of `PRINCIPAL [OPTIONS] TYPE KEY`, as `ssh-keygen -Y verify` takes them; empty when it is no such file.
fn allowed_signers(text: &str) -> Result<Vec<TrustedKey>, String> {
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    let mut keys = Vec::new();
    for line in lines {
        let words: Vec<&str> = line.split_ascii_whitespace().collect();
        let is_type = |word: &&str| word.starts_with("ssh-") || word.starts_with("ecdsa-");
        let Some(at) = words.iter().position(is_type).filter(|&at| at > 0) else { continue };
        let key = PublicKey::parse(&words.get(at..).unwrap_or_default().join(" "))?;
        let mut trusted = TrustedKey::new(words.first().copied().unwrap_or_default(), key);
        if options(words.get(1..at).unwrap_or_default(), &mut trusted)? {
            keys.push(trusted);
        }
    }
    Ok(keys)
}

/// Takes over the options of an allowed signer; false when it is for other namespaces.
fn options(words: &[&str], key: &mut TrustedKey) -> Result<bool, String> {
    let (line, mut quoted) = (words.join(" "), false);
    let separates = |c: char| {
        quoted ^= c == '"';
        c == ',' && !quoted
    };
    for option in line.split(separates).map(str::trim).filter(|option| !option.is_empty()) {
        let (name, value) = option.split_once('=').unwrap_or((option, ""));
        let value = value.trim_matches('"');
        match name {
            "namespaces" if !value.split(',').any(|one| one == NAMESPACE) => return Ok(false),
            "namespaces" => {}
            "valid-after" => key.not_before_ms = Some(ssh_time(value)?),
            "valid-before" => key.not_after_ms = Some(ssh_time(value)?),
            _ => return Err(format!("the option `{}` of an allowed signer is not known", name.escape_debug())),
        }
    }
    Ok(true)
}

/// `YYYYMMDD[HHMM[SS]]` with an optional Z. It is taken as UTC: a keyring must not depend on where it is read.
fn ssh_time(text: &str) -> Result<u64, String> {
    let digits = text.trim_end_matches('Z');
    let part = |from: usize, to: usize| digits.get(from..to).unwrap_or("00").to_owned();
    let spelled =
        format!("{}-{}-{}T{}:{}:{}Z", part(0, 4), part(4, 6), part(6, 8), part(8, 10), part(10, 12), part(12, 14));
    let whole = matches!(digits.len(), 8 | 12 | 14);
    time::parse(&spelled).filter(|_| whole).ok_or_else(|| format!("`{}` is no time", text.escape_debug()))
}
