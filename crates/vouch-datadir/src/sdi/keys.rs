//! What of the keys of an index can be compared byte by byte, as its table is described: [`prefix`].
//!
//! Invariant: only columns that are stored in the order of their values count, and none behind the first other one.

use serde_json::Value;
use vouch_convert::narrow;
use vouch_innodb::KeyPrefix;

/// Numbers of kinds of indexes.
const PRIMARY: u64 = 1;
const BTREES: [u64; 3] = [1, 2, 3];
const ASCENDING: u64 = 2;
const VISIBLE: u64 = 1;

/// The fields that a key begins with; `None` when there is none to compare.
pub(super) fn prefix(index: &Value, columns: &[Value]) -> Option<KeyPrefix> {
    let kind = number(index, "type").filter(|kind| BTREES.contains(kind))?;
    let elements = index.get("elements")?.as_array()?;
    let (mut bytes, mut whole) = (0, true);
    for element in elements {
        let own = flag(element, "hidden") == Some(false);
        let Some(width) = width(element, columns) else {
            whole &= !own;
            break;
        };
        bytes += width;
    }
    (bytes > 0).then_some(KeyPrefix { bytes, unique: kind == PRIMARY && whole })
}

/// Bytes of a column whose values are stored in their order: integers, years and dates.
fn width(element: &Value, columns: &[Value]) -> Option<usize> {
    let column = columns.get(narrow::<usize, _>(number(element, "column_opx")?)?)?;
    let plain = number(element, "order") == Some(ASCENDING) && number(column, "hidden") == Some(VISIBLE);
    let there = flag(column, "is_nullable") == Some(false) && flag(column, "is_virtual") == Some(false);
    let width = match number(column, "type")? {
        2 | 14 => 1,
        3 => 2,
        10 | 11 | 15 => 3,
        4 => 4,
        9 => 8,
        _ => return None,
    };
    (plain && there).then_some(width)
}

fn number(object: &Value, name: &str) -> Option<u64> {
    object.get(name)?.as_u64()
}

fn flag(object: &Value, name: &str) -> Option<bool> {
    object.get(name)?.as_bool()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn column(kind: u64, nullable: bool, hidden: u64) -> Value {
        json!({"type": kind, "is_nullable": nullable, "is_virtual": false, "hidden": hidden})
    }

    fn index(kind: u64, elements: &[(u64, u64, bool)]) -> Value {
        let element = |(column, order, hidden): &(u64, u64, bool)| json!({"column_opx": column, "order": order, "hidden": hidden});
        json!({"type": kind, "elements": elements.iter().map(element).collect::<Vec<_>>()})
    }

    #[test]
    fn the_first_field_that_cannot_be_compared_ends_the_key() {
        let columns =
            [column(4, false, 1), column(9, false, 1), column(4, true, 1), column(16, false, 1), column(10, false, 2)];
        let prefix = |kind, elements: &[_]| prefix(&index(kind, elements), &columns).map(|key| (key.bytes, key.unique));
        assert_eq!(prefix(1, &[(0, 2, false), (4, 2, true), (3, 2, true)]), Some((4, true)));
        assert_eq!(prefix(1, &[(0, 2, false), (3, 2, false)]), Some((4, false)), "text");
        assert_eq!(prefix(3, &[(1, 2, false), (0, 2, true)]), Some((12, false)), "with the primary key");
        assert_eq!(prefix(3, &[(2, 2, false), (0, 2, true)]), None, "may be NULL");
        assert_eq!(prefix(3, &[(0, 3, false)]), None, "descending");
        assert_eq!(prefix(4, &[(0, 2, false)]), None, "a full-text index");
        assert_eq!(prefix(1, &[(4, 2, false)]), None, "the server's own");
    }
}
