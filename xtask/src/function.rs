//! Finds the functions of a file and measures them: [`find`].
//!
//! Works on code whose comments and literals are blanked, so braces pair up.

/// A function with a body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Function {
    /// Its name.
    pub name: String,
    /// The line of `fn`, from 1.
    pub line: usize,
    /// Lines from `fn` to the closing brace, both counted.
    pub length: usize,
}

/// The functions of `code` that have a body, nested ones too.
pub fn find(code: &str) -> Vec<Function> {
    let starts = code.match_indices("fn ").map(|(at, _)| at).filter(|at| starts_word(code, *at));
    starts.filter_map(|at| measure(code, at)).collect()
}

fn starts_word(code: &str, at: usize) -> bool {
    let before = code.get(..at).and_then(|text| text.chars().next_back());
    !before.is_some_and(|char| char.is_alphanumeric() || char == '_')
}

fn measure(code: &str, at: usize) -> Option<Function> {
    let name: String =
        code.get(at + 3..)?.trim_start().chars().take_while(|char| char.is_alphanumeric() || *char == '_').collect();
    let end = end_of_body(code, at)?;
    if name.is_empty() || !code.get(end..)?.starts_with('}') {
        return None;
    }
    let line = line_of(code, at);
    Some(Function { name, line, length: line_of(code, end) - line + 1 })
}

/// Where the item that begins at `start` ends: its closing brace, or the
/// semicolon of an item without a body. `None` when the file ends first.
pub fn end_of_body(code: &str, start: usize) -> Option<usize> {
    let (mut braces, mut others) = (0_i32, 0_i32);
    for (at, char) in code.get(start..)?.char_indices() {
        match char {
            '(' | '[' => others += 1,
            ')' | ']' => others -= 1,
            '{' => braces += 1,
            '}' => braces -= 1,
            _ => {}
        }
        let closes = char == '}' && braces == 0;
        let ends = char == ';' && braces == 0 && others == 0;
        if closes && others == 0 || ends {
            return Some(start + at);
        }
    }
    None
}

/// The line (from 1) of the byte at `at`.
pub fn line_of(code: &str, at: usize) -> usize {
    1 + code.bytes().take(at).filter(|byte| *byte == b'\n').count()
}

/// The value that `percent` of `lengths` do not exceed; 0 when there are none.
pub fn percentile(lengths: &[usize], percent: usize) -> usize {
    let mut sorted = lengths.to_vec();
    sorted.sort_unstable();
    let rank = (sorted.len() * percent).div_ceil(100).max(1);
    sorted.get(rank - 1).copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn functions_are_measured_from_fn_to_brace() {
        let code =
            "impl A {\n    pub fn one<T>(a: [u8; 2]) -> T\n    where T: B {\n        {}\n    }\n    fn two();\n}\n";
        assert_eq!(find(code), [Function { name: "one".to_owned(), line: 2, length: 4 }]);
    }

    #[test]
    fn function_pointers_are_no_functions() {
        assert_eq!(find("struct A { b: fn (u8) -> u8 }"), []);
    }

    #[test]
    fn percentiles_are_of_the_values_seen() {
        assert_eq!(percentile(&[5, 1, 3], 50), 3);
        assert_eq!(percentile(&[1, 2, 3, 4, 5, 6, 7, 8, 9, 10], 90), 9);
        assert_eq!(percentile(&[], 90), 0);
    }
}
