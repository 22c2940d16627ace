//! `belfry backup`: a copy of the database of the server on this computer, while it runs, and of its identity.

use std::path::{Path, PathBuf};

use belfry_server::contents::copy_contents;
use belfry_server::files;
use belfry_server::identity::{DataError, DataFolder};
use belfry_server::store;

use crate::config;
use crate::ending::{Ending, Outcome};
use crate::output;

/// What `belfry backup` can be told.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The new file; the identity key goes beside it, as FILE.key, and what files hold, as the folder FILE.files
    file: PathBuf,
    /// The server's data folder [default: the platform's own]
    #[arg(long, env = "BELFRY_DATA", value_name = "DIR", value_hint = clap::ValueHint::DirPath)]
    data: Option<String>,
}

pub(crate) fn run(args: &Args) -> Outcome {
    let path = config::data_folder(args.data.as_deref().unwrap_or_default())?;
    let folder = DataFolder::existing(&path).map_err(Ending::refused)?;
    let key = files::beside(&args.file, ".key");
    let is_there = |path: &Path| path.symlink_metadata().is_ok();
    if is_there(&args.file) {
        return Err(Ending::refused(format_args!("{} exists already: name a new file.", args.file.display())));
    }
    if is_there(&key) {
        return Err(Ending::refused(format_args!(
            "{} exists already, without {}: remove it if it is left from a backup that was killed, or name a new file.",
            key.display(),
            args.file.display()
        )));
    }
    let contents = files::beside(&args.file, ".files");
    if is_there(&contents) {
        return Err(Ending::refused(format_args!(
            "{} exists already, without {}: remove it if it is left from a backup that was killed, or name a new file.",
            contents.display(),
            args.file.display()
        )));
    }
    let identity = folder.copy_identity(&key).map_err(Ending::refused)?;
    let database = store::copy(&folder.database(), &args.file).map_err(Ending::refused)?;
    let unnamed = |path: &Path, error| Ending::refused(DataError::Copy { path: path.to_owned(), error });
    let hashes = store::contents_in(database.path()).map_err(Ending::refused)?;
    let copied = copy_contents(&folder.contents(), &contents, &hashes).map_err(|error| {
        let _ = std::fs::remove_dir_all(&contents);
        unnamed(&contents, error)
    })?;
    // The key first: a backup that can be seen is complete.
    identity.finish().map_err(|error| unnamed(&key, error))?;
    let bytes = database.finish().map_err(|error| {
        let _ = std::fs::remove_file(&key);
        let _ = std::fs::remove_dir_all(&contents);
        unnamed(&args.file, error)
    })?;
    output::line(format_args!("{} bytes in {}, the identity in {}", bytes, args.file.display(), key.display()))?;
    if copied.contents > 0 {
        output::line(format_args!("what files hold, {} bytes, in {}", copied.bytes, contents.display()))?;
    }
    match copied.missing {
        0 => Ok(()),
        // What is taken back while it is copied is missing by right; the server's log says what is lost.
        missing => output::line(format_args!("of {missing} files the content was not there")),
    }
}
