//! What files hold, in a folder beside the database: each content once, under its hash, and what has come of those that are on their way.
//!
//! [`Contents`] does one job at a time and may wait for the disk; [`ContentWorker`] is the thread that owns it while the server runs. Whose
//! a content is and who may have it is the store's business; nothing here knows people but by the number that keeps their uploads apart.

mod copy;
mod folder;
mod job;
mod scanner;
mod worker;

pub use copy::{CopiedContents, copy_contents};
pub use folder::{Contents, Swept};
pub use job::{ContentDone, ContentJob, ContentOutcome, ContentTicket, ContentWork, UploadKey};
pub use scanner::ScanVerdict;
pub use worker::ContentWorker;
