//! What the store is asked about files, carried out: where files and messages come together.

use belfry_core::chat::{Answer, Attachment};
use belfry_core::time::UnixMillis;
use rusqlite::Connection;

use super::error::Trouble;
use super::{Changed, FileJob, Offered, Outcome, StoredContent, conversations, files, messages};

pub(super) fn perform(connection: &Connection, at: UnixMillis, job: FileJob) -> Result<Outcome, Trouble> {
    match job {
        FileJob::Offer { account, to, hash } => {
            if let Some(conversation) = conversations::find_target(connection, account, &to)? {
                conversations::since(connection, &conversation, account)?;
            }
            Ok(Offered { has: files::has(connection, account, hash)?, kept_bytes: files::kept_bytes(connection)? }.into())
        }
        FileJob::Uploaded { account, hash, bytes } => {
            files::keep(connection, at, account, hash, bytes)?;
            Ok(Changed.into())
        }
        FileJob::Post { account, post, to, text, name, hash } => {
            messages::post(connection, at, account, post, to, messages::PostContent { text, reply_to: None, file: Some((name, hash)) })
        }
        FileJob::Find { account, file } => files::find(connection, account, file).map(|found| Outcome::Read(Answer::File(found))),
        FileJob::Content { account, file } => {
            let Attachment { hash, bytes, .. } = files::find(connection, account, file)?.attachment;
            Ok(StoredContent { hash, bytes }.into())
        }
        FileJob::List { account, of, before } => files::list(connection, account, &of, before),
        FileJob::Sweep { uploads_before } => files::sweep(connection, uploads_before),
        FileJob::Forget { hashes } => {
            files::forget(connection, &hashes)?;
            Ok(Changed.into())
        }
    }
}
