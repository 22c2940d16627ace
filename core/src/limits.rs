//! Every number of the protocol, with its why. Durations unless the name ends in a unit.

use core::time::Duration;

// --- Datagrams -------------------------------------------------------------------------------------------------------------

/// The UDP payload that every path must carry. The handshake is padded to it, so a path that would lose larger datagrams
/// later shows it at once; IPv6's smallest MTU (1280) less its headers leaves 1232.
pub const DATAGRAM_BYTES: usize = 1200;

/// The largest datagram that is looked at: Ethernet's 1500 less the smallest IP and UDP headers.
pub const DATAGRAM_BYTES_MAX: usize = 1472;

/// Clients pad every protected datagram to this, so that the 32 bytes of NO_SESSION are always shorter than their trigger.
pub const CLIENT_DATAGRAM_BYTES_MIN: usize = 40;

/// Frames in one datagram. A full datagram of the smallest DATA frames holds more; splitting them costs nothing.
pub const FRAMES_PER_DATAGRAM_MAX: usize = 64;

/// The reason given with a CLOSE, in bytes of UTF-8.
pub const REASON_BYTES_MAX: usize = 64;

// --- Handshake -------------------------------------------------------------------------------------------------------------

/// How long a cookie's time bucket is; the current and the previous bucket are accepted, so a cookie lives 10 to 20 s.
pub const COOKIE_BUCKET: Duration = Duration::from_secs(10);

/// Identities that a server may have at once: the present one and retired ones that clients may still have pinned.
pub const IDENTITIES_MAX: usize = 4;

/// How often the secret behind the cookies changes; the previous one stays valid as long again.
pub const COOKIE_SECRET_LIFE: Duration = Duration::from_secs(60);

/// How long a first Noise message is remembered against replays: longer than its cookie lives.
pub const HELLO_MEMORY: Duration = Duration::from_secs(30);

/// How long the server keeps a connection whose client has not confirmed its keys.
pub const PROVISIONAL_LIFE: Duration = Duration::from_secs(5);

/// Unconfirmed connections at one time. When there are so many, each new one takes the place of the oldest of whoever has the most.
pub const PROVISIONAL_MAX: usize = 1024;

/// Addresses whose unconfirmed connections together weigh as much as those of one network that is not on the link: a routed office in
/// the morning has dozens under way, and an attacker who owns a network has all its addresses.
pub const PROVISIONAL_NETWORK_SHARE: usize = 16;

/// Handshakes per second and in a burst, over all addresses: about half a core (300 µs each), and 10,000 clients are back in 7 s.
pub const HANDSHAKES_PER_SECOND: u64 = 1500;
/// See [`HANDSHAKES_PER_SECOND`].
pub const HANDSHAKES_BURST: u64 = 500;

/// Handshakes per second and in a burst from one [source](crate::source): a terminal server's users log on together.
pub const HANDSHAKES_PER_ADDRESS_PER_SECOND: u64 = 20;
/// See [`HANDSHAKES_PER_ADDRESS_PER_SECOND`].
pub const HANDSHAKES_PER_ADDRESS_BURST: u64 = 100;

/// Handshakes in a burst, and one more each second, that a source may leave unconfirmed and still draw on all that there are. Further ones
/// leave [`HANDSHAKES_RESERVED`] to the others: a hundred addresses that never confirm get a hundred of the 1500 of a second, and of the
/// rest only what nobody else wants.
pub const HANDSHAKES_UNPROVEN_BURST: u64 = 2;
/// See [`HANDSHAKES_UNPROVEN_BURST`].
pub const HANDSHAKES_UNPROVEN_PER_SECOND: u64 = 1;
/// See [`HANDSHAKES_UNPROVEN_BURST`].
pub const HANDSHAKES_RESERVED: u64 = HANDSHAKES_BURST / 2;

/// RETRY datagrams per second, over all addresses: stateless and cheap (0.4 µs), so this bounds only the bandwidth of replies.
pub const RETRIES_PER_SECOND: u64 = 50_000;
/// See [`RETRIES_PER_SECOND`]; to one IPv4 /24 or IPv6 /48 that is not on the link, so that a storm of forged senders from one network
/// leaves the others alone.
pub const RETRIES_PER_NETWORK_PER_SECOND: u64 = 5_000;
/// See [`RETRIES_PER_SECOND`]; to one [source](crate::source), behind which a terminal server's clients ask again and again.
pub const RETRIES_PER_ADDRESS_PER_SECOND: u64 = 50;

/// NO_SESSION datagrams per second, over all addresses and to one.
pub const NO_SESSIONS_PER_SECOND: u64 = 50;
/// See [`NO_SESSIONS_PER_SECOND`].
pub const NO_SESSIONS_PER_ADDRESS_PER_SECOND: u64 = 1;

/// A question for servers on the local network is padded to this, so that it is always longer than its answer.
pub const DISCOVER_BYTES: usize = 256;

/// A server's name in its answer to such a question: the longest label of a host's name, in bytes of UTF-8.
pub const HERE_NAME_BYTES_MAX: usize = 63;

/// Its program's version there.
pub const HERE_PROGRAM_BYTES_MAX: usize = 32;

/// Answers per second to such questions, over all addresses and to one: they come by broadcast, and whoever looks asks three times.
pub const HERES_PER_SECOND: u64 = 50;
/// See [`HERES_PER_SECOND`].
pub const HERES_PER_ADDRESS_PER_SECOND: u64 = 2;

/// Connections at one time.
pub const PEERS_MAX: usize = 100_000;

/// Handshakes that are done without looking what else has come: two or three milliseconds.
pub const HANDSHAKES_AT_ONCE: usize = 8;

/// First messages that wait for their handshake, all from addresses that are proven: those of one to two seconds. A client waits for ten.
pub const HELLOS_WAITING_MAX: usize = 2048;

/// Connections from one [source](crate::source): terminal servers and NAT put many people behind one.
pub const PEERS_PER_ADDRESS_MAX: usize = 512;

/// A client tries the next address of the server after this long without an answer, doubling.
pub const HELLO_RETRY_MIN: Duration = Duration::from_millis(300);

/// A handshake that has not finished by then is given up.
pub const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);

/// Reconnecting backs off from here …
pub const RECONNECT_MIN: Duration = Duration::from_millis(500);
/// … to here, with full jitter: who is not told that the network is back is back soon after it. A house of ten thousand asks a thousand
/// times a second then, which a server refuses or answers from its cookie in a millisecond.
pub const RECONNECT_MAX: Duration = Duration::from_secs(10);

/// A session that has lasted this long was no accident: reconnecting begins at [`RECONNECT_MIN`] again.
pub const STEADY_AFTER: Duration = Duration::from_secs(30);

/// A refusal that nobody has proven to have said keeps a client away for at most this long.
pub const REJECTED_MAX: Duration = Duration::from_secs(30);

/// A client that has no version in common with the server asks again after this long: somebody has to update one of the two first …
pub const VERSION_RETRY_MIN: Duration = Duration::from_secs(120);
/// … and at most this, so that a house of old clients does not ask all at once.
pub const VERSION_RETRY_MAX: Duration = Duration::from_secs(360);

/// A connection moves to another address at most this often: more would let somebody drag it to and fro.
pub const MOVES_APART_MIN: Duration = Duration::from_secs(1);

/// Challenges to one new address, as far as what has come from there is enough for them.
pub const PATH_CHALLENGES_MAX: u32 = 3;

/// A datagram with a challenge: head, frame and tag. A client pads to more, so that one datagram of a peer that has moved draws one.
pub const PATH_CHALLENGE_BYTES: usize = 34;

/// A client changes its keys after this time, give or take a tenth …
pub const KEY_LIFE: Duration = Duration::from_secs(3600);
/// … and tries again after this if it did not work.
pub const KEY_RETRY: Duration = Duration::from_secs(60);

// --- Delivery --------------------------------------------------------------------------------------------------------------

/// An acknowledgement waits at most this long for company: two of Windows' 15.6 ms ticks would be more, one is less.
pub const ACK_DELAY_MAX: Duration = Duration::from_millis(25);

/// The finest step of timers that either end is assumed to have.
pub const TIMER_GRANULARITY: Duration = Duration::from_millis(1);

/// Ranges in an acknowledgement that is sent, and in one that is accepted.
pub const ACK_RANGES_SENT_MAX: usize = 32;
/// See [`ACK_RANGES_SENT_MAX`].
pub const ACK_RANGES_ACCEPTED_MAX: usize = 64;

/// Packets remembered as sent at one time.
pub const SENT_PACKETS_MAX: usize = 1024;

/// No path is taken for slower than this: a satellite's round trip is half of it.
pub const ROUND_TRIP_MAX: Duration = Duration::from_secs(2);

/// The probe timeout before a round trip has been measured.
pub const PROBE_TIMEOUT_INITIAL: Duration = Duration::from_millis(300);

/// The probe timeout is never shorter than this …
pub const PROBE_TIMEOUT_MIN: Duration = Duration::from_millis(30);

/// … nor than this for the first packets after [`COLD_AFTER`] of silence: a dozing Wi-Fi laptop answers after 79 ms on
/// average and 313 ms at worst.
pub const PROBE_TIMEOUT_COLD_MIN: Duration = Duration::from_millis(200);

/// A peer from which nothing came for this long may be dozing.
pub const COLD_AFTER: Duration = Duration::from_secs(1);

/// The doubling probe timeout stops growing here.
pub const PROBE_TIMEOUT_MAX: Duration = Duration::from_secs(8);

/// A client's probes are never farther apart: it is one of few who talk to the server, and wants to know soon.
pub const PROBE_TIMEOUT_CLIENT_MAX: Duration = Duration::from_secs(1);

/// A client takes the server for unreachable when its probes have gone unanswered for this long: on a fast path nine of them, so
/// that even a network that loses every fifth datagram seldom looks dead.
pub const UNREACHABLE_AFTER: Duration = Duration::from_secs(4);

/// A client that waits for an answer asks for a sign of life this often.
pub const ANSWER_PATIENCE: Duration = Duration::from_secs(2);

/// A client whose question for a page met a busy server asks for pages again after this long.
pub const FETCH_RETRY: Duration = Duration::from_secs(1);

/// Packets behind the newest acknowledged one after which a packet counts as lost; adapts upwards to [`REORDER_THRESHOLD_MAX`].
pub const REORDER_THRESHOLD_MIN: u64 = 3;
/// See [`REORDER_THRESHOLD_MIN`].
pub const REORDER_THRESHOLD_MAX: u64 = 128;

/// A packet counts as lost this many eighths of a round trip after a later one was acknowledged (RFC 9002 §6.1.2).
pub const LOSS_EIGHTHS_OF_RTT: u32 = 9;

/// No packet is declared lost by time earlier than this.
pub const LOSS_DELAY_MIN: Duration = Duration::from_millis(4);

/// The largest message that any channel carries.
pub const MESSAGE_BYTES_MAX: usize = 64 * 1024;

/// Bytes of files that a peer may have on their way once a transfer was accepted: sixteen blocks, as many as may be partly arrived. More
/// than the packets that are remembered as sent would not be on its way anyhow.
pub const FILE_WINDOW_BYTES: u64 = FRAGMENTED_MESSAGES_MAX as u64 * MESSAGE_BYTES_MAX as u64;

/// Datagrams that history has of what it shares with files, for each of theirs: a page that somebody waits for is small, and a file that
/// somebody waits for takes long anyhow.
pub const HISTORY_WEIGHT: u8 = 3;

/// Messages of one channel that may be on their way beyond the oldest undelivered one.
pub const MESSAGES_IN_FLIGHT_MAX: u64 = 1024;

/// Messages of one channel that may be partly arrived. What they may hold is bounded by the grant; fewer would hold a sender of
/// messages of a few datagrams to so many in each round trip, and on a lossy path in several.
pub const FRAGMENTED_MESSAGES_MAX: usize = 16;

/// Bytes that all peers of a server together may have sent without their being whole: what one may hold times 100,000 would be 16 GiB.
pub const REASSEMBLY_BYTES_MAX: u64 = 256 * 1024 * 1024;

/// Bytes that may wait to be acknowledged by all peers of a server together, a message to many counted once: three thousand pages on their
/// way at a time. What one may have waiting times 100,000 would be 450 GiB.
pub const QUEUED_BYTES_MAX: u64 = 128 * 1024 * 1024;

/// A peer that is [watched](crate::endpoint::Endpoint::watch) has room again when no more than this waits for it: half of the queue of the
/// channel that pages go by.
pub const QUEUED_BYTES_LOW: u64 = 512 * 1024;

/// Pieces with holes between them that one message may have while it arrives.
pub const FRAGMENT_GAPS_MAX: usize = 64;

/// Only a message's last fragment may be smaller: tiny fragments make bookkeeping larger than what they carry.
pub const FRAGMENT_BYTES_MIN: usize = 512;

// --- Congestion ------------------------------------------------------------------------------------------------------------

/// The congestion window a peer starts with, in bytes: ten full datagrams (RFC 9002 §7.2).
pub const WINDOW_INITIAL_BYTES: u64 = 10 * DATAGRAM_BYTES as u64;

/// The window never shrinks below four datagrams, so that a lost one is noticed by those behind it.
pub const WINDOW_MIN_BYTES: u64 = 4 * DATAGRAM_BYTES as u64;

/// The window never grows beyond what a LAN can have in flight.
pub const WINDOW_MAX_BYTES: u64 = 4 * 1024 * 1024;

/// Round trips that are longer than the shortest by an eighth and this show a queue on the way, and a loss is taken for its overflow.
/// A switch's port of 100 Mbit/s with room for 25 datagrams keeps them for 3 ms.
pub const QUEUE_DELAY_MIN: Duration = Duration::from_millis(2);

/// More lost datagrams in ten are taken for an overflow even if no round trip shows a queue: a shaper that has none drops what is too
/// much. The worst radio that is still of use loses two.
pub const LOSSES_IN_TEN_MAX: u32 = 3;

/// Bulk is handed out in portions of this: finer steps cost timers and gain nothing.
pub const PACING_QUANTUM: Duration = Duration::from_millis(2);

/// Acknowledgements of one notice are spread over a millisecond for so many receivers …
pub const SPREAD_RECEIVERS_PER_MILLI: u64 = 50;
/// … up to this.
pub const SPREAD_MAX: Duration = Duration::from_secs(2);

/// Datagrams under one key that failed to open, after which the key is given up (RFC 9001 §6.6 allows 2^36).
pub const FORGERIES_MAX: u64 = 1 << 35;

// --- Keeping alive ---------------------------------------------------------------------------------------------------------

/// A client that sent nothing for this long, give or take [`KEEPALIVE_JITTER`], sends a PING: rarely enough for RFC 8085's 15 s,
/// often enough for middleboxes that forget a UDP flow after 30 s.
pub const KEEPALIVE: Duration = Duration::from_secs(24);

/// See [`KEEPALIVE`]: a fifth of it, to either side.
pub const KEEPALIVE_JITTER: Duration = Duration::from_millis(4800);

/// A peer from which nothing came for this long is gone: three keepalives may be lost.
pub const HEARTBEAT_TIMEOUT: Duration = Duration::from_secs(90);

/// A side that closes tells the other up to this many times, a probe timeout apart.
pub const CLOSE_TRIES_MAX: u32 = 3;

// --- The conversation ------------------------------------------------------------------------------------------------------

/// Characters of a name, and its bytes of UTF-8.
pub const NAME_CHARS_MAX: usize = 32;
/// See [`NAME_CHARS_MAX`].
pub const NAME_BYTES_MAX: usize = 4 * NAME_CHARS_MAX;

/// A message's or notice's text, in bytes of UTF-8: some pages of prose.
pub const TEXT_BYTES_MAX: usize = 16 * 1024;

/// Marks above, below and through one letter, counted as if each was written by itself. Pointed and accented Hebrew and Burmese need six;
/// what has more is made to cover the lines around it.
pub const MARKS_PER_LETTER_MAX: usize = 6;

/// What is searched for.
pub const SEARCH_BYTES_MAX: usize = 256;

/// Messages that one search finds.
pub const HITS_MAX: u32 = 100;

/// A client says at most this often that its person is writing; who hears nothing for twice as long takes it that they have stopped.
pub const TYPING_INTERVAL: Duration = Duration::from_secs(3);

/// A line of a message, where it is quoted.
pub const EXCERPT_BYTES_MAX: usize = 256;

/// One emoji, in bytes of UTF-8: the longest of Unicode's have 35, a couple with tones of skin.
pub const EMOJI_BYTES_MAX: usize = 64;

/// Different reactions of one message: two lines of them.
pub const REACTIONS_MAX: usize = 20;

/// Different reactions of one person to a message.
pub const REACTIONS_PER_PERSON_MAX: usize = 5;

/// People who are named with one reaction of a message; the others are counted, and listed for whoever asks.
pub const REACTORS_NAMED_MAX: usize = 8;
/// … and with all reactions of a message together, so that it fits a page.
pub const REACTORS_NAMED_IN_ALL_MAX: usize = 32;

/// A line of a person's profile, in bytes of UTF-8: as long as a name.
pub const PROFILE_LINE_BYTES_MAX: usize = NAME_BYTES_MAX;

/// What somebody says of what they are doing: what fits beside a name.
pub const STATUS_BYTES_MAX: usize = 160;

/// A whole profile.
pub const PROFILE_BYTES_MAX: usize = NAME_BYTES_MAX + 2 * PROFILE_LINE_BYTES_MAX + STATUS_BYTES_MAX + 16;

/// Changes of a profile that are asked for together: each of its parts, and some to spare.
pub const PROFILE_CHANGES_MAX: usize = 8;

/// A notice's heading.
pub const TITLE_BYTES_MAX: usize = 256;

/// What a file is called, in bytes of UTF-8: what every file system takes.
pub const FILE_NAME_BYTES_MAX: usize = 255;

/// Bytes of a file that travel at a time: with its envelope a block is less than a page, so that whoever reads files and pages is given one
/// after the other by the same measure.
pub const FILE_BLOCK_BYTES: usize = 48 * 1024;

/// What one of a notice's answers says.
pub const LABEL_BYTES_MAX: usize = 64;

/// Answers a notice may offer.
pub const ANSWERS_MAX: usize = 8;

/// Audiences a notice may join.
pub const AUDIENCES_MAX: usize = 64;

/// People and rooms that one session may watch by name: more than a window shows.
pub const WATCHED_MAX: usize = 256;

/// Within which time whoever shows a list that has changed asks for it again at the latest: a server that says more is not believed.
pub const LISTS_WITHIN_MAX: Duration = Duration::from_mins(5);

/// Reminders of one notice come no more often …
pub const REMIND_EVERY_MIN: Duration = Duration::from_secs(10);
/// … nor more seldom: beyond it is a mistyped length …
pub const REMIND_EVERY_MAX: Duration = Duration::from_secs(49 * 24 * 3600);
/// … and no more of them.
pub const REMINDERS_MAX: u16 = 100;

/// A notice repeats no more often …
pub const REPEAT_MIN: Duration = Duration::from_secs(60);
/// … and no more seldom: a longer pause is a mistyped one.
pub const REPEAT_MAX: Duration = Duration::from_secs(366 * 24 * 3600);

/// A notice matters for at least so long …
pub const EXPIRY_MIN: Duration = Duration::from_secs(1);
/// … and at most so long, if it ends at all: a time that every calendar can show.
pub const EXPIRY_MAX: Duration = Duration::from_secs(3660 * 24 * 3600);

/// The name of a time zone: the longest that there is has 32 letters.
pub const ZONE_BYTES_MAX: usize = 64;

/// A password, in bytes of UTF-8: more would only cost hashing time.
pub const PASSWORD_BYTES_MAX: usize = 256;

/// Encoded bytes after which a page of anything ends, so that one page with its envelope always fits a message.
pub const PAGE_BYTES_MAX: usize = 40 * 1024;

/// Entries in one page.
pub const PAGE_ENTRIES_MAX: u32 = 500;

/// Notices that one request says have reached a program.
pub const REACHED_PER_REQUEST_MAX: usize = 500;

/// Messages that an outbox keeps while the server is unreachable.
pub const OUTBOX_MAX: usize = 10_000;

// --- How they relate -------------------------------------------------------------------------------------------------------

const _: () = assert!(DATAGRAM_BYTES <= DATAGRAM_BYTES_MAX);
const _: () = assert!(
    DISCOVER_BYTES > 16 + 8 + 32 + (1 + 16) + (1 + HERE_NAME_BYTES_MAX) + (1 + HERE_PROGRAM_BYTES_MAX),
    "HERE must be shorter than what it answers"
);
const _: () = assert!(CLIENT_DATAGRAM_BYTES_MIN >= PATH_CHALLENGE_BYTES, "a datagram from a new address is enough for a challenge");
const _: () = assert!(HANDSHAKES_RESERVED < HANDSHAKES_BURST && HANDSHAKES_UNPROVEN_BURST < HANDSHAKES_RESERVED);
const _: () = assert!(CLIENT_DATAGRAM_BYTES_MIN > 32, "NO_SESSION must be shorter than what it answers");
const _: () =
    assert!(HELLO_MEMORY.as_secs() > 2 * COOKIE_BUCKET.as_secs(), "a replay must be remembered for longer than its cookie is valid");
const _: () =
    assert!(HEARTBEAT_TIMEOUT.as_millis() >= 3 * (KEEPALIVE.as_millis() + KEEPALIVE_JITTER.as_millis()), "three keepalives may be lost");
const _: () = assert!(FILE_WINDOW_BYTES <= SENT_PACKETS_MAX as u64 * DATAGRAM_BYTES as u64);
const _: () = assert!(FILE_BLOCK_BYTES + 128 < MESSAGE_BYTES_MAX, "a block with its envelope fits a message");
const _: () = assert!(FRAGMENT_BYTES_MIN * 2 < DATAGRAM_BYTES, "a fragment of the least size must fit beside another");
const _: () = assert!(TEXT_BYTES_MAX + ANSWERS_MAX * LABEL_BYTES_MAX + TITLE_BYTES_MAX + 8 * NAME_BYTES_MAX < MESSAGE_BYTES_MAX);
const _: () = assert!(
    TEXT_BYTES_MAX + TITLE_BYTES_MAX + ANSWERS_MAX * LABEL_BYTES_MAX + (AUDIENCES_MAX + 8) * NAME_BYTES_MAX < MESSAGE_BYTES_MAX,
    "a notice with its audience, and so a template, fits a message of the channel they go by"
);
const _: () = assert!(2 * PASSWORD_BYTES_MAX + 8 * NAME_BYTES_MAX < 4 * 1024, "signing in and short acts fit the control channel");
const _: () = assert!(
    PAGE_BYTES_MAX
        + TEXT_BYTES_MAX
        + EXCERPT_BYTES_MAX
        + REACTIONS_MAX * (EMOJI_BYTES_MAX + 8)
        + (REACTORS_NAMED_IN_ALL_MAX + 5) * (NAME_BYTES_MAX + 1)
        + FILE_NAME_BYTES_MAX
        + 64
        < MESSAGE_BYTES_MAX,
    "a page's last message may be the largest"
);
