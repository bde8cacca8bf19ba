//! Rows from nothing, on every flavor: [`numbers`].

/// A derived table named `numbers` with one column `n`, 1 to `count`, for a FROM clause.
pub fn numbers(count: u64) -> String {
    let digits = "(SELECT 0 AS d UNION ALL SELECT 1 UNION ALL SELECT 2 UNION ALL SELECT 3 UNION ALL SELECT 4 \
                  UNION ALL SELECT 5 UNION ALL SELECT 6 UNION ALL SELECT 7 UNION ALL SELECT 8 UNION ALL SELECT 9)";
    let places = count.saturating_sub(1).max(1).ilog10() + 1;
    let sum: Vec<String> = (0..places).map(|place| format!("d{place}.d * {}", 10_u64.pow(place))).collect();
    let from: Vec<String> = (0..places).rev().map(|place| format!("{digits} AS d{place}")).collect();
    let (sum, from) = (sum.join(" + "), from.join(" CROSS JOIN "));
    format!("(SELECT 1 + {sum} AS n FROM {from} HAVING n <= {count}) AS numbers")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_as_many_digits_as_needed() {
        for (count, tables) in [(1, 1), (10, 1), (11, 2), (100, 2), (101, 3), (1_000_000, 6)] {
            assert_eq!(numbers(count).matches("AS d").count() - tables, tables, "{count}");
        }
    }
}
