//! From the text of addresses to targets: secrets, option files, passwords asked for.

use super::layers::{Origin, Origins};
use super::secret;
use crate::cli::compare::ServerArgs;
use crate::complaint::Complaint;
use crate::environment::Environment;
use vouch_server::{Defaults, Target};

/// The servers of a comparison.
#[derive(Debug)]
pub(super) struct Servers {
    pub(super) source: Target,
    pub(super) replicas: Vec<Target>,
    pub(super) warnings: Vec<String>,
}

/// Makes targets of the addresses.
///
/// # Errors
/// No source; an address, option file or secret that is wrong, with the option it stands in.
pub(super) fn resolve(
    args: &ServerArgs,
    mapped: bool,
    origins: &Origins,
    variables: &Environment,
) -> Result<Servers, Complaint> {
    let request = variables.connection_defaults(args.defaults_file.clone(), args.defaults_group_suffix.clone());
    let defaults = Defaults::load(&request)?;
    let mut warnings = defaults.warnings().to_vec();
    let source = args.source.as_deref().ok_or_else(|| {
        Complaint::usage("no source is given").hint("name it with --source mysql://user@host:3306/, or in vouch.toml")
    })?;
    let mut target = |option: &str, text: &str| one(option, text, &defaults, origins, variables, &mut warnings);
    let source = target("source", source)?;
    let replicas = args.replica.iter().map(|text| target("replica", text)).collect::<Result<Vec<_>, _>>()?;
    check_distinct(&source, &replicas, mapped)?;
    Ok(Servers { source, replicas, warnings })
}

/// Makes a target of the address that an option bears.
///
/// # Errors
/// An address or secret that is wrong, with the option it stands in.
pub(super) fn one(
    option: &str,
    text: &str,
    defaults: &Defaults,
    origins: &Origins,
    variables: &Environment,
    warnings: &mut Vec<String>,
) -> Result<Target, Complaint> {
    let about = |complaint: Complaint| complaint.about(&origins.of(option).describe(option));
    let expanded = secret::expand(text, variables).map_err(about)?;
    let target = Target::parse(&expanded, defaults).map_err(|error| about(error.into()))?;
    let target = match variables.text("USER") {
        Some(user) => target.with_default_user(user),
        None => target,
    };
    warnings.extend(target.warnings().iter().map(|warning| format!("{}: {warning}", target.name())));
    if origins.of(option) == Origin::Flag && target.has_inline_password() && !text.contains("${") {
        warnings.push(format!(
            "the password of {} is on the command line, where every user of this machine can see it: \
             use --ask-password, ~/.my.cnf or ${{ENV}}",
            target.name()
        ));
    }
    Ok(target)
}

/// One more server, with the account of `like` where its address has none.
///
/// # Errors
/// An address, option file or secret that is wrong, with the option it stands in.
pub(super) fn another(
    args: &ServerArgs,
    option: &str,
    text: &str,
    like: &Target,
    origins: &Origins,
    variables: &Environment,
    warnings: &mut Vec<String>,
) -> Result<Target, Complaint> {
    let request = variables.connection_defaults(args.defaults_file.clone(), args.defaults_group_suffix.clone());
    let target = one(option, text, &Defaults::load(&request)?, origins, variables, warnings)?;
    Ok(target.with_account_of(like))
}

/// A replica that is named twice would be counted twice, and a server held against
/// itself is always equal, unless it is for two of its databases.
fn check_distinct(source: &Target, replicas: &[Target], mapped: bool) -> Result<(), Complaint> {
    if !mapped && replicas.iter().any(|replica| replica.name() == source.name()) {
        return Err(Complaint::usage(format!("{} is both source and replica", source.name()))
            .hint("to compare two databases of one server, say --map A=B --no-replication"));
    }
    for (index, replica) in replicas.iter().enumerate() {
        if replicas[..index].iter().any(|other| other.name() == replica.name()) {
            return Err(Complaint::usage(format!("the replica {} is given twice", replica.name())).hint("name it once"));
        }
    }
    Ok(())
}

/// The same servers with a password for those that have none.
pub(super) fn with_password(servers: Servers, password: &str) -> Servers {
    let add = |target: Target| if target.has_password() { target } else { target.with_password(password) };
    Servers {
        source: add(servers.source),
        replicas: servers.replicas.into_iter().map(add).collect(),
        warnings: servers.warnings,
    }
}

/// An address without its password, for showing; a `${…}` is no password.
pub fn redacted(address: &str) -> String {
    let hide =
        |secret: &str| if secret.is_empty() || secret.starts_with("${") { secret.to_owned() } else { "***".to_owned() };
    let (scheme, rest) = address.split_once("://").map_or(("", address), |(scheme, rest)| (scheme, rest));
    let separator = if scheme.is_empty() { "" } else { "://" };
    if scheme.is_empty() && address.contains('=') {
        let parts = address.replace("\\,", "\0");
        let parts = parts.split(',').map(|part| match part.split_once('=') {
            Some((name, secret)) if name.trim() == "p" => format!("{name}={}", hide(secret)),
            _ => part.replace('\0', "\\,"),
        });
        return parts.collect::<Vec<_>>().join(",");
    }
    match rest.rsplit_once('@') {
        Some((account, place)) => match account.split_once(':') {
            Some((user, secret)) => format!("{scheme}{separator}{user}:{}@{place}", hide(secret)),
            None => address.to_owned(),
        },
        None => address.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_are_not_shown() {
        for (address, shown) in [
            ("mysql://u:secret@h:1/?ssl-mode=required", "mysql://u:***@h:1/?ssl-mode=required"),
            ("mysql://u@h/", "mysql://u@h/"),
            ("mysql://u:${PW}@h/", "mysql://u:${PW}@h/"),
            ("u:sec@ret@h", "u:***@h"),
            ("h=x,p=sec\\,ret,u=y", "h=x,p=***,u=y"),
            ("h=x,p=${PW}", "h=x,p=${PW}"),
            ("h=x\\,y,P=1", "h=x\\,y,P=1"),
            ("[group]", "[group]"),
            ("db1:3306", "db1:3306"),
        ] {
            assert_eq!(redacted(address), shown);
        }
    }
}
