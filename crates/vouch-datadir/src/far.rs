//! Descriptions of tables that are longer than a page: [`text`] reads them from pages of their own.

use crate::facts::PageFact;
use crate::unit::Job;
use vouch_convert::narrow;
use vouch_innodb::{Checker, Layout, LobFacts, NO_PAGE, PageNo, PageType, SdiAway, SdiFault};
use vouch_report::PageClass;

/// A description; `None` where one of its pages is damaged, cannot be read again or is none of its kind.
pub(crate) fn text(job: &Job, facts: &[PageFact], away: &SdiAway) -> Option<Result<String, SdiFault>> {
    let space = &job.space;
    let zip = space.format.layout == Layout::Zip;
    let kind = if zip { PageType::SDI_ZBLOB } else { PageType::INSTANT };
    let mut checker = Checker::new(space.format, space.id);
    let (mut packed, mut no) = (Vec::new(), away.page.0);
    // What does not compress any further is longer by some bytes.
    let most = if zip { away.packed + away.packed / 8 + (64 << 10) } else { away.packed };
    let mut page = vec![0; space.page_size().bytes()];
    while no != NO_PAGE && packed.len() < most {
        let fact = facts.get(narrow::<usize, _>(no.checked_sub(space.first())?)?)?;
        let known = matches!(fact.class, PageClass::Sound | PageClass::Unprotected);
        (known && fact.page_type == kind).then_some(())?;
        space.read_page(PageNo(no), &mut page)?;
        let image = checker.check(PageNo(no), &page).image?;
        let part = if zip { LobFacts::zip_part(image) } else { LobFacts::part(image) };
        packed.extend_from_slice(part.filter(|part| !part.is_empty())?);
        no = LobFacts::read(&space.format, image)?.next;
    }
    Some(if zip { away.text_of_zip(&packed) } else { away.text(&packed) })
}
