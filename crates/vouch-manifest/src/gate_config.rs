//! The configuration of the two-file form: `{"db": {"host": …}, "max_workers": 8}`.
//!
//! Main type: [`GateConfig`]. It is not signed, and says only which server is asked and how.

use crate::json::{self, Fields, Json, Wrong};

/// Settings of a client library that have no bearing here.
const IGNORED: &[&str] = &[
    "database",
    "db",
    "charset",
    "collation",
    "autocommit",
    "use_pure",
    "use_unicode",
    "raise_on_warnings",
    "get_warnings",
    "buffered",
    "connection_timeout",
    "connect_timeout",
    "pool_name",
    "pool_size",
    "pool_reset_session",
    "auth_plugin",
    "compress",
    "time_zone",
    "sql_mode",
    "client_flags",
];

/// Which server is asked, and how. Secrets are still as they were written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GateConfig {
    /// Host.
    pub host: Option<String>,
    /// Port.
    pub port: Option<String>,
    /// Socket.
    pub socket: Option<String>,
    /// User.
    pub user: Option<String>,
    /// Password.
    pub password: Option<String>,
    /// Parameters of TLS as `name`, `value`, as an address takes them.
    pub tls: Vec<(&'static str, String)>,
    /// Most connections that read tables.
    pub max_workers: Option<u64>,
    /// The keyring.
    pub trust: Option<String>,
    /// The signature.
    pub signature: Option<String>,
    /// Whether a manifest without a signature is believed.
    pub allow_unsigned: bool,
}

impl GateConfig {
    /// Reads a configuration.
    ///
    /// # Errors
    /// What is wrong, and where.
    pub fn read(bytes: &[u8]) -> Result<GateConfig, Wrong> {
        let mut fields = Fields::of(json::parse(bytes)?, "")?;
        let db = fields.optional("db").ok_or("db is missing")?;
        let mut config = database(Fields::of(db, "db")?)?;
        config.max_workers = whole(&mut fields, "max_workers")?;
        if config.max_workers == Some(0) {
            return Err("max_workers is 0, and must be at least 1".to_owned());
        }
        config.trust = fields.text_or_none("trust")?;
        config.signature = fields.text_or_none("signature")?;
        config.allow_unsigned = fields.flag_or_none("allow_unsigned")?.unwrap_or(false);
        fields.end()?;
        Ok(config)
    }
}

fn database(mut db: Fields) -> Result<GateConfig, Wrong> {
    let mut config = GateConfig {
        host: db.text_or_none("host")?,
        port: text_or_number(&mut db, "port")?,
        socket: db.text_or_none("unix_socket")?,
        user: db.text_or_none("user")?.or(db.text_or_none("username")?),
        password: db.text_or_none("password")?.or(db.text_or_none("passwd")?),
        ..GateConfig::default()
    };
    let files = [("ssl_ca", "ssl-ca"), ("ssl_cert", "ssl-cert"), ("ssl_key", "ssl-key")];
    for (name, parameter) in files {
        config.tls.extend(db.text_or_none(name)?.map(|path| (parameter, path)));
    }
    let disabled = db.flag_or_none("ssl_disabled")?.unwrap_or(false);
    let (authority, identity) = (db.flag_or_none("ssl_verify_cert")?, db.flag_or_none("ssl_verify_identity")?);
    let mode = match (disabled, identity, authority) {
        (true, ..) => Some("disabled"),
        (_, Some(true), _) => Some("verify-identity"),
        (_, _, Some(true)) => Some("verify-ca"),
        _ => None,
    };
    config.tls.extend(mode.map(|mode| ("ssl-mode", mode.to_owned())));
    for name in IGNORED {
        db.optional(name);
    }
    if config.host.is_none() && config.socket.is_none() {
        return Err("db.host is missing".to_owned());
    }
    db.end()?;
    Ok(config)
}

fn whole(fields: &mut Fields, name: &str) -> Result<Option<u64>, Wrong> {
    let at = fields.at(name);
    let text = text_or_number(fields, name)?;
    text.map(|text| text.parse().map_err(|_| format!("{at} is no whole number"))).transpose()
}

fn text_or_number(fields: &mut Fields, name: &str) -> Result<Option<String>, Wrong> {
    match fields.optional(name) {
        None => Ok(None),
        Some(Json::Text(text)) => Ok(Some(text)),
        Some(Json::Number(number)) => Ok(Some(number.to_string())),
        Some(other) => Err(format!("{} is {} and not a whole number", fields.at(name), other.kind())),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_configuration_of_the_script_is_read() {
        let text = r#"{"db": {"host": "dr-replica-01.internal", "port": 3306, "user": "dr_validator",
            "password": "${VAULT_DR_PASS}", "database": "information_schema"}, "max_workers": 12}"#;
        let config = GateConfig::read(text.as_bytes()).unwrap();
        assert_eq!(config.host.as_deref(), Some("dr-replica-01.internal"));
        assert_eq!((config.port.as_deref(), config.max_workers), (Some("3306"), Some(12)));
        assert_eq!(config.password.as_deref(), Some("${VAULT_DR_PASS}"));
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (text, why) in [
            ("{}", "db is missing"),
            (r#"{"db": []}"#, "db is a list"),
            (r#"{"db": {"user": "x"}}"#, "db.host is missing"),
            (r#"{"db": {"host": "x", "pasword": "y"}}"#, "db.pasword is no field"),
            (r#"{"db": {"host": "x"}, "max_workers": 0}"#, "at least 1"),
            (r#"{"db": {"host": "x"}, "max_workers": "many"}"#, "no whole number"),
            (r#"{"db": {"host": "x"}, "db": {}}"#, "stands there twice"),
        ] {
            let refused = GateConfig::read(text.as_bytes()).unwrap_err();
            assert!(refused.contains(why), "{text}: {refused}");
        }
    }
}
