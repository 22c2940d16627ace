//! `belfry backup`: a copy of the database of the server on this computer, while it runs, and of its identity.

use std::path::PathBuf;

use belfry_server::files;
use belfry_server::identity::DataFolder;
use belfry_server::store;

use crate::config;
use crate::ending::{Ending, Outcome};
use crate::output;

/// What `belfry backup` can be told.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The new file; the identity key goes beside it, as FILE.key
    file: PathBuf,
    /// The server's data folder [default: the platform's own]
    #[arg(long, env = "BELFRY_DATA", value_name = "DIR", value_hint = clap::ValueHint::DirPath)]
    data: Option<String>,
}

pub(crate) fn run(args: &Args) -> Outcome {
    let path = config::data_folder(args.data.as_deref().unwrap_or_default())?;
    let folder = DataFolder::existing(&path).map_err(Ending::refused)?;
    let key = files::beside(&args.file, ".key");
    if let Some(there) = [&args.file, &key].into_iter().find(|path| path.symlink_metadata().is_ok()) {
        return Err(Ending::refused(format_args!("{} exists already: name a new file.", there.display())));
    }
    // The small one first: a backup that can be seen is complete.
    folder.copy_identity(&key).map_err(Ending::refused)?;
    let bytes = store::copy(&folder.database(), &args.file).map_err(|error| {
        let _ = std::fs::remove_file(&key);
        Ending::refused(error)
    })?;
    output::line(format_args!("{} bytes in {}, the identity in {}", bytes, args.file.display(), key.display()))
}
