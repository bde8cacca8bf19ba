//! `vouch man`.

use crate::cli;
use crate::cli::tools::ManArgs;
use crate::complaint::{Complaint, cause};
use crate::exit::Exit;
use clap_mangen::Man;
use std::fs;
use std::path::Path;

/// Prints vouch(1), or writes a page for each command to a folder.
pub fn run(args: &ManArgs) -> Result<Exit, Complaint> {
    match &args.folder {
        None => super::write(&page(cli::command())?),
        Some(folder) => write_all(folder),
    }
}

fn write_all(folder: &Path) -> Result<Exit, Complaint> {
    fs::create_dir_all(folder).map_err(|error| unwritable(folder, &error))?;
    let mut command = cli::command();
    command.build();
    write_tree(&command, "vouch", folder)?;
    Ok(Exit::Clean)
}

/// Writes the page of a command and those of the commands under it.
fn write_tree(command: &clap::Command, name: &str, folder: &Path) -> Result<(), Complaint> {
    let path = folder.join(format!("{name}.1"));
    fs::write(&path, page(command.clone())?).map_err(|error| unwritable(&path, &error))?;
    command
        .get_subcommands()
        .filter(|sub| sub.get_name() != "help")
        .try_for_each(|sub| write_tree(sub, &format!("{name}-{}", sub.get_name()), folder))
}

fn page(command: clap::Command) -> Result<String, Complaint> {
    let mut page = Vec::new();
    let version = format!("vouch {}", env!("CARGO_PKG_VERSION"));
    Man::new(command)
        .source(version)
        .render(&mut page)
        .map_err(|error| Complaint::incomplete(format!("a man page failed: {error}")))?;
    Ok(String::from_utf8_lossy(&page).into_owned())
}

fn unwritable(path: &Path, error: &std::io::Error) -> Complaint {
    Complaint::usage(format!("{} could not be written: {}", path.display(), cause(error)))
        .hint("name a folder that you may write to")
}
