//! `vouch manifest diff` and `vouch manifest lint`: manifests by themselves.

use crate::cli::manifest::look::{AnswerArgs, DiffArgs, LintArgs, TextFormat};
use crate::command::trust::{self, read};
use crate::complaint::Complaint;
use crate::environment::Environment;
use crate::exit::Exit;
use crate::terminal::Terminal;
use vouch_convert::{unix_ms, widen};
use vouch_manifest::Accepted;
use vouch_render::human::HumanStyle;
use vouch_render::{human, json};
use vouch_report::{ManifestDiff, ManifestSide, RemarkLevel};

fn style(args: &AnswerArgs, variables: &Environment) -> HumanStyle {
    let terminal = Terminal::of_process(args.color, variables);
    HumanStyle { colour: terminal.stdout_colour, width: terminal.width }
}

/// Tells what changed from the first manifest to the second.
pub fn diff(args: &DiffArgs, variables: &Environment) -> Result<Exit, Complaint> {
    let now_ms = unix_ms();
    let before = trust::accept(&args.before, &args.trust(0), variables, now_ms)?.accepted;
    let after = trust::accept(&args.after, &args.trust(1), variables, now_ms)?.accepted;
    let changes = vouch_manifest::diff(before.manifest(), after.manifest());
    let differ = !changes.is_empty();
    let diff = ManifestDiff { before: side(&before), after: side(&after), changes };
    crate::command::write(&match args.answer.format {
        TextFormat::Human => human::manifest_diff(&diff, &style(&args.answer, variables)),
        TextFormat::Json => json::manifest_diff(&diff),
    })?;
    Ok(if differ { Exit::Findings } else { Exit::Clean })
}

fn side(accepted: &Accepted) -> ManifestSide {
    let manifest = accepted.manifest();
    ManifestSide {
        id: manifest.id.clone(),
        sha256: accepted.digest().to_owned(),
        signed_by: accepted.signer().map(|signer| signer.key.clone()),
        cluster: manifest.cluster.clone(),
        serial: manifest.serial,
        created_ms: manifest.created_ms,
        tables: widen(manifest.tables.len()),
    }
}

/// Tells everything that is wrong with a manifest.
pub fn lint(args: &LintArgs, variables: &Environment) -> Result<Exit, Complaint> {
    let lint = vouch_manifest::lint(&read(&args.file, "manifest")?, unix_ms());
    let file = args.file.display().to_string();
    crate::command::write(&match args.answer.format {
        TextFormat::Human => human::manifest_lint(&file, &lint, &style(&args.answer, variables)),
        TextFormat::Json => json::manifest_lint(&lint),
    })?;
    let (errors, advice) = (lint.count(RemarkLevel::Error), lint.count(RemarkLevel::Advice));
    Ok(if errors > 0 || args.strict && advice > 0 { Exit::Findings } else { Exit::Clean })
}
