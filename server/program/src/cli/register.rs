//! `belfry register`: creates the account that `--user` names.

use super::session;
use crate::config::ConnectionArgs;
use crate::ending::Outcome;
use crate::output;

#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    #[command(flatten)]
    connection: ConnectionArgs,
}

pub(crate) fn run(args: &Args) -> Outcome {
    session::with_new_account(&args.connection, |session| output::line(format_args!("registered {}", session.account())))
}
