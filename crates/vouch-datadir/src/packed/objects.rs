//! Folders of a bucket that xbcloud filled: [`gather`] makes an image of the objects in each.
//!
//! Layout (Percona XtraBackup, `storage/innobase/xtrabackup/src/xbcloud/`): the file `shop/t.ibd` of the backup
//! `full` is `full/shop/t.ibd.00000000000000000000` and so on, each a chunk of an xbstream with its header, the
//! last one with the chunk that ends the file. `xbcloud get` takes the highest number that the listing shows for
//! the last one, so a lost object goes unnoticed there. Invariant: the numbers of a file run from 0 without a gap,
//! and every object has chunks of the file that its name says.

use super::contents::Image;
use super::fault::Fault;
use super::pipe::BrokenOff;
use super::turns::Turns;
use super::xbstream::Chunks;
use crate::discover::{Found, unreadable};
use crate::kind::{Kind, cloud_object};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};
use vouch_report::Code;

/// What stands for all objects of a folder: the folder itself may have a state of its own.
pub(super) const OBJECTS: &str = "*";

/// A backup in objects.
pub(super) struct Backup {
    pub found: Found,
    pub files: Vec<CloudFile>,
}

/// A file of such a backup.
pub(super) struct CloudFile {
    /// Its path in the backup.
    path: String,
    /// Its objects, by their numbers.
    objects: BTreeMap<u64, Found>,
}

/// The objects among files as backups, and the other files.
pub(super) fn gather(files: Vec<Found>) -> (Vec<Found>, Vec<Backup>) {
    let (objects, rest): (Vec<Found>, Vec<Found>) = files.into_iter().partition(|file| file.kind == Kind::CloudObject);
    let mut by_file: BTreeMap<PathBuf, BTreeMap<u64, Found>> = BTreeMap::new();
    for found in objects {
        let name = found.path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let Some((of, number)) = cloud_object(&name) else { continue };
        by_file.entry(found.path.with_file_name(of)).or_default().insert(number, found);
    }
    (rest, backups(by_file))
}

fn backups(by_file: BTreeMap<PathBuf, BTreeMap<u64, Found>>) -> Vec<Backup> {
    let known: Vec<PathBuf> = by_file.iter().filter_map(|(path, objects)| prefix(path, objects)).collect();
    let mut backups: BTreeMap<PathBuf, Backup> = BTreeMap::new();
    for (path, objects) in by_file {
        let Some(first) = objects.values().next() else { continue };
        // A file whose chunks do not tell is of the backup in whose folder it lies.
        let above = known.iter().filter(|known| path.starts_with(known)).max_by_key(|known| known.components().count());
        let own = prefix(&path, &objects);
        let folder = own.as_ref().or(above).unwrap_or(&first.root);
        let inside = path.strip_prefix(folder).unwrap_or(&path).to_string_lossy().into_owned();
        let backup = backups.entry(folder.clone()).or_insert_with(|| Backup::new(folder, first));
        backup.files.push(CloudFile { path: inside, objects });
    }
    let mut backups: Vec<Backup> = backups.into_values().collect();
    // Changed pages cannot be read without their notes.
    backups.iter_mut().for_each(|backup| backup.files.sort_by_key(|file| !file.path.contains(".meta")));
    backups
}

/// The folder of the backup: the path of a file without the path that its chunks name.
fn prefix(path: &Path, objects: &BTreeMap<u64, Found>) -> Option<PathBuf> {
    let file = File::open(&objects.values().next()?.path).ok()?;
    let chunk = Chunks::new(BufReader::new(file)).next().ok()??;
    let inside = Path::new(&chunk.path);
    let folder = path.ancestors().nth(inside.components().count())?;
    path.ends_with(inside).then(|| folder.to_owned())
}

impl Backup {
    fn new(folder: &Path, object: &Found) -> Backup {
        let path = folder.join(OBJECTS);
        let short = folder.strip_prefix(&object.root).ok().filter(|short| !short.as_os_str().is_empty());
        let label = short.unwrap_or(folder).display().to_string();
        Backup {
            found: Found { path: path.clone(), label, kind: Kind::Packed, bytes: 0, root: path },
            files: Vec::new(),
        }
    }
}

impl CloudFile {
    /// Reads all objects in their order.
    pub(super) fn read(&self, image: &Image, turns: &mut Turns) {
        let mut next = 0;
        for (number, found) in &self.objects {
            if image.one.is_stopped() {
                return;
            }
            if *number != next {
                self.missing(next, *number, image);
                turns.break_off(&self.path, BrokenOff::Damaged);
            }
            next = number.saturating_add(1);
            self.object(found, image, turns);
        }
        turns.close();
    }

    fn missing(&self, first: u64, behind: u64, image: &Image) {
        let last = behind - 1;
        let which = if first == last { format!("object {first}") } else { format!("objects {first} to {last}") };
        let label = format!("{}.{first:020}", image.label(&self.path));
        let message = format!("the file is missing: {which} of {}, which has an object {behind}", self.path);
        image.one.damage_of(&label, Code::FileMissing, message);
    }

    fn object(&self, found: &Found, image: &Image, turns: &mut Turns) {
        let file = match File::open(&found.path) {
            Ok(file) => file,
            Err(error) => {
                image.one.unread(unreadable(&found.label, &error));
                return turns.break_off(&self.path, BrokenOff::Unread);
            }
        };
        let chunks = Chunks::new(BufReader::new(image.one.tap(file)));
        let Err(error) = turns.object(&found.label, &self.path, chunks) else { return };
        let is_wrong = matches!(Fault::of(&error), Fault::Cut | Fault::Damaged(_));
        image.one.failed(&error, Some(&found.label));
        turns.break_off(&self.path, if is_wrong { BrokenOff::Damaged } else { BrokenOff::Unread });
    }
}
