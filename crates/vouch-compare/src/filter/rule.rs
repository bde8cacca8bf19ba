//! Rules over names: patterns with wildcards, and regular expressions.
//!
//! [`Rule`] is what is let in and what of that is left out again. Names are given
//! outermost first: database, table, column.

use super::pattern::{Pattern, split};
use super::{FilterError, Unmatched};
use regex::Regex;

/// What is let in, and what of that is left out again.
#[derive(Clone, Debug, Default)]
pub(super) struct Rule {
    pub(super) include: Matchers,
    pub(super) exclude: Matchers,
}

impl Rule {
    pub(super) fn reason(&self, names: &[&str]) -> Option<String> {
        if let Some(reason) = self.exclude.find(names) {
            return Some(reason);
        }
        let out = !self.include.is_empty() && self.include.find(names).is_none();
        out.then(|| format!("not named by --{}", self.include.options()))
    }
}

/// The patterns and regular expressions of one direction of a rule.
#[derive(Clone, Debug, Default)]
pub(super) struct Matchers {
    option_names: [&'static str; 2],
    pub(super) patterns: Vec<Pattern>,
    pub(super) regexes: Vec<Regex>,
}

impl Matchers {
    pub(super) fn new(
        names: [&'static str; 2],
        lists: &[String],
        regexes: &[String],
        parts_max: usize,
    ) -> Result<Self, FilterError> {
        let mut patterns = Vec::new();
        for text in lists.iter().flat_map(|list| split(list, ',')) {
            let malformed = |problem| FilterError::Pattern { option: names[0], text: text.to_owned(), problem };
            patterns.push(Pattern::new(text, parts_max).map_err(malformed)?);
        }
        let compile = |text: &String| {
            Regex::new(text).map_err(|error| FilterError::Regex {
                option: names[1],
                text: text.clone(),
                problem: last_line(&error.to_string()),
            })
        };
        Ok(Matchers { option_names: names, patterns, regexes: regexes.iter().map(compile).collect::<Result<_, _>>()? })
    }

    pub(super) fn is_empty(&self) -> bool {
        self.patterns.is_empty() && self.regexes.is_empty()
    }

    /// The patterns, where they alone let names in.
    pub(super) fn choices(&self) -> Option<&[Pattern]> {
        (!self.patterns.is_empty() && self.regexes.is_empty()).then_some(&self.patterns)
    }

    /// The options in use, for a reason.
    fn options(&self) -> String {
        let [lists, regexes] = self.option_names;
        match (self.patterns.is_empty(), self.regexes.is_empty()) {
            (false, false) => format!("{lists} or --{regexes}"),
            (true, false) => regexes.to_owned(),
            _ => lists.to_owned(),
        }
    }

    /// The patterns and regular expressions that match none of `all`.
    pub(super) fn unmatched<const N: usize>(&self, what: &'static str, all: &[[&str; N]]) -> Vec<Unmatched> {
        let [lists, regexes] = self.option_names;
        let idle = |pattern: &&Pattern| all.iter().all(|names| !pattern.matches(names));
        let patterns = self.patterns.iter().filter(idle).map(|pattern| Unmatched {
            what,
            option: lists,
            text: pattern.text.clone(),
            name: pattern.whole_name(),
        });
        let idle = |regex: &&Regex| all.iter().all(|names| !is_hit(regex, names));
        let expressions = self.regexes.iter().filter(idle).map(|regex| Unmatched {
            what,
            option: regexes,
            text: regex.to_string(),
            name: None,
        });
        patterns.chain(expressions).collect()
    }

    /// What matches names (outermost first), as a reason. A regular expression is
    /// searched in the last name and in all of them with dots between.
    pub(super) fn find(&self, names: &[&str]) -> Option<String> {
        if let Some(pattern) = self.patterns.iter().find(|pattern| pattern.matches(names)) {
            return Some(format!("--{} {}", self.option_names[0], pattern.text));
        }
        self.regexes
            .iter()
            .find(|regex| is_hit(regex, names))
            .map(|regex| format!("--{} {regex}", self.option_names[1]))
    }
}

fn is_hit(regex: &Regex, names: &[&str]) -> bool {
    names.last().is_some_and(|name| regex.is_match(name)) || regex.is_match(&names.join("."))
}

/// The sentence in an error of the regex library, which draws a picture before it.
fn last_line(text: &str) -> String {
    let line = text.lines().last().unwrap_or(text);
    line.strip_prefix("error: ").unwrap_or(line).to_owned()
}
