//! The comparison of the tour: a command line of `vouch compare`, taken like any other.

use super::stage::Stage;
use crate::cli::value::ReportFile;
use crate::cli::{self, Verb};
use crate::command::compare;
use crate::complaint::Complaint;
use crate::config::Origins;
use crate::config::job::{self, Job};
use crate::environment::Environment;
use crate::refusal;
use crate::terminal::{Terminal, say};
use std::ffi::OsString;
use std::sync::Arc;
use vouch_report::{Stop, Summary};

/// A comparison that can be started.
pub struct Comparison {
    /// What a user would have typed, in lines for a terminal.
    pub command_line: String,
    job: Job,
}

/// The comparison of the source with all of its replicas, which it finds by itself.
///
/// # Errors
/// The arguments are refused: a bug, which the message names.
pub fn of(stage: &Stage, reports: &[ReportFile]) -> Result<Comparison, Complaint> {
    let mut words: Vec<OsString> = ["vouch", "compare", "--defaults-file"].map(OsString::from).to_vec();
    words.push(stage.option_file().into());
    words.extend(["--source", "[source]", "--expect-replicas", "2", "--state-dir"].map(OsString::from));
    words.push(stage.state_dir().into());
    let mut command_line = format!("vouch compare {}", stage.addresses());
    for report in reports {
        words.extend([OsString::from("--report"), report.path.clone().into()]);
        command_line.push_str(&format!(" \\\n      --report {}", report.path.display()));
    }
    let flags = cli::command().try_get_matches_from(words);
    let flags = flags.map_err(|error| refusal::complaint(&error, &Origins::default()))?;
    let Verb::Compare(args) = crate::command::verb(&flags)? else {
        return Err(Complaint::usage("the tour has no comparison"));
    };
    // Nothing of the user's own environment and option files has a say on the tour's servers.
    let job = job::compare(*args, &Origins::default(), &Environment::default(), |_| Ok(String::new()))?;
    Ok(Comparison { command_line, job })
}

impl Comparison {
    /// Compares and shows the result; a part of it that could not be written is told.
    ///
    /// # Errors
    /// The comparison was refused.
    pub fn carry_out(&self, terminal: Terminal, stop: &Arc<Stop>) -> Result<Summary, Complaint> {
        let Job { options, output, .. } = &self.job;
        let (summary, shown) = compare::carry_out(options, output, terminal, stop, false)?;
        if let Err(problem) = shown {
            say(&problem.to_string());
        }
        Ok(summary)
    }
}
