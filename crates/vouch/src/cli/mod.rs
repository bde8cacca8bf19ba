//! The command line as it is written: one file per command, nothing decided.
//!
//! [`Cli`] is what clap makes of the arguments; help, completions, man pages
//! and the reference are all made from [`command`]. Invariant: parsing touches
//! neither files nor servers.

pub mod alert;
pub mod checksum;
pub mod compare;
pub mod config;
pub mod demo;
pub mod drill;
pub mod filters;
pub mod innochecksum;
pub mod manifest;
pub mod output;
pub mod pages;
pub mod probe;
pub mod tools;
pub mod validate;
pub mod value;

use clap::{CommandFactory, Parser, Subcommand};

const EXAMPLES: &str = "\
Examples:
  vouch demo                                        a tour on servers of its own
  vouch compare --source mysql://dba@db1 --ask-password
                                                    db1 against all of its replicas
  vouch compare --source h=db1,u=dba --replica h=db2 --tables 'shop.*'
  vouch pages /backups/today                        every page of a backup
  vouch validate --server mysql://dr@db2 --manifest today.json --trust keys
                                                    whether db2 holds what the backup held
  vouch serve --node db1=mysql://probe@db1 --node db2=mysql://probe@db2
                                                    which server may have traffic, for any load balancer
  vouch explain row-changed                         what a code means, and what to do

Exit codes:
  0 clean   1 findings   2 usage   3 incomplete   130, 143 interrupted   70 a bug in vouch";

/// Proves that MySQL and MariaDB data is intact.
///
/// A finding is damage seen, an error a failure to look, a skip a choice not to look. They never
/// turn into each other: what could not be looked at is never called clean.
#[derive(Debug, Parser)]
#[command(name = "vouch", version, after_help = EXAMPLES, max_term_width = 110, infer_subcommands = false)]
#[command(subcommand_required = true, arg_required_else_help = false, propagate_version = false)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub verb: Verb,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Proves that replicas hold the rows of their source, while both take writes
    ///
    /// Reads both sides and writes to neither; takes no lock. A difference is only reported when it
    /// is shown to be neither replication lag nor a torn read.
    Compare(Box<compare::CompareArgs>),
    /// The same through replication: writes checksums that every replica computes anew
    ///
    /// For those who have pt-table-checksum in place, for chained replicas, and for large servers that
    /// are checked a slice at a time. Exact by construction, at the price of writes on the source, a
    /// statement binlog format and a lag that follows every chunk. vouch compare needs none of these.
    Checksum(Box<checksum::ChecksumArgs>),
    /// Verifies every page of InnoDB files, a data directory or a backup directory, offline
    ///
    /// Opens files for reading alone and takes no lock. A bad page is read again before it is accused,
    /// and what cannot be verified is never called sound.
    Pages(pages::PagesArgs),
    /// Does what innochecksum does, in its options and its words, by the verdicts of vouch
    ///
    /// Of one file after the other; never rewrites. Knows the files of MySQL and of MariaDB, and sees pages
    /// in the wrong place, which MySQL's does not.
    Innochecksum(innochecksum::InnochecksumArgs),
    /// Makes, signs and reads manifests: what a backup must contain
    Manifest(manifest::ManifestArgs),
    /// Holds a server against a signed manifest: the gate before a failover
    ///
    /// Verifies the signature before anything else, reads every table of the manifest, and says with one
    /// exit code whether to proceed. Reads only.
    Validate(Box<validate::ValidateArgs>),
    /// Restores a backup on a private server and holds it against its manifest, in one command
    ///
    /// Only reads the backup; the copy and the server are gone when it ends.
    Drill(Box<drill::DrillArgs>),
    /// Answers once whether a server may have traffic, in the language of any load balancer
    ///
    /// Asks the daemon where one runs, else looks itself within --deadline. Reads only.
    Probe(Box<probe::ProbeArgs>),
    /// Answers all the time: HTTP, HAProxy agent-checks, metrics, and a page
    ///
    /// Watches the nodes on connections that stay open, and answers from what it has seen last.
    Serve(Box<probe::ServeArgs>),
    /// Gives a tour: compares servers of its own, on which rows differ in ways that checksums miss
    ///
    /// Boots a source and two replicas in a temporary folder, fills them, writes to the source all the
    /// while, changes rows on one replica and compares. Leaves nothing behind but the report.
    Demo(demo::DemoArgs),
    /// Explains a code of a finding, error, skip or notice
    Explain(tools::ExplainArgs),
    /// Shows what is configured
    Config(config::ConfigArgs),
    /// Prints completions for a shell
    Completions(tools::CompletionsArgs),
    /// Writes man pages
    Man(tools::ManArgs),
}

/// The definition of the command line. `config show` takes all options of `compare`, of which
/// its help says no more than that.
pub fn command() -> clap::Command {
    // Replicas of replicas are what a checksum through replication is good at.
    let deep = |command: clap::Command| command.mut_arg("recurse", |arg| arg.default_value("16"));
    let checksum = |command: clap::Command| {
        ["check", "plan", "status"].iter().fold(deep(command), |command, verb| command.mut_subcommand(verb, deep))
    };
    let command = Cli::command().disable_help_subcommand(true).mut_subcommand("checksum", checksum);
    command.mut_subcommand("config", |config| {
        config.mut_subcommand("show", |show| {
            show.mut_args(|arg| if arg.get_id() == "help" { arg } else { arg.hide(true) })
        })
    })
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_definition_is_sound() {
        super::command().debug_assert();
    }
}
