//! `vouch explain`.

use crate::cli::output::When;
use crate::cli::tools::ExplainArgs;
use crate::complaint::Complaint;
use crate::environment::Environment;
use crate::exit::Exit;
use crate::nearest::nearest;
use crate::terminal::Terminal;
use vouch_report::Code;

/// Explains a code, or lists them all.
pub fn run(args: &ExplainArgs, variables: &Environment) -> Result<Exit, Complaint> {
    match &args.code {
        None => super::write(&list()),
        Some(name) => {
            let code = find(name).ok_or_else(|| unknown(name))?;
            let colour = Terminal::of_process(When::Auto, variables).stdout_colour;
            super::write(&vouch_render::explain(code, colour))
        }
    }
}

fn find(name: &str) -> Option<Code> {
    // Protocols of health verdicts write `sql_stopped:1062`.
    let name = name.split(':').next().unwrap_or_default();
    Code::from_name(&name.to_lowercase().replace('_', "-"))
}

fn unknown(name: &str) -> Complaint {
    let complaint = Complaint::usage(format!("`{name}` is no code"));
    let near = nearest(name, Code::ALL.iter().map(|code| code.name()));
    match near.as_slice() {
        [] => complaint.hint("`vouch explain` lists all codes"),
        near => complaint.hint(format!("did you mean {}", near.join(" or "))),
    }
}

/// A line for each code: name, kind, meaning.
fn list() -> String {
    let width = Code::ALL.iter().map(|code| code.name().len()).max().unwrap_or(0);
    let line = |code: &Code| {
        let explanation = code.explanation();
        format!("{:width$}  {:7}  {}\n", explanation.name, explanation.kind.name(), explanation.meaning)
    };
    Code::ALL.iter().map(line).collect()
}
