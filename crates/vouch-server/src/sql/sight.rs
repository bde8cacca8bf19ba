//! Which tables the account is shown, and where others may be hidden from it.
//!
//! A server lists to an account the tables on which it has a privilege, and says nothing of the
//! others. Whether there may be others is asked of the server itself, by reading a table that does
//! not exist: whoever may read every table of a database hears that there is none, and all others
//! are refused. That answer has active roles, patterns and partial revokes in it. What it does not
//! have in it is read from `SHOW GRANTS`: databases and tables of which something was taken away.

use crate::error::Fault;
use crate::flavor::Flavor;
use crate::ident::quote;
use crate::session::{Result, Session};
use crate::sql::decode;

/// Whether an account is shown everything of a kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sight {
    /// All that there is.
    Whole,
    /// Perhaps not all.
    Partly,
    /// The server's answer was neither yes nor no; in its words.
    Unknown(String),
}

/// The databases in which tables are looked for.
#[derive(Clone, Copy)]
pub enum Databases<'a> {
    /// These.
    Named(&'a [String]),
    /// All but the system's own that meet a condition.
    Matching(&'a dyn Fn(&str) -> bool),
}

/// Where tables may be hidden.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Hidden {
    /// In this database.
    In(String),
    /// In databases that are hidden as a whole.
    InOthers,
    /// It could not be found out; why.
    Unknown(String),
}

/// No table and no database has such a name: to say so is the only answer that proves anything.
const NOWHERE: &str = "vouch: no such name";

const SYSTEM: [&str; 4] = ["mysql", "sys", "information_schema", "performance_schema"];

impl Session {
    /// Whether every table of `database` is listed to the account.
    ///
    /// # Errors
    /// Those of the connection.
    pub fn sees_tables_of(&mut self, database: &str) -> Result<Sight> {
        match self.show(&format!("SELECT 1 FROM {}.{} LIMIT 0", quote(database), quote(NOWHERE))) {
            Ok(_) => Ok(Sight::Unknown(format!("{} has a table of the name {NOWHERE:?}", self.name()))),
            Err(error) => match error.fault {
                Fault::Missing => Ok(Sight::Whole),
                Fault::Denied | Fault::Refused => Ok(Sight::Partly),
                _ if error.is_transient() => Err(error),
                _ => Ok(Sight::Unknown(error.to_string())),
            },
        }
    }

    /// Where tables of these databases may be hidden from the account; nowhere when that is empty.
    ///
    /// # Errors
    /// Those of the connection.
    pub fn hidden_tables(&mut self, databases: Databases<'_>) -> Result<Vec<Hidden>> {
        let grants: Vec<String> = self.show("SHOW GRANTS")?.iter().map(|row| decode::text_at(row, 0)).collect();
        if grants.is_empty() {
            return Ok(vec![Hidden::Unknown(format!("{} says nothing about its grants", self.name()))]);
        }
        let mut hidden = Vec::new();
        match databases {
            Databases::Named(names) => self.hidden_in(names, &grants, &mut hidden)?,
            Databases::Matching(matches) => self.hidden_anywhere(matches, &grants, &mut hidden)?,
        }
        Ok(hidden)
    }

    fn hidden_in(&mut self, names: &[String], grants: &[String], hidden: &mut Vec<Hidden>) -> Result<()> {
        for name in names {
            match self.sees_tables_of(name)? {
                Sight::Whole if denied(grants).any(|denied| denied == *name) => hidden.push(Hidden::In(name.clone())),
                Sight::Whole => {}
                Sight::Partly => hidden.push(Hidden::In(name.clone())),
                Sight::Unknown(why) => hidden.push(Hidden::Unknown(why)),
            }
        }
        Ok(())
    }

    fn hidden_anywhere(
        &mut self,
        matches: &dyn Fn(&str) -> bool,
        grants: &[String],
        hidden: &mut Vec<Hidden>,
    ) -> Result<()> {
        let everywhere = self.sees_tables_of(NOWHERE)?;
        let mut names: Vec<String> = revoked(grants).chain(denied(grants)).collect();
        if everywhere != Sight::Whole {
            names.extend(self.databases()?);
        }
        names.retain(|name| !SYSTEM.contains(&name.as_str()) && matches(name));
        names.sort();
        names.dedup();
        self.hidden_in(&names, grants, hidden)?;
        match everywhere {
            Sight::Unknown(why) => hidden.push(Hidden::Unknown(why)),
            Sight::Partly if !all_databases_are_listed(self.identity().flavor, grants) => {
                hidden.push(Hidden::InOthers);
            }
            _ => {}
        }
        Ok(())
    }
}

/// The privileges of a line that grants them everywhere; none for other lines.
fn everywhere(line: &str) -> impl Iterator<Item = &str> {
    let rest = line.split_once(' ').filter(|(verb, _)| *verb == "GRANT").map_or("", |(_, rest)| rest);
    rest.split_once(" ON *.* TO ").map_or("", |(list, _)| list).split(", ")
}

/// Whether the account is shown the names of all databases. On MySQL any privilege everywhere is
/// enough, unless it is one of those that have an underscore; on MariaDB one that is about tables.
fn all_databases_are_listed(flavor: Flavor, grants: &[String]) -> bool {
    const TABLES: [&str; 10] =
        ["SELECT", "INSERT", "UPDATE", "DELETE", "CREATE", "DROP", "REFERENCES", "INDEX", "ALTER", "SHOW VIEW"];
    grants.iter().flat_map(|line| everywhere(line)).any(|privilege| match privilege {
        "" | "USAGE" => false,
        "ALL PRIVILEGES" | "SHOW DATABASES" => true,
        _ => match flavor {
            Flavor::Mysql => !privilege.contains('_'),
            Flavor::Mariadb => TABLES.contains(&privilege),
        },
    })
}

/// The databases of which something was taken away from what is granted everywhere.
fn revoked(grants: &[String]) -> impl Iterator<Item = String> {
    grants.iter().filter(|line| line.starts_with("REVOKE ")).filter_map(|line| database_of(line))
}

/// The databases in which something is denied, whatever is granted: a table may be hidden by itself.
fn denied(grants: &[String]) -> impl Iterator<Item = String> {
    grants.iter().filter(|line| line.starts_with("DENY ")).filter_map(|line| database_of(line))
}

/// The quoted name after ` ON `, up to the dot.
fn database_of(line: &str) -> Option<String> {
    let (_, object) = line.split_once(" ON `")?;
    let mut name = String::new();
    let mut chars = object.chars().peekable();
    loop {
        match chars.next()? {
            '`' if chars.peek() == Some(&'`') => name.extend(chars.next()),
            '`' => return Some(name),
            c => name.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(lines: &[&str]) -> Vec<String> {
        lines.iter().map(|line| (*line).to_owned()).collect()
    }

    #[test]
    fn what_was_taken_away_is_found_with_its_name() {
        let grants = lines(&[
            "GRANT SELECT ON *.* TO `u`@`%`",
            "REVOKE SELECT, INSERT ON `secret`.* FROM `u`@`%`",
            "REVOKE SELECT ON `a``b.c`.* FROM `u`@`%`",
            "DENY SELECT ON `pay`.`salaries` TO `u`@`%`",
        ]);
        assert_eq!(revoked(&grants).collect::<Vec<_>>(), ["secret", "a`b.c"]);
        assert_eq!(denied(&grants).collect::<Vec<_>>(), ["pay"]);
    }

    #[test]
    fn names_of_databases_are_all_listed_to_those_who_have_something_everywhere() {
        let process = lines(&["GRANT PROCESS, REPLICATION CLIENT ON *.* TO `u`@`%`"]);
        assert!(all_databases_are_listed(Flavor::Mysql, &process));
        assert!(!all_databases_are_listed(Flavor::Mariadb, &process));
        for (grant, listed) in [
            ("GRANT USAGE ON *.* TO `u`@`%`", false),
            ("GRANT BACKUP_ADMIN,XA_RECOVER_ADMIN ON *.* TO `u`@`%`", false),
            ("GRANT SELECT ON `shop`.* TO `u`@`%`", false),
            ("GRANT SHOW DATABASES ON *.* TO `u`@`%` IDENTIFIED BY PASSWORD '*00'", true),
            ("GRANT ALL PRIVILEGES ON *.* TO `u`@`%`", true),
        ] {
            for flavor in [Flavor::Mysql, Flavor::Mariadb] {
                assert_eq!(all_databases_are_listed(flavor, &lines(&[grant])), listed, "{grant}");
            }
        }
    }
}
