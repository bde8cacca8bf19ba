//! The environment of the process, read once.
//!
//! [`Environment`] is passed on, so that what depends on it can be tested.

use std::collections::HashMap;
use std::ffi::OsString;
use std::path::PathBuf;
use vouch_server::DefaultsRequest;

/// Variables of the environment. An empty one counts as unset.
#[derive(Clone, Debug, Default)]
pub struct Environment {
    variables: HashMap<String, OsString>,
}

impl Environment {
    /// What the process was started with.
    pub fn of_process() -> Self {
        let named = std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value)));
        Environment { variables: named.filter(|(_, value)| !value.is_empty()).collect() }
    }

    /// An environment of these variables alone.
    #[cfg(test)]
    pub fn of(variables: &[(&str, &str)]) -> Self {
        Environment { variables: variables.iter().map(|(name, value)| ((*name).into(), value.into())).collect() }
    }

    /// A variable as it is.
    pub fn raw(&self, name: &str) -> Option<OsString> {
        self.variables.get(name).cloned()
    }

    /// A variable as text.
    pub fn text(&self, name: &str) -> Option<String> {
        self.raw(name).and_then(|value| value.into_string().ok())
    }

    /// A variable as a path.
    pub fn path(&self, name: &str) -> Option<PathBuf> {
        self.raw(name).map(PathBuf::from)
    }

    /// A folder of the XDG conventions: a variable, or a path under the home folder.
    pub fn folder(&self, variable: &str, under_home: &str) -> Option<PathBuf> {
        self.path(variable).or_else(|| self.path("HOME").map(|home| home.join(under_home)))
    }

    /// Where defaults of connections come from.
    pub fn connection_defaults(&self, file: Option<PathBuf>, group_suffix: Option<String>) -> DefaultsRequest {
        DefaultsRequest {
            home: self.path("HOME"),
            defaults_file: file,
            group_suffix,
            host: self.text("MYSQL_HOST"),
            tcp_port: self.text("MYSQL_TCP_PORT"),
            unix_port: self.text("MYSQL_UNIX_PORT"),
            password: self.text("MYSQL_PWD"),
        }
    }
}
