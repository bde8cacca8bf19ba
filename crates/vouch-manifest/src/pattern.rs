//! Patterns of `database.table`: `*` for any characters, `?` for one.

/// Whether `pattern` is about `name`. Case counts, as it does on servers on Linux.
pub fn matches(pattern: &str, name: &str) -> bool {
    let (pattern, name): (Vec<char>, Vec<char>) = (pattern.chars().collect(), name.chars().collect());
    let (mut at_pattern, mut at_name) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while let Some(&c) = name.get(at_name) {
        match pattern.get(at_pattern) {
            Some('*') => {
                star = Some((at_pattern.saturating_add(1), at_name));
                at_pattern = at_pattern.saturating_add(1);
            }
            Some(&p) if p == '?' || p == c => {
                (at_pattern, at_name) = (at_pattern.saturating_add(1), at_name.saturating_add(1));
            }
            // The last star takes one character more.
            _ => match star {
                Some((after, taken)) => {
                    star = Some((after, taken.saturating_add(1)));
                    (at_pattern, at_name) = (after, taken.saturating_add(1));
                }
                None => return false,
            },
        }
    }
    pattern.get(at_pattern..).unwrap_or_default().iter().all(|&c| c == '*')
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn stars_and_question_marks() {
        for (pattern, name, expected) in [
            ("a.b", "a.b", true),
            ("a.*", "a.b.c", true),
            ("*.tmp_*", "shop.tmp_1", true),
            ("*.tmp_*", "shop.tmpx1", false),
            ("a.?", "a.bc", false),
            ("*b*c", "abbxcabc", true),
            ("", "a", false),
            ("**", "", true),
        ] {
            assert_eq!(matches(pattern, name), expected, "{pattern} {name}");
        }
    }
}
