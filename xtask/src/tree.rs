//! The checkout on disk: which files belong to it, and what they say.

use crate::Fault;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The root of the workspace: the folder above this crate.
pub fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_path_buf()
}

/// A text file of the project.
#[derive(Clone, Debug)]
pub struct TextFile {
    /// Path from the root, with `/`.
    pub path: String,
    /// Its contents.
    pub text: String,
}

/// Every text file that git tracks or would track, in order of path.
pub fn text_files(root: &Path) -> Result<Vec<TextFile>, Fault> {
    let listing = output(Command::new("git").current_dir(root).args(["ls-files", "-co", "--exclude-standard"]))?;
    let mut paths: Vec<&str> = listing.lines().filter(|path| !path.starts_with('"')).collect();
    paths.sort_unstable();
    paths.dedup();
    Ok(paths.into_iter().filter_map(|path| read(root, path)).collect())
}

/// `None` for a file that is deleted or is no text.
fn read(root: &Path, path: &str) -> Option<TextFile> {
    let text = std::fs::read_to_string(root.join(path)).ok()?;
    Some(TextFile { path: path.to_owned(), text })
}

/// What a command wrote to its standard output; an error when it failed.
pub fn output(command: &mut Command) -> Result<String, Fault> {
    let name = command.get_program().to_string_lossy().into_owned();
    let done = command.output().map_err(|error| format!("cannot run {name}: {error}"))?;
    if !done.status.success() {
        return Err(format!("{name} failed: {}", String::from_utf8_lossy(&done.stderr).trim()));
    }
    String::from_utf8(done.stdout).map_err(|error| format!("{name} wrote what is no text: {error}"))
}
