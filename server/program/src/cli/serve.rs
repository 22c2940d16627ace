//! `belfry serve`: the server, until Ctrl+C or a polite kill; SIGHUP, or the service manager's word, has it read its configuration again.

use std::io::{IsTerminal as _, Write as _};
use std::time::Duration;

use belfry_server::{Order, Settings};

use super::signals::{self, Signal};
use crate::config::{self, Configuration, ServeArgs};
use crate::ending::{Ending, Exit, Outcome};
use crate::ready::announcement;
use crate::{log, output, sentence};

/// How long a server waits for somebody to take what it says at its start and at its end.
const READER_PATIENCE: Duration = Duration::from_secs(1);

/// `commands` is all that can be typed: a variable that none of them knows is a mistyped one.
pub(crate) fn run(args: ServeArgs, commands: &clap::Command) -> Outcome {
    if args.print_config {
        return output::line(config::DEFAULTS.trim_end());
    }
    let serve = args.understand()?;
    let host = gethostname::gethostname().into_string().unwrap_or_default();
    let settings = Settings {
        listen: serve.listen.clone(),
        data: serve.data.clone(),
        rules: serve.rules,
        admin_password: config::admin_password(std::env::var_os("BELFRY_ADMIN_PASSWORD"))?,
        metrics: serve.metrics,
        announce: serve.discovery.then(|| host.clone()),
        file_scanner: serve.file_scanner.clone(),
    };
    #[cfg(windows)]
    if args.service {
        return crate::service::run(crate::service::ServiceJob { settings, configuration: Configuration::new(args, serve) });
    }
    let unknown = config::check_variables(commands, std::env::vars_os())?;
    let log = log::begin(&serve.log, serve.log_format)?;
    for variable in unknown {
        tracing::warn!(variable, "this is set, and no variable of Belfry's");
    }
    for (setting, age) in serve.kept_for_less_than_a_day() {
        tracing::warn!(setting, "this is kept for {age} only");
    }
    let level = log.level();
    let (orders, ordered) = std::sync::mpsc::channel();
    let mut configuration = Configuration::new(args, serve);
    signals::watch(move |signal| match signal {
        Signal::Stop => orders.send(Order::Stop).is_ok(),
        Signal::Reload => configuration.read_again(Some(&level)).is_none_or(|order| orders.send(order).is_ok()),
    })?;
    let ended = belfry_server::serve(
        settings,
        |ready| {
            // A server that nobody watches serves on: who closed standard output does not want to read it, and who stands still need not.
            let text = announcement(&ready);
            output::within(READER_PATIENCE, move || {
                let mut out = std::io::stdout().lock();
                let shown = out.write_all(text.as_bytes()).and_then(|()| out.flush()).is_ok() && out.is_terminal();
                let Some(first) = ready.first_password else { return };
                if !shown || std::fs::remove_file(&first.file).is_err() {
                    // Whether anybody reads what went into a pipe or a journal, nobody can tell.
                    tracing::info!(file = %first.file.display(), "the first password of admin is in this file until admin has signed in");
                }
            });
        },
        ordered,
    );
    log.finish();
    ended.map_err(|error| {
        // Whoever reads the log and stands still does not keep the server from ending.
        output::within(READER_PATIENCE, move || sentence::complain(&error.to_string()));
        Ending::quiet(Exit::Refused)
    })
}
