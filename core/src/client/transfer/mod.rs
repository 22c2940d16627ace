//! Files on their way: which question comes next, and what its answer leads to. Neither direction reads or writes a disk; both ask under
//! the tickets of the client's owner, and are told its updates.

mod download;
mod upload;

use core::time::Duration;

pub use download::{DownloadStep, FileDownload};
pub use upload::{FileUpload, UploadStep};

/// Until a busy server is asked again.
const TRY_EVERY: Duration = Duration::from_millis(250);

/// Times that an upload is offered again without anything having come of it in between.
const TRIES_MAX: u32 = 20;
