//! Quoting of SQL identifiers: the one place where a name becomes SQL text.

/// `name` as a quoted identifier: in backticks, with backticks doubled.
pub fn quote(name: &str) -> String {
    let mut quoted = String::with_capacity(name.len().saturating_add(2));
    quoted.push('`');
    for c in name.chars() {
        if c == '`' {
            quoted.push('`');
        }
        quoted.push(c);
    }
    quoted.push('`');
    quoted
}

/// `text` as a quoted string, for the few statements that take no bound value.
pub fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "''"))
}

/// A table's name with its database.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TableName {
    /// The database (schema).
    pub database: String,
    /// The table.
    pub table: String,
}

impl TableName {
    /// A name from its two parts.
    pub fn new(database: impl Into<String>, table: impl Into<String>) -> Self {
        TableName { database: database.into(), table: table.into() }
    }

    /// The name as SQL, both parts quoted.
    pub fn sql(&self) -> String {
        format!("{}.{}", quote(&self.database), quote(&self.table))
    }
}

impl std::fmt::Display for TableName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", self.database, self.table)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_quoted_name_reads_back_as_itself(name in any::<String>()) {
            let quoted = quote(&name);
            let inner = quoted.strip_prefix('`').and_then(|rest| rest.strip_suffix('`')).unwrap_or_default();
            prop_assert_eq!(inner.replace("``", "`"), name.clone());
            prop_assert!(!inner.replace("``", "").contains('`'));
        }
    }
}
