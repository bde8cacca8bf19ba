//! The test vectors of docs/formats/manifest-v2.md, by which others implement the format.

#![allow(clippy::unwrap_used)]

use vouch_manifest::{
    ColumnFacts, Fields, Form, MultisetHash, RangeFacts, RangeHasher, RowEncoder, WrongField, merkle_root,
};

const DOCUMENT: &str = include_str!("../../../docs/formats/manifest-v2.md");

/// `id`, `name`, `note`, `ratio`.
struct Row(i64, &'static str, Option<&'static str>, Option<f64>);

impl Fields for Row {
    fn push_literal(&self, at: usize, out: &mut Vec<u8>) -> Result<Option<()>, WrongField> {
        assert_eq!(at, 0);
        out.extend_from_slice(self.0.to_string().as_bytes());
        Ok(Some(()))
    }
    fn bytes(&self, at: usize) -> Result<Option<&[u8]>, WrongField> {
        Ok(if at == 1 { Some(self.1.as_bytes()) } else { self.2.map(str::as_bytes) })
    }
    fn double(&self, _: usize) -> Result<Option<f64>, WrongField> {
        Ok(self.3)
    }
}

const ROWS: [Row; 3] =
    [Row(1, "Ada", None, Some(1.5)), Row(2, "Bo", Some("abc"), None), Row(3, "", Some(""), Some(-0.0))];

fn encoder() -> RowEncoder {
    let column = |name: &str, form, nullable| ColumnFacts { name: name.to_owned(), form, nullable };
    RowEncoder::new(&[
        column("id", Form::Literal, false),
        column("name", Form::Bytes, false),
        column("note", Form::Sha256, true),
        column("ratio", Form::Double, true),
    ])
}

fn encoded(row: &Row) -> Vec<u8> {
    let mut out = Vec::new();
    encoder().encode(row, &mut out).unwrap();
    out
}

#[track_caller]
fn documented(what: &str, value: &str) {
    let line = DOCUMENT.lines().find(|line| line.starts_with('|') && line.contains(&format!("`{value}`")));
    assert!(line.is_some_and(|line| line.contains(what)), "{what} is {value}: not so in manifest-v2.md");
}

fn digits(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn the_vectors_in_the_documentation_are_what_is_computed() {
    for (row, name) in ROWS.iter().zip(["'Ada'", "'Bo'", "-0.0"]) {
        documented(name, &digits(&encoded(row)));
    }
    let encoder = encoder();
    let mut hasher = RangeHasher::default();
    let mut range = |rows: &[Row], upto: Option<&str>| {
        rows.iter().for_each(|row| hasher.add(|out| encoder.encode(row, out)).unwrap());
        let (rows, sha256) = hasher.finish();
        RangeFacts { upto: upto.map(|text| vec![text.to_owned()]), rows, sha256 }
    };
    let ranges = [range(&ROWS[..2], Some("2")), range(&ROWS[2..], None)];
    documented("range up to", &ranges[0].sha256);
    documented("the rest (1 row)", &ranges[1].sha256);
    documented("root", &merkle_root(&ranges).unwrap());
    documented("leaf of the first range", &merkle_root(&ranges[..1]).unwrap());
    documented("leaf of the last range", &merkle_root(&ranges[1..]).unwrap());
    documented("root of an empty table", &merkle_root(&[range(&[], None)]).unwrap());
    let five = [Some("1"), Some("2"), Some("3"), Some("4"), None].map(|upto| range(&[], upto));
    documented("root of five ranges", &merkle_root(&five).unwrap());
    let mut multiset = MultisetHash::default();
    documented("of no rows", &multiset.finish());
    ROWS.iter().chain(&ROWS[..1]).for_each(|row| multiset.add(&encoded(row)));
    documented("the first one once more", &multiset.finish());
    let example = DOCUMENT.split("## Example").nth(1).unwrap();
    assert!(ranges.iter().all(|range| example.contains(&range.sha256)));
}

/// A row of a forged copy differs in bytes; that no two ranges of other rows have one digest is what is
/// asked of SHA-256. So each change of a row is found where its encoding, its place or its range differs:
/// 100,000 random ones are.
#[test]
fn every_one_of_a_hundred_thousand_changes_of_a_row_is_found() {
    struct Two(u64, [u8; 8]);
    impl Fields for Two {
        fn push_literal(&self, _: usize, out: &mut Vec<u8>) -> Result<Option<()>, WrongField> {
            out.extend_from_slice(self.0.to_string().as_bytes());
            Ok(Some(()))
        }
        fn bytes(&self, _: usize) -> Result<Option<&[u8]>, WrongField> {
            Ok(Some(&self.1))
        }
        fn double(&self, _: usize) -> Result<Option<f64>, WrongField> {
            Err(WrongField)
        }
    }
    let column = |form| ColumnFacts { name: "c".to_owned(), form, nullable: false };
    let encoder = RowEncoder::new(&[column(Form::Literal), column(Form::Bytes)]);
    // Ranges of four rows, so that each change is cheap to look for, and a change in any place of a range occurs.
    let digest = |rows: &[Two]| {
        let mut hasher = RangeHasher::default();
        rows.iter().for_each(|row| hasher.add(|out| encoder.encode(row, out)).unwrap());
        let (rows, sha256) = hasher.finish();
        merkle_root(&[RangeFacts { upto: None, rows, sha256 }]).unwrap()
    };
    let mut random = Random(1);
    for _ in 0..100_000 {
        let first = random.next() % 1_000_000;
        let mut rows: Vec<Two> = (0..4).map(|n| Two(first + n, random.next().to_be_bytes())).collect();
        let before = digest(&rows);
        let at = usize::try_from(random.next() % 4).unwrap();
        let bit = random.next() % 80;
        match bit {
            0..64 => rows[at].1[usize::try_from(bit / 8).unwrap()] ^= 1 << (bit % 8),
            64..72 => rows[at].0 += 1_000_000,
            72..76 => drop(rows.remove(at)),
            _ => rows.swap(at, (at + 1) % 4),
        }
        assert_ne!(digest(&rows), before, "row {first} + {at}, change {bit}");
    }
}

/// xorshift64*, seeded: a failure can be run again.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }
}
