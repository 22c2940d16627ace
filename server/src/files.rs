//! Making files: the one place where this program makes a file or a folder.
//!
//! What is made is for its owner alone from its first moment, is made exclusively and through no link, and belongs to whoever the thing
//! that it replaces belonged to, or else to the owner of the folder it lies in: an administrator who runs a command as root leaves
//! nothing behind that the server's own user cannot read. A link that leads nowhere is never taken for nothing.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

pub use belfry_core::disk::{beside, folder_of, put_in_place, sync_folder_of};
// What the system says of a file, for a sentence about it.
pub use belfry_core::net::InWords;

/// A command waits so long for another one that writes the same file, which takes milliseconds.
pub const LOCK_PATIENCE: Duration = Duration::from_secs(5);

/// How often it looks.
const LOCK_INTERVAL: Duration = Duration::from_millis(10);

/// So many links are followed one after the other.
const LINKS_MAX: usize = 16;

/// A new file that has its name when it is complete and on the disk. Until then it is called `NAME.unfinished-…`, with a number that nobody
/// else uses, so one that a killed process has left stands in nobody's way. Dropped unfinished, it is gone.
#[derive(Debug)]
pub struct UnnamedFile {
    path: PathBuf,
    name: PathBuf,
}

impl UnnamedFile {
    /// Makes it, for its owner alone.
    ///
    /// # Errors
    /// [`io::ErrorKind::AlreadyExists`] where there is anything of that name, also a link that leads nowhere; the operating system's.
    pub fn create(name: &Path) -> io::Result<Self> {
        if fs::symlink_metadata(name).is_ok() {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        let number = getrandom::u32().unwrap_or_default();
        // SQLite is told to follow no link, also none before the last part.
        let real = folder_of(name).canonicalize()?.join(name.file_name().unwrap_or_default());
        let path = beside(&real, &format!(".unfinished-{number:08x}"));
        create(&path)?;
        Ok(Self { path, name: name.to_owned() })
    }

    /// Where it is until it has its name.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Gives it its name; says how many bytes it has.
    ///
    /// # Errors
    /// Somebody has put something there meanwhile; the operating system's. Then the file is gone.
    pub fn finish(self) -> io::Result<u64> {
        // Windows waits for the disk only where one may write.
        let file = File::options().read(true).write(true).open(&self.path)?;
        file.sync_all()?;
        let bytes = file.metadata()?.len();
        drop(file);
        put_in_place(&self.path, &self.name)?;
        Ok(bytes)
    }
}

impl Drop for UnnamedFile {
    fn drop(&mut self) {
        // Where it has been renamed there is nothing left.
        let _ = fs::remove_file(&self.path);
    }
}

/// Makes a file that was not there, for its owner alone.
///
/// # Errors
/// [`io::ErrorKind::AlreadyExists`] where there is anything of that name, also a link that leads nowhere; the operating system's.
pub fn create(path: &Path) -> io::Result<File> {
    let file = exclusively(path)?;
    let given = give(&file, owner_of_folder(path)).map(|()| file);
    given.inspect_err(|_| drop(fs::remove_file(path)))
}

/// Opens a file for reading and writing, or makes it as [`create`] does.
///
/// # Errors
/// The operating system's.
pub fn open_or_create(path: &Path) -> io::Result<File> {
    let open = || File::options().read(true).write(true).open(path);
    match open() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => match create(path) {
            // Somebody else was quicker. A link that leads nowhere stays one.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => open(),
            made => made,
        },
        opened => opened,
    }
}

/// Opens or makes a file and locks it, and waits so long at most for whoever has it: a program that stands still must not stop others.
///
/// # Errors
/// [`io::ErrorKind::ResourceBusy`]: somebody has it still; the operating system's.
pub fn lock(path: &Path, patience: Duration) -> io::Result<File> {
    let file = open_or_create(path)?;
    let end = Instant::now() + patience;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) if Instant::now() < end => std::thread::sleep(LOCK_INTERVAL),
            Err(TryLockError::WouldBlock) => return Err(io::ErrorKind::ResourceBusy.into()),
            Err(TryLockError::Error(error)) => return Err(error),
        }
    }
}

/// Puts a new file in the place of the old one in one step: whoever reads, also after a power cut, has all of the old or all of the new
/// one. Owner and permissions stay as they were. A link stays, and the file that it leads to is replaced, as it was the one that was
/// read. Two at the same time have to be kept apart by a lock.
///
/// # Errors
/// The operating system's; the link leads nowhere, or was made by somebody else than this user and root: a command of root's writes
/// nowhere that the server's own user has chosen. The old file is as it was.
pub fn replace(path: &Path, content: &[u8]) -> io::Result<()> {
    let path = &behind_links(path)?;
    let unfinished = beside(path, ".new");
    // Whatever a killed command has left there, and be it a link.
    match fs::remove_file(&unfinished) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = exclusively(&unfinished)?;
    let written = (|| {
        match fs::symlink_metadata(path) {
            Ok(old) if old.is_file() => be_as(&file, &old)?,
            _ => give(&file, owner_of_folder(path))?,
        }
        file.write_all(content)?;
        file.sync_all()?;
        drop(file);
        fs::rename(&unfinished, path)?;
        sync_folder_of(path)
    })();
    written.inspect_err(|_| drop(fs::remove_file(&unfinished)))
}

/// The file that a path means: itself, or what its links lead to.
fn behind_links(path: &Path) -> io::Result<PathBuf> {
    let mut at = path.to_owned();
    for _ in 0..LINKS_MAX {
        match fs::symlink_metadata(&at) {
            Ok(found) if !found.is_symlink() => return Ok(at),
            Ok(_) if !is_own(&at)? => {
                return Err(io::Error::other("it is a link that another user has made; do this as that user"));
            }
            Ok(_) => at = folder_of(&at).join(fs::read_link(&at)?),
            Err(error) if error.kind() == io::ErrorKind::NotFound && at == path => return Ok(at),
            Err(error) => return Err(error),
        }
    }
    Err(io::Error::other("its links lead in a circle"))
}

/// The link that keeps a thing from being there, with where it leads: the thing itself, or a folder above it.
pub fn leads_nowhere(path: &Path) -> Option<(PathBuf, PathBuf)> {
    let link = path.ancestors().find(|part| part.symlink_metadata().is_ok())?;
    if link.exists() {
        return None;
    }
    Some((link.to_owned(), fs::read_link(link).ok()?))
}

/// Makes a folder that only its owner may enter, with those above it; one that exists stays as it is.
///
/// # Errors
/// The operating system's.
pub fn create_folder(path: &Path) -> io::Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    if let Some(above) = path.parent().filter(|above| !above.as_os_str().is_empty()) {
        create_folder(above)?;
    }
    match private_folder().create(path) {
        Ok(()) => give_folder(path),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && path.is_dir() => Ok(()),
        Err(error) => Err(error),
    }
}

/// The path as SQLite takes it for a path: without a folder before them, names such as `file:x` and `:memory:` mean something else to it.
pub fn for_sqlite(path: &Path) -> PathBuf {
    if path.is_absolute() { path.to_owned() } else { Path::new(".").join(path) }
}

/// Files of these, and folders, that others than their owner may read, write or enter, with their permissions.
pub fn open_to_others<'a>(paths: impl IntoIterator<Item = &'a Path>) -> Vec<(&'a Path, u32)> {
    paths.into_iter().filter_map(|path| Some((path, permissions_of_others(path)?))).collect()
}

#[cfg(unix)]
fn permissions_of_others(path: &Path) -> Option<u32> {
    use std::os::unix::fs::PermissionsExt as _;
    let mode = fs::metadata(path).ok()?.permissions().mode() & 0o777;
    (mode & 0o077 != 0).then_some(mode)
}

/// Windows' folders hand their access lists on to what is in them; the installer has set the data folder's.
#[cfg(not(unix))]
fn permissions_of_others(_path: &Path) -> Option<u32> {
    None
}

fn exclusively(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    // What is there already, a link too, is an error of its own.
    options.create_new(true).read(true).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

#[cfg(unix)]
fn private_folder() -> fs::DirBuilder {
    let mut builder = fs::DirBuilder::new();
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder
}

#[cfg(not(unix))]
fn private_folder() -> fs::DirBuilder {
    fs::DirBuilder::new()
}

/// User and group.
type Owner = (u32, u32);

#[cfg(unix)]
fn owner_of_folder(path: &Path) -> Option<Owner> {
    use std::os::unix::fs::MetadataExt as _;
    fs::metadata(folder_of(path)).ok().map(|folder| (folder.uid(), folder.gid()))
}

/// Only root can give a file away; everybody else's are their own, wherever they lie.
#[cfg(unix)]
fn give(file: &File, owner: Option<Owner>) -> io::Result<()> {
    use std::os::unix::fs::MetadataExt as _;
    let made = file.metadata()?;
    match owner {
        Some((user, group)) if made.uid() == 0 && (user, group) != (made.uid(), made.gid()) => {
            std::os::unix::fs::fchown(file, Some(user), Some(group))
        }
        _ => Ok(()),
    }
}

/// Whether the link was made by the user whose process this is, or by root.
#[cfg(unix)]
fn is_own(link: &Path) -> io::Result<bool> {
    use std::os::unix::fs::MetadataExt as _;
    let user = fs::symlink_metadata(link)?.uid();
    Ok(user == 0 || user == nix::unistd::geteuid().as_raw())
}

/// Only administrators make links here.
#[cfg(not(unix))]
fn is_own(_link: &Path) -> io::Result<bool> {
    Ok(true)
}

#[cfg(unix)]
fn give_folder(path: &Path) -> io::Result<()> {
    give(&File::open(path)?, owner_of_folder(path))
}

#[cfg(unix)]
fn be_as(file: &File, old: &fs::Metadata) -> io::Result<()> {
    use std::os::unix::fs::MetadataExt as _;
    give(file, Some((old.uid(), old.gid())))?;
    file.set_permissions(old.permissions())
}

#[cfg(not(unix))]
fn owner_of_folder(_path: &Path) -> Option<Owner> {
    None
}

/// A file of Windows has its owner's and its folder's rights.
#[cfg(not(unix))]
fn give(_file: &File, _owner: Option<Owner>) -> io::Result<()> {
    Ok(())
}

/// Windows opens no folder as a file.
#[cfg(not(unix))]
fn give_folder(_path: &Path) -> io::Result<()> {
    Ok(())
}

#[cfg(not(unix))]
fn be_as(_file: &File, _old: &fs::Metadata) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_whole_also_after_a_killed_command() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys");
        fs::write(beside(&path, ".new"), "half").unwrap();
        replace(&path, b"first").unwrap();
        replace(&path, b"second").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "second");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn whoever_keeps_a_lock_keeps_others_only_so_long() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lock");
        let held = lock(&path, Duration::ZERO).unwrap();
        assert_eq!(lock(&path, Duration::ZERO).unwrap_err().kind(), io::ErrorKind::ResourceBusy);
        drop(held);
        lock(&path, Duration::ZERO).unwrap();
    }

    #[test]
    fn what_is_there_is_not_made_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("precious");
        fs::write(&path, "precious").unwrap();
        assert_eq!(create(&path).unwrap_err().kind(), io::ErrorKind::AlreadyExists);
        open_or_create(&path).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "precious");
    }

    #[test]
    fn names_that_mean_something_to_sqlite_are_paths() {
        for name in ["file:x", "file:x?mode=memory", ":memory:", "a?b%20c", ""] {
            let path = for_sqlite(Path::new(name));
            assert!(path.starts_with("."), "{path:?}");
            assert_eq!(path.file_name().unwrap_or_default(), name);
        }
    }

    #[cfg(unix)]
    mod on_unix {
        use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown, symlink};

        use super::super::*;

        /// Of no account.
        const SOMEBODY: u32 = 64_123;

        fn mode(path: &Path) -> u32 {
            fs::metadata(path).unwrap().permissions().mode() & 0o777
        }

        fn owner(path: &Path) -> (u32, u32) {
            let metadata = fs::metadata(path).unwrap();
            (metadata.uid(), metadata.gid())
        }

        /// A folder of somebody else's, or `None` where one cannot be made.
        fn of_somebody() -> Option<tempfile::TempDir> {
            let folder = tempfile::tempdir().unwrap();
            if chown(folder.path(), Some(SOMEBODY), Some(SOMEBODY)).is_err() {
                println!("SKIPPED: only root can make a folder of somebody else's");
                return None;
            }
            Some(folder)
        }

        #[test]
        fn no_link_is_followed() {
            let folder = tempfile::tempdir().unwrap();
            let (elsewhere, link) = (folder.path().join("elsewhere"), folder.path().join("link"));
            symlink(&elsewhere, &link).unwrap();
            assert_eq!(create(&link).unwrap_err().kind(), io::ErrorKind::AlreadyExists);
            assert!(open_or_create(&link).is_err());
            fs::write(&elsewhere, "precious").unwrap();
            symlink(&elsewhere, beside(&folder.path().join("keys"), ".new")).unwrap();
            replace(&folder.path().join("keys"), b"new").unwrap();
            assert_eq!(fs::read_to_string(&elsewhere).unwrap(), "precious");
        }

        #[test]
        fn a_link_stays_and_the_file_that_it_leads_to_is_replaced() {
            let folder = tempfile::tempdir().unwrap();
            let [file, near, far] = ["kept/file", "kept/near", "far"].map(|name| folder.path().join(name));
            create_folder(&folder.path().join("kept")).unwrap();
            symlink("file", &near).unwrap();
            symlink("kept/near", &far).unwrap();
            assert_eq!(replace(&far, b"new").unwrap_err().kind(), io::ErrorKind::NotFound);
            assert_eq!(leads_nowhere(&far.join("below")), Some((far.clone(), "kept/near".into())));
            fs::write(&file, "old").unwrap();
            fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
            replace(&far, b"new").unwrap();
            assert_eq!((fs::read_to_string(&file).unwrap(), mode(&file)), ("new".to_owned(), 0o640));
            assert!(far.is_symlink() && near.is_symlink());
            assert_eq!(leads_nowhere(&far), None);
            let circle = folder.path().join("circle");
            symlink("circle", &circle).unwrap();
            assert!(replace(&circle, b"new").is_err());
        }

        #[test]
        fn root_writes_nowhere_that_somebody_elses_link_leads() {
            let Some(folder) = of_somebody() else { return };
            let (precious, link) = (folder.path().join("precious"), folder.path().join("link"));
            fs::write(&precious, "precious").unwrap();
            symlink(&precious, &link).unwrap();
            std::os::unix::fs::lchown(&link, Some(SOMEBODY), Some(SOMEBODY)).unwrap();
            assert!(replace(&link, b"new").unwrap_err().to_string().contains("another user"));
            assert_eq!(fs::read_to_string(&precious).unwrap(), "precious");
        }

        #[test]
        fn what_is_made_is_for_its_owner_alone_and_what_is_replaced_keeps_its_permissions() {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("deep/er/file");
            create_folder(path.parent().unwrap()).unwrap();
            create(&path).unwrap();
            assert_eq!([path.parent().unwrap(), path.parent().unwrap().parent().unwrap(), &path].map(mode), [0o700, 0o700, 0o600]);
            fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
            replace(&path, b"x").unwrap();
            assert_eq!(mode(&path), 0o640);
            assert_eq!(open_to_others([path.as_path(), path.parent().unwrap()]), [(path.as_path(), 0o640)]);
        }

        #[test]
        fn what_root_makes_in_somebodys_folder_is_theirs() {
            let Some(folder) = of_somebody() else { return };
            let [made, opened, replaced, deep] = ["made", "opened", "replaced", "deep/er"].map(|name| folder.path().join(name));
            create(&made).unwrap();
            open_or_create(&opened).unwrap();
            replace(&replaced, b"x").unwrap();
            create_folder(&deep).unwrap();
            for path in [&made, &opened, &replaced, &deep, &folder.path().join("deep")] {
                assert_eq!(owner(path), (SOMEBODY, SOMEBODY), "{path:?}");
            }
        }

        #[test]
        fn what_root_replaces_stays_whose_it_was() {
            let Some(folder) = of_somebody() else { return };
            let path = folder.path().join("file");
            fs::write(&path, "old").unwrap();
            chown(&path, Some(SOMEBODY + 1), Some(SOMEBODY + 2)).unwrap();
            replace(&path, b"new").unwrap();
            assert_eq!(owner(&path), (SOMEBODY + 1, SOMEBODY + 2));
        }
    }
}
