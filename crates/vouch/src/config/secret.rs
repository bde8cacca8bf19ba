//! Secrets kept out of addresses: `${ENV}`, `${ENV:-default}`, `${file:/path}`.

use crate::complaint::{Complaint, cause};
use crate::environment::Environment;
use std::fs;

/// Replaces every `${…}` of a text; `$${` stands for `${` itself.
///
/// # Errors
/// An unset variable or an unreadable file, by name; a `${` without `}`.
pub(super) fn expand(text: &str, variables: &Environment) -> Result<String, Complaint> {
    let mut expanded = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${") {
        if let Some(literal) = before.strip_suffix('$') {
            expanded.push_str(literal);
            expanded.push_str("${");
            rest = after;
            continue;
        }
        let (name, tail) = after.split_once('}').ok_or_else(|| {
            Complaint::usage("a ${ has no closing brace")
                .hint("write ${NAME}, ${NAME:-default}, ${file:/path}, or $${ for ${ itself")
        })?;
        expanded.push_str(before);
        expanded.push_str(&value(name, variables)?);
        rest = tail;
    }
    expanded.push_str(rest);
    Ok(expanded)
}

fn value(name: &str, variables: &Environment) -> Result<String, Complaint> {
    if let Some(path) = name.strip_prefix("file:") {
        let text = fs::read_to_string(path).map_err(|error| {
            Complaint::usage(format!("the secret file {path} could not be read: {}", cause(&error)))
                .hint("check the path and its permissions")
        })?;
        return Ok(text.trim_end_matches(['\r', '\n']).to_owned());
    }
    let (name, default) = match name.split_once(":-") {
        Some((name, default)) => (name, Some(default)),
        None => (name, None),
    };
    variables.text(name).or(default.map(str::to_owned)).ok_or_else(|| {
        Complaint::usage(format!("the environment variable {name} is not set"))
            .hint(format!("set it, or give a default: ${{{name}:-default}}"))
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn secrets_are_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret");
        fs::write(&path, "from file\n").unwrap();
        let variables = Environment::of(&[("PW", "s3cret"), ("EMPTY_NOT", "")]);
        for (text, expected) in [
            ("plain", "plain".to_owned()),
            ("h=x,p=${PW}", "h=x,p=s3cret".to_owned()),
            ("${PW}${PW}", "s3crets3cret".to_owned()),
            ("${NO:-other}", "other".to_owned()),
            ("${NO:-}", String::new()),
            ("${PW:-other}", "s3cret".to_owned()),
            ("$${PW}", "${PW}".to_owned()),
            ("$PW", "$PW".to_owned()),
            (&format!("${{file:{}}}", path.display()), "from file".to_owned()),
        ] {
            assert_eq!(expand(text, &variables).unwrap(), expected, "{text}");
        }
    }

    #[test]
    fn what_is_missing_is_named() {
        let message = |text: &str| expand(text, &Environment::default()).unwrap_err().to_string();
        assert!(message("${DB_PW}").starts_with("vouch: the environment variable DB_PW is not set\nhint: "));
        assert!(message("${file:/no/such}").starts_with("vouch: the secret file /no/such could not be read: No such"));
        assert!(message("${DB_PW").contains("no closing brace"));
    }
}
