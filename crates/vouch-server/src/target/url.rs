//! Addresses as URLs: `mysql://user:password@host:3306/?ssl-mode=required`.

use super::TargetError;
use super::settings::{Secret, Settings, host, port};
use std::path::PathBuf;
use vouch_convert::narrow;

/// Parses a URL, of which `scheme` stood before `://` and `rest` after it.
pub(super) fn parse(scheme: &str, rest: &str) -> Result<Settings, TargetError> {
    if !["mysql", "mariadb"].contains(&scheme.to_ascii_lowercase().as_str()) {
        return Err(TargetError::Scheme(scheme.to_owned()));
    }
    if rest.contains('#') {
        return Err(TargetError::Fragment);
    }
    let (before, query) = rest.split_once('?').unwrap_or((rest, ""));
    let (authority, path) = before.split_once('/').unwrap_or((before, ""));
    let mut settings = Settings::default();
    let place = match authority.rsplit_once('@') {
        Some((account, place)) => {
            set_account(&mut settings, account)?;
            place
        }
        None => authority,
    };
    set_place(&mut settings, place)?;
    if !path.is_empty() {
        return Err(TargetError::Database(decode(path)?));
    }
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        set_pair(&mut settings, pair)?;
    }
    if settings.socket.is_some() {
        settings.host = None;
    }
    Ok(settings)
}

fn set_account(settings: &mut Settings, account: &str) -> Result<(), TargetError> {
    let (user, password) = match account.split_once(':') {
        Some((user, password)) => (user, Some(password)),
        None => (account, None),
    };
    settings.user = Some(decode(user)?).filter(|user| !user.is_empty());
    settings.password = password.map(decode).transpose()?.map(Secret);
    Ok(())
}

fn set_place(settings: &mut Settings, place: &str) -> Result<(), TargetError> {
    let (name, number) = split_port(place);
    if let Some(number) = number.filter(|number| !number.is_empty()) {
        settings.port = Some(port(number)?);
    }
    let name = decode(name)?;
    if name.starts_with('/') {
        settings.socket = Some(PathBuf::from(name));
    } else if !name.is_empty() {
        settings.host = Some(host(&name)?);
    }
    Ok(())
}

fn set_pair(settings: &mut Settings, pair: &str) -> Result<(), TargetError> {
    let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
    let name = decode(name)?;
    if settings.set_parameter(&name, &decode(value)?)? { Ok(()) } else { Err(TargetError::Parameter(name)) }
}

/// Splits `host:port`; the colons of an IPv6 address belong to the host.
pub(super) fn split_port(place: &str) -> (&str, Option<&str>) {
    match place.rsplit_once(':') {
        Some((name, number)) if name.ends_with(']') || !name.contains(':') => (name, Some(number)),
        _ => (place, None),
    }
}

fn decode(text: &str) -> Result<String, TargetError> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        rest = tail;
        if *first != b'%' {
            bytes.push(*first);
            continue;
        }
        let [high, low, tail @ ..] = tail else { return Err(TargetError::Encoding) };
        let digit = |byte: &u8| char::from(*byte).to_digit(16).and_then(narrow::<u8, _>);
        let (Some(high), Some(low)) = (digit(high), digit(low)) else { return Err(TargetError::Encoding) };
        bytes.push(high << 4 | low);
        rest = tail;
    }
    String::from_utf8(bytes).map_err(|_| TargetError::Encoding)
}
