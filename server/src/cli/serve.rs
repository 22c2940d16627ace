//! `belfry serve`: the server, until Ctrl+C or a polite kill; SIGHUP, or the service manager's word, has it read its configuration again.

use std::fmt::Write as _;
use std::io::Write as _;
use std::time::Duration;

use belfry_server::{Order, Ready, Settings};

use super::signals::{self, Signal};
use super::{Ending, Exit, Outcome, log, output};
use crate::config::{self, Serve, ServeArgs};

/// How long a server waits for somebody to take what it says at its start and at its end.
const READER_PATIENCE: Duration = Duration::from_secs(1);

pub(crate) fn run(args: ServeArgs) -> Outcome {
    if args.print_config {
        return output::line(config::DEFAULTS.trim_end());
    }
    let serve = args.understand()?;
    let host = gethostname::gethostname().into_string().unwrap_or_default();
    let settings = Settings {
        listen: serve.listen.clone(),
        data: serve.data.clone(),
        rules: serve.rules,
        admin_password: config::admin_password(std::env::var("BELFRY_ADMIN_PASSWORD").ok())?,
        metrics: serve.metrics,
        announce: serve.discovery.then(|| host.clone()),
    };
    #[cfg(windows)]
    if args.service {
        return crate::service::run(crate::service::Job { settings, configuration: Configuration { args, now: serve } });
    }
    let unknown = config::check_variables(&super::command(), std::env::vars_os())?;
    let log = log::begin(&serve.log, serve.log_format)?;
    for variable in unknown {
        tracing::warn!(variable, "this is set, and no variable of Belfry's");
    }
    for (setting, age) in serve.kept_for_less_than_a_day() {
        tracing::warn!(setting, "this is kept for {age} only");
    }
    let level = log.level();
    let (orders, ordered) = std::sync::mpsc::channel();
    let mut configuration = Configuration { args, now: serve };
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
                let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
            });
        },
        ordered,
    );
    log.finish();
    ended.map_err(|error| {
        // Whoever reads the log and stands still does not keep the server from ending.
        output::within(READER_PATIENCE, move || output::complain(&error.to_string()));
        Ending::quiet(Exit::Refused)
    })
}

/// What a server was told, and where to read it again.
pub(crate) struct Configuration {
    args: ServeArgs,
    now: Serve,
}

impl Configuration {
    /// What holds now.
    #[cfg(windows)]
    pub(crate) const fn now(&self) -> &Serve {
        &self.now
    }

    /// Reads it again, takes over what can be, and says in the log, where there is one, what cannot. `None` when it is wrong: then all
    /// is as before.
    pub(crate) fn read_again(&mut self, level: Option<&log::Level>) -> Option<Order> {
        let again = self.understand_again(level);
        again.inspect_err(|ending| tracing::error!("nothing was reloaded: {}", ending.sentence.as_deref().unwrap_or_default())).ok()
    }

    fn understand_again(&mut self, level: Option<&log::Level>) -> Outcome<Order> {
        let new = self.args.understand()?;
        if let Some(level) = level {
            level.set(&new.log)?;
        }
        for name in self.now.needs_a_start(&new) {
            tracing::warn!(setting = name, "this has changed and takes effect at the next start");
        }
        for (setting, age) in new.kept_for_less_than_a_day() {
            tracing::warn!(setting, "this is to be kept for {age} only");
        }
        // What a running server cannot take over stays in force, and is said again at the next reload.
        self.now = Serve { rules: new.rules, log: new.log, ..self.now.clone() };
        tracing::info!(rules = %self.now.rules, log = self.now.log, "reloaded");
        Ok(Order::Rules(self.now.rules))
    }
}

/// How this program was started, for lines that a person copies.
fn program() -> &'static str {
    if std::env::var_os("CARGO").is_some() { "cargo run --release --" } else { "belfry" }
}

/// What a person and a script read once the server is ready.
pub(crate) fn announcement(ready: &Ready) -> String {
    announcement_by(ready, &gethostname::gethostname().into_string().unwrap_or_default(), program())
}

fn announcement_by(ready: &Ready, host: &str, program: &str) -> String {
    let mut text = String::new();
    for address in &ready.addresses {
        let _ = writeln!(text, "listening on {address}");
    }
    let (public, port) = config::public_address(&ready.addresses, host);
    let _ = writeln!(text, "join belfry://{public}:{port}/#{}", ready.key);
    if let Some(password) = &ready.generated_admin_password {
        let _ = writeln!(text, "admin password: {} (shown once)", password.as_str());
    }
    if let Some(address) = ready.metrics {
        let _ = writeln!(text, "metrics http://{address}/metrics");
    }
    let (near, port) = config::public_address(&ready.addresses, "localhost");
    let _ = writeln!(text, "Try it in a second terminal:");
    let _ = writeln!(text, "  {program} register --server {near}:{port} --user alice");
    let _ = writeln!(text, "  {program} chat --server {near}:{port} --user alice");
    text
}

#[cfg(test)]
mod tests {
    use belfry_core::chat::Password;
    use belfry_core::crypto::PublicKey;

    use super::*;

    #[test]
    fn the_lines_of_the_contract_come_first() {
        let ready = Ready {
            addresses: vec!["[::]:7411".parse().unwrap()],
            key: PublicKey([0; 32]),
            generated_admin_password: Some(Password::new("correct-horse").unwrap()),
            metrics: None,
        };
        let said = announcement_by(&ready, "tower", "belfry");
        let lines: Vec<_> = said.lines().collect();
        assert_eq!(lines[0], "listening on [::]:7411");
        assert_eq!(lines[1], format!("join belfry://tower:7411/#{}", "a".repeat(52)));
        assert_eq!(lines[2], "admin password: correct-horse (shown once)");
        assert!(lines[3..].iter().all(|line| !line.starts_with("listening on") && !line.starts_with("join")));
        assert!(said.contains("belfry register --server localhost:7411 --user alice"), "{said}");
    }
}
