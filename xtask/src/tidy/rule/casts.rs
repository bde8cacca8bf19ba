//! No `as` into an integer: it cuts, wraps and drops signs in silence.
//!
//! `vouch-convert` has the conversions that may be needed; `From` and `TryFrom` are the others. Into
//! a float `as` is allowed: figures for people need no more digits. Exceptions are in `xtask/tidy-casts.txt`.

use crate::tidy::exceptions::{Counted, judge};
use crate::tidy::{Complaint, Project};

const INTEGERS: [&str; 12] = ["u8", "u16", "u32", "u64", "u128", "usize", "i8", "i16", "i32", "i64", "i128", "isize"];

const RULE: Counted = Counted { list: "xtask/tidy-casts.txt", places: casts, what: "conversions by `as`" };

/// Complains about files that convert into an integer with `as`, more often than they are allowed to, or less.
pub fn check(project: &Project) -> Vec<Complaint> {
    judge(project, &RULE)
}

fn casts(code: &str) -> usize {
    code.split(" as ").skip(1).filter(|target| INTEGERS.contains(&first(target))).count()
}

/// The word that `text` begins with.
fn first(text: &str) -> &str {
    text.split(|char: char| !char.is_alphanumeric() && char != '_').next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn casts_into_integers_are_counted() {
        assert_eq!(casts("let a = b as u64 + (c as usize);"), 2);
        assert_eq!(casts("let a = b as f64; use x as u8x; <u8 as Field>::read()"), 0);
    }
}
