//! Which server this is: its flavor and version, as it says itself.

/// The two families of servers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Flavor {
    /// MySQL and what follows it (Percona Server, managed MySQL).
    Mysql,
    /// MariaDB.
    Mariadb,
}

impl Flavor {
    /// `mysql` or `mariadb`.
    pub fn name(self) -> &'static str {
        match self {
            Flavor::Mysql => "mysql",
            Flavor::Mariadb => "mariadb",
        }
    }
}

/// A server version as numbers that compare.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version {
    /// First number.
    pub major: u16,
    /// Second number.
    pub minor: u16,
    /// Third number.
    pub patch: u16,
}

impl Version {
    /// A version by its three numbers.
    pub const fn new(major: u16, minor: u16, patch: u16) -> Self {
        Version { major, minor, patch }
    }
}

/// Reads flavor and version from what `SELECT VERSION()` returns, such as
/// `9.7.4-2` or `10.11.19-MariaDB-log`. Numbers that are missing count as 0.
pub fn parse_version(text: &str) -> (Flavor, Version) {
    let flavor = if text.to_ascii_lowercase().contains("mariadb") { Flavor::Mariadb } else { Flavor::Mysql };
    // MariaDB once announced itself as 5.5.5-10.x to old clients.
    let text = text.strip_prefix("5.5.5-").unwrap_or(text);
    let mut numbers = text.split(|c: char| !c.is_ascii_digit()).take(3).map(|part| part.parse::<u16>().unwrap_or(0));
    let mut next = || numbers.next().unwrap_or(0);
    (flavor, Version::new(next(), next(), next()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_of_both_flavors_are_read() {
        assert_eq!(parse_version("9.7.4-2"), (Flavor::Mysql, Version::new(9, 7, 4)));
        assert_eq!(parse_version("10.11.19-MariaDB-0+deb12u1-log"), (Flavor::Mariadb, Version::new(10, 11, 19)));
        assert_eq!(parse_version("5.5.5-10.6.2-MariaDB"), (Flavor::Mariadb, Version::new(10, 6, 2)));
        assert_eq!(parse_version("nonsense"), (Flavor::Mysql, Version::new(0, 0, 0)));
    }
}
