//! Names of files, and how a file is given one that nothing has.

use std::fs;
#[cfg(unix)]
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

/// Gives a file its name, which nothing has, and waits until that is on the disk. Both are in the same folder.
///
/// # Errors
/// [`io::ErrorKind::AlreadyExists`] where there is anything of that name, also a link that leads nowhere; the operating system's.
pub fn put_in_place(unnamed: &Path, name: &Path) -> io::Result<()> {
    // Not `rename`, which would replace what is there.
    match fs::hard_link(unnamed, name) {
        Ok(()) => fs::remove_file(unnamed)?,
        Err(_) if fs::symlink_metadata(name).is_ok() => return Err(io::ErrorKind::AlreadyExists.into()),
        // A file system without links.
        Err(_) => fs::rename(unnamed, name)?,
    }
    sync_folder_of(name)
}

/// Waits until what was renamed, made or removed beside this file is on the disk.
///
/// # Errors
/// The operating system's.
#[cfg(unix)]
pub fn sync_folder_of(path: &Path) -> io::Result<()> {
    File::open(folder_of(path))?.sync_all()
}

/// Windows offers no such thing for folders, and NTFS logs its renames.
///
/// # Errors
/// None.
#[cfg(not(unix))]
pub fn sync_folder_of(_path: &Path) -> io::Result<()> {
    Ok(())
}

/// A file of the same name with this ending behind it.
pub fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_os_string();
    name.push(ending);
    name.into()
}

/// The folder that something of this path lies in.
pub fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."))
}
