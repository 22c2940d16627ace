//! What the server says about itself: counters and log lines. Never what people write, and never a password.

use std::net::SocketAddr;
use std::path::Path;

use crate::hub::{FileCounts, Headcount};
use belfry_core::chat::{AccountName, Refusal};
use belfry_core::crypto::PublicKey;
use belfry_core::endpoint;
use belfry_core::net::SocketBuffer;
use belfry_core::wire::CloseCode;

use crate::hub::SessionId;

/// What has happened to connections and sessions since the start. Each method counts and logs one thing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Observed {
    /// Sessions that signed in.
    pub signed_in: u64,
    /// Tries to sign in or register that were refused.
    pub sign_ins_refused: u64,
    /// Sessions ended because their account was locked, their device revoked or their password changed.
    pub expelled: u64,
    /// Connections on which nobody signed in in time.
    pub never_signed_in: u64,
    /// Messages of clients that could not be decoded, each of which ended its connection.
    pub undecodable: u64,
    /// Answers of the store that say it failed.
    pub store_failures: u64,
    /// Messages of the server that could not be encoded or were too large for their channel.
    pub unsendable: u64,
}

/// How things are at one moment, for whoever keeps graphs of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Snapshot {
    /// What has happened to connections and sessions.
    pub observed: Observed,
    /// What the transport counts.
    pub transport: endpoint::Stats,
    /// Who is here.
    pub headcount: Headcount,
    /// What has happened to files.
    pub files: FileCounts,
    /// Median time from a job's arrival at the store to its commit over the last batches, in microseconds.
    pub store_latency_micros: u64,
    /// Jobs that the store has not answered.
    pub jobs_waiting: u64,
    /// Bytes that are free where the database is; 0 where the operating system does not say.
    pub disk_free_bytes: u64,
}

impl Observed {
    pub(crate) fn sign_in(&mut self, session: SessionId, account: &AccountName) {
        self.signed_in += 1;
        tracing::info!(session = session.0, %account, "signed in");
    }

    pub(crate) fn sign_in_refused(&mut self, session: SessionId, from: SocketAddr, refusal: Refusal) {
        self.sign_ins_refused += 1;
        tracing::warn!(session = session.0, %from, ?refusal, "sign-in refused");
    }

    pub(crate) fn expel(&mut self, session: SessionId, code: CloseCode) {
        self.expelled += 1;
        tracing::info!(session = session.0, code = code.0, "session ended: account locked, device revoked or password changed");
    }

    pub(crate) fn sign_in_awaited_in_vain(&mut self, session: SessionId, from: SocketAddr) {
        self.never_signed_in += 1;
        tracing::info!(session = session.0, %from, "connection closed: nobody signed in in time");
    }

    pub(crate) fn undecodable_message(&mut self, session: SessionId, from: SocketAddr, error: &dyn std::fmt::Display) {
        self.undecodable += 1;
        tracing::warn!(session = session.0, %from, %error, "connection closed: its client sent a message that cannot be decoded");
    }

    pub(crate) fn store_failure(&mut self) {
        self.store_failures += 1;
        tracing::error!("the database failed; what was asked is not stored");
    }

    pub(crate) fn unsendable_message(&mut self, session: Option<SessionId>) {
        self.unsendable += 1;
        tracing::error!(
            session = session.map(|session| session.0),
            "a message of the server could not be encoded or is too large for its channel"
        );
    }
}

/// The server is ready.
pub(crate) fn started(listening: &[SocketAddr], identity: PublicKey) {
    tracing::info!(?listening, %identity, "started");
}

/// How large the system made a socket's buffers, and what to raise where they are smaller than they should be.
pub(crate) fn socket_buffers(address: SocketAddr, receive: SocketBuffer, send: SocketBuffer) {
    let (receive_kib, send_kib) = (receive.granted / 1024, send.granted / 1024);
    tracing::info!(%address, receive_kib, send_kib, "socket buffers");
    for (buffer, setting) in [(receive, "net.core.rmem_max"), (send, "net.core.wmem_max")] {
        if buffer.is_short() && cfg!(target_os = "linux") {
            let (wanted, granted) = (buffer.asked, buffer.granted);
            // No warning: the system's default is small, and enough for a house of some hundreds.
            tracing::info!(%address, setting, wanted, granted, "a socket buffer is smaller than it should be: raise this setting of the system");
        }
    }
}

/// Others on this computer may read, write or enter something of the data folder.
pub(crate) fn open_to_others(path: &Path, mode: u32) {
    let path = path.display();
    tracing::warn!(%path, mode = format_args!("{mode:o}"), "others on this computer have rights to this; take them away with chmod go-rwx");
}

/// The environment has a password for a first start, and this is none.
pub(crate) fn admin_password_not_used() {
    tracing::info!("BELFRY_ADMIN_PASSWORD is for the first start only and was not used; belfry user password admin sets another one");
}

/// Nobody has signed in as the first administrator yet.
pub(crate) fn first_password_waits(file: &Path) {
    let file = file.display();
    tracing::warn!(%file, "nobody has signed in as admin yet; the first password is in this file, which goes at the next start after that");
}

/// The server has said goodbye.
pub(crate) fn stopped() {
    tracing::info!("stopped");
}

#[cfg(test)]
pub(crate) mod tests {
    use std::io;
    use std::sync::{Arc, LazyLock, Mutex};

    use tracing::Dispatch;
    use tracing::subscriber::NoSubscriber;

    /// What this thread logs meanwhile, a line each.
    pub(crate) fn logged(act: impl FnOnce()) -> Vec<String> {
        #[derive(Clone, Default)]
        struct Heard(Arc<Mutex<Vec<u8>>>);
        impl io::Write for Heard {
            fn write(&mut self, line: &[u8]) -> io::Result<usize> {
                self.0.lock().unwrap().write(line)
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        // A line is wanted by who listens on the thread that comes to it first, unless there is more than one who listens.
        static DEAF: LazyLock<Dispatch> = LazyLock::new(|| Dispatch::new(NoSubscriber::new()));
        LazyLock::force(&DEAF);
        let heard = Heard::default();
        let writer = heard.clone();
        let subscriber =
            tracing_subscriber::fmt().without_time().with_ansi(false).with_target(false).with_writer(move || writer.clone()).finish();
        tracing::subscriber::with_default(subscriber, act);
        let heard = heard.0.lock().unwrap();
        String::from_utf8_lossy(&heard).lines().map(|line| line.trim_start().to_owned()).collect()
    }
}
