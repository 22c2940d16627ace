//! Every number that is the server's own, with its why. What both ends must agree on is in [`belfry_core::limits`].

use core::time::Duration;

use belfry_core::limits::{ACK_DELAY_MAX, NAME_BYTES_MAX, OUTBOX_MAX, PAGE_BYTES_MAX, PROFILE_BYTES_MAX, QUEUED_BYTES_LOW, TEXT_BYTES_MAX};
use belfry_core::wire::Channel;

// --- Signing in ------------------------------------------------------------------------------------------------------------

/// A connection on which nobody has signed in by then is closed. Somebody at a prompt connects only once the password is typed.
pub const SIGN_IN_WITHIN: Duration = Duration::from_secs(30);

/// How often it is looked whether those who have asked for something rest again.
pub const REQUESTS_REST_EVERY: Duration = Duration::from_secs(2);

/// Failed tries to sign in after which a connection is closed.
pub const SIGN_IN_FAILURES_PER_SESSION: u32 = 5;

/// Failed tries to sign in from one [source](belfry_core::source), and to one account, within [`SIGN_IN_FAILURE_WINDOW`]; further tries are
/// refused unseen. Those on devices and from addresses that the account knows are counted for each of these. A terminal server's users may
/// mistype; a guesser gets 1,800 tries an hour.
pub const SIGN_IN_FAILURES_PER_ADDRESS: u32 = 30;
/// See [`SIGN_IN_FAILURES_PER_ADDRESS`].
pub const SIGN_IN_FAILURE_WINDOW: Duration = Duration::from_secs(60);

/// Addresses and accounts whose failures are remembered; beyond it the one whose window began first is forgotten.
pub const FAILURES_REMEMBERED_MAX: usize = 20_000;

/// Passwords that wait to be hashed or verified. At about 25 ms each, two at a time, the last one waits 13 s, which a whole office after a
/// power cut may need; more would outlive the patience of those who wait. When it is full, whoever has the most waiting from one address
/// is answered with `Busy`.
pub const PASSWORDS_WAITING_MAX: usize = 1024;

/// Passwords that are looked at at a time where nobody says how many cores there are …
pub const HASHES_AT_ONCE: usize = 2;
/// … and however many there are: each takes a core for 25 ms and 19 MiB.
pub const HASHES_AT_ONCE_MAX: usize = 4;

/// Passwords of those whom the account knows that are looked at before one of those whom it does not.
pub const FAMILIAR_TURNS_IN_A_ROW: u32 = 3;

/// Devices of one account that may sign in without the password; beyond it the one that was here longest ago needs it again.
pub const DEVICES_REMEMBERED_MAX: u32 = 32;

/// Addresses of one account that are remembered as its own; beyond it the one that it was at longest ago is a stranger's.
pub const ADDRESSES_KNOWN_MAX: u32 = 32;

/// Devices of one account that are listed beside those: every call of a script is one.
pub const DEVICES_SEEN_MAX: u32 = 32;

/// Lines of one notice's ledger for one person's devices: all that are remembered, and as many that were before. What does not fit, and
/// every program that needs the password, shares one more line.
pub const LEDGER_DEVICES_MAX: u32 = 2 * DEVICES_REMEMBERED_MAX;

// --- Notices ---------------------------------------------------------------------------------------------------------------

/// Notices that one author may send within [`NOTICES_WINDOW`], and how many of them may be critical: more than any emergency needs,
/// fewer than a script that has run wild sends.
pub const NOTICES_PER_AUTHOR_MAX: usize = 60;
/// See [`NOTICES_PER_AUTHOR_MAX`].
pub const CRITICAL_NOTICES_PER_AUTHOR_MAX: usize = 10;
/// See [`NOTICES_PER_AUTHOR_MAX`].
pub const NOTICES_WINDOW: Duration = Duration::from_secs(60);

/// Notices that wait for their time, templates, groups and rooms: a person looks through the list, and the first two and the rooms' names
/// are in memory.
pub const SCHEDULES_MAX: usize = 1000;
/// See [`SCHEDULES_MAX`].
pub const TEMPLATES_MAX: usize = 1000;
/// See [`SCHEDULES_MAX`].
pub const GROUPS_MAX: usize = 10_000;
/// See [`SCHEDULES_MAX`].
pub const ROOMS_MAX: usize = 10_000;

/// Accounts that one request may add to a group or take out of it.
pub const GROUP_MEMBERS_PER_REQUEST_MAX: usize = 400;

/// Open notices that one event may name; of more, the newest.
pub const OPEN_NOTICES_PER_EVENT: usize = 4000;

/// While anything is to happen at a time of the wall clock, that is looked at so often: it may be set, and what was due by it with it.
pub const CLOCK_LOOK_EVERY: Duration = Duration::from_secs(60);

/// A clock that is further ahead of all that the house has seen has leapt …
pub const CLOCK_LEAP: Duration = Duration::from_secs(24 * 3600);
/// … and is not believed, where that would delete something, before it has gone on for so long: time for somebody to see it.
pub const CLOCK_BELIEVED_AFTER: Duration = Duration::from_secs(24 * 3600);

/// What could not be handed to a busy store is tried again after this long.
pub const STORE_RETRY: Duration = Duration::from_secs(1);

/// An acknowledgement of a notice waits at most this long for others to be noted with: a commit for each handful costs many times what
/// their lines do. Half of what the author waits between two reports of progress.
pub const ARRIVALS_WITHIN: Duration = Duration::from_millis(50);
const _: () = assert!(ARRIVALS_WITHIN.as_millis() * 2 <= PROGRESS_INTERVAL.as_millis());
/// What a screen reports of a notice waits at most this long for others: not as long as its acknowledgement does, so that the answer takes that
/// along in its datagram.
pub const REPORTS_WITHIN: Duration = Duration::from_millis(15);
const _: () = assert!(REPORTS_WITHIN.as_millis() < ACK_DELAY_MAX.as_millis());
/// That a notice is on its way to a device is noted when it was not acknowledged for this long: on a network that works nobody takes longer.
pub const QUEUED_AFTER: Duration = Duration::from_secs(1);
/// Acknowledgements of notices, or reports of screens, that one job of the store notes: some milliseconds of work, for which nobody's message waits longer.
pub const ARRIVALS_PER_JOB: usize = 1024;
/// Acknowledgements, and reports, that wait to be noted: of three notices to everybody in the largest house, while its disk stands still.
pub const ARRIVALS_MAX: usize = 65_536;

// --- Requests --------------------------------------------------------------------------------------------------------------

/// Requests of one session that wait for their answer: a client that comes back with a full outbox sends it without pausing, and
/// none of it may be refused. Further ones are answered with `Busy`.
pub const REQUESTS_WAITING_PER_SESSION_MAX: usize = OUTBOX_MAX + 1000;

/// What one large answer may come to, and is counted as before it is made: a page with its last message.
pub const LARGE_ANSWER_BYTES: u64 = (PAGE_BYTES_MAX + TEXT_BYTES_MAX) as u64;

/// Bytes of large answers of one session that are being made or wait to be acknowledged. Further questions stay with the session until
/// there is room: as much as the queue of the channel that pages go by, so that no answer pushes another out.
pub const ANSWER_BYTES_PER_SESSION_MAX: u64 = Channel::History.queue_bytes_max();

/// Large answers that are being made at a time, for all sessions: 56 MiB. Further questions wait for their turn.
pub const LARGE_ANSWERS_AT_ONCE: usize = 1024;

/// Questions of one session that wait for room. Further ones are answered with `Busy`: a client asks for a page or more in each
/// conversation when it comes back.
pub const PARKED_PER_SESSION_MAX: usize = 1000;

/// Questions of all sessions that wait for room. Further ones are answered with `Busy`.
pub const PARKED_MAX: usize = 65_536;

/// Answers to somebody who has not signed in, after which the connection is closed. Nobody who means to sign in gets so many noes.
pub const ANSWERS_TO_A_STRANGER_MAX: u32 = 32;

/// Sessions of one account at a time: an account that a whole floor's screens share. Each may make the server keep answers for it.
pub const SESSIONS_PER_ACCOUNT_MAX: usize = 512;

/// Jobs of all sessions that wait at the store. Further requests are answered with `Busy`.
pub const JOBS_WAITING_MAX: usize = 65_536;

/// Bytes of text in jobs that wait at the store. Further requests are answered with `Busy`.
pub const JOB_BYTES_WAITING_MAX: usize = 256 * 1024 * 1024;

/// Posts and receipts of one session, per second and in a burst: a full outbox and a good deal more at once.
pub const POSTS_PER_SECOND: u64 = 500;
/// See [`POSTS_PER_SECOND`].
pub const POSTS_BURST: u64 = OUTBOX_MAX as u64 + 2000;

/// Pages that one session reads, per second and in a burst: catching up after weeks asks for one or more in each conversation.
pub const READS_PER_SECOND: u64 = 500;
/// See [`READS_PER_SECOND`].
pub const READS_BURST: u64 = 5000;

/// Other acts of one session, per second and in a burst: a script that makes an account for everyone in the house.
pub const ACTS_PER_SECOND: u64 = 50;
/// See [`ACTS_PER_SECOND`].
pub const ACTS_BURST: u64 = 1000;

/// Searches of one session, per second and in a burst: more than a person types, and each may cost some milliseconds.
pub const SEARCHES_PER_SECOND: u64 = 5;
/// See [`SEARCHES_PER_SECOND`].
pub const SEARCHES_BURST: u64 = 20;

/// A search that takes longer is ended and gives what it has found: a thousand times what people's searches take. One account has one
/// under way at a time, so that whoever makes them dear waits for themselves.
pub const SEARCH_WITHIN: Duration = Duration::from_millis(500);

/// Searches of one account that wait for the one that is under way.
pub const SEARCHES_WAITING_PER_ACCOUNT: usize = SEARCHES_BURST as usize;

/// How often one session may say that somebody is writing, per second and in a burst: a client says it every
/// [`TYPING_INTERVAL`](belfry_core::limits::TYPING_INTERVAL) in each place.
pub const TYPING_PER_SECOND: u64 = 1;
/// See [`TYPING_PER_SECOND`].
pub const TYPING_BURST: u64 = 5;

// --- What is told unasked --------------------------------------------------------------------------------------------------

/// Changes of presence within this long of the last announcement are collected into the next one: nobody who looks sees more of a thousand
/// people who come at once when each has a datagram of their own.
pub const PRESENCE_INTERVAL: Duration = Duration::from_secs(1);

/// Whoever shows lists hears at most this often that there is something else to be listed.
pub const LISTS_INTERVAL: Duration = Duration::from_secs(1);

/// So many pages of lists are asked for in a second after something has changed, by all who show them together: a tenth of what the thread
/// that reads them can do. Nobody waits less than a second, so that a house of 300 asks within one, and one of 10,000 in front of which every
/// window is open within the [`LISTS_WITHIN_MAX`](belfry_core::limits::LISTS_WITHIN_MAX).
pub const LIST_PAGES_PER_SECOND: u64 = 2_000;

/// Profiles that are told as they are; with more of them in a second the list is read again.
pub const PROFILES_PER_EVENT: usize = 50;

/// People and rooms that all sessions together may watch by name.
pub const WATCHED_IN_ALL_MAX: usize = 1 << 20;

/// Where more sessions than this would hear it, nobody hears that somebody is writing: in a full lobby it says nothing.
pub const TYPING_AUDIENCE_MAX: usize = 200;

/// The author of a notice hears of its progress at most this often.
pub const PROGRESS_INTERVAL: Duration = Duration::from_millis(100);

/// Conversations in one event.
pub const CONVERSATIONS_PER_EVENT: usize = 200;

/// Those who left last are known for so many more: a list that is read before the store has noted when they left shows it all the same.
pub const LEFT_LATELY_MAX: usize = 4096;

/// Changes of presence in one event.
pub const PRESENCES_PER_EVENT: usize = 200;

/// People in one page of a ledger.
pub const LEDGER_ENTRIES_PER_PAGE: u32 = 150;

/// Notices in one page.
pub const NOTICES_PER_PAGE: u32 = 100;

// --- What is kept ----------------------------------------------------------------------------------------------------------

/// Rounds that look for what is kept no longer are this far apart: an hour more or less does not matter to anything kept for days.
pub const TIDY_EVERY: Duration = Duration::from_secs(60 * 60);

/// Between the bites of a round the store does what others ask for: a bite takes about 2 ms, so tidying takes less than a tenth of it.
pub const TIDY_PAUSE: Duration = Duration::from_millis(25);

// --- What one may use up ----------------------------------------------------------------------------------------------------

/// Accounts that people at one [source](belfry_core::source) may make for themselves in an hour: a house of four hundred that registers on
/// one morning behind one address.
pub const REGISTRATIONS_PER_HOUR: u64 = 500;
/// Everywhere together so many times as many.
pub const REGISTRATIONS_IN_ALL: u64 = 4;

/// Rooms that a member may make in an hour, and have: more than anybody looks after, fewer than a script that has run wild makes.
pub const ROOMS_PER_HOUR: u64 = 50;
/// See [`ROOMS_PER_HOUR`].
pub const ROOMS_PER_PERSON: u64 = 200;

/// Bytes that a member may write in a day: a monitor that says a hundred bytes thirty times a second says less.
pub const BYTES_A_DAY: u64 = 1024 * 1024 * 1024;

/// What a message counts for besides its text: its row and what finds it.
pub const MESSAGE_BESIDE_BYTES: u64 = 200;

/// When less of the disk is free, members' messages are not taken any more: room for notices, ledgers and a backup of a small house.
pub const DISK_RESERVE_BYTES: u64 = 512 * 1024 * 1024;

/// People and addresses whose use is remembered; beyond it those whose window is over are forgotten.
pub const QUOTAS_REMEMBERED_MAX: usize = 20_000;

// --- Files ------------------------------------------------------------------------------------------------------------------

/// Bytes of one file: a film of some minutes, and no disk image.
pub const FILE_BYTES_MAX: u64 = 256 * 1024 * 1024;

/// Bytes of files that a member may send in a day: eight of the largest.
pub const FILE_BYTES_A_DAY: u64 = 2 * 1024 * 1024 * 1024;

/// Bytes of all files that the server keeps; a content that came twice counts once.
pub const FILES_BYTES_MAX: u64 = 64 * 1024 * 1024 * 1024;

/// How long what has come of a file stays when nobody goes on sending it, and how long a content stays that was sent and not posted.
pub const UPLOADS_KEPT: Duration = Duration::from_secs(24 * 3600);

/// Files that one account sends at a time.
pub const UPLOADS_PER_ACCOUNT_MAX: usize = 8;

/// Files that all send at a time: each is an open file.
pub const UPLOADS_OPEN_MAX: usize = 256;

/// Jobs for the folder of contents that wait, each with a block at most: 48 MiB. Further ones are answered with `Busy`.
pub const CONTENT_JOBS_MAX: usize = 1024;

/// Blocks of files that one session sends or reads, per second and in a burst: a gigabyte in a second.
pub const BLOCKS_PER_SECOND: u64 = 20_000;
/// See [`BLOCKS_PER_SECOND`].
pub const BLOCKS_BURST: u64 = 40_000;

/// How long the command that looks at files has for one: what an administrator's scanner takes for the longest file.
pub const SCAN_WITHIN: Duration = Duration::from_secs(45);

/// Files that are looked at at once: each is a process that reads a whole file.
pub const SCANS_AT_ONCE_MAX: usize = 2;

/// Files that wait to be looked at. Further ones are answered with `Busy`, and sent again.
pub const SCANS_WAITING_MAX: usize = 64;

/// How often it is looked for contents that nobody refers to any more …
pub const CONTENTS_SWEPT_EVERY: Duration = Duration::from_secs(60 * 60);
/// … and so many go at a time.
pub const CONTENTS_PER_SWEEP: u32 = 100;

// --- Around the server -----------------------------------------------------------------------------------------------------

/// The computer's networks and its disk are looked at this often: a disk that is written to with 50 MB a second loses half its reserve
/// meanwhile.
pub const SURROUNDINGS_EVERY: Duration = Duration::from_secs(5);

/// With so much more in memory than when there was least, some of it may be free and given back to the system …
pub const HEAP_GROWTH_BYTES: u64 = 16 * 1024 * 1024;
/// … at intervals that double up to so many looks at the surroundings, five minutes: most of it may be in use for long.
pub const HEAP_LOOKS_MAX: u32 = 64;

/// A retention that is read again and would delete more than one part in this many waits for the next start.
pub const DELETED_UNASKED_PARTS: u64 = 10;

/// A room's messages are kept for less only by who confirms it: minutes were months.
pub const KEPT_UNASKED_MIN: Duration = Duration::from_secs(24 * 60 * 60);

// --- The loop --------------------------------------------------------------------------------------------------------------

/// Clients of a server that stops come back no earlier than this …
pub const RETURN_AFTER: Duration = Duration::from_secs(1);
/// … plus up to this, so that they do not all come at once.
pub const RETURN_JITTER: Duration = Duration::from_secs(4);

// --- How they relate -------------------------------------------------------------------------------------------------------

const _: () = assert!(REQUESTS_WAITING_PER_SESSION_MAX < JOBS_WAITING_MAX, "one session must not use up what all share");
const _: () = assert!(LARGE_ANSWER_BYTES + QUEUED_BYTES_LOW <= ANSWER_BYTES_PER_SESSION_MAX, "who has room again has room for an answer");
const _: () = assert!(belfry_core::limits::FILE_BLOCK_BYTES as u64 + 128 <= LARGE_ANSWER_BYTES, "a block counts as a page");
const _: () = assert!(PARKED_PER_SESSION_MAX < PARKED_MAX, "one session must not use up what all share");
const _: () = assert!(POSTS_BURST > OUTBOX_MAX as u64, "a full outbox must pass");
const _: () = assert!(CONVERSATIONS_PER_EVENT * (NAME_BYTES_MAX + 32) < PAGE_BYTES_MAX);
const _: () = assert!(PROFILES_PER_EVENT * (NAME_BYTES_MAX + PROFILE_BYTES_MAX + 8) < PAGE_BYTES_MAX);
const _: () = assert!(PRESENCES_PER_EVENT * (NAME_BYTES_MAX + 32) < PAGE_BYTES_MAX);

/// What one line of a device takes at most: its key, six times, an answer, numbers and marks.
const LEDGER_DEVICE_BYTES_MAX: usize = 32 + 6 * 10 + belfry_core::limits::LABEL_BYTES_MAX + 32;
const _: () = assert!(
    (LEDGER_DEVICES_MAX + DEVICES_REMEMBERED_MAX + 1) as usize * LEDGER_DEVICE_BYTES_MAX + 1024 < PAGE_BYTES_MAX,
    "one person's ledger always fits a page"
);
const _: () = assert!(OPEN_NOTICES_PER_EVENT * 9 < PAGE_BYTES_MAX);
const _: () = assert!(GROUP_MEMBERS_PER_REQUEST_MAX * (NAME_BYTES_MAX + 4) < belfry_core::limits::MESSAGE_BYTES_MAX);

/// A server that stops waits this long for its clients to have heard its goodbye: time for two more tries on a bad network.
pub const GOODBYES_WITHIN: Duration = Duration::from_millis(500);
