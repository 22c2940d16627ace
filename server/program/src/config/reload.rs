//! The configuration of a running server, read again when somebody asks for it.

use belfry_server::Order;

use super::serve::{Serve, ServeArgs};
use crate::ending::Outcome;
use crate::log;

/// What a server was told, and where to read it again.
pub(crate) struct Configuration {
    args: ServeArgs,
    now: Serve,
}

impl Configuration {
    /// What was typed, and what it meant together with the file at the start.
    pub(crate) const fn new(args: ServeArgs, now: Serve) -> Self {
        Self { args, now }
    }

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
