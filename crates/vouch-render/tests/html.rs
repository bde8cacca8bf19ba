//! The page: as snapshots, and what must never be on it.

mod fixture;

use vouch_render::html::page;
use vouch_report::{Code, Summary};

/// The page with a line for each tag, without the style sheet and the version, so that a change can be read.
fn tags(summary: &Summary) -> String {
    let page = page(summary);
    let (head, rest) = page.split_once("<style>").unwrap_or((&page, ""));
    let (_, body) = rest.split_once("</style>").unwrap_or(("", rest));
    format!("{head}{body}").replace("><", ">\n<").replace(env!("CARGO_PKG_VERSION"), "VERSION")
}

#[test]
fn clean() {
    insta::assert_snapshot!(tags(&fixture::clean()));
}

#[test]
fn everything() {
    insta::assert_snapshot!(tags(&fixture::everything()));
}

#[test]
fn incomplete() {
    insta::assert_snapshot!(tags(&fixture::incomplete()));
}

#[test]
fn interrupted() {
    insta::assert_snapshot!(tags(&fixture::interrupted()));
}

#[test]
fn hostile_text_stays_text() {
    let page = page(&fixture::everything());
    for forbidden in ["<script", "<b>", "<i>", "<gone>", "\u{1b}", "\u{202e}", "\u{9b}", "\u{7}"] {
        assert!(!page.contains(forbidden), "{forbidden:?} is on the page");
    }
    assert!(page.contains("&lt;script&gt;alert('x')&lt;/script&gt;"));
}

#[test]
fn the_page_asks_for_nothing_from_anywhere() {
    let page = page(&fixture::everything());
    for request in ["http:", "https:", "src=", "@import", "url(", "<script"] {
        assert!(!page.contains(request), "{request} is on the page");
    }
    let tags = page.split('<').filter_map(|tag| tag.split('>').next());
    let handlers: Vec<&str> = tags.filter(|tag| has_handler(tag)).collect();
    assert!(handlers.is_empty(), "{handlers:?}");
    assert!(page.contains("default-src 'none'"));
}

/// True for a tag with an attribute that would run something; values of attributes are left out.
fn has_handler(tag: &str) -> bool {
    let names: String = tag.split('"').step_by(2).collect();
    names.split_whitespace().skip(1).any(|name| name.starts_with("on"))
}

#[test]
fn tags_are_closed_in_order() {
    for summary in [fixture::clean(), fixture::everything(), fixture::many(), fixture::refused()] {
        let page = page(&summary);
        let mut open: Vec<&str> = Vec::new();
        for tag in page.split('<').skip(1).filter_map(|tag| tag.split('>').next()) {
            let name = tag.trim_start_matches('/').split([' ', '/']).next().unwrap_or_default();
            if let Some(closed) = tag.strip_prefix('/') {
                assert_eq!(open.pop(), Some(closed));
            } else if !["!DOCTYPE", "meta", "link"].contains(&name) {
                open.push(name);
            }
        }
        assert!(open.is_empty(), "{open:?}");
    }
}

#[test]
fn a_long_list_is_cut_and_says_so() {
    let mut summary = fixture::clean();
    let row =
        |id: u64| fixture::row(Code::RowChanged, "shop.orders", "r1.example:3306", &[("id", &id.to_string())], &[]);
    summary.findings = (0..5_000).map(row).collect();
    let page = page(&summary);
    assert_eq!(page.matches("<code>id=").count(), 2_000);
    assert!(page.contains("3,000 more are not written out"), "the rest is counted");
    assert!(page.contains(">5,000<") || page.contains("5,000 findings"));
}

#[test]
fn pages_without_tables_or_with_many_are_whole() {
    let refused = page(&fixture::refused());
    assert!(refused.contains("access denied for user") && refused.contains("Looked at no rows"));
    let many = page(&fixture::many());
    assert!(many.contains("197 tables are equal on every replica"));
    assert!(many.contains("160 more tables, which took less time"));
}
