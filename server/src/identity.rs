//! The data folder: the server's identity key in it, and the first administrator.

use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use belfry_core::chat::{InvalidText, Password};
use belfry_core::crypto::{KeyPair, PublicKey};
use belfry_core::limits::IDENTITIES_MAX;
use belfry_core::rng::{self, Rng};
use belfry_core::time::UnixMillis;
use zeroize::Zeroizing;

const IDENTITY_FILE: &str = "identity.key";
const DATABASE_FILE: &str = "belfry.db";

/// Letters that look like no other, for passwords that are copied from one screen to another by hand.
const LETTERS: &[u8] = b"abcdefghjkmnpqrstuvwxyz23456789";

/// Letters of a generated password: 20 of 31 are 99 bits.
const PASSWORD_LETTERS: usize = 20;

/// An identity file's length at most: four lines with 64 digits, a word and a time.
const IDENTITY_BYTES_MAX: u64 = 512;

/// How long a retired key is accepted: a laptop on a long leave comes back and is told the new one.
const RETIRED_KEY_MILLIS: u64 = 30 * 24 * 60 * 60 * 1000;

/// Why the data folder cannot be used; each displays as a sentence that says what to do.
#[derive(Debug)]
pub enum DataError {
    /// It cannot be made, read or written.
    Folder {
        /// Which file or folder.
        path: PathBuf,
        /// What the operating system says.
        error: io::Error,
    },
    /// The identity file is not one.
    Identity {
        /// Which file.
        path: PathBuf,
    },
}

impl fmt::Display for DataError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Folder { path, error } => {
                write!(
                    f,
                    "{} cannot be used: {error}. Make it writable for this user, or choose another folder with --data.",
                    path.display()
                )
            }
            Self::Identity { path } => write!(
                f,
                "The identity key in {} is damaged. Restore it from a backup; without it every client takes this server for an impostor.",
                path.display()
            ),
        }
    }
}

impl std::error::Error for DataError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Folder { error, .. } => Some(error),
            Self::Identity { .. } => None,
        }
    }
}

/// The server's identities.
#[derive(Debug)]
pub struct Identities {
    /// The one that it has.
    pub present: KeyPair,
    /// Those that it had and that clients may still know, newest first.
    pub retired: Vec<KeyPair>,
}

/// What the identity file holds: the present key, and the retired ones with when that was.
struct Keys {
    present: KeyPair,
    retired: Vec<(KeyPair, UnixMillis)>,
}

impl Keys {
    fn accepted(self, now: UnixMillis) -> Identities {
        let retired = self.retired.into_iter().filter(|&(_, at)| is_accepted(at, now)).map(|(key, _)| key).collect();
        Identities { present: self.present, retired }
    }
}

/// Whether a key that was retired then still opens the door.
const fn is_accepted(at: UnixMillis, now: UnixMillis) -> bool {
    now.0 < at.0.saturating_add(RETIRED_KEY_MILLIS)
}

/// Where the server keeps what must survive it. Two servers in one folder are kept apart by the store's lock.
#[derive(Debug)]
pub struct DataFolder {
    path: PathBuf,
}

impl DataFolder {
    /// The folder at `path`, which is made if it is not there (on Unix for this user only).
    ///
    /// # Errors
    /// [`DataError::Folder`].
    pub fn open(path: &Path) -> Result<Self, DataError> {
        make_private_folder(path).map_err(|error| folder_error(path, error))?;
        Ok(Self { path: path.to_owned() })
    }

    /// Where the database is.
    pub fn database(&self) -> PathBuf {
        self.path.join(DATABASE_FILE)
    }

    /// The server's identities: the stored ones, or a new one on the first start. A damaged file is left as it is.
    ///
    /// # Errors
    /// [`DataError::Folder`] and [`DataError::Identity`].
    pub fn identities(&self, rng: &mut Rng, now: UnixMillis) -> Result<Identities, DataError> {
        let path = self.path.join(IDENTITY_FILE);
        match read_identities(&path) {
            Ok(Some(keys)) => Ok(keys.accepted(now)),
            Ok(None) => Err(DataError::Identity { path }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let keys = Keys { present: KeyPair::generate(rng), retired: Vec::new() };
                self.write_identities(&keys).map_err(|error| folder_error(&path, error))?;
                Ok(keys.accepted(now))
            }
            Err(error) => Err(folder_error(&path, error)),
        }
    }

    /// Gives the server a new identity from its next start on; clients that know the old one are told the new one for 30 days.
    ///
    /// # Errors
    /// [`DataError::Folder`], also when there is no identity yet, and [`DataError::Identity`].
    pub fn rotate_identity(&self, rng: &mut Rng, now: UnixMillis) -> Result<PublicKey, DataError> {
        let path = self.path.join(IDENTITY_FILE);
        let keys = read_identities(&path).map_err(|error| folder_error(&path, error))?;
        let mut keys = keys.ok_or_else(|| DataError::Identity { path: path.clone() })?;
        keys.retired.retain(|&(_, at)| is_accepted(at, now));
        keys.retired.insert(0, (std::mem::replace(&mut keys.present, KeyPair::generate(rng)), now));
        keys.retired.truncate(IDENTITIES_MAX - 1);
        self.write_identities(&keys).map_err(|error| folder_error(&path, error))?;
        Ok(keys.present.public())
    }

    /// Copies the identities to a new file that only this user may read.
    ///
    /// # Errors
    /// [`DataError::Folder`], also when there is no identity yet or something at `to` already, and [`DataError::Identity`].
    pub fn copy_identity(&self, to: &Path) -> Result<(), DataError> {
        let path = self.path.join(IDENTITY_FILE);
        let keys = read_identities(&path).map_err(|error| folder_error(&path, error))?;
        let keys = keys.ok_or(DataError::Identity { path })?;
        let write = || {
            let mut options = OpenOptions::new();
            options.create_new(true).write(true);
            only_ours(&mut options);
            let mut file = options.open(to)?;
            file.write_all(written(&keys).as_bytes())?;
            file.sync_all()
        };
        write().map_err(|error| folder_error(to, error))
    }

    /// Whatever happens meanwhile, the file is not there or it is whole.
    fn write_identities(&self, keys: &Keys) -> io::Result<()> {
        let unfinished = self.path.join("identity.key.new");
        match fs::remove_file(&unfinished) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut options = OpenOptions::new();
        options.create_new(true).write(true);
        only_ours(&mut options);
        let mut file = options.open(&unfinished)?;
        file.write_all(written(keys).as_bytes())?;
        file.sync_all()?;
        drop(file);
        fs::rename(&unfinished, self.path.join(IDENTITY_FILE))?;
        sync_folder(&self.path)
    }
}

fn folder_error(path: &Path, error: io::Error) -> DataError {
    DataError::Folder { path: path.to_owned(), error }
}

/// The present key as 64 hexadecimal digits in a line; below it the retired ones, each with its last day in milliseconds of Unix time.
fn written(keys: &Keys) -> Zeroizing<String> {
    let mut text = Zeroizing::new(String::with_capacity(IDENTITY_BYTES_MAX as usize));
    let digits = |text: &mut String, key: &KeyPair| {
        for byte in key.private() {
            for half in [byte >> 4, byte & 15] {
                text.push(char::from_digit(u32::from(half), 16).unwrap_or('0'));
            }
        }
    };
    digits(&mut text, &keys.present);
    text.push('\n');
    for (key, at) in &keys.retired {
        digits(&mut text, key);
        text.push_str(&format!(" retired {}\n", at.0));
    }
    text
}

/// `None` when the file does not hold keys.
fn read_identities(path: &Path) -> io::Result<Option<Keys>> {
    let mut content = Zeroizing::new(String::with_capacity(IDENTITY_BYTES_MAX as usize));
    match File::open(path)?.take(IDENTITY_BYTES_MAX).read_to_string(&mut content) {
        Err(error) if error.kind() == io::ErrorKind::InvalidData => return Ok(None),
        other => other?,
    };
    let mut lines = content.lines();
    let Some(present) = lines.next().and_then(|line| read_key(line.trim())) else { return Ok(None) };
    let retired = lines.map(|line| {
        let (key, at) = line.split_once(" retired ")?;
        Some((read_key(key)?, UnixMillis(at.trim().parse().ok()?)))
    });
    Ok(retired.collect::<Option<_>>().map(|retired| Keys { present, retired }))
}

fn read_key(digits: &str) -> Option<KeyPair> {
    let mut private = Zeroizing::new([0; 32]);
    if digits.len() != 2 * private.len() {
        return None;
    }
    for (byte, pair) in private.iter_mut().zip(digits.as_bytes().chunks_exact(2)) {
        for &digit in pair {
            *byte = (*byte << 4) | u8::try_from(char::from(digit).to_digit(16)?).ok()?;
        }
    }
    Some(KeyPair::from_private(private))
}

#[cfg(unix)]
fn make_private_folder(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    fs::DirBuilder::new().recursive(true).mode(0o700).create(path)
}

#[cfg(not(unix))]
fn make_private_folder(path: &Path) -> io::Result<()> {
    fs::create_dir_all(path)
}

#[cfg(unix)]
fn only_ours(options: &mut OpenOptions) {
    use std::os::unix::fs::OpenOptionsExt;
    options.mode(0o600);
}

/// The folders of a Windows profile are their user's already.
#[cfg(not(unix))]
fn only_ours(_options: &mut OpenOptions) {}

/// A rename is on the disk when its folder is.
#[cfg(unix)]
fn sync_folder(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

/// Windows offers no such thing for folders, and NTFS logs its renames.
#[cfg(not(unix))]
fn sync_folder(_path: &Path) -> io::Result<()> {
    Ok(())
}

/// A password for somebody who gave none: 20 letters in groups of five, none of which looks like another.
///
/// # Errors
/// None in fact: it is neither empty nor too long.
pub fn generate_password(rng: &mut Rng) -> Result<Password, InvalidText> {
    let mut password = Zeroizing::new(String::with_capacity(PASSWORD_LETTERS + PASSWORD_LETTERS / 5));
    for n in 0..PASSWORD_LETTERS {
        if n > 0 && n % 5 == 0 {
            password.push('-');
        }
        let index = usize::try_from(rng::below(rng, LETTERS.len() as u64)).unwrap_or(0);
        password.push(LETTERS.get(index).map_or('a', |&letter| char::from(letter)));
    }
    Password::new(password.as_str())
}

#[cfg(test)]
mod tests {
    use belfry_core::rng::from_seed;

    use super::*;

    const NOW: UnixMillis = UnixMillis(1_800_000_000_000);

    fn folder() -> (tempfile::TempDir, DataFolder) {
        let temporary = tempfile::tempdir().unwrap();
        let folder = DataFolder::open(&temporary.path().join("new").join("data")).unwrap();
        (temporary, folder)
    }

    #[test]
    fn the_identity_is_made_once_and_read_from_then_on() {
        let (_temporary, folder) = folder();
        let made = folder.identities(&mut from_seed([1; 32]), NOW).unwrap().present.public();
        assert_eq!(folder.identities(&mut from_seed([2; 32]), NOW).unwrap().present.public(), made);
    }

    #[test]
    fn a_damaged_identity_is_refused_and_kept() {
        let (_temporary, folder) = folder();
        let path = folder.path.join(IDENTITY_FILE);
        for damaged in ["", "00", &"g".repeat(64), &"0".repeat(63), &"0".repeat(100), &format!("{}\nrest", "0".repeat(64))] {
            fs::write(&path, damaged).unwrap();
            assert!(matches!(folder.identities(&mut from_seed([1; 32]), NOW), Err(DataError::Identity { .. })), "{damaged:?}");
            assert_eq!(fs::read_to_string(&path).unwrap(), damaged);
        }
    }

    #[test]
    fn a_new_identity_leaves_the_old_one_accepted_for_thirty_days() {
        let (_temporary, folder) = folder();
        let mut rng = from_seed([1; 32]);
        let old = folder.identities(&mut rng, NOW).unwrap().present.public();
        let new = folder.rotate_identity(&mut rng, NOW).unwrap();
        let at = |millis| folder.identities(&mut from_seed([9; 32]), UnixMillis(NOW.0 + millis)).unwrap();
        assert_eq!(at(0).present.public(), new);
        assert_eq!(at(RETIRED_KEY_MILLIS - 1).retired.iter().map(KeyPair::public).collect::<Vec<_>>(), [old]);
        assert!(at(RETIRED_KEY_MILLIS).retired.is_empty());
        for _ in 0..IDENTITIES_MAX {
            folder.rotate_identity(&mut rng, NOW).unwrap();
        }
        assert_eq!(at(0).retired.len(), IDENTITIES_MAX - 1);
    }

    #[test]
    fn an_identity_whose_writing_was_interrupted_is_made_anew() {
        let (_temporary, folder) = folder();
        fs::write(folder.path.join("identity.key.new"), "half").unwrap();
        assert!(folder.identities(&mut from_seed([1; 32]), NOW).is_ok());
    }

    #[test]
    fn a_folder_that_cannot_be_made_is_explained() {
        let temporary = tempfile::tempdir().unwrap();
        let file = temporary.path().join("file");
        fs::write(&file, "").unwrap();
        let error = DataFolder::open(&file.join("data")).unwrap_err();
        assert!(error.to_string().contains("choose another folder with --data."), "{error}");
    }

    #[cfg(unix)]
    #[test]
    fn nobody_else_can_read_the_folder_or_the_key() {
        use std::os::unix::fs::PermissionsExt;
        let (_temporary, folder) = folder();
        folder.identities(&mut from_seed([1; 32]), NOW).unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&folder.path), 0o700);
        assert_eq!(mode(&folder.path.join(IDENTITY_FILE)), 0o600);
    }

    #[test]
    fn generated_passwords_are_long_and_differ() {
        let mut rng = from_seed([1; 32]);
        let one = generate_password(&mut rng).unwrap();
        assert_eq!(one.as_str().chars().filter(|c| c.is_ascii_alphanumeric()).count(), PASSWORD_LETTERS);
        assert_ne!(one, generate_password(&mut rng).unwrap());
    }
}
