//! Files of keys in all forms, and what is said of those that are none.

use super::*;
use tempfile::TempDir;

const KEYS: &str = "1;a7addd9adea9978fda19f21e6be987880e68ac92632ca052e5bb42b1a506939a\n# more\n\
    2;49c16acc2dffe616710c9ba9a10b94944a737de1beccb52dc1560abfdd67388b\n";
/// The same, encrypted by `openssl enc -aes-256-cbc -S 0102030405060708 -pass pass:secret` with `-md sha1`,
/// `-md sha256` and `-md sha512 -pbkdf2`.
const ENCRYPTED: [&str; 3] = [
    "ba55ab92bc441cafbc48235fc08197419570960fc4dd35fc7cabfcdad3a24e5c7c5cf949324bc1f8a6ba77aca1d062cd8e135757b1f03ae286e66537f8c6fd6df8eb1b6ea8983f34f1280e062b640a1a8c08a407181060439743d9da1b75eeb9fb8bbff492ee105cbf47835d88fe242cb2a86addc15c569741f9d4ba7dc7afc22b8cae6a3734024c9952af3626ee8530",
    "86c6c7c8a3cafd845b948bec50729786bcf6761c04001644e95c4fe96edb56d7c1e6dc6e640cd6985ccd377013bf696ae967267f3ec195fde63962c6701dc1b06c8f06d8896edab5816f18412187675453432baecd4980a39cda7554cf2c58dc7ac7ba6e1440ad5d7bc99744d16681eb2e3f386845bd2ef1e4e04e06b4ec1d16a9ac5cf660f9f82819ec0e184511cbb3",
    "c565895fb4ac245af10a88cc92db339219c6dde70e69cb92f5efe84c7df034fee88ccc88a350cf88958bd31e9c5276c35c35a05d5dfd16888ddf65ed57c73acf8cad38581e4a310455acba28db01f00431f0949e67d72fe32e2a2303be73cc62bf75aade56647a939f3cf8d309e0ff9a073dadb80199bb092596009b682565c072a16306ce26a28270237fe5f80fc9fc",
];

struct Files(TempDir);

impl Files {
    fn new() -> Files {
        Files(TempDir::new().unwrap())
    }

    fn write(&self, name: &str, bytes: &[u8]) -> std::path::PathBuf {
        let path = self.0.path().join(name);
        fs::write(&path, bytes).unwrap();
        path
    }

    fn read(&self, bytes: &[u8], password: Option<&str>) -> Result<usize, String> {
        let path = self.write("keys", bytes);
        let password = password.map(|password| self.write("password", password.as_bytes()));
        let keyring = read_keyring(&path, password.as_deref()).map_err(|refusal| refusal.message)?;
        Ok(keyring.len())
    }
}

fn salted(body: &str) -> Vec<u8> {
    [b"Salted__\x01\x02\x03\x04\x05\x06\x07\x08".as_slice(), &hex(body).unwrap()].concat()
}

#[test]
fn each_form_is_read() {
    let files = Files::new();
    assert_eq!(files.read(KEYS.as_bytes(), None), Ok(2));
    for encrypted in ENCRYPTED {
        assert_eq!(files.read(&salted(encrypted), Some("secret\n")), Ok(2));
    }
    let json = r#"{"version":"1.0","elements":[{"user":"","data_id":"INNODBKey-u-1","data_type":"AES","data":"00ff","extension":[]}]}"#;
    assert_eq!(files.read(json.as_bytes(), None), Ok(1));
}

#[test]
fn what_is_no_keyring_is_told_without_a_key() {
    let files = Files::new();
    let secret = "a7addd9adea9978fda19f21e6be98788";
    let json = format!(r#"{{"elements":[{{"data_id":"a","data":"{secret}"#);
    for (bytes, said) in [
        (b"".as_slice(), "has no key in it"),
        (b"{\"elements\":[]}", "has no key in it"),
        (json.as_bytes(), "component_keyring_file writes it (line 1, column "),
        (b"\xff\xfe", "is no text"),
        (format!("1;{secret}\nx;{secret}").as_bytes(), "no number and key in line 2"),
        (format!("1;{secret}00").as_bytes(), "a key of 136 bits in line 1"),
    ] {
        let message = files.read(bytes, None).unwrap_err();
        assert!(message.contains(said) && !message.contains(secret), "{message}");
    }
    let encrypted = salted(ENCRYPTED[0]);
    assert!(files.read(&encrypted, None).unwrap_err().contains("is encrypted"));
    for bytes in [encrypted.as_slice(), &encrypted[..40], &encrypted[..16], &encrypted[..9]] {
        assert!(files.read(bytes, Some("other")).is_err());
    }
    let missing = read_keyring(&files.0.path().join("none"), None).unwrap_err();
    assert!(missing.message.ends_with("could not be read: No such file or directory"), "{}", missing.message);
}
