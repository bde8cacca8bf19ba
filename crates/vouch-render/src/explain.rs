//! What a code means and what to do, for `vouch explain`.
//!
//! Main function: [`explain`]. The words are those of [`Code::explanation`].

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
        Kind::Reason => "`vouch probe` ends with the code of its protocol, which follows from the state.",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_is_explained_within_the_width() {
        for code in Code::ALL {
            let text = explain(*code, false);
            assert!(text.lines().all(|line| line.chars().count() <= WIDTH), "{text}");
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
