//! The damages, each with its name: [`DAMAGES`].

use super::case::Case;
use vouch_testkit::damage::Pages;

/// What becomes of a file.
pub struct Damage {
    pub name: &'static str,
    /// Whether there is such a thing in that file.
    pub occurs: fn(&Case) -> bool,
    pub make: fn(&mut Case),
}

const fn everywhere(name: &'static str, make: fn(&mut Case)) -> Damage {
    Damage { name, occurs: |_| true, make }
}

/// Where nodes can be changed behind what they are packed in.
const fn in_nodes(name: &'static str, make: fn(&mut Case)) -> Damage {
    Damage { name, occurs: |case| !case.format.zip, make }
}

/// Where MySQL's dictionary is.
const fn in_mysql(name: &'static str, make: fn(&mut Case)) -> Damage {
    Damage { name, occurs: |case| is_mysql(case) && !case.format.zip, make }
}

fn is_mysql(case: &Case) -> bool {
    case.plain.clone().type_of(3) == DICTIONARY
}

const DICTIONARY: u16 = 17_853;

const fn bit(name: &'static str, make: fn(&mut Case)) -> Damage {
    everywhere(name, make)
}

/// One bit of the leaf.
fn flip(case: &mut Case, at: usize) {
    case.file.flip(case.roles.leaf, at);
}

fn from_end(case: &mut Case, bytes: usize) {
    flip(case, case.format.size - bytes);
}

fn leaf(case: &mut Case, damage: impl FnOnce(&mut Pages, usize)) {
    let leaf = case.roles.leaf;
    case.inside(&[leaf], |file| damage(file, leaf));
}

pub const DAMAGES: &[Damage] = &[
    everywhere("nothing", |_| {}),
    bit("a bit of the checksum", |case| flip(case, 0)),
    bit("a bit of the page number", |case| flip(case, 7)),
    bit("a bit of the link to the left", |case| flip(case, 9)),
    bit("a bit of the link to the right", |case| flip(case, 13)),
    bit("a bit of the LSN", |case| flip(case, 17)),
    bit("a bit of the page type", |case| flip(case, 25)),
    bit("a bit of byte 26", |case| flip(case, 26)),
    bit("a bit of byte 27", |case| flip(case, 27)),
    bit("a bit of byte 28", |case| flip(case, 28)),
    bit("a bit of byte 29", |case| flip(case, 29)),
    bit("a bit of byte 30", |case| flip(case, 30)),
    bit("a bit of byte 31", |case| flip(case, 31)),
    bit("a bit of byte 32", |case| flip(case, 32)),
    bit("a bit of byte 33", |case| flip(case, 33)),
    bit("a bit of the tablespace", |case| flip(case, 37)),
    bit("a bit of the index header", |case| flip(case, 40)),
    bit("a bit of a record", |case| flip(case, 200)),
    bit("a bit in the middle", |case| flip(case, case.format.size / 2)),
    bit("a bit of the page directory", |case| from_end(case, 12)),
    bit("a bit of the trailer's first half", |case| from_end(case, 6)),
    bit("a bit of the trailer's second half", |case| from_end(case, 1)),
    bit("a bit of page 0, in the header of the tablespace", |case| case.file.flip(0, 46)),
    bit("a bit of page 0, in the flags", |case| case.file.flip(0, 55)),
    bit("a bit of page 0, in the map of extents", |case| case.file.flip(0, 180)),
    everywhere("a leaf of zeros", |case| case.file.zero(case.roles.leaf)),
    everywhere("the root of zeros", |case| case.file.zero(case.roles.root)),
    everywhere("page 0 of zeros", |case| case.file.zero(0)),
    everywhere("page 0 of other bytes", |case| case.file.page(0).fill(0xa5)),
    everywhere("a leaf torn in half", |case| case.file.tear(case.roles.leaf)),
    everywhere("two leaves in each other's place", |case| case.file.swap(case.roles.leaf, case.roles.next_leaf)),
    everywhere("a leaf of another table", |case| {
        let leaf = case.roles.leaf;
        let mut other = case.other.clone();
        assert!(other.page(leaf)[38..].iter().any(|byte| *byte != 0));
        case.file.replace(leaf, &mut other, leaf);
    }),
    everywhere("another tablespace named, and sealed", |case| {
        leaf(case, |file, leaf| file.forge(leaf, |page| page[37] ^= 1));
    }),
    everywhere("a stale leaf, of before it was split", |case| stale(case, case.roles.once_last)),
    everywhere("a stale leaf, of before its rows were changed", |case| stale(case, case.roles.updated)),
    everywhere("a file cut at a page", |case| case.file.cut(case.roles.leaf * case.format.size)),
    everywhere("a file cut inside a page", |case| case.file.cut(case.roles.leaf * case.format.size + 100)),
    everywhere("a cycle of neighbours", |case| {
        let (left, right) = (case.roles.leaf, case.roles.next_leaf);
        case.inside(&[left, right], |file| file.sibling_cycle(left, right));
    }),
    everywhere("a leaf on another level", |case| leaf(case, Pages::wrong_level)),
    in_nodes("two children exchanged", |case| {
        let (root, left, right) = (case.roles.root, case.roles.leaf, case.roles.next_leaf);
        case.inside(&[root], |file| file.swap_children(root, left, right));
    }),
    in_nodes("a slot of the directory", |case| leaf(case, Pages::directory_slot)),
    in_nodes("one slot less in the directory", |case| leaf(case, Pages::slot_count)),
    in_nodes("a loop in the chain of records", |case| leaf(case, Pages::record_loop)),
    in_nodes("one record more in the heap", |case| leaf(case, Pages::heap_count)),
    everywhere("a leaf that is free by the map of extents", |case| {
        let leaf = case.roles.leaf;
        case.inside(&[0], |file| file.free_in_map(leaf));
    }),
    everywhere("one more single page in use", |case| case.inside(&[0], Pages::single_pages)),
    everywhere("one more extent in a list", |case| case.inside(&[0], Pages::extent_list_length)),
    everywhere("a list of extents that ends in itself", |case| case.inside(&[0], Pages::extent_link)),
    everywhere("the mark of an inode", |case| case.inside(&[2], Pages::inode_mark)),
    everywhere("a page of two segments", |case| case.inside(&[2], Pages::shared_single)),
    Damage {
        name: "a long value whose part is its own successor",
        occurs: |case| is_chained(case),
        make: |case| {
            let part = case.roles.value;
            case.inside(&[part], |file| file.part_circle(part));
        },
    },
    Damage {
        name: "a part of a long value that is longer than a page",
        occurs: |case| is_chained(case) && !case.format.zip,
        make: |case| {
            let part = case.roles.value;
            case.inside(&[part], |file| file.part_length(part));
        },
    },
    in_mysql("a long value with a part twice", |case| {
        let first = case.roles.value;
        case.inside(&[first], |file| file.repeated_part(first));
    }),
    in_mysql("a long value with a node for a part", |case| {
        let first = case.roles.value;
        case.inside(&[first], |file| file.foreign_part(first));
    }),
    in_mysql("a record of the dictionary", |case| {
        case.inside(&[3], |file| file.forge(3, |page| page[400] ^= 1));
    }),
];

fn is_chained(case: &Case) -> bool {
    !is_mysql(case) && case.roles.value != 0
}

fn stale(case: &mut Case, no: usize) {
    let mut stale = case.stale.clone();
    case.file.replace(no, &mut stale, no);
}
