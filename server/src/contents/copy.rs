//! Contents in a backup: a folder beside the copy of the database, laid out as the server's own, so that one is put back as it is.

use std::fs::{self, File};
use std::io;
use std::path::Path;

use belfry_core::chat::ContentHash;

use super::Contents;
use crate::files;

/// What was copied.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CopiedContents {
    /// Contents.
    pub contents: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Contents that were not there: what was taken back while the backup was made, or lost before.
    pub missing: u64,
}

/// Copies these contents from one folder into another, which is made if there is any. A content never changes under its name, so that what a
/// running server has meanwhile added or removed makes no half copies.
///
/// # Errors
/// The operating system's; what was copied stays.
pub fn copy_contents(from: &Path, to: &Path, hashes: &[ContentHash]) -> io::Result<CopiedContents> {
    let (from, to) = (Contents::at(from), Contents::at(to));
    let mut copied = CopiedContents::default();
    for &hash in hashes {
        let mut content = match File::open(from.path_of(hash)) {
            Ok(content) => content,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                copied.missing += 1;
                continue;
            }
            Err(error) => return Err(error),
        };
        let name = to.path_of(hash);
        files::create_folder(files::folder_of(&name))?;
        let mut copy = files::create(&name)?;
        copied.bytes += io::copy(&mut content, &mut copy)?;
        copy.sync_all()?;
        copied.contents += 1;
    }
    for folder in fs::read_dir(to.folder()).into_iter().flatten().flatten() {
        files::sync_folder_of(&folder.path().join("content"))?;
    }
    Ok(copied)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contents_are_copied_as_they_are_and_what_is_not_there_is_counted() {
        let folder = tempfile::tempdir().unwrap();
        let (from, to) = (folder.path().join("from"), folder.path().join("to"));
        let hash = |number| ContentHash([number; 32]);
        for number in [1, 2] {
            let path = Contents::at(&from).path_of(hash(number));
            files::create_folder(files::folder_of(&path)).unwrap();
            fs::write(path, [number; 10]).unwrap();
        }
        let copied = copy_contents(&from, &to, &[hash(2), hash(3)]).unwrap();
        assert_eq!(copied, CopiedContents { contents: 1, bytes: 10, missing: 1 });
        assert_eq!(fs::read(Contents::at(&to).path_of(hash(2))).unwrap(), [2; 10]);
        assert!(!Contents::at(&to).path_of(hash(1)).exists(), "nobody has asked for it");
        assert_eq!(copy_contents(&from, &folder.path().join("none"), &[]).unwrap(), CopiedContents::default());
        assert!(!folder.path().join("none").exists());
    }
}
