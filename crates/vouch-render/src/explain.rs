//! What the codes mean: for `vouch explain`, and as a page of the reference.
//!
//! Main functions: [`explain`], [`codes_markdown`]. Both are made from
//! [`Code::ALL`] alone.

use crate::style::{Paint, Tone};
use crate::text::wrap;
use vouch_report::{Code, Kind, Severity};

/// Columns that explanations are wrapped to.
const WIDTH: usize = 88;

/// The explanation of `code` for a terminal, ending with a newline; coloured when `colour`.
pub fn explain(code: Code, colour: bool) -> String {
    let paint = Paint { colour };
    let explanation = code.explanation();
    let tone = if counts_as_damage(code) { Tone::Bad } else { Tone::Warn };
    format!(
        "{}  {}\n\n{}\n{}\n{}\n{}\n",
        paint.paint(Tone::Strong, explanation.name),
        paint.paint(tone, explanation.kind.name()),
        wrap(explanation.meaning, WIDTH, "  "),
        paint.paint(Tone::Strong, "What to do"),
        wrap(explanation.action, WIDTH, "  "),
        wrap(effect(code), WIDTH, ""),
    )
}

fn counts_as_damage(code: Code) -> bool {
    let explanation = code.explanation();
    explanation.kind == Kind::Finding && explanation.severity > Severity::Notice
}

/// What the code does to the exit code.
fn effect(code: Code) -> &'static str {
    match code.explanation().kind {
        Kind::Finding if counts_as_damage(code) => "A run that reports it ends with exit code 1.",
        Kind::Finding => "It does not change the exit code.",
        Kind::Error => "It is no finding: without findings, a run that reports it ends with exit code 3.",
        Kind::Skip => "It is a choice, not a failure: it does not change the exit code.",
        Kind::Notice => "It does not change the exit code.",
    }
}

/// `docs/reference/codes.md`: every code with its meaning and what to do, as Markdown.
pub fn codes_markdown() -> String {
    let mut page = String::from(
        "# Codes\n\nEverything that vouch reports bears one of these codes. A code never changes its meaning.\n\
         `vouch explain CODE` prints the same text.\n",
    );
    let kinds = [
        (Kind::Finding, "Findings", "Damage that was seen. Findings that count end a run with exit code 1."),
        (Kind::Error, "Errors", "Failures to look. Without findings, they end a run with exit code 3."),
        (Kind::Skip, "Skips", "Choices not to look, each with its reason. They do not change the exit code."),
        (Kind::Notice, "Notices", "What to know about how a run looked. They do not change the exit code."),
    ];
    for (kind, title, lead) in kinds {
        page.push_str(&format!("\n## {title}\n\n{lead}\n\n{}", section(kind)));
    }
    page
}

fn section(kind: Kind) -> String {
    let mut table = String::from("| code | meaning | what to do |\n|---|---|---|\n");
    for code in Code::ALL.iter().filter(|code| code.explanation().kind == kind) {
        let explanation = code.explanation();
        let remark = if kind == Kind::Finding && !counts_as_damage(*code) { " *(does not count)*" } else { "" };
        table.push_str(&format!(
            "| `{}`{remark} | {} | {} |\n",
            explanation.name,
            escaped(explanation.meaning),
            escaped(explanation.action)
        ));
    }
    table
}

/// A cell of a Markdown table.
fn escaped(text: &str) -> String {
    text.replace('|', "\\|").replace('_', "\\_").replace('*', "\\*")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_stands_once_in_the_reference() {
        let page = codes_markdown();
        for code in Code::ALL {
            assert_eq!(page.matches(&format!("| `{}`", code.name())).count(), 1, "{}", code.name());
        }
    }

    #[test]
    fn an_explanation_says_what_to_do_and_what_the_exit_code_is() {
        let text = explain(Code::RowChanged, false);
        assert!(text.starts_with("row-changed  finding\n"), "{text}");
        assert!(text.contains("What to do") && text.contains("exit code 1"), "{text}");
        assert!(!text.contains('\u{1b}'));
        assert!(explain(Code::KeyHot, true).contains('\u{1b}'));
    }
}
