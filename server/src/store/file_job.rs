//! What the store is asked about files: whose a content is, who may have it, and which nobody refers to.

use belfry_core::chat::{AccountId, ContentHash, FileId, FileName, PostId, Seq, Text};
#[cfg(doc)]
use belfry_core::chat::{Answer, Refusal};
use belfry_core::time::UnixMillis;

#[cfg(doc)]
use super::Outcome;
use super::Target;

/// Files that come with messages, and their contents.
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "a variant says what is to be done; a field is explained where its name does not say it all")]
pub enum FileJob {
    /// Somebody wants to send a file. Outcome: [`Outcome::Offered`]; refused where they may not post.
    Offer { account: AccountId, to: Target, hash: ContentHash },
    /// A content has come from somebody, is verified and on the disk. Outcome: [`Outcome::Changed`].
    Uploaded { account: AccountId, hash: ContentHash, bytes: u64 },
    /// Store a message with a file unless `post` is stored already. Outcome: [`Outcome::Posted`]; refused with [`Refusal::NotUploaded`] to
    /// whoever has neither sent the content nor can read it.
    Post {
        account: AccountId,
        /// Recognises a repetition.
        post: PostId,
        to: Target,
        text: Text,
        name: FileName,
        hash: ContentHash,
    },
    /// Read about a file. Outcome: [`Answer::File`]; refused with [`Refusal::UnknownFile`] to whoever cannot read its message.
    Find { account: AccountId, file: FileId },
    /// Read what a file holds, for a block of it. Outcome: [`Outcome::StoredContent`]; refused as [`FileJob::Find`].
    Content { account: AccountId, file: FileId },
    /// List the files of a conversation, newest first. Outcome: [`Answer::Files`].
    List {
        account: AccountId,
        of: Target,
        /// Only of messages before this one.
        before: Option<Seq>,
    },
    /// Forget who has sent what and posted it nowhere, and find contents that nobody refers to. Outcome: [`Outcome::Unreferenced`].
    Sweep {
        /// Sent earlier.
        uploads_before: UnixMillis,
    },
    /// The contents are not on the disk any more. Outcome: [`Outcome::Changed`].
    Forget { hashes: Vec<ContentHash> },
}

/// Whether somebody who wants to send a content need not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Offered {
    /// They have sent it before, or can read it: how long it is.
    pub has: Option<u64>,
    /// Bytes of all contents.
    pub kept_bytes: u64,
}

/// What a file holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StoredContent {
    /// By its hash.
    pub hash: ContentHash,
    /// How long it is.
    pub bytes: u64,
}

/// Contents that nobody refers to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unreferenced {
    /// Some of them.
    pub hashes: Vec<ContentHash>,
    /// There may be more.
    pub more: bool,
}
