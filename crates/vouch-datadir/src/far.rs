//! Descriptions of tables that are longer than a page: [`text`] reads them from pages of their own.

use crate::facts::PageFact;
use crate::unit::Job;
use vouch_innodb::{Checker, LobFacts, NO_PAGE, PageNo, PageType, SdiAway, SdiFault};
use vouch_report::PageClass;

/// A description; `None` where one of its pages is damaged, cannot be read again or is none of its kind.
pub(crate) fn text(job: &Job, facts: &[PageFact], away: &SdiAway) -> Option<Result<String, SdiFault>> {
    let space = &job.space;
    let mut checker = Checker::new(space.format, space.id);
    let (mut packed, mut no) = (Vec::new(), away.page.0);
    let mut page = vec![0; space.page_size().bytes()];
    while no != NO_PAGE && packed.len() < away.packed {
        let fact = facts.get(usize::try_from(no.checked_sub(space.first())?).ok()?)?;
        // In a tablespace with dictionary information this is a part of such a description.
        let known = matches!(fact.class, PageClass::Sound | PageClass::Unprotected);
        let (part, offset) = space.offset_of(PageNo(no)).filter(|_| known && fact.page_type == PageType::INSTANT)?;
        part.source.read_at(&mut page, offset).ok().filter(|read| *read == page.len())?;
        let image = checker.check(PageNo(no), &page).image?;
        let part = LobFacts::part(image).filter(|part| !part.is_empty())?;
        packed.extend_from_slice(part);
        no = LobFacts::read(&space.format, PageType::INSTANT, image)?.next;
    }
    Some(away.text(&packed))
}
