//! Functions are short: none over 70 lines without a name on the list of
//! exceptions; outside tests a median of at most 10 and a 90th percentile of at most 40.

use crate::function::percentile;
use crate::source::Source;
use crate::tidy::{Complaint, Project, complaint};

const LIMIT: usize = 70;
const MEDIAN: usize = 10;
const P90: usize = 40;

/// Complains about long functions, and when functions as a whole grow long.
pub fn check(project: &Project) -> Vec<Complaint> {
    let mut complaints: Vec<Complaint> =
        project.sources.iter().flat_map(|source| check_source(project, source)).collect();
    let lengths = shipped_lengths(project);
    for (name, percent, limit) in [("median", 50, MEDIAN), ("90th percentile", 90, P90)] {
        let seen = percentile(&lengths, percent);
        if seen > limit {
            complaints.push(complaint("all functions", 0, format!("the {name} is {seen} lines, the limit is {limit}")));
        }
    }
    complaints
}

fn check_source(project: &Project, source: &Source) -> Vec<Complaint> {
    let judged = source.functions.iter().filter_map(|function| {
        let fault = project.allow.judge(&source.path, Some(&function.name), function.length, LIMIT)?;
        Some(complaint(&source.path, function.line, format!("fn {}: {fault}", function.name)))
    });
    judged.collect()
}

/// The lengths of the functions that are no tests.
pub fn shipped_lengths(project: &Project) -> Vec<usize> {
    let sources = project.sources.iter();
    let shipped =
        sources.flat_map(|source| source.functions.iter().filter(|function| !source.is_test_line(function.line)));
    shipped.map(|function| function.length).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn function(lines: usize) -> String {
        format!("fn long() {{{}}}\nfn a() {{}}\nfn b() {{}}\n", "\n".repeat(lines - 1))
    }

    #[test]
    fn a_function_has_at_most_70_lines() {
        let text = |lines| format!("#[cfg(test)]\nmod tests {{\n{}}}\n", function(lines));
        assert_eq!(check(&Project::of("a.rs", &text(70))).len(), 0);
        assert_eq!(check(&Project::of("a.rs", &text(71))).len(), 1);
    }

    #[test]
    fn functions_as_a_whole_stay_short() {
        assert_eq!(check(&Project::of("a.rs", &function(40))).len(), 0);
        assert_eq!(check(&Project::of("a.rs", &function(41))).len(), 1);
        assert_eq!(check(&Project::of("a.rs", "fn a() {\n\n\n\n\n\n\n\n\n\n}\n")).len(), 1);
    }
}
