//! What does not fit between extents, segments and pages: [`AllocationFault`].

use crate::PageNo;
use crate::flst::ListFault;
use std::fmt;

/// A fault, and where it shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Misallocation {
    /// The page that says what does not fit.
    pub page: PageNo,
    /// The segment, where it is one that says so.
    pub segment: Option<u64>,
    /// What does not fit.
    pub fault: AllocationFault,
}

/// What does not fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AllocationFault {
    /// A list of this name is broken.
    List(&'static str, ListFault),
    /// The extent of this page is in the list of this name, and its descriptor says otherwise.
    WrongList(PageNo, &'static str),
    /// The extent of this page is in two lists.
    TwoLists(PageNo),
    /// The extent of this page is in no list.
    Unlisted(PageNo),
    /// The extent of this page is initialised, or is not, against what the space header says.
    FreeLimit(PageNo, bool),
    /// So many pages of the extent are in use, which does not fit its state.
    UsedOf(PageNo, u32),
    /// So many pages of the extent are in use, which does not fit the list that it is in.
    UsedInList(PageNo, u32, &'static str),
    /// The space header counts other single pages in use than there are.
    SingleUsed {
        /// As the header says.
        said: u32,
        /// As the descriptors say.
        found: u32,
    },
    /// A page of inodes is in the wrong list: true in the one of full pages.
    InodeList(bool),
    /// A page is in use, and no segment has it.
    Ownerless,
    /// The inode's mark is gone.
    Magic,
    /// The segment's number is taken, or was never given.
    Number,
    /// The extent of this page, which is in a list of the segment, is of another segment.
    OtherSegment(PageNo, u64),
    /// The inode counts other pages in use than there are.
    Used {
        /// As the inode says.
        said: u32,
        /// As the descriptors say.
        found: u32,
    },
    /// A single page of the segment is free, or is none that is handed out singly.
    Single(PageNo),
    /// A single page of the segment is also one of this other segment.
    Shared(PageNo, u64),
}

impl fmt::Display for Misallocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.segment {
            Some(segment) => write!(f, "segment {segment}: {}", self.fault),
            None => self.fault.fmt(f),
        }
    }
}

impl fmt::Display for AllocationFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            AllocationFault::List(name, fault) => write!(f, "the list of {name} {fault}"),
            AllocationFault::WrongList(first, name) => {
                write!(f, "the extent of page {first} is in the list of {name}, and its descriptor says otherwise")
            }
            AllocationFault::TwoLists(first) => write!(f, "the extent of page {first} is in two lists"),
            AllocationFault::Unlisted(first) => write!(f, "the extent of page {first} is in no list"),
            AllocationFault::FreeLimit(first, true) => {
                write!(f, "the extent of page {first} is described, and the space header says that it is not yet")
            }
            AllocationFault::FreeLimit(first, false) => {
                write!(f, "the extent of page {first} is not described, and the space header says that it is")
            }
            AllocationFault::UsedOf(first, used) => {
                write!(f, "the extent of page {first} has {used} pages in use, which does not fit its state")
            }
            AllocationFault::UsedInList(first, used, name) => {
                write!(f, "the extent of page {first} has {used} pages in use, and is in the list of {name}")
            }
            AllocationFault::SingleUsed { said, found } => {
                write!(f, "the space header counts {said} single pages in use, the descriptors have {found}")
            }
            AllocationFault::InodeList(true) => write!(f, "the page of inodes is in the list of full ones, and is not"),
            AllocationFault::InodeList(false) => {
                write!(f, "the page of inodes is in the list of those with room, and has none")
            }
            AllocationFault::Ownerless => write!(f, "the page is in use, and no segment has it"),
            AllocationFault::Magic => write!(f, "its inode does not bear the mark of inodes"),
            AllocationFault::Number => write!(f, "its number is taken, or was never given"),
            AllocationFault::OtherSegment(first, other) => {
                write!(f, "the extent of page {first} is in one of its lists, and says that it is of segment {other}")
            }
            AllocationFault::Used { said, found } => {
                write!(f, "it counts {said} pages in use of extents that are not full, the descriptors have {found}")
            }
            AllocationFault::Single(page) => {
                write!(f, "it holds page {page} singly, which is free or is not handed out singly")
            }
            AllocationFault::Shared(page, other) => write!(f, "it holds page {page}, and so does segment {other}"),
        }
    }
}
