//! Signing in: the server's name becomes addresses, a connection is opened, and what it says about itself is remembered.

use std::net::SocketAddr;
use std::thread;
use std::time::Duration;

use belfry_core::chat::{AccountName, Password, Refusal};
use belfry_core::client::{Command, Config, Credentials, Failure, Interruption, Proof, Trust, Update};
use belfry_core::crypto::PublicKey;
use belfry_core::net::search::{self, Sightings};
use belfry_core::net::{self, Handle, InWords, ServerAddress};

use super::{App, AppEvent};
use crate::model::{ConnectionState, Intent};
use crate::transfer::{Line, TransferJob, is_about_transfers};
use crate::view::sign_in::SignInView;

/// How long servers have to answer.
const LOOK_AROUND: Duration = Duration::from_secs(3);

/// More servers than this are no help.
const FOUND_SHOWN_MAX: usize = 5;

/// The longest label of a name in DNS (RFC 1035, 2.3.4).
const HOST_NAME_CHARS_MAX: usize = 63;

/// What came of looking up a name.
pub type Resolved = std::io::Result<Vec<SocketAddr>>;

/// A connection that is being made, or the one there is.
#[derive(Debug, Default)]
pub(super) struct Connecting {
    /// The connection's number; older ones are not believed any more.
    number: u64,
    wanted: Option<Wanted>,
    /// Signed in at least once: from now on it reconnects by itself.
    pub(super) signed_in: bool,
    /// The key that the server has proven.
    pub(super) key: Option<PublicKey>,
}

#[derive(Debug)]
struct Wanted {
    server: ServerAddress,
    /// As it was typed, to be remembered.
    typed: String,
    credentials: Credentials,
}

/// `HOST:PORT`, as keys are remembered by.
pub(super) fn name(server: &ServerAddress) -> String {
    if server.host.contains(':') { format!("[{}]:{}", server.host, server.port) } else { format!("{}:{}", server.host, server.port) }
}

/// As much of a name as a computer's name can have: whoever answers may say anything.
fn host_name(said: &str) -> String {
    said.chars().filter(|&c| c.is_alphanumeric() || "-._ ".contains(c)).take(HOST_NAME_CHARS_MAX).collect()
}

/// Why a name leads nowhere, and what to do. What Windows says of it is in the system's language, so there the number tells
/// (11001 and 11004: nobody has that name; 11002: nobody answered who would know).
fn not_found(host: &str, error: &std::io::Error) -> String {
    let said = InWords(error).to_string();
    match (error.raw_os_error(), said.as_str()) {
        (Some(11_002), _) | (_, "the name servers of this network do not answer") => {
            format!(
                "The name {host} cannot be looked up: the name servers of this network do not answer. Write the server's address, or try again later."
            )
        }
        (Some(11_001 | 11_004), _) | (_, "this network knows no host of that name" | "there is no such file or folder") => {
            format!("There is no computer named {host} on this network. Check the name, or ask your administrator for it.")
        }
        _ => format!("The server {host} cannot be found: {said}. Check the name."),
    }
}

impl App {
    /// Shows the window for signing in.
    pub(super) fn ask_to_sign_in(&mut self) {
        if let Some(view) = &self.sign_in {
            let raised = view.raise();
            if let Err(error) = raised {
                self.complain(&error);
            }
            return;
        }
        match SignInView::show(&self.sink, &self.settings.server, &self.settings.account) {
            Ok(view) => self.sign_in = Some(view),
            Err(error) => self.complain(&error),
        }
        if self.settings.server.is_empty() {
            self.look_around();
        }
    }

    /// Looks for servers on this network, for who does not know any.
    fn look_around(&self) {
        let Some(view) = &self.sign_in else { return };
        let post = self.post.clone();
        // Without a thread nobody is found, as where nobody is.
        let looking = thread::Builder::new().name("search".into()).spawn(move || {
            post.send(AppEvent::Found(search::search(LOOK_AROUND).unwrap_or_default()));
        });
        if looking.is_ok() {
            view.set_looking();
        }
    }

    /// What they say of themselves is a help to find the right one, and no more: the key that one proves is shown at the first connection.
    pub(super) fn found(&self, servers: &Sightings) {
        let rows: Vec<_> = servers
            .values()
            .filter_map(|server| Some((host_name(&server.name), server.addresses.first()?.to_string())))
            .take(FOUND_SHOWN_MAX)
            .collect();
        if let Some(view) = &self.sign_in {
            view.set_found(&rows);
        }
    }

    /// Signs in, as typed; what cannot be right is said at once.
    pub(super) fn sign_in_as(&mut self, server: &str, account: &str, password: String, register: bool) {
        let typed = server.trim().to_owned();
        let read = || -> Result<Wanted, String> {
            let server: ServerAddress = typed.parse().map_err(|error| format!("{error}"))?;
            let account = if register { AccountName::new(account) } else { AccountName::known(account) };
            let account = account.map_err(|error| error.to_string())?;
            let password = Password::new(password).map_err(|_| "That is too long for a password; take a shorter one.".to_owned())?;
            let proof = Proof::Password { password, register, remember: true };
            Ok(Wanted { server, typed: typed.clone(), credentials: Credentials { account, proof } })
        };
        match read() {
            Ok(wanted) => self.look_up(wanted),
            Err(sentence) => self.cannot_sign_in(&sentence),
        }
    }

    /// Makes an account without a question. Where that cannot be, because the name is taken or nobody may register, the person is asked.
    pub(super) fn register_silently(&mut self) {
        let mut secret = [0; 16];
        if let Err(error) = getrandom::fill(&mut secret) {
            return self.cannot_sign_in(&format!("The system has no randomness to give: {error}."));
        }
        let password = secret.iter().map(|byte| format!("{byte:02x}")).collect();
        let (server, account) = (self.settings.server.clone(), self.settings.account.clone());
        self.sign_in_as(&server, &account, password, true);
    }

    /// Signs in without a question, by the key that the account knows from an earlier time. Whether that can be tried.
    pub(super) fn sign_in_by_device(&mut self) -> bool {
        if !self.settings.device_known {
            return false;
        }
        let typed = self.settings.server.clone();
        let (Ok(server), Ok(account)) = (typed.parse(), AccountName::known(&self.settings.account)) else { return false };
        self.look_up(Wanted { server, typed, credentials: Credentials { account, proof: Proof::Device } });
        true
    }

    fn look_up(&mut self, wanted: Wanted) {
        self.give_up();
        let number = self.connecting.number;
        if let Some(view) = &self.sign_in {
            view.set_busy(&format!("Connecting to {}, port {}…", wanted.server.host, wanted.server.port));
        }
        let (post, server) = (self.post.clone(), wanted.server.clone());
        self.connecting.wanted = Some(wanted);
        // The system's name servers may take their time.
        let looking = thread::Builder::new().name("look-up".into()).spawn(move || post.send(AppEvent::Resolved(number, server.resolve())));
        if let Err(error) = looking {
            self.cannot_sign_in(&format!("The system has no thread to give: {}.", InWords(&error)));
        }
    }

    pub(super) fn resolved(&mut self, number: u64, resolved: Resolved) {
        if number != self.connecting.number {
            return;
        }
        let Some(wanted) = &self.connecting.wanted else { return };
        let host = wanted.server.host.clone();
        let servers = match resolved {
            Ok(servers) => servers,
            Err(error) => {
                return self.cannot_sign_in(&not_found(&host, &error));
            }
        };
        let (typed, account) = (wanted.typed.clone(), wanted.credentials.account.to_string());
        // Another account, another server, or the same one with another identity.
        if self.whose != (typed.clone(), account.clone()) || self.owner != self.owner(&typed, &account) {
            self.remember();
            self.recall(&typed, &account);
        }
        let Some(wanted) = &self.connecting.wanted else { return };
        let known = wanted.server.key.or_else(|| self.keys.known(&name(&wanted.server)));
        let config = Config {
            servers,
            trust: known.map_or(Trust::FirstUse, |key| Trust::Pinned(vec![key])),
            device: self.keys.device().clone(),
            credentials: wanted.credentials.clone(),
            start: self.start_from(),
            shows_notices: true,
        };
        match net::spawn(config) {
            Ok((link, updates)) => {
                self.connect_transfers(Some(&link));
                self.link = Some(link);
                if self.is_away() {
                    self.tell_away();
                }
                self.empty_outbox();
                let (post, transfers) = (self.post.clone(), self.transfers.clone());
                let listening = thread::Builder::new().name("updates".into()).spawn(move || {
                    for update in updates {
                        // No block of a file passes through the windows' thread.
                        if is_about_transfers(&update) {
                            transfers.hear(update);
                        } else if !post.send(AppEvent::Heard(number, update)) {
                            return;
                        }
                    }
                    post.send(AppEvent::Ended(number));
                });
                if let Err(error) = listening {
                    self.cannot_sign_in(&format!("The system has no thread to give: {}.", InWords(&error)));
                }
            }
            Err(error) => self.cannot_sign_in(&format!("The network cannot be used: {}.", InWords(&error))),
        }
    }

    pub(super) fn hear(&mut self, number: u64, update: Update) {
        if number != self.connecting.number {
            return;
        }
        match &update {
            Update::Posted { ticket, .. } => self.forget_own(*ticket),
            Update::ServerKey { key, first_use } => self.identified(*key, *first_use),
            Update::NewServerKey { key } => self.identified(*key, false),
            Update::SignedIn { account, .. } => {
                if let Some(wanted) = &self.connecting.wanted {
                    self.settings.server.clone_from(&wanted.typed);
                }
                self.settings.account = account.to_string();
                self.settings.device_known = true;
                self.connecting.signed_in = true;
                self.keep_settings();
                // Whoever signed in by hand wants to see the window; at a start with the system nobody does.
                if self.sign_in.take().is_some() {
                    self.show_chat();
                }
            }
            Update::Disconnected { why, .. } => {
                if let Some(view) = &self.sign_in {
                    match why {
                        Interruption::Version(outdated) => view.set_busy(&outdated.to_string()),
                        _ => view.set_busy("The server does not answer. Are its address and port right, and is it running? Trying again…"),
                    }
                }
            }
            Update::Timeline(timeline) => self.enter_timeline(*timeline),
            Update::Failed(failure) => self.failed(failure),
            _ => {}
        }
        let effects = self.model.apply(self.now(), update);
        self.perform(effects);
        self.remember_soon();
    }

    fn identified(&mut self, key: PublicKey, first_use: bool) {
        self.connecting.key = Some(key);
        let Some(wanted) = &self.connecting.wanted else { return };
        if let Err(error) = self.keys.remember(&name(&wanted.server), key) {
            self.remark = error.to_string();
        } else if first_use {
            self.remark = format!(
                "First connection to {}. Its identity is {key}. Compare it with what your administrator gave you.",
                wanted.server.host
            );
        }
        // The one that is remembered, which may be older than the one that was proven.
        let known = self.keys.known(&name(&wanted.server)).map(|key| key.to_string());
        if let (Some(owner), Some(key)) = (self.owner.as_mut().filter(|owner| owner.key.is_none()), known) {
            self.cache.prove(key.clone());
            owner.key = Some(key);
        }
        self.stale.connection = true;
    }

    /// Files travel over this connection from now on, or wait for one.
    fn connect_transfers(&mut self, link: Option<&Handle>) {
        let line = link.cloned().map(|link| -> Line { Box::new(move |command| link.send(command).is_ok()) });
        self.order(TransferJob::Connect(line));
    }

    fn failed(&mut self, failure: &Failure) {
        self.link = None;
        self.connect_transfers(None);
        let password_needed = matches!(failure, Failure::SignIn(_) | Failure::Revoked | Failure::PasswordChanged);
        if password_needed && self.settings.device_known {
            self.settings.device_known = false;
            self.keep_settings();
        }
        if *failure == Failure::Revoked
            && let Err(error) = self.keys.renew_device()
        {
            self.remark = error.to_string();
        }
        if matches!(failure, Failure::Revoked | Failure::Expelled | Failure::SignIn(Refusal::AccountDisabled)) {
            self.forget_everything();
        }
        if !self.connecting.signed_in || password_needed {
            self.ask_to_sign_in();
            self.cannot_sign_in(&failure.to_string());
        }
    }

    pub(super) fn link_ended(&mut self, number: u64) {
        if number == self.connecting.number {
            self.link = None;
            self.connect_transfers(None);
        }
    }

    fn cannot_sign_in(&mut self, sentence: &str) {
        self.ask_to_sign_in();
        if let Some(view) = &self.sign_in {
            view.set_complaint(sentence);
        }
    }

    /// The person does not want to sign in now.
    pub(super) fn cancel_sign_in(&mut self) {
        let trying = self.link.is_some() && !self.connecting.signed_in;
        match &self.sign_in {
            Some(view) if trying => {
                view.set_idle();
                self.give_up();
            }
            _ => self.sign_in = None,
        }
    }

    /// Leaves the connection there is, or the one that is being made.
    fn give_up(&mut self) {
        self.connecting = Connecting { number: self.connecting.number + 1, ..Connecting::default() };
        if let Some(link) = self.link.take() {
            self.connect_transfers(None);
            // One that has ended needs no goodbye.
            let _ = link.send(Command::Close);
        }
    }

    /// The person does not want to wait, or wants to do what a stopped connection asks for.
    pub(super) fn try_now(&mut self) {
        match self.model.connection() {
            ConnectionState::Stopped(_) | ConnectionState::Closed => self.ask_to_sign_in(),
            _ => self.act(Intent::TryNow),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_leads_nowhere_is_told_in_a_sentence() {
        let told = |error: std::io::Error| not_found("bell", &error);
        let nobody = "There is no computer named bell on this network. Check the name, or ask your administrator for it.";
        assert_eq!(told(std::io::Error::other("failed to lookup address information: Name or service not known")), nobody);
        assert_eq!(told(std::io::ErrorKind::NotFound.into()), nobody);
        assert_eq!(told(std::io::Error::from_raw_os_error(11_001)), nobody);
        let silent = "The name bell cannot be looked up: the name servers of this network do not answer. Write the server's address, or try again later.";
        assert_eq!(told(std::io::Error::other("failed to lookup address information: Temporary failure in name resolution")), silent);
        assert_eq!(told(std::io::Error::from_raw_os_error(11_002)), silent);
        assert_eq!(
            told(std::io::ErrorKind::NetworkDown.into()),
            "The server bell cannot be found: this computer has no network. Check the name."
        );
    }

    #[test]
    fn a_found_server_cannot_write_more_than_a_name() {
        assert_eq!(host_name("tower-2.lan"), "tower-2.lan");
        assert_eq!(host_name("tower\u{202e}\nYour password: "), "towerYour password ");
        assert_eq!(host_name(&"x".repeat(900)).len(), 63);
    }
}
