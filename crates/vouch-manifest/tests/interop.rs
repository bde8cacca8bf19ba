//! Signatures between vouch and `openssl`, `ssh-keygen` and `minisign`, both ways, and
//! everything that must be refused.

#![allow(clippy::unwrap_used, clippy::panic, clippy::expect_used)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use tempfile::TempDir;
use vouch_manifest::{Format, Keyring, PublicKey, Reason, Refused, Signer, SigningKey, TrustedKey, Untrusted, sign};

const MESSAGE: &[u8] = b"{\"a.b\": \"1\"}\n";

/// A folder with the message in it, in which programs run.
struct Bench(TempDir);

impl Bench {
    fn new() -> Bench {
        let bench = Bench(tempfile::tempdir().unwrap());
        bench.write("m", MESSAGE);
        bench
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, bytes: &[u8]) {
        fs::write(self.path(name), bytes).unwrap();
    }

    fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.path(name)).unwrap()
    }

    fn text(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    /// Runs a program; true when it says that all is well.
    fn says(&self, line: &str) -> bool {
        let mut words = line.split(' ');
        let program = words.next().unwrap();
        let stdin = fs::File::open(self.path("m")).unwrap();
        let mut command = Command::new(program);
        command.args(words).current_dir(self.0.path()).stdin(stdin).stdout(Stdio::null()).stderr(Stdio::null());
        let missing = "run script/servers signing to install what the tests need";
        command.status().unwrap_or_else(|error| panic!("{program}: {error}; {missing}")).success()
    }

    #[track_caller]
    fn run(&self, line: &str) {
        assert!(self.says(line), "{line}");
    }

    /// A private and a public key of openssl: `NAME` and `NAME.pub`.
    fn openssl_key(&self, name: &str, options: &str) -> (SigningKey, PublicKey) {
        self.run(&format!("openssl genpkey {options} -out {name}"));
        self.run(&format!("openssl pkey -in {name} -pubout -out {name}.pub"));
        (SigningKey::parse(&self.text(name)).unwrap(), PublicKey::parse(&self.text(&format!("{name}.pub"))).unwrap())
    }
}

fn verify(message: &[u8], signature: &[u8], keyring: &Keyring) -> Result<Signer, Refused> {
    Untrusted::new(message.to_vec()).verify(signature, keyring, 1_000).map(|verified| {
        assert_eq!(verified.bytes(), message);
        verified.signer().cloned().unwrap()
    })
}

/// Refused: every changed byte of the signature, a sample of changed bytes of the message,
/// truncations of both, another key, and a key that is revoked, expired or yet to come.
fn refuses_everything_else(signature: &[u8], key: &PublicKey) {
    let ring = Keyring::of_key("k", key.clone());
    verify(MESSAGE, signature, &ring).unwrap();
    let refused = |message: &[u8], signature: &[u8], what: &str| {
        let result = verify(message, signature, &ring);
        let reason = result.map(|_| ()).expect_err(what).reason;
        assert!(matches!(reason, Reason::BadSignature | Reason::Unsigned), "{what}: {reason:?}");
    };
    let text = signature.is_ascii();
    // In what is text, a letter becomes another letter; lines that are labels and comments are left out.
    let body: Vec<usize> = match text {
        false => (0..signature.len()).collect(),
        true => letters(std::str::from_utf8(signature).unwrap()),
    };
    assert!(body.len() >= 64);
    for at in body {
        let mut changed = signature.to_vec();
        changed[at] = if text { another_letter(changed[at]) } else { changed[at] ^ 0x10 };
        refused(MESSAGE, &changed, &format!("byte {at} of the signature"));
    }
    for at in 0..MESSAGE.len() {
        let mut changed = MESSAGE.to_vec();
        changed[at] ^= 1;
        refused(&changed, signature, &format!("byte {at} of the message"));
        refused(&MESSAGE[..at], signature, &format!("{at} bytes of the message"));
    }
    refused(&[MESSAGE, b" "].concat(), signature, "a longer message");
    for length in (0..signature.trim_ascii_end().len()).step_by(7) {
        refused(MESSAGE, &signature[..length], &format!("{length} bytes of the signature"));
    }
    limits(signature, key);
}

fn limits(signature: &[u8], key: &PublicKey) {
    let with = |change: fn(&mut TrustedKey)| {
        let mut trusted = Keyring::of_key("k", key.clone()).keys()[0].clone();
        change(&mut trusted);
        verify(MESSAGE, signature, &Keyring::of(vec![trusted])).map(|_| ()).map_err(|refused| refused.reason)
    };
    assert_eq!(with(|key| key.revoked = true), Err(Reason::Key));
    assert_eq!(with(|key| key.not_after_ms = Some(1_000)), Err(Reason::Key));
    assert_eq!(with(|key| key.not_before_ms = Some(1_001)), Err(Reason::Key));
    assert_eq!(with(|key| (key.not_before_ms, key.not_after_ms) = (Some(1_000), Some(1_001))), Ok(()));
    let other = Keyring::of_key("other", SigningKey::generate().unwrap().0.public());
    assert_eq!(verify(MESSAGE, signature, &other).unwrap_err().reason, Reason::BadSignature);
}

fn letters(text: &str) -> Vec<usize> {
    let mut places = Vec::new();
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        if !line.starts_with("-----") && !line.starts_with("untrusted comment") {
            let from = if line.starts_with("trusted comment: ") { 17 } else { 0 };
            let of_line = (from..line.len()).filter(|&at| line.as_bytes()[at].is_ascii_alphanumeric());
            places.extend(of_line.map(|at| start + at));
        }
        start += line.len();
    }
    places
}

fn another_letter(letter: u8) -> u8 {
    if letter == b'A' { b'Q' } else { b'A' }
}

#[test]
fn openssl_and_vouch_agree_on_ed25519() {
    let bench = Bench::new();
    let (private, public) = bench.openssl_key("k", "-algorithm ed25519");
    assert_eq!(private.public(), public);
    assert_eq!(public.to_pem(), bench.text("k.pub"));
    bench.run("openssl pkeyutl -sign -rawin -inkey k -in m -out theirs");
    assert_eq!(bench.read("theirs").len(), 64);
    refuses_everything_else(&bench.read("theirs"), &public);
    bench.write("ours", &sign(&private, MESSAGE, Format::Raw, "").unwrap());
    bench.run("openssl pkeyutl -verify -rawin -pubin -inkey k.pub -in m -sigfile ours");
    refuses_everything_else(&sign(&private, MESSAGE, Format::Base64, "").unwrap(), &public);
    let (ours, pem) = SigningKey::generate().unwrap();
    bench.write("g", pem.as_bytes());
    bench.run("openssl pkeyutl -sign -rawin -inkey g -in m -out theirs");
    refuses_everything_else(&bench.read("theirs"), &ours.public());
}

#[test]
fn openssl_and_vouch_agree_on_rsa_and_ecdsa() {
    let bench = Bench::new();
    for (name, options) in [
        ("rsa", "-algorithm rsa -pkeyopt rsa_keygen_bits:2048"),
        ("ec", "-algorithm ec -pkeyopt ec_paramgen_curve:P-256"),
    ] {
        let (private, public) = bench.openssl_key(name, options);
        assert_eq!(public.to_pem(), bench.text(&format!("{name}.pub")));
        bench.run(&format!("openssl dgst -sha256 -sign {name} -out theirs m"));
        refuses_everything_else(&bench.read("theirs"), &public);
        bench.run("openssl base64 -A -in theirs -out theirs.b64");
        verify(MESSAGE, &bench.read("theirs.b64"), &Keyring::of_key("k", public)).unwrap();
        bench.write("ours", &sign(&private, MESSAGE, Format::Raw, "").unwrap());
        bench.run(&format!("openssl dgst -sha256 -verify {name}.pub -signature ours m"));
    }
    // The older files of the same keys.
    bench.run("openssl pkey -in rsa -traditional -out rsa.old");
    bench.run("openssl pkey -in ec -traditional -out ec.old");
    for name in ["rsa", "ec"] {
        let (new, old) = (bench.text(name), bench.text(&format!("{name}.old")));
        assert_ne!(new, old);
        assert_eq!(SigningKey::parse(&old).unwrap().public(), SigningKey::parse(&new).unwrap().public());
    }
}

#[test]
fn keys_that_are_too_weak_or_locked_are_refused() {
    let bench = Bench::new();
    bench.run("openssl genpkey -algorithm rsa -pkeyopt rsa_keygen_bits:1024 -out weak");
    bench.run("openssl pkey -in weak -pubout -out weak.pub");
    bench.run("openssl genpkey -algorithm ec -pkeyopt ec_paramgen_curve:P-384 -out p384");
    bench.run("openssl pkey -in p384 -pubout -out p384.pub");
    bench.run("openssl genpkey -algorithm ed25519 -aes256 -pass pass:x -out locked");
    for name in ["weak", "p384"] {
        assert!(SigningKey::parse(&bench.text(name)).is_err(), "{name}");
        assert!(PublicKey::parse(&bench.text(&format!("{name}.pub"))).is_err(), "{name}");
    }
    assert!(SigningKey::parse(&bench.text("locked")).map(|_| ()).unwrap_err().contains("encrypted"));
    assert!(PublicKey::parse(&bench.text("p384")).unwrap_err().contains("private"));
}

#[test]
fn ssh_keygen_and_vouch_agree() {
    let bench = Bench::new();
    for (name, kind) in [("ed", "ed25519"), ("rsa", "rsa"), ("ec", "ecdsa")] {
        let mut command = Command::new("ssh-keygen");
        command.args(["-q", "-t", kind, "-N", "", "-f", name]).current_dir(bench.0.path());
        assert!(command.status().unwrap().success());
        bench.run(&format!("ssh-keygen -q -Y sign -n vouch-manifest -f {name} m"));
        let (signature, public) = (bench.read("m.sig"), bench.text(&format!("{name}.pub")));
        let key = PublicKey::parse(&public).unwrap();
        refuses_everything_else(&signature, &key);
        fs::remove_file(bench.path("m.sig")).unwrap();
        bench.run(&format!("ssh-keygen -q -Y sign -n file -f {name} m"));
        assert!(verify(MESSAGE, &bench.read("m.sig"), &Keyring::of_key("k", key)).is_err(), "another namespace");
        fs::remove_file(bench.path("m.sig")).unwrap();
    }
    let (rsa, rsa_public) = bench.openssl_key("r", "-algorithm rsa -pkeyopt rsa_keygen_bits:2048");
    let (ec, ec_public) = bench.openssl_key("e", "-algorithm ec -pkeyopt ec_paramgen_curve:P-256");
    let ed = SigningKey::parse(&bench.text("ed")).unwrap();
    assert_eq!(ed.public(), PublicKey::parse(&bench.text("ed.pub")).unwrap());
    for (key, public) in [(&rsa, rsa_public), (&ec, ec_public), (&ed, ed.public())] {
        bench.write("ours", &sign(key, MESSAGE, Format::Ssh, "").unwrap());
        bench.write("allowed", format!("dba@example.com {}\n", public.to_ssh()).as_bytes());
        bench.run("ssh-keygen -q -Y verify -f allowed -I dba@example.com -n vouch-manifest -s ours");
    }
}

#[test]
fn minisign_and_vouch_agree() {
    let bench = Bench::new();
    bench.run("minisign -G -W -p k.pub -s k");
    bench.run("minisign -S -s k -m m -x theirs -t signed-by-the-backup-job");
    let public = PublicKey::parse(&bench.text("k.pub")).unwrap();
    refuses_everything_else(&bench.read("theirs"), &public);
    let signer = verify(MESSAGE, &bench.read("theirs"), &Keyring::of_key("k", public)).unwrap();
    assert_eq!((signer.comment.as_str(), signer.format), ("signed-by-the-backup-job", "minisign"));
    let (ours, _) = SigningKey::generate().unwrap();
    bench.write("ours", &sign(&ours, MESSAGE, Format::Minisign, "serial 7").unwrap());
    bench.write("ours.pub", format!("untrusted comment: x\n{}\n", ours.public().to_minisign().unwrap()).as_bytes());
    bench.run("minisign -V -p ours.pub -m m -x ours");
    refuses_everything_else(&bench.read("ours"), &PublicKey::parse(&bench.text("ours.pub")).unwrap());
    refuses_everything_else(&bench.read("ours"), &ours.public());
    assert!(sign(&ours, MESSAGE, Format::Minisign, "two\nlines").is_none());
}

#[test]
fn keyrings_are_folders_files_and_descriptions() {
    let bench = Bench::new();
    let (one, two) = (SigningKey::generate().unwrap().0, SigningKey::generate().unwrap().0);
    let load = |name: &str| Keyring::load(&bench.path(name));
    fs::create_dir(bench.path("ring")).unwrap();
    assert_eq!(load("ring").unwrap_err().reason, Reason::Keyring);
    bench.write("ring/b.pub", two.public().to_pem().as_bytes());
    bench.write("ring/a.pub", one.public().to_ssh().as_bytes());
    bench.write("ring/readme.txt", b"no key");
    assert_eq!(ids(&load("ring").unwrap()), ["a", "b"]);
    let description = "[[key]]\nid = 'jobs'\nfile = 'a.pub'\nnot_before = '2025-01-01'\nnot_after = \
                       '2025-06-01T00:00:00Z'\nclusters = ['prod']\n[[key]]\nid = 'old'\nfile = 'b.pub'\nrevoked = true\n";
    bench.write("ring/keyring.toml", description.as_bytes());
    let ring = load("ring").unwrap();
    assert_eq!(ids(&ring), ["jobs", "old"]);
    assert_eq!((ring.keys()[0].not_after_ms, ring.keys()[1].revoked), (Some(1_748_736_000_000), true));
    bench.write(
        "allowed",
        format!(
            "# keys\nann namespaces=\"git,vouch-manifest\",valid-before=\"20250601\" {}\nbob namespaces=\"git\" {}\n",
            one.public().to_ssh(),
            two.public().to_ssh()
        )
        .as_bytes(),
    );
    let ring = load("allowed").unwrap();
    assert_eq!((ids(&ring), ring.keys()[0].not_after_ms), (vec!["ann".to_owned()], Some(1_748_736_000_000)));
    for (name, text) in [
        ("x.toml", "[[key]]\nid = 'x'\nfile = 'none.pub'\n".to_owned()),
        ("y.toml", "[[key]]\nid = 'x'\nfiel = 'none.pub'\n".to_owned()),
        (
            "z.toml",
            format!("[[key]]\nid = 'x'\npublic = '{0}'\n[[key]]\nid = 'x'\npublic = '{0}'\n", one.public().to_ssh()),
        ),
        ("empty.pub", String::new()),
        ("authority", format!("ann cert-authority {}\n", one.public().to_ssh())),
    ] {
        bench.write(name, text.as_bytes());
        assert_eq!(load(name).unwrap_err().reason, Reason::Keyring, "{name}");
    }
    assert!(load("nowhere").is_err() && Keyring::load(Path::new("/dev/null")).is_err());
}

fn ids(ring: &Keyring) -> Vec<String> {
    ring.keys().iter().map(|key| key.id.clone()).collect()
}
