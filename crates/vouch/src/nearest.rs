//! The word that was probably meant.

/// The known words near `word`, nearest first; at most three.
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    let plain = |text: &str| text.to_lowercase().replace('_', "-");
    let word = plain(word);
    let limit = word.chars().count() / 3 + 1;
    let mut near: Vec<(usize, &str)> = known
        .into_iter()
        .filter_map(|candidate| {
            let inside = word.len() > 2 && candidate.split('-').any(|part| part == word);
            let distance = if inside { 1 } else { distance(&word, &plain(candidate)) };
            (distance <= limit).then_some((distance, candidate))
        })
        .collect();
    near.sort();
    near.into_iter().map(|(_, candidate)| candidate).take(3).collect()
}

/// Insertions, deletions and replacements that make one of the other.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = i;
        let mut left = i + 1;
        let mut next = vec![left];
        for (y, &above) in b.iter().zip(&row[1..]) {
            left = (diagonal + usize::from(x != *y)).min(above + 1).min(left + 1);
            diagonal = above;
            next.push(left);
        }
        row = next;
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_words_are_found_nearest_first() {
        let known = ["row-changed", "row-source-only", "key-hot", "table-changed"];
        assert_eq!(nearest("row-chnaged", known), ["row-changed"]);
        assert_eq!(nearest("ROW_CHANGED", known)[0], "row-changed");
        assert_eq!(nearest("hot", known), ["key-hot"]);
        assert!(nearest("nonsense", known).is_empty());
    }

    #[test]
    fn distances() {
        for (a, b, expected) in [("", "", 0), ("abc", "", 3), ("", "ab", 2), ("kitten", "sitting", 3), ("ab", "ba", 2)]
        {
            assert_eq!(distance(a, b), expected, "{a} {b}");
        }
    }
}
