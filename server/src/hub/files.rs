//! Files on their way to the server and back: who sends what, what has come of it, and what is looked for when nobody refers to it any more.
//!
//! An upload belongs to the session that has offered it. Its blocks go to the folder of contents one after the other, and its last one is
//! answered when the whole is verified, on the disk, and noted as this person's.

use std::collections::{BTreeMap, BTreeSet};

use belfry_core::chat::{Answer, Block, ContentHash, FileId, Refusal, Role, Seq, block_length_at};
use belfry_core::limits::FILE_WINDOW_BYTES;
use belfry_core::time::{Instant, Now, UnixMillis};

use super::{Context, Effect, Hub, PendingJob, ReplyTo, SessionId};
use crate::contents::{ContentDone, ContentJob, ContentOutcome, ContentTicket, ContentWork, UploadKey};
use crate::limits::{CONTENTS_SWEPT_EVERY, UPLOADS_KEPT, UPLOADS_PER_ACCOUNT_MAX};
use crate::store::{FileJob, Offered, Outcome, StoredContent, Target, Unreferenced, Work};

/// Uploads, and what the folder of contents has been asked.
#[derive(Debug, Default)]
pub(super) struct Files {
    last: u64,
    asked: BTreeMap<ContentTicket, PendingContent>,
    uploads: BTreeMap<UploadKey, Upload>,
    /// Nobody goes on with these, and the folder had no room to be told. Until it is, it keeps a file open for each.
    unpaused: BTreeSet<UploadKey>,
    sweep_at: Option<Instant>,
    counted: FileCounts,
}

/// What has happened to files since the start, and how many are on their way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FileCounts {
    /// Files that somebody is sending.
    pub uploads: u64,
    /// Bytes of their blocks that were written.
    pub received_bytes: u64,
    /// Files that are whole, verified and noted.
    pub received: u64,
    /// Files that came to a bad end: not what was announced, no room, or the disk failed.
    pub failed: u64,
    /// Bytes of blocks that were read for somebody.
    pub fetched_bytes: u64,
}

/// Somebody is sending something.
#[derive(Debug)]
struct Upload {
    session: SessionId,
    /// Bytes of blocks that are not written yet.
    unwritten: u64,
}

/// What the folder of contents was asked for.
#[derive(Debug)]
pub(super) enum PendingContent {
    Begin {
        to: ReplyTo,
        upload: UploadKey,
    },
    Write {
        to: ReplyTo,
        upload: UploadKey,
        bytes: u64,
    },
    Read {
        to: ReplyTo,
    },
    /// These contents, which nobody refers to, are to go; there may be more.
    Remove {
        hashes: Vec<ContentHash>,
        more: bool,
    },
    Pause(UploadKey),
}

impl Files {
    /// When to look for what nobody refers to.
    pub(super) const fn deadline(&self) -> Option<Instant> {
        self.sweep_at
    }

    /// What has happened since the start.
    pub(super) fn counts(&self) -> FileCounts {
        FileCounts { uploads: self.uploads.len() as u64, ..self.counted }
    }

    /// Something may become such as nobody refers to: it is looked at in a while.
    pub(super) fn sweep_later(&mut self, now: Now) {
        self.sweep_at.get_or_insert(now.instant + CONTENTS_SWEPT_EVERY);
    }

    fn of_session(&self, session: SessionId) -> impl Iterator<Item = UploadKey> {
        self.uploads.iter().filter(move |(_, upload)| upload.session == session).map(|(&key, _)| key)
    }
}

impl Hub {
    fn ask_contents(&mut self, work: ContentWork, pending: PendingContent) {
        self.files.last += 1;
        let ticket = ContentTicket(self.files.last);
        self.files.asked.insert(ticket, pending);
        self.effects.push_back(Effect::Content(ContentJob { ticket, work }));
    }

    // --- Sending -------------------------------------------------------------------------------------------------------------

    pub(super) fn offer_file(&mut self, context: Context<'_>, to: Target, bytes: u64, hash: ContentHash) -> Result<(), Refusal> {
        if bytes == 0 {
            return Err(Refusal::FileEmpty);
        }
        if bytes > self.rules.rates.file_bytes_max {
            return Err(Refusal::FileTooLarge);
        }
        let upload = UploadKey { account: context.account(), hash, bytes };
        let is_admin = context.from.role() == Role::Admin;
        let job = FileJob::Offer { account: upload.account, to, hash };
        self.submit_for(context, Work::File(job), PendingJob::OfferFile { to: context.to, upload, is_admin })
    }

    pub(super) fn offered(&mut self, now: Now, to: ReplyTo, upload: UploadKey, is_admin: bool, offered: Offered) -> Result<(), Refusal> {
        let Offered { has, kept_bytes } = offered;
        if let Some(bytes) = has {
            // Of what they have they know how long it is.
            let answer = if bytes == upload.bytes { Ok(Answer::Upload { from: bytes }) } else { Err(Refusal::ContentDiffers) };
            self.reply(to, answer);
            return Ok(());
        }
        let own = self.files.uploads.keys().filter(|key| key.account == upload.account && **key != upload);
        if own.count() >= UPLOADS_PER_ACCOUNT_MAX {
            return Err(Refusal::TooManyUploads);
        }
        let coming: u64 = self.files.uploads.keys().filter(|key| **key != upload).map(|key| key.bytes).sum();
        if kept_bytes.saturating_add(coming).saturating_add(upload.bytes) > self.rules.rates.files_bytes_max {
            return Err(Refusal::FilesFull);
        }
        self.check_room_for(now, upload, is_admin, coming)?;
        self.files.unpaused.remove(&upload);
        self.ask_contents(ContentWork::Begin(upload), PendingContent::Begin { to, upload });
        Ok(())
    }

    pub(super) fn send_block(&mut self, context: Context<'_>, hash: ContentHash, offset: u64, block: Block) -> Result<(), Refusal> {
        let Context { now, from, to, .. } = context;
        let own = self.files.of_session(to.session).find(|key| key.hash == hash && key.account == from.account());
        let upload = own.ok_or(Refusal::BadRequest)?;
        let bytes = block.length();
        self.charge_block(now, from, bytes)?;
        let Some(open) = self.files.uploads.get_mut(&upload) else { return Err(Refusal::BadRequest) };
        // Nobody who waits for answers has more on its way than was granted at a time.
        if open.unwritten + bytes > FILE_WINDOW_BYTES {
            return Err(Refusal::Busy);
        }
        open.unwritten += bytes;
        self.ask_contents(ContentWork::Write { upload, offset, block }, PendingContent::Write { to, upload, bytes });
        Ok(())
    }

    fn written(&mut self, now: Now, to: ReplyTo, upload: UploadKey, bytes: u64, result: Result<ContentOutcome, Refusal>) {
        if let Some(open) = self.files.uploads.get_mut(&upload) {
            open.unwritten = open.unwritten.saturating_sub(bytes);
        }
        self.files.counted.received_bytes += if result.is_ok() { bytes } else { 0 };
        match result {
            Ok(ContentOutcome::Written { upto, complete: false }) => self.reply(to, Ok(Answer::Received { upto })),
            Ok(ContentOutcome::Written { .. }) => {
                let UploadKey { account, hash, bytes } = upload;
                let stored = self.submit(now, Work::File(FileJob::Uploaded { account, hash, bytes }), PendingJob::Uploaded { to, upload });
                if let Err(refusal) = stored {
                    self.upload_over(now, to, upload, Err(refusal));
                }
            }
            Ok(_) => self.upload_over(now, to, upload, Err(Refusal::FilesFailed)),
            Err(refusal) => self.upload_over(now, to, upload, Err(refusal)),
        }
    }

    pub(super) fn uploaded(&mut self, now: Now, to: ReplyTo, upload: UploadKey, result: Result<Outcome, Refusal>) {
        self.upload_over(now, to, upload, result.map(|_| Answer::Received { upto: upload.bytes }));
    }

    /// An upload has come to its end, good or bad; what is there of a bad one stays for a while.
    fn upload_over(&mut self, now: Now, to: ReplyTo, upload: UploadKey, answer: Result<Answer, Refusal>) {
        match answer {
            Ok(_) => self.files.counted.received += 1,
            // It is sent again in a moment.
            Err(Refusal::Busy) => {}
            Err(_) => self.files.counted.failed += 1,
        }
        self.reply(to, answer);
        if self.files.uploads.get(&upload).is_some_and(|open| open.session == to.session) {
            self.pause(now, upload);
        }
    }

    /// Nobody sends more of this for now.
    fn pause(&mut self, now: Now, upload: UploadKey) {
        let Some(Upload { session, .. }) = self.files.uploads.remove(&upload) else { return };
        self.ask_contents(ContentWork::Pause(upload), PendingContent::Pause(upload));
        self.files.sweep_later(now);
        if self.files.of_session(session).next().is_none() {
            self.effects.push_back(Effect::FileWindow { session, bytes: 0 });
        }
    }

    /// A session is over, and so is what it was sending.
    pub(super) fn stop_uploads(&mut self, now: Now, session: SessionId) {
        let own: Vec<_> = self.files.of_session(session).collect();
        for upload in own {
            self.pause(now, upload);
        }
    }

    // --- Reading -------------------------------------------------------------------------------------------------------------

    pub(super) fn fetch_block(&mut self, context: Context<'_>, file: FileId, offset: u64) -> Result<(), Refusal> {
        let job = FileJob::Content { account: context.account(), file };
        self.submit_for(context, Work::File(job), PendingJob::FileContent { to: context.to, offset })
    }

    pub(super) fn content_found(&mut self, to: ReplyTo, offset: u64, content: StoredContent) {
        let StoredContent { hash, bytes } = content;
        match block_length_at(offset, bytes) {
            0 => self.reply(to, Err(Refusal::BeyondTheEnd)),
            length => self.ask_contents(ContentWork::Read { hash, offset, length }, PendingContent::Read { to }),
        }
    }

    pub(super) fn list_files(&mut self, context: Context<'_>, of: Target, before: Option<Seq>) -> Result<(), Refusal> {
        let job = FileJob::List { account: context.account(), of, before };
        self.submit_for(context, Work::File(job), PendingJob::Read { to: context.to })
    }

    // --- What nobody refers to -----------------------------------------------------------------------------------------------

    pub(super) fn sweep_contents(&mut self, now: Now) {
        if self.files.sweep_at.take_if(|at| *at <= now.instant).is_some() {
            let kept = u64::try_from(UPLOADS_KEPT.as_millis()).unwrap_or(u64::MAX);
            let uploads_before = UnixMillis(now.wall.0.saturating_sub(kept));
            if self.submit(now, Work::File(FileJob::Sweep { uploads_before }), PendingJob::Sweep).is_err() {
                self.files.sweep_later(now);
            }
        }
    }

    pub(super) fn swept(&mut self, now: Now, result: Result<Outcome, Refusal>) {
        self.files.sweep_later(now);
        let Ok(Unreferenced { mut hashes, more }) = result.and_then(Outcome::expect) else { return };
        // Somebody sends it just now, and it may be there again before it is gone.
        hashes.retain(|hash| !self.files.uploads.keys().any(|key| key.hash == *hash));
        self.ask_contents(ContentWork::Remove(hashes.clone()), PendingContent::Remove { hashes, more });
    }

    // --- The folder's answers ------------------------------------------------------------------------------------------------

    /// The folder of contents has answered, or had no room for the question.
    pub(crate) fn handle_content(&mut self, now: Now, done: ContentDone) {
        let ContentDone { ticket, result } = done;
        let Some(pending) = self.files.asked.remove(&ticket) else { return };
        match pending {
            PendingContent::Begin { to, upload } => self.begun(now, to, upload, result),
            PendingContent::Write { to, upload, bytes } => self.written(now, to, upload, bytes, result),
            PendingContent::Read { to } => {
                let answer = result.and_then(|outcome| match outcome {
                    ContentOutcome::Read(block) => {
                        self.files.counted.fetched_bytes += block.length();
                        Ok(Answer::Block(block))
                    }
                    _ => Err(Refusal::FilesFailed),
                });
                self.reply(to, answer);
            }
            PendingContent::Remove { hashes, more } => {
                if result.is_ok() && !hashes.is_empty() {
                    tracing::info!(contents = hashes.len(), "removed what no message refers to");
                    // Where it cannot be noted, the next round finds them again.
                    let _ = self.submit(now, Work::File(FileJob::Forget { hashes }), PendingJob::Nobody);
                    if more {
                        self.files.sweep_at = Some(now.instant);
                    }
                }
            }
            PendingContent::Pause(upload) if result.is_err() => {
                self.files.unpaused.insert(upload);
                return;
            }
            PendingContent::Pause(_) => {}
        }
        // After any answer there may be room.
        if let Some(upload) = self.files.unpaused.pop_first() {
            self.ask_contents(ContentWork::Pause(upload), PendingContent::Pause(upload));
        }
    }

    fn begun(&mut self, now: Now, to: ReplyTo, upload: UploadKey, result: Result<ContentOutcome, Refusal>) {
        let from = match result {
            Ok(ContentOutcome::Begun { from }) => from,
            Ok(_) => return self.reply(to, Err(Refusal::FilesFailed)),
            Err(refusal) => return self.reply(to, Err(refusal)),
        };
        if !self.presences.is_signed_in(to.session) {
            return self.ask_contents(ContentWork::Pause(upload), PendingContent::Pause(upload));
        }
        // Where another session of the same person was sending it, this one goes on; so does it with what it has said to be longer.
        let same = |key: &UploadKey| key.account == upload.account && key.hash == upload.hash && *key != upload;
        let replaced: Vec<_> = self.files.uploads.keys().copied().filter(same).collect();
        for key in replaced {
            self.pause(now, key);
        }
        self.files.uploads.insert(upload, Upload { session: to.session, unwritten: 0 });
        self.effects.push_back(Effect::FileWindow { session: to.session, bytes: FILE_WINDOW_BYTES });
        self.reply(to, Ok(Answer::Upload { from }));
    }
}
