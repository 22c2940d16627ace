//! The database's one careful clerk: jobs in, answers out, one transaction for each batch.
//!
//! [`Store`] does a batch of jobs at once; [`StoreWorker`] is the thread that owns it while the server runs. Nothing here knows sessions,
//! sockets or who is online: a job says what to do and when it was asked, and the answer is data.

mod accounts;
mod alterations;
mod apply;
mod arranged;
mod arranging;
mod audience;
mod audit;
mod backup;
mod column;
#[cfg(test)]
mod committed;
#[cfg(test)]
mod conditions;
mod confusables;
mod conversations;
#[cfg(test)]
mod crowd;
mod devices;
mod done;
mod error;
mod export;
mod file_job;
mod files;
#[cfg(test)]
mod fixture;
mod groups;
mod job;
mod ledger;
#[cfg(test)]
mod ledger_house;
mod ledger_page;
mod list_job;
mod lists;
mod message_job;
mod messages;
#[cfg(test)]
mod neighbours;
mod notice_changes;
mod notices;
mod open;
mod page;
mod plans;
#[cfg(test)]
mod prepared;
mod profiles;
mod reached;
mod reacted;
mod reactions;
mod reading;
mod replies;
mod retention;
mod room_job;
mod rooms;
mod schema;
mod screens;
mod search;
mod set_back;
mod sets;
mod settling;
mod sharing;
mod sign_in;
mod stored;
mod time_limit;
mod timelines;
mod worker;
mod would_go;

pub use apply::{Store, Uncommitted};
pub use backup::{contents_in, copy};
pub use done::{
    AccountAdded, Arranged, Changed, ClockSetBack, DatabaseSize, Done, Invitation, MessageAltered, NamedAccount, NotSent, NoticeProgress,
    NoticeSent, Outcome, Overview, Posted, Reachable, Reached, ReadUpTo, ReceiptNoted, StoredDevices, StoredLedger, Tidied, WouldGo,
};
pub use error::StoreError;
pub use file_job::{FileJob, Offered, StoredContent, Unreferenced};
pub use job::{
    AuditRecord, Bite, Job, JobTicket, NoticeDelivery, Occurrence, ProvenBy, QueuedNotice, Remembered, ScreenReport, Visitor, Work,
};
pub use list_job::{Kept, List, Proportion};
pub use message_job::{MessageJob, Target};
pub use open::{Lock, accounts_in, is_ours};
pub use room_job::{Keeper, RoomJob};
pub use stored::{
    Familiar, KnownDevice, Opening, StoredAccount, StoredEntry, StoredLogin, StoredNotice, StoredPerson, StoredPlace, StoredRoom,
    StoredSchedule, StoredScreen,
};
pub use worker::{NotTaken, StoreWorker, UNANSWERED_MAX};
