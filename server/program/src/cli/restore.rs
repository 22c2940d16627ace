//! `belfry restore`: a backup put back into the data folder of a server that is stopped.

use std::path::PathBuf;

use crate::config;
use crate::ending::{Ending, Outcome};
use crate::output;

/// What `belfry restore` can be told.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// What `belfry backup` has made; the identity key lies beside it, as FILE.key
    file: PathBuf,
    /// The server's data folder [default: the platform's own]
    #[arg(long, env = "BELFRY_DATA", value_name = "DIR", value_hint = clap::ValueHint::DirPath)]
    data: Option<String>,
}

pub(crate) fn run(args: &Args) -> Outcome {
    let data = config::data_folder(args.data.as_deref().unwrap_or_default())?;
    let stamp = jiff::Zoned::now().strftime("%Y-%m-%d-%H%M%S").to_string();
    let restored = belfry_server::restore(&args.file, &data, &stamp).map_err(Ending::refused)?;
    let accounts = if restored.accounts == 1 { "1 account".to_owned() } else { format!("{} accounts", restored.accounts) };
    output::line(format_args!("{accounts} and the identity from {} are in {}", args.file.display(), data.display()))?;
    if let Some(before) = restored.before {
        output::line(format_args!("what was there before is in {}", before.display()))?;
    }
    Ok(())
}
