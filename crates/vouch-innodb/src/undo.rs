//! What an undo page says about its log: [`UndoFacts`].

use crate::bytes::Field;
use crate::fil::HEADER;

/// Behind the page's own header stands that of its segment.
const STATE: usize = HEADER + 18;

/// The fields of an undo page, as they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UndoFacts {
    /// 1 for inserts, 2 for updates; MariaDB writes neither.
    pub kind: u16,
    /// Where the log stands, on the first page of it: 1 active, 2 cached, 3 to be freed, 4 to be purged, 5 prepared.
    pub state: u16,
}

impl UndoFacts {
    /// The fields; `None` when there are too few bytes.
    pub fn read(page: &[u8]) -> Option<UndoFacts> {
        Some(UndoFacts { kind: page.be16(HEADER)?, state: page.be16(STATE)? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_stand_behind_the_header() {
        let mut page = vec![0; 64];
        (page[39], page[57]) = (2, 4);
        assert_eq!(UndoFacts::read(&page), Some(UndoFacts { kind: 2, state: 4 }));
        assert_eq!(UndoFacts::read(&page[..57]), None);
    }
}
