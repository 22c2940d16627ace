//! `belfry rotate-key`: a new identity for the server of this computer.

use belfry_core::net::{Clock, os_seed};
use belfry_core::rng::from_seed;
use belfry_server::identity::DataFolder;

use super::output;
use super::{Ending, Outcome};
use crate::config;

/// What `belfry rotate-key` can be told.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The server's data folder [default: the platform's own]
    #[arg(long, env = "BELFRY_DATA", value_name = "DIR")]
    data: Option<String>,
}

pub(crate) fn run(args: &Args) -> Outcome {
    let seed = os_seed().map_err(|error| Ending::refused(format_args!("This computer gives no random numbers: {error}.")))?;
    let folder = DataFolder::open(&config::data_folder(args.data.as_deref().unwrap_or_default())?).map_err(Ending::refused)?;
    let key = folder.rotate_identity(&mut from_seed(seed), Clock::start().now().wall).map_err(Ending::refused)?;
    output::line(key)?;
    output::complain("restart the server to use this key; clients that know the old one are told, for 30 days");
    Ok(())
}
