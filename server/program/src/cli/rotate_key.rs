//! `belfry rotate-key`: a new identity for the server of this computer.

use belfry_core::net::InWords;
use belfry_core::net::{Clock, os_seed};
use belfry_core::rng::from_seed;
use belfry_server::identity::{DataError, DataFolder, Planned};
use belfry_server::store::Lock;

use crate::config;
use crate::ending::{Ending, Outcome};
use crate::{output, sentence};

/// What `belfry rotate-key` can be told.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The server's data folder [default: the platform's own]
    #[arg(long, env = "BELFRY_DATA", value_name = "DIR", value_hint = clap::ValueHint::DirPath)]
    data: Option<String>,
    /// Also when that pushes out a key that clients may still know
    #[arg(long)]
    yes: bool,
    /// The identity is lost: make another one, which no client knows
    #[arg(long, conflicts_with = "yes")]
    lost: bool,
}

pub(crate) fn run(args: &Args) -> Outcome {
    let seed = os_seed().map_err(|error| Ending::refused(format_args!("This computer gives no random numbers: {}.", InWords(&error))))?;
    let (mut rng, now) = (from_seed(seed), Clock::start().now().wall);
    let path = config::data_folder(args.data.as_deref().unwrap_or_default())?;
    let folder = DataFolder::existing(&path).map_err(Ending::refused)?;
    if args.lost {
        if !folder.database().exists() {
            return Err(Ending::refused(DataError::NoHouse { path }));
        }
        // A server that runs has the identity still, in its memory.
        let _lock = Lock::take(&folder.database()).map_err(Ending::refused)?;
        let made = folder.make_identity(&mut rng, now).map_err(Ending::refused)?;
        output::line(made.present.public())?;
        sentence::complain("no client knows this key: give everybody the link that the server prints at its start");
        return Ok(());
    }
    let Planned { key, replaced, pushed_out } = folder.rotate_identity(&mut rng, now, args.yes).map_err(Ending::refused)?;
    output::line(key)?;
    if let Some(replaced) = replaced {
        sentence::complain(&format!("the key {replaced} was dropped: no server has used it, and nobody knows it"));
    }
    if let Some(pushed_out) = pushed_out {
        sentence::complain(&format!("clients that know only the key {pushed_out} cannot follow after the next start"));
    }
    sentence::complain("restart the server to use this key; clients that know the one until then are told, for 30 days");
    Ok(())
}
