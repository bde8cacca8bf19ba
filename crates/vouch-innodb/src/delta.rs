//! What incremental backups keep of a tablespace: the pages that changed, each
//! run of them behind a page that lists their numbers, [`DeltaList`]; and what
//! is noted beside them, [`DeltaMeta`].

use crate::bytes::Field;
use crate::{PageNo, PageSize, SpaceFormat, SpaceId};
use vouch_convert::parse;

const MAGIC: &[u8] = b"xtra";
const MAGIC_LAST: &[u8] = b"XTRA";
const END: u32 = u32::MAX;
const NUMBER: usize = 4;

/// The pages that follow a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeltaList {
    /// Their numbers.
    pub pages: Vec<PageNo>,
    /// No other list follows.
    pub last: bool,
}

impl DeltaList {
    /// The list that a page holds; `None` when it holds none. A list that another one follows is full.
    pub fn read(page: &[u8]) -> Option<DeltaList> {
        let last = page.starts_with(MAGIC_LAST);
        if !last && !page.starts_with(MAGIC) {
            return None;
        }
        let numbers = page.chunks_exact(NUMBER).skip(1).filter_map(|number| number.be32(0));
        let pages: Vec<PageNo> = numbers.take_while(|number| *number != END).map(PageNo).collect();
        let full = pages.len() + 1 == page.len() / NUMBER;
        (last || full).then_some(DeltaList { pages, last })
    }

    /// The size of pages, by the numbers that the pages behind a list bear: `head` is the start of the file.
    /// `None` when nothing tells.
    pub fn page_size(head: &[u8]) -> Option<PageSize> {
        let sizes = [16_384, 8192, 4096, 32_768, 65_536, 2048, 1024].into_iter().filter_map(PageSize::new);
        let fits = |size: &PageSize| {
            let list = head.get(..size.bytes()).and_then(DeltaList::read);
            let pages = head.chunks_exact(size.bytes()).skip(1);
            let fitting =
                |list: DeltaList| list.pages.iter().zip(pages).filter(|(no, page)| page.be32(4) == Some(no.0)).count();
            list.map_or(0, fitting)
        };
        sizes
            .map(|size| (fits(&size), size))
            .filter(|(fitting, _)| *fitting > 0)
            .max_by_key(|(fitting, size)| fitting * size.bytes())
            .map(|(_, size)| size)
    }
}

/// What is noted beside a file of changed pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeltaMeta {
    /// Bytes of a page in the file.
    pub page: PageSize,
    /// Whether the pages are of ROW_FORMAT=COMPRESSED.
    pub zip: bool,
    /// The tablespace.
    pub space: SpaceId,
    /// The format, where the tool notes it.
    pub format: Option<SpaceFormat>,
}

impl DeltaMeta {
    /// The note; `None` when it is damaged.
    pub fn read(text: &str) -> Option<DeltaMeta> {
        let value = |name: &str| {
            let lines = text.lines().filter_map(|line| line.split_once('='));
            lines.filter(|(key, _)| key.trim() == name).find_map(|(_, value)| parse::<u32>(value.trim()))
        };
        let (page, zip) = (PageSize::new(value("page_size")?)?, value("zip_size")?);
        let page = if zip == 0 { page } else { PageSize::new(zip)? };
        let format = value("space_flags").and_then(|flags| SpaceFormat::from_flags(flags).ok());
        let format = format.filter(|format| format.physical == page);
        Some(DeltaMeta { page, zip: zip != 0, space: SpaceId(value("space_id")?), format })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn list(magic: &[u8], numbers: impl IntoIterator<Item = u32>) -> Vec<u8> {
        let mut page = magic.to_vec();
        numbers.into_iter().for_each(|number| page.extend(number.to_be_bytes()));
        if page.len() < 4096 {
            page.extend(END.to_be_bytes());
        }
        page.resize(4096, 0);
        page
    }

    fn pages(numbers: &[u32]) -> Vec<PageNo> {
        numbers.iter().copied().map(PageNo).collect()
    }

    #[test]
    fn a_list_ends_where_it_says_or_is_full() {
        let read = |magic: &[u8], numbers: &[u32]| DeltaList::read(&list(magic, numbers.iter().copied()));
        assert_eq!(read(b"XTRA", &[0, 3, 9]), Some(DeltaList { pages: pages(&[0, 3, 9]), last: true }));
        assert_eq!(read(b"XTRA", &[]), Some(DeltaList { pages: vec![], last: true }));
        assert_eq!((read(b"xtra", &[0, 3]), read(b"XTRb", &[0])), (None, None));
        let full = DeltaList::read(&list(b"xtra", 0..1023)).unwrap();
        assert_eq!((full.pages.len(), full.last), (1023, false));
    }

    #[test]
    fn pages_tell_their_size_and_notes_do() {
        let mut bytes = list(b"XTRA", [3, 9]);
        for number in [3_u32, 9] {
            let mut page = vec![1; 4096];
            page[4..8].copy_from_slice(&number.to_be_bytes());
            bytes.extend(page);
        }
        assert_eq!((DeltaList::page_size(&bytes), DeltaList::page_size(&bytes[..5000])), (PageSize::new(4096), None));
        let meta = DeltaMeta::read("page_size = 8192\nzip_size = 8192 \nspace_id = 6\n").unwrap();
        assert_eq!(
            (meta.page, meta.zip, meta.space, meta.format),
            (PageSize::new(8192).unwrap(), true, SpaceId(6), None)
        );
        let meta = DeltaMeta::read("page_size = 16384\nzip_size = 0\nspace_id = 6\nspace_flags = 21\n").unwrap();
        assert_eq!((meta.zip, meta.format), (false, SpaceFormat::from_flags(21).ok()));
        assert_eq!((DeltaMeta::read("page_size = 5\nzip_size = 0\nspace_id = 6"), DeltaMeta::read("")), (None, None));
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..5000), last in any::<bool>()) {
            let mut bytes = bytes;
            bytes.splice(0..0, if last { *b"XTRA" } else { *b"xtra" });
            let _ = (DeltaList::read(&bytes), DeltaList::page_size(&bytes), DeltaMeta::read(&String::from_utf8_lossy(&bytes)));
        }
    }
}
