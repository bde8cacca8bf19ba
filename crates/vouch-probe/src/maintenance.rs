//! Who is kept out by an operator: by a file, by hand, or by the time of day.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use vouch_convert::unix_time;

/// A time of the day, in UTC, at which a node is kept out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Window {
    /// The node; all of them when there is none.
    pub node: Option<String>,
    /// First minute after midnight.
    pub from: u16,
    /// Minute after midnight at which it ends; before `from` it ends on the next day.
    pub to: u16,
}

impl Window {
    fn covers(&self, node: &str, minute: u16) -> bool {
        let within = if self.from <= self.to {
            (self.from..self.to).contains(&minute)
        } else {
            minute >= self.from || minute < self.to
        };
        within && self.node.as_deref().is_none_or(|own| own == node)
    }
}

/// All ways in which an operator may take nodes out.
#[derive(Debug, Default)]
pub struct Maintenance {
    /// A folder in which a file with the name of a node takes that node out.
    pub folder: Option<PathBuf>,
    /// Times of the day.
    pub windows: Vec<Window>,
    /// Those taken out by hand, with the reason.
    by_hand: Mutex<BTreeMap<String, String>>,
}

impl Maintenance {
    /// Files of `folder` and these times of the day.
    pub fn new(folder: Option<PathBuf>, windows: Vec<Window>) -> Maintenance {
        Maintenance { folder, windows, by_hand: Mutex::default() }
    }

    /// Takes a node out by hand, or puts it back with `None`.
    pub fn set(&self, node: &str, why: Option<String>) {
        let mut by_hand = self.by_hand.lock().unwrap_or_else(PoisonError::into_inner);
        match why {
            Some(why) => by_hand.insert(node.to_owned(), why),
            None => by_hand.remove(node),
        };
    }

    /// Takes over what was set by hand in an earlier plan.
    pub fn inherit(&self, earlier: &Maintenance) {
        let taken = earlier.by_hand.lock().unwrap_or_else(PoisonError::into_inner).clone();
        self.by_hand.lock().unwrap_or_else(PoisonError::into_inner).extend(taken);
    }

    /// Why a node is kept out now; `None` when it is not.
    pub fn of(&self, node: &str) -> Option<String> {
        let by_hand = || self.by_hand.lock().unwrap_or_else(PoisonError::into_inner).get(node).cloned();
        let scheduled = || self.windows.iter().any(|window| window.covers(node, minute_of_day()));
        self.by_file(node).or_else(by_hand).or_else(|| scheduled().then(|| "scheduled maintenance".to_owned()))
    }

    fn by_file(&self, node: &str) -> Option<String> {
        let folder = self.folder.as_ref()?;
        let plain = !node.contains(['/', '\\']) && node != "." && node != "..";
        (plain && folder.join(node).exists()).then(|| "maintenance file".to_owned())
    }
}

fn minute_of_day() -> u16 {
    let now = unix_time();
    u16::try_from(now.as_secs() % 86_400 / 60).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_may_run_over_midnight() {
        let window = Window { node: Some("a".into()), from: 1380, to: 60 };
        assert!(window.covers("a", 1400) && window.covers("a", 0) && !window.covers("a", 60) && !window.covers("b", 0));
    }

    #[test]
    fn by_hand_holds_until_it_is_ended() {
        let maintenance = Maintenance::default();
        maintenance.set("a", Some("disk swap".into()));
        assert_eq!(maintenance.of("a").as_deref(), Some("disk swap"));
        maintenance.set("a", None);
        assert_eq!(maintenance.of("a"), None);
    }
}
