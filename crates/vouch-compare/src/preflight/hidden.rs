//! Tables that the account is not shown: whoever does not see them misses none.

use crate::filter::{Filters, Reach};
use crate::ledger::Ledger;
use crate::link::Link;
use vouch_server::{Databases, Hidden, Result};

/// What is made of tables that may be hidden from an account.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum HiddenTables {
    /// The run is incomplete.
    #[default]
    Incomplete,
    /// It is said, and the verdict is about what may be seen.
    Accepted,
}

/// Names that are listed in a sentence; more are counted.
const LISTED: usize = 5;

/// Says of one server where tables that take part may be hidden from its account. On replicas
/// databases may have other names.
///
/// # Errors
/// Those of the connection.
pub fn report(
    link: &mut Link<'_>,
    filters: &Filters,
    database_map: &[(String, String)],
    hidden_tables: HiddenTables,
    ledger: &Ledger<'_>,
) -> Result<()> {
    ledger.owe_listing(link.name());
    let mapped = |name: &String| {
        let other = database_map.iter().find(|(from, _)| from == name);
        other.map_or_else(|| name.clone(), |(_, to)| to.clone())
    };
    let named: Option<Vec<String>> = match filters.reach() {
        Reach::Databases(names) => Some(names.iter().map(mapped).collect()),
        Reach::Anywhere if !database_map.is_empty() => Some(database_map.iter().map(|(_, to)| to.clone()).collect()),
        Reach::Anywhere => None,
    };
    let takes_part = |name: &str| filters.database(name).is_none();
    let hidden = link.ask(|session| {
        session.hidden_tables(match &named {
            Some(names) => Databases::Named(names),
            None => Databases::Matching(&takes_part),
        })
    })?;
    if hidden.is_empty() {
        return Ok(());
    }
    let text = format!("tables hidden by privileges may exist in {}", places(&hidden));
    ledger.hidden(link.name(), hidden_tables == HiddenTables::Accepted, text);
    Ok(())
}

/// The databases, for a sentence.
fn places(hidden: &[Hidden]) -> String {
    let mut names = Vec::new();
    let mut rest = Vec::new();
    for place in hidden {
        match place {
            Hidden::In(database) => names.push(database.as_str()),
            Hidden::InOthers => rest.push("other databases".to_owned()),
            Hidden::Unknown(why) => rest.push(format!("places that could not be asked for ({why})")),
        }
    }
    let more = names.len().saturating_sub(LISTED);
    names.truncate(LISTED);
    let mut parts: Vec<String> = names.into_iter().map(str::to_owned).collect();
    if more > 0 {
        parts.push(format!("{more} more databases"));
    }
    parts.extend(rest);
    parts.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_listed_and_counted() {
        let inside = |number: usize| Hidden::In(format!("d{number}"));
        assert_eq!(places(&[inside(1)]), "d1");
        let many: Vec<Hidden> = (1..=7).map(inside).chain([Hidden::InOthers]).collect();
        assert_eq!(places(&many), "d1, d2, d3, d4, d5, 2 more databases, other databases");
    }
}
