//! The stable codes of everything a run can say, each with its explanation.
//!
//! One table: a code's name is public and never changes its meaning. `vouch
//! explain CODE` and `docs/reference/codes.md` are made from it.

use crate::Severity;

/// Which list a code belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Damage seen.
    Finding,
    /// A failure to look.
    Error,
    /// A choice not to look.
    Skip,
    /// Something to know.
    Notice,
    /// Why a health verdict is what it is.
    Reason,
}

impl Kind {
    /// `finding`, `error`, `skip`, `notice`, `reason`.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Finding => "finding",
            Kind::Error => "error",
            Kind::Skip => "skip",
            Kind::Notice => "notice",
            Kind::Reason => "reason",
        }
    }
}

/// What `vouch explain` says about a code.
#[derive(Clone, Copy, Debug)]
pub struct Explanation {
    /// The public name, such as `row-changed`.
    pub name: &'static str,
    /// Which list it belongs to.
    pub kind: Kind,
    /// Severity as a finding; `Notice` for everything that is none.
    pub severity: Severity,
    /// What it means.
    pub meaning: &'static str,
    /// What to do about it.
    pub action: &'static str,
}

macro_rules! codes {
    ($($(#[$doc:meta])* $code:ident $name:literal $kind:ident $severity:ident $meaning:literal $action:literal;)*) => {
        /// A stable code. Its public name is [`Code::name`].
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Code {
            $(#[doc = $meaning] $code,)*
        }

        impl Code {
            /// Every code, in the order of the table.
            pub const ALL: &'static [Code] = &[$(Code::$code,)*];

            /// What the code means and what to do.
            pub fn explanation(self) -> Explanation {
                match self {
                    $(Code::$code => Explanation {
                        name: $name,
                        kind: Kind::$kind,
                        severity: Severity::$severity,
                        meaning: $meaning,
                        action: $action,
                    },)*
                }
            }
        }
    };
}

mod table;

pub use table::Code;

impl Code {
    /// The public name, such as `row-changed`.
    pub fn name(self) -> &'static str {
        self.explanation().name
    }

    /// The severity a finding of this code has.
    pub fn severity(self) -> Severity {
        self.explanation().severity
    }

    /// The code of that public name, if there is one.
    pub fn from_name(name: &str) -> Option<Code> {
        Code::ALL.iter().copied().find(|code| code.name() == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn names_are_unique_and_found_again() {
        let mut names = HashSet::new();
        for &code in Code::ALL {
            assert!(names.insert(code.name()), "{} stands twice", code.name());
            assert_eq!(Code::from_name(code.name()), Some(code));
        }
    }
}
