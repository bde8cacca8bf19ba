//! The position gate: whether the server stands where the manifest holds.

use crate::options::{Gate, ValidateOptions};
use crate::refusal::refuse_server;
use std::time::{Duration, Instant};
use vouch_manifest::{Manifest, PositionFacts};
use vouch_report::{Code, Refusal, RunContext};
use vouch_server::gtid::Domains;
use vouch_server::{Fault, Flavor, Position, ServerError, Session, Waited};

/// How long one wait lasts before it is looked whether the run was stopped.
const SLICE: Duration = Duration::from_secs(1);

const TO_DO: &str = "stop replication at the manifest's position (START REPLICA UNTIL …), or say --restored for a \
                     copy that takes no writes";

/// Where the server stands, as far as it tells: compared before and after.
///
/// # Errors
/// Those of the server.
pub fn standing(session: &mut Session) -> vouch_server::Result<String> {
    let gtid = session.gtids_here()?;
    match session.log_place() {
        Ok(place) if gtid.is_empty() => Ok(format!("{}:{}", place.file, place.offset)),
        _ => Ok(gtid),
    }
}

/// Where the server stands, in such a way that nothing can have been written while it stands there, but what
/// was kept from its binlog on purpose. `None` when it cannot show that.
///
/// # Errors
/// Those of the server.
pub fn firm(session: &mut Session) -> vouch_server::Result<Option<String>> {
    let on = |value: Option<String>| value.is_some_and(|value| matches!(value.as_str(), "ON" | "1"));
    if !on(session.variable("log_bin")?) {
        return Ok(None);
    }
    // Without GTIDs what is executed still has those of earlier times.
    let named = session.identity().flavor == Flavor::Mariadb || on(session.variable("gtid_mode")?);
    let gtid = if named { session.gtids_here()? } else { String::new() };
    if !gtid.is_empty() {
        return Ok(Some(gtid));
    }
    let place = session.log_place()?;
    Ok(Some(format!("{}:{}", place.file, place.offset)).filter(|_| !place.file.is_empty()))
}

/// What tells a server from all others, also after it was started anew.
///
/// # Errors
/// Those of the server.
pub fn who(session: &mut Session) -> vouch_server::Result<String> {
    let identity = session.identity().clone();
    if !identity.uuid.is_empty() {
        return Ok(identity.uuid);
    }
    let mut words = vec![identity.server_id.to_string()];
    for name in ["hostname", "port", "datadir"] {
        words.push(session.variable(name)?.unwrap_or_default());
    }
    Ok(words.join(" "))
}

/// What the gate asks for, in words.
pub fn words(gate: Gate, manifest: &Manifest) -> &'static str {
    match gate {
        Gate::Restored => "restored: takes no writes",
        Gate::Static => "unchanged since the manifest's position",
        Gate::AtPosition if known(manifest).is_some() => "at the manifest's position",
        Gate::AtPosition => "does not move",
    }
}

/// The manifest's position, where it has one.
pub fn known(manifest: &Manifest) -> Option<&PositionFacts> {
    manifest.position.as_ref().filter(|position| !position.gtid.is_empty())
}

/// Waits for the manifest's position, and refuses a server that is not exactly there.
///
/// # Errors
/// [`Code::PositionRefused`], or what keeps the server from being asked.
pub fn pass(
    session: &mut Session,
    manifest: &Manifest,
    options: &ValidateOptions,
    context: &RunContext,
) -> Result<(), Refusal> {
    let asked = |error: vouch_server::ServerError| refuse_server(&error);
    if options.gate == Gate::Restored {
        return restored(session);
    }
    let Some(position) = known(manifest) else {
        if options.gate == Gate::Static {
            return Err(Refusal::new(
                Code::PositionRefused,
                "the manifest has no GTIDs, so it cannot be told what changed since",
                "take it of a server with GTIDs; or say --restored for a copy that takes no writes",
            ));
        }
        return match &manifest.position {
            Some(position) if position.method != "none" => Err(Refusal::new(
                Code::PositionRefused,
                format!(
                    "the manifest holds as of {}:{}, without GTIDs, which no other server has",
                    position.file, position.offset
                ),
                "say --restored for a copy that takes no writes",
            )),
            _ => Ok(()),
        };
    };
    same_flavor(session, manifest)?;
    wait(session, position, options, context)?;
    if options.gate == Gate::Static {
        return Ok(());
    }
    let beyond = beyond(session, &position.gtid).map_err(asked)?;
    match beyond.is_empty() {
        true => Ok(()),
        false => Err(Refusal::new(
            Code::PositionRefused,
            format!("the server is past the position of the manifest: it has {beyond} besides"),
            TO_DO,
        )),
    }
}

fn restored(session: &mut Session) -> Result<(), Refusal> {
    let value = session.variable("read_only").map_err(|error| refuse_server(&error))?;
    match value.as_deref() {
        Some("ON" | "1") => Ok(()),
        _ => Err(Refusal::new(
            Code::PositionRefused,
            "--restored is for a copy that takes no writes, and the server has read_only=OFF",
            "set read_only (and super_read_only) on the copy",
        )),
    }
}

fn same_flavor(session: &Session, manifest: &Manifest) -> Result<(), Refusal> {
    let here = session.identity().flavor.name();
    match manifest.server.as_ref().filter(|server| server.flavor != here) {
        Some(server) => Err(Refusal::new(
            Code::PositionRefused,
            format!("the manifest's position is one of {}, and the server is {here}", server.flavor),
            "say --restored for a copy that takes no writes",
        )),
        None => Ok(()),
    }
}

/// What the manifest's position has and the server does not have yet.
fn missing(session: &mut Session, gtid: &str) -> vouch_server::Result<String> {
    let here = session.gtids_here()?;
    match session.identity().flavor {
        Flavor::Mysql => session.gtids_without(gtid, &here),
        Flavor::Mariadb => Ok(domains(session, gtid)?.beyond(&domains(session, &here)?).to_string()),
    }
}

/// What the server has and the manifest's position does not.
pub fn beyond(session: &mut Session, gtid: &str) -> vouch_server::Result<String> {
    let here = session.gtids_here()?;
    match session.identity().flavor {
        Flavor::Mysql => session.gtids_without(&here, gtid),
        Flavor::Mariadb => Ok(domains(session, &here)?.beyond(&domains(session, gtid)?).to_string()),
    }
}

/// A position of MariaDB. Every domain counts, on either side: one that the server lacks is not reached, and one that
/// the manifest does not name is beyond it.
fn domains(session: &Session, gtid: &str) -> vouch_server::Result<Domains> {
    let unread = |error| ServerError::new(session.name(), Fault::Other, format!("{gtid:?} is {error}"));
    gtid.parse().map_err(unread)
}

fn wait(
    session: &mut Session,
    position: &PositionFacts,
    options: &ValidateOptions,
    context: &RunContext,
) -> Result<(), Refusal> {
    let asked = |error: vouch_server::ServerError| refuse_server(&error);
    let wanted = match session.identity().flavor {
        Flavor::Mysql => Position::GtidSet(position.gtid.clone()),
        Flavor::Mariadb => Position::GtidDomains(position.gtid.clone()),
    };
    let begun = Instant::now();
    loop {
        let missing = missing(session, &position.gtid).map_err(asked)?;
        if missing.is_empty() {
            return Ok(());
        }
        let applying = session.replica_status().map_or(true, |channels| channels.iter().any(|one| one.applying));
        let late = begun.elapsed() >= options.wait_timeout || context.stopped().is_some();
        if late || !applying {
            let why = if applying { "in time" } else { "and applies nothing" };
            return Err(Refusal::new(
                Code::PositionRefused,
                format!("the server has not reached the position of the manifest {why}: it lacks {missing}"),
                "let it apply up to there; --wait-timeout sets how long to wait",
            ));
        }
        let left = options.wait_timeout.saturating_sub(begun.elapsed()).min(SLICE);
        if session.wait_applied(&wanted, left, options.channel.as_deref()).map_err(asked)? == Waited::Stopped {
            std::thread::sleep(Duration::from_millis(100));
        }
    }
}
