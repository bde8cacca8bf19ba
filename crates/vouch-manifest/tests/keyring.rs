//! What makes a keyring ambiguous.

#![allow(clippy::unwrap_used)]

use vouch_manifest::{Format, Keyring, Reason, SigningKey, Untrusted, sign};

/// A key was listed twice, once revoked. The order of the entries decided: with the valid one first, a manifest
/// that was signed by a revoked key passed.
#[test]
fn a_key_that_is_valid_and_revoked_is_refused_in_either_order() {
    let folder = tempfile::tempdir().unwrap();
    let (key, _) = SigningKey::generate().unwrap();
    let (other, _) = SigningKey::generate().unwrap();
    let (pem, ssh) = (key.public().to_pem(), key.public().to_ssh());
    let path = folder.path().join("keyring.toml");
    std::fs::write(folder.path().join("a.pub"), &pem).unwrap();
    std::fs::write(folder.path().join("c.pub"), other.public().to_pem()).unwrap();
    let entry = |id: &str, source: &str, limits: &str| format!("[[key]]\nid = '{id}'\n{source}\n{limits}\n");
    let (file, text, third) = ("file = 'a.pub'".to_owned(), format!("public = '{ssh}'"), "file = 'c.pub'".to_owned());
    let load = |entries: &[String]| {
        std::fs::write(&path, entries.concat()).unwrap();
        Keyring::load(&path)
    };
    for limits in ["revoked = true", "not_after = '2020-01-01'", "clusters = ['staging']"] {
        let pair = [entry("a", &file, ""), entry("b", &text, limits)];
        for entries in [pair.to_vec(), pair.iter().rev().cloned().collect()] {
            let refused = load(&entries).unwrap_err();
            assert_eq!(refused.reason, Reason::Keyring);
            assert!(refused.message.contains("are the same public key with different limits"), "{}", refused.message);
        }
    }
    // The same key under two names, and another one, leave nothing to be decided by their order.
    let ring = load(&[entry("a", &file, ""), entry("b", &text, ""), entry("c", &third, "revoked = true")]).unwrap();
    let signature = sign(&key, b"{}", Format::Raw, "").unwrap();
    assert!(Untrusted::new(b"{}".to_vec()).verify(&signature, &ring, 0).is_ok());
}
