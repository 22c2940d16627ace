//! The profile folder and its files, which only their owner may read.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use belfry_core::text_file;

/// The folder of this person's settings and keys, where the system wants it; `None` for somebody without a home. On Windows it does not
/// roam: the key in it is this device's own.
pub fn default_folder() -> Option<PathBuf> {
    Some(directories::ProjectDirs::from("", "", "belfry")?.config_local_dir().join("tray"))
}

/// Where this person's programs put what they fetch; `None` for somebody without a home.
pub fn downloads_folder() -> Option<PathBuf> {
    let folders = directories::UserDirs::new()?;
    let of_downloads = folders.download_dir().filter(|folder| folder.is_dir()).map(Path::to_owned);
    Some(of_downloads.unwrap_or_else(|| folders.home_dir().to_owned()))
}

/// The settings for everybody who has none yet, from the file `belfry-tray.toml` beside the program; `None` if there is none.
///
/// # Errors
/// The file cannot be read, or is no text.
pub fn beside_program() -> io::Result<Option<String>> {
    if_there(text(&std::env::current_exe()?.with_file_name("belfry-tray.toml")))
}

/// What a file says, whatever an editor has put in front of it.
fn text(path: &Path) -> io::Result<String> {
    let bytes = fs::read(path)?;
    match text_file::read(&bytes) {
        Ok(text) => Ok(text),
        Err(why) => Err(io::Error::new(io::ErrorKind::InvalidData, format!("it {why}; save it as UTF-8"))),
    }
}

fn if_there<T>(read: io::Result<T>) -> io::Result<Option<T>> {
    match read {
        Ok(content) => Ok(Some(content)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// The profile folder.
#[derive(Clone, Debug)]
pub struct Folder {
    path: PathBuf,
}

impl Folder {
    /// This folder; it is made if it is not there.
    ///
    /// # Errors
    /// The operating system does not let it be made.
    pub fn open(path: PathBuf) -> io::Result<Self> {
        let mut builder = fs::DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(&path)?;
        Ok(Self { path })
    }

    /// Its path, as it was given or found.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// A file of it, whole; `None` if there is none.
    ///
    /// # Errors
    /// The file cannot be read, or is no text.
    pub fn read(&self, name: &str) -> io::Result<Option<String>> {
        if_there(text(&self.path.join(name)))
    }

    /// Puts a new file in the place of the old one in one step: whoever reads, also after a power cut, has all of the old or all of the
    /// new one.
    ///
    /// # Errors
    /// The file cannot be written; the old one is as it was.
    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) -> io::Result<()> {
        let new = self.path.join(format!("{name}.new"));
        // What a killed program has left there may have other permissions.
        match fs::remove_file(&new) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(&new)?;
        file.write_all(content.as_ref())?;
        file.sync_all()?;
        fs::rename(&new, self.path.join(name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_whole_also_after_a_killed_program() {
        let dir = tempfile::tempdir().unwrap();
        let folder = Folder::open(dir.path().join("deep/profile")).unwrap();
        assert_eq!(folder.read("settings.toml").unwrap(), None);
        fs::write(folder.path().join("settings.toml.new"), "half").unwrap();
        folder.write("settings.toml", "first").unwrap();
        folder.write("settings.toml", "second").unwrap();
        assert_eq!(folder.read("settings.toml").unwrap().as_deref(), Some("second"));
    }

    #[test]
    fn a_file_that_somebody_has_edited_is_read_or_refused() {
        let dir = tempfile::tempdir().unwrap();
        let folder = Folder::open(dir.path().to_owned()).unwrap();
        fs::write(folder.path().join("a.toml"), "\u{feff}sounds = false\r\n").unwrap();
        assert_eq!(folder.read("a.toml").unwrap().as_deref(), Some("sounds = false\r\n"));
        fs::write(folder.path().join("a.toml"), b"\xff\xfes\0o\0").unwrap();
        assert_eq!(folder.read("a.toml").unwrap().as_deref(), Some("so"));
        fs::write(folder.path().join("a.toml"), b"s\0o\0").unwrap();
        assert!(folder.read("a.toml").unwrap_err().to_string().contains("it is no text"));
    }

    #[cfg(unix)]
    #[test]
    fn only_the_owner_may_read_it() {
        use std::os::unix::fs::PermissionsExt as _;
        let dir = tempfile::tempdir().unwrap();
        let folder = Folder::open(dir.path().join("profile")).unwrap();
        folder.write("keys.toml", "secret").unwrap();
        let mode = |path: PathBuf| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(folder.path().to_owned()), mode(folder.path().join("keys.toml"))), (0o700, 0o600));
    }
}
