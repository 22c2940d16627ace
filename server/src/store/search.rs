//! Looking for a text in the conversations that somebody is in.
//!
//! The index knows where each three letters in a row stand, whatever the script, so that a part of a word is found too and languages
//! without spaces are no exception. One or two letters are not in it: for those the newest messages are read.
//!
//! What is stored in the index, what is read and what is asked for is compared in one form, [`fold`]: the index takes texts in folded and makes
//! nothing of them by itself.
//!
//! To find a place in the index of a text that stands everywhere takes longer the more of it there is. But such a text also stands in what
//! was said last: therefore the newest messages are read before the index is asked.

use std::collections::{BTreeSet, BinaryHeap, VecDeque};

use belfry_core::chat::{AccountId, Answer, ConversationId, ConversationInfo, Found, Hit, Message, Page, SearchText, Seq, fold};
use belfry_core::limits::HITS_MAX;
use belfry_core::time::UnixMillis;
use rusqlite::functions::FunctionFlags;
use rusqlite::{Connection, params};

use super::column::{clamped, number, time};
use super::conversations;
use super::error::Trouble;
use super::page::{Limit, taken};
use super::time_limit::{TimeLimit, was_lost};
use super::{Outcome, Target, messages, settling};

/// Fewer letters than that, after folding, are not in the index.
const INDEXED_CHARS: usize = 3;

/// Messages of all conversations together that are read for a text that is too short for the index: some milliseconds of work.
const READ_MAX: u32 = 5000;

/// So many entries of the index are counted before more of the newest messages are read: to count further takes long where a text is
/// made of what stands everywhere.
const RARE_FIRST: usize = 100;

/// What the index has for a rare text is looked through once for all conversations; a text that it has more of is common enough to be
/// found at once in each of them.
const RARE_MAX: usize = 5000;

/// The newest messages of all conversations together that are read before the index is asked: a few milliseconds of work.
const RECENT_FIRST: u32 = 1000;

/// … and once it has said that the text is common, before it is asked in each conversation.
const RECENT_MAX: u32 = 20_000;

/// So many messages of one conversation are read in a row without finding anything before the index is asked where the text stands in it:
/// what a program has written into one room all night must not hide what people said before.
const BARREN_MAX: u32 = 1000;

/// Messages of one conversation that are read at once, at first and at most.
const CHUNK: u32 = 4;
/// See [`CHUNK`].
const CHUNK_MAX: u32 = 256;

const NEWEST: &str = "SELECT sent_at, seq, text FROM messages WHERE conversation = ?1 AND seq < ?2 AND deleted = 0
    ORDER BY seq DESC LIMIT ?3";
const ANYWHERE: &str = "SELECT rowid FROM search WHERE search MATCH ?1 ORDER BY rowid DESC LIMIT ?2";
const WITHIN: &str = "SELECT rowid FROM search WHERE search MATCH ?1 AND rowid BETWEEN ?2 AND ?3 ORDER BY rowid DESC LIMIT ?4";

/// One conversation and where in it the text stands, newest first.
struct HitSource {
    info: ConversationInfo,
    seqs: std::vec::IntoIter<Seq>,
}

/// Innocuous: what it reads and gives is its argument, so a schema that names it need not be trusted.
const FOLD_FLAGS: FunctionFlags =
    FunctionFlags::SQLITE_UTF8.union(FunctionFlags::SQLITE_DETERMINISTIC).union(FunctionFlags::SQLITE_INNOCUOUS);

/// Gives the statements that keep the index the function by which they fold what they take in.
pub(super) fn provide_fold(connection: &Connection) -> rusqlite::Result<()> {
    connection.create_scalar_function("fold", 1, FOLD_FLAGS, |call| {
        let text = call.get_raw(0).as_str().map_err(|error| rusqlite::Error::UserFunctionError(error.into()))?;
        Ok(fold(text))
    })
}

pub(super) fn find(
    connection: &Connection,
    account: AccountId,
    text: &SearchText,
    within: Option<&Target>,
    before: Option<Seq>,
    limit: u32,
) -> Result<Outcome, Trouble> {
    let bound = if within.is_some() { before.unwrap_or(Seq(u64::MAX)) } else { Seq(u64::MAX) };
    let places = match within {
        Some(target) => match conversations::find_target(connection, account, target)? {
            Some(conversation) => vec![conversations::seen_by(connection, &conversation, account)?],
            None => Vec::new(),
        },
        None => conversations::of(connection, account)?,
    };
    let limit = Limit::new(limit.min(HITS_MAX));
    let wanted = fold(text.as_str());
    let is_indexed = wanted.chars().count() >= INDEXED_CHARS;
    let recent = recent(connection, &wanted, &places, bound, limit, if is_indexed { RECENT_FIRST } else { READ_MAX }, None)?;
    let from_index = || match look_up(connection, &wanted, &places, bound, limit, Depth::Further)? {
        LookedUp::Sources(sources) => newest(connection, sources, limit),
        LookedUp::Recent(page) => Ok(page),
    };
    let (Page { entries: hits, more }, cut) = if !is_indexed || recent.is_complete {
        TimeLimit::lift();
        (recent.hits(connection, limit)?, !recent.is_complete)
    } else {
        match from_index() {
            Ok(page) => (page, false),
            // Its time is over: what was found among the newest is better than nothing.
            Err(trouble) if was_lost(&trouble) => {
                TimeLimit::lift();
                (recent.hits(connection, limit)?, true)
            }
            Err(trouble) => return Err(trouble),
        }
    };
    Ok(Outcome::Read(Answer::Found(Found { hits, more, cut })))
}

fn rowid(conversation: ConversationId, seq: Seq) -> i64 {
    (clamped(conversation.0) << 32) + clamped(seq.0.min(u64::from(u32::MAX)))
}

fn parts(rowid: i64) -> (ConversationId, Seq) {
    let rowid = rowid.cast_unsigned();
    (ConversationId(rowid >> 32), Seq(rowid & u64::from(u32::MAX)))
}

/// What a look into the index has come to.
enum LookedUp {
    Sources(Vec<HitSource>),
    /// The text is common: it was found among the newest messages.
    Recent(Page<Hit>),
}

/// Whether the newest messages are read for a text that turns out to be common.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Depth {
    Further,
    #[cfg(test)]
    Index,
}

/// What is looked for, folded; and the same for the index: a phrase, so that nothing in it is taken for the language of queries.
#[derive(Debug)]
struct Wanted<'a> {
    text: &'a str,
    phrase: String,
}

impl<'a> Wanted<'a> {
    fn new(text: &'a str) -> Self {
        Self { text, phrase: format!("\"{}\"", text.replace('"', "\"\"")) }
    }
}

/// Where a text stands in one conversation before a message, newest first: what is not in the index yet, and then what is.
fn within(connection: &Connection, wanted: &Wanted<'_>, of: ConversationId, before: Seq, limit: Limit) -> Result<Vec<Seq>, Trouble> {
    let mut seqs = settling::fresh(connection, wanted.text, of, before)?;
    let range = (rowid(of, Seq(0)), rowid(of, Seq(before.0.saturating_sub(1))));
    let mut statement = connection.prepare_cached(WITHIN)?;
    let rows = statement.query_map(params![wanted.phrase, range.0, range.1, limit.rows()], |row| row.get(0).map(|id| parts(id).1))?;
    for seq in rows {
        seqs.push(seq?);
    }
    Ok(seqs)
}

fn look_up(
    connection: &Connection,
    text: &str,
    places: &[ConversationInfo],
    bound: Seq,
    limit: Limit,
    reach: Depth,
) -> Result<LookedUp, Trouble> {
    let wanted = Wanted::new(text);
    if places.len() > 1 {
        let theirs: BTreeSet<_> = places.iter().map(|info| info.id).collect();
        for (most, is_last) in [(RARE_FIRST, false), (RARE_MAX, true)] {
            let mut statement = connection.prepare_cached(ANYWHERE)?;
            let all = statement
                .query_map(params![wanted.phrase, clamped(most as u64 + 1)], |row| row.get::<_, i64>(0))?
                .collect::<Result<Vec<_>, _>>()?;
            if all.len() <= most {
                let all: Vec<_> = all.into_iter().map(parts).filter(|(id, _)| theirs.contains(id)).collect();
                let sources = places.iter().map(|info| {
                    let mut seqs = settling::fresh(connection, text, info.id, bound)?;
                    seqs.extend(all.iter().filter(|(of, _)| *of == info.id).map(|&(_, seq)| seq));
                    Ok(HitSource { seqs: seqs.into_iter(), info: info.clone() })
                });
                return Ok(LookedUp::Sources(sources.collect::<Result<_, Trouble>>()?));
            }
            if reach == Depth::Further
                && !is_last
                && let recent = recent(connection, text, places, bound, limit, RECENT_MAX, Some(&wanted))?
                && recent.is_complete
            {
                return Ok(LookedUp::Recent(recent.hits(connection, limit)?));
            }
        }
    }
    let sources = places.iter().map(|info| {
        let seqs = within(connection, &wanted, info.id, bound, limit)?.into_iter();
        Ok(HitSource { info: info.clone(), seqs })
    });
    Ok(LookedUp::Sources(sources.collect::<Result<_, Trouble>>()?))
}

/// One conversation that is read from its end, and what was read of it: when it was said, its number, and whether it has the text.
struct Backwards<'a> {
    info: &'a ConversationInfo,
    read: VecDeque<(UnixMillis, Seq, bool)>,
    before: Seq,
    chunk: u32,
    /// Messages read since the last that has the text.
    barren: u32,
    /// As many as can be wanted of what is left are in `read`.
    is_through: bool,
}

impl Backwards<'_> {
    /// Reads on where nothing is left of what was read, at most `left` messages and at least one; how many.
    fn fill(&mut self, connection: &Connection, wanted: &str, left: u32) -> Result<u32, Trouble> {
        if !self.read.is_empty() || self.is_through {
            return Ok(0);
        }
        let mut statement = connection.prepare_cached(NEWEST)?;
        let mut rows = statement.query(params![clamped(self.info.id.0), clamped(self.before.0), self.chunk.min(left).max(1)])?;
        let mut count = 0;
        while let Some(row) = rows.next()? {
            let seq = Seq(number(row, 1)?);
            let has_it = fold(row.get_ref(2)?.as_str().map_err(rusqlite::Error::from)?).contains(wanted);
            self.read.push_back((time(row, 0)?, seq, has_it));
            self.before = seq;
            self.barren = if has_it { 0 } else { self.barren + 1 };
            count += 1;
        }
        self.chunk = (self.chunk * 2).min(CHUNK_MAX);
        Ok(count)
    }

    /// Has the index say where the phrase stands in what is left, if it was long in coming.
    fn skip(&mut self, connection: &Connection, wanted: &Wanted<'_>, limit: Limit) -> Result<(), Trouble> {
        if self.barren < BARREN_MAX || !self.read.is_empty() || self.is_through {
            return Ok(());
        }
        for seq in within(connection, wanted, self.info.id, self.before, limit)? {
            if let Some(message) = messages::one(connection, self.info.id, seq)? {
                self.read.push_back((message.sent_at, seq, true));
            }
        }
        self.is_through = true;
        Ok(())
    }
}

/// What was found by reading all conversations together from their ends.
struct Recent<'a> {
    found: Vec<(&'a ConversationInfo, Seq)>,
    /// Nothing newer than the last of `found` was left out: there are as many as were wanted, or everything was read.
    is_complete: bool,
}

impl Recent<'_> {
    fn hits(&self, connection: &Connection, limit: Limit) -> Result<Page<Hit>, Trouble> {
        let hits = self.found.iter().filter_map(|&(info, seq)| {
            let message = messages::one(connection, info.id, seq).transpose()?;
            Some(message.map(|message| Hit { place: info.place.clone(), message }))
        });
        limit.fill(hits, taken)
    }
}

/// Reads all conversations together from their ends, in order of time, until there are enough hits or `reach` messages were read. With
/// `in_index`, where one of them goes on without a hit, the index is asked for that one.
fn recent<'a>(
    connection: &Connection,
    wanted: &str,
    places: &'a [ConversationInfo],
    bound: Seq,
    limit: Limit,
    reach: u32,
    in_index: Option<&Wanted<'_>>,
) -> Result<Recent<'a>, Trouble> {
    let stream = |info| Backwards { info, read: VecDeque::new(), before: bound, chunk: CHUNK, barren: 0, is_through: false };
    let mut streams: Vec<_> = places.iter().map(stream).collect();
    let (mut heap, mut left, mut found) = (BinaryHeap::new(), reach, Vec::new());
    for (index, stream) in streams.iter_mut().enumerate() {
        let Some(read) = in_time(stream.fill(connection, wanted, left))? else { return Ok(Recent { found, is_complete: false }) };
        left = left.saturating_sub(read);
        heap.extend(stream.read.front().map(|&(at, ..)| (at, index)));
    }
    while let Some((_, index)) = heap.pop() {
        let Some(stream) = streams.get_mut(index) else { break };
        if let Some((_, seq, true)) = stream.read.pop_front() {
            found.push((stream.info, seq));
            if found.len() == limit.rows() as usize {
                break;
            }
        }
        if let Some(wanted) = in_index {
            stream.skip(connection, wanted, limit)?;
        }
        // What was read is looked at to its end; only what the next read would bring can be newer than all the rest.
        if left == 0 && stream.read.is_empty() && !stream.is_through {
            return Ok(Recent { found, is_complete: false });
        }
        let Some(read) = in_time(stream.fill(connection, wanted, left))? else { return Ok(Recent { found, is_complete: false }) };
        left = left.saturating_sub(read);
        heap.extend(stream.read.front().map(|&(at, ..)| (at, index)));
    }
    Ok(Recent { found, is_complete: true })
}

/// Nothing when its time was over; what has been found until then can be told.
fn in_time<T>(read: Result<T, Trouble>) -> Result<Option<T>, Trouble> {
    match read {
        Err(trouble) if was_lost(&trouble) => Ok(None),
        other => other.map(Some),
    }
}

/// The newest of all that was found, each with where it was said, and whether there is more.
fn newest(connection: &Connection, mut sources: Vec<HitSource>, limit: Limit) -> Result<Page<Hit>, Trouble> {
    let mut heap = BinaryHeap::new();
    let mut heads: Vec<Option<Message>> = Vec::new();
    for (index, source) in sources.iter_mut().enumerate() {
        let head = next(connection, source)?;
        heap.extend(head.as_ref().map(|message| (message.sent_at, index)));
        heads.push(head);
    }
    let hits = std::iter::from_fn(|| {
        let (_, index) = heap.pop()?;
        let (source, head) = (sources.get_mut(index)?, heads.get_mut(index)?);
        let message = head.take()?;
        match next(connection, source) {
            Ok(following) => {
                heap.extend(following.as_ref().map(|message| (message.sent_at, index)));
                *head = following;
            }
            Err(trouble) => return Some(Err(trouble)),
        }
        Some(Ok(Hit { place: source.info.place.clone(), message }))
    });
    limit.fill(hits, taken)
}

fn next(connection: &Connection, source: &mut HitSource) -> Result<Option<Message>, Trouble> {
    for seq in source.seqs.by_ref() {
        if let Some(message) = messages::one(connection, source.info.id, seq)? {
            return Ok(Some(message));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod index;
#[cfg(test)]
mod scripts;

#[cfg(test)]
mod tests {
    use belfry_core::chat::{Answer, Page, Refusal};

    use super::super::fixture::{LOBBY, add, ask, create, create_private, direct, each_store, found, post};
    use super::super::{MessageJob, RoomJob, Store, Work};
    use super::*;

    /// What is found, however it is looked for.
    fn search(store: &mut Store, account: AccountId, text: &str, within: Option<Target>, before: Option<u64>, limit: u32) -> Found {
        let text = SearchText::new(text).unwrap();
        let found = ask_for(store, account, text.clone(), within.clone(), before, limit);
        let wanted = fold(text.as_str());
        if wanted.chars().count() >= INDEXED_CHARS {
            let connection = &store.connection;
            let places = match within {
                Some(target) => {
                    let place = conversations::find_target(connection, account, &target).unwrap().unwrap();
                    vec![conversations::seen_by(connection, &place, account).unwrap()]
                }
                None => conversations::of(connection, account).unwrap(),
            };
            let (limit, bound) = (Limit::new(limit), before.map_or(Seq(u64::MAX), Seq));
            let Ok(LookedUp::Sources(sources)) = look_up(connection, &wanted, &places, bound, limit, Depth::Index) else { panic!() };
            assert_eq!(
                newest(connection, sources, limit).unwrap(),
                Page { entries: found.hits.clone(), more: found.more },
                "the index says otherwise"
            );
        }
        found
    }

    fn ask_for(store: &mut Store, account: AccountId, text: SearchText, within: Option<Target>, before: Option<u64>, limit: u32) -> Found {
        match ask(store, 9, Work::Message(MessageJob::Search { account, text, within, before: before.map(Seq), limit })) {
            Ok(Outcome::Read(Answer::Found(found))) => found,
            other => panic!("{other:?}"),
        }
    }

    fn say(store: &mut Store, at: u64, account: AccountId, to: Target, texts: &[&str]) {
        for (n, text) in texts.iter().enumerate() {
            ask(store, at + n as u64, post(account, at * 1000 + n as u64, to.clone(), text)).unwrap();
        }
    }

    #[test]
    fn a_part_of_a_word_is_found_in_any_case_and_script() {
        each_store(|store| {
            let anna = add(store, "anna");
            say(
                store,
                1,
                anna,
                Target::Room(LOBBY),
                &["The ladder is in the Boiler room", "明天下午三点开会", "会議は三時からです", "Grüße aus Köln"],
            );
            for (text, expected) in [
                ("boil", vec![1]),
                ("LADDER IS", vec![1]),
                ("下午三", vec![2]),
                ("三点开会", vec![2]),
                ("三時から", vec![3]),
                ("grüss", vec![4]),
                ("köln", vec![4]),
            ] {
                assert_eq!(found(store, anna, text), expected, "{text}");
            }
        });
    }

    #[test]
    fn one_or_two_letters_are_found_among_the_newest_messages() {
        each_store(|store| {
            let anna = add(store, "anna");
            say(store, 1, anna, Target::Room(LOBBY), &["开会吗", "no", "明天开会", "NO"]);
            assert_eq!(found(store, anna, "开会"), [3, 1]);
            assert_eq!(found(store, anna, "no"), [4, 2]);
            assert_eq!(found(store, anna, "天"), [3]);
            assert!(!search(store, anna, "天", None, None, 9).cut);
            let done = store.apply(
                (0..u64::from(READ_MAX))
                    .map(|n| super::super::fixture::job(n, 9, post(anna, n + 10_000, Target::Room(LOBBY), "xx")))
                    .collect(),
            );
            assert!(done.iter().all(|done| done.result.is_ok()));
            let short = search(store, anna, "天", None, None, 9);
            assert_eq!((short.hits.len(), short.cut), (0, true), "what lies further back is said not to have been looked at");
        });
    }

    #[test]
    fn nobody_finds_what_they_may_not_read() {
        each_store(|store| {
            let (anna, bob, eve) = (add(store, "anna"), add(store, "bob"), add(store, "eve"));
            let board = create_private(store, anna, "board");
            say(store, 1, anna, Target::Room(board), &["the secret plan"]);
            say(store, 2, anna, direct("bob"), &["a secret for two"]);
            say(store, 3, anna, Target::Room(LOBBY), &["no secret at all"]);
            let places = |found: Found| found.hits.iter().map(|hit| hit.place.to_string()).collect::<Vec<_>>();
            assert_eq!(places(search(store, anna, "secret", None, None, 9)), ["lobby", "@bob", "board"]);
            assert_eq!(places(search(store, bob, "secret", None, None, 9)), ["lobby", "@anna"]);
            assert_eq!(places(search(store, eve, "secret", None, None, 9)), ["lobby"]);
            assert_eq!(places(search(store, eve, "se", None, None, 9)), ["lobby"]);
            let text = SearchText::new("secret").unwrap();
            let inside = MessageJob::Search { account: eve, text, within: Some(Target::Room(board)), before: None, limit: 9 };
            assert_eq!(ask(store, 9, Work::Message(inside)), Err(Refusal::InvitationNeeded));
            ask(store, 9, Work::Room(RoomJob::Leave { account: anna, room: board })).unwrap();
            assert_eq!(places(search(store, anna, "secret", None, None, 9)), ["lobby", "@bob"]);
        });
    }

    #[test]
    fn hits_come_newest_first_over_all_conversations_and_in_pages_within_one() {
        each_store(|store| {
            let (anna, _bob) = (add(store, "anna"), add(store, "bob"));
            for n in 0..6 {
                let to = if n % 2 == 0 { Target::Room(LOBBY) } else { direct("bob") };
                say(store, 10 + n, anna, to, &["needle"]);
            }
            let found = search(store, anna, "needle", None, None, 4);
            assert_eq!(found.hits.iter().map(|hit| hit.message.sent_at.0).collect::<Vec<_>>(), [15, 14, 13, 12]);
            assert!(found.more);
            let page = search(store, anna, "needle", Some(Target::Room(LOBBY)), None, 2);
            assert_eq!((page.hits.iter().map(|hit| hit.message.seq.0).collect::<Vec<_>>(), page.more), (vec![3, 2], true));
            let page = search(store, anna, "needle", Some(Target::Room(LOBBY)), Some(2), 2);
            assert_eq!((page.hits.iter().map(|hit| hit.message.seq.0).collect::<Vec<_>>(), page.more), (vec![1], false));
        });
    }

    #[test]
    fn one_question_has_one_answer_in_every_script_and_form() {
        each_store(|store| {
            let anna = add(store, "anna");
            let texts = [
                "Η ΟΔΟΣ είναι κλειστή",
                "Nguyễn",
                "un café fe\u{301}",
                "ＡＢＣ　１２３",
                "が ぎ ぐ",
                "か\u{3099} き\u{3099} く\u{3099}",
                "か き く",
                "Ёлка и елка",
                "мой",
                "мои\u{306} дом",
                "Straße",
                "STRASSE",
                "İstanbul",
                "ISPARTA ısparta",
                "한국어",
                "\u{1112}\u{1161}\u{11ab}국어",
                "ﬁne",
                "שָׁלוֹם עולם",
                "أحمد",
                "ﾊﾟｿｺﾝ",
                "می\u{200c}خواهم",
            ];
            say(store, 1, anna, Target::Room(LOBBY), &texts);
            for (text, expected) in [
                ("οδος", vec![1]),
                ("ΟΔΌΣ", vec![1]),
                ("nguyen", vec![2]),
                ("NGUYỄN", vec![2]),
                ("café fé", vec![3]),
                ("fe\u{301}", vec![3]),
                ("fé", vec![3]),
                ("abc 123", vec![4]),
                ("ａｂｃ", vec![4]),
                ("が ぎ", vec![6, 5]),
                ("か\u{3099} ぎ", vec![6, 5]),
                ("か き", vec![7]),
                ("Елка", vec![8]),
                ("ёлка", vec![8]),
                ("мой", vec![10, 9]),
                ("МОЙ", vec![10, 9]),
                ("й", vec![10, 9]),
                ("strasse", vec![12, 11]),
                ("STRAẞE", vec![12, 11]),
                ("ß", vec![12, 11]),
                ("istanbul", vec![13]),
                ("İSTANBUL", vec![13]),
                ("ısparta", vec![14]),
                ("한국어", vec![16, 15]),
                ("FINE", vec![17]),
                ("שלום", vec![18]),
                ("احمد", vec![19]),
                ("パソコン", vec![20]),
                ("میخواهم", vec![21]),
            ] {
                let found = search(store, anna, text, None, None, 20);
                assert_eq!(found.hits.iter().map(|hit| hit.message.seq.0).collect::<Vec<_>>(), expected, "{text}");
            }
        });
    }

    #[test]
    fn an_edited_message_is_found_by_what_it_says_now() {
        each_store(|store| {
            let anna = add(store, "anna");
            say(store, 1, anna, Target::Room(LOBBY), &["Nguyễn"]);
            let text = belfry_core::chat::Text::new("ΟΔΟΣ").unwrap();
            ask(store, 9, Work::Message(MessageJob::Alter { account: anna, of: Target::Room(LOBBY), seq: Seq(1), text: Some(text) }))
                .unwrap();
            assert_eq!((found(store, anna, "οδος"), found(store, anna, "nguyen")), (vec![1], vec![]));
        });
    }

    #[test]
    fn what_a_program_has_written_all_night_does_not_hide_what_people_said() {
        each_store(|store| {
            let anna = add(store, "anna");
            add(store, "bob");
            let noisy = create(store, anna, "noisy");
            let count = RARE_FIRST as u64 + 10;
            for n in 0..count {
                let to = if n.is_multiple_of(3) { Target::Room(noisy) } else { direct("bob") };
                say(store, 10 + n, anna, to, &["hello there"]);
            }
            let noise = |n| super::super::fixture::job(n, 5000 + n, post(anna, n + 1_000_000, Target::Room(noisy), "all is well"));
            let done = store.apply((0..u64::from(RECENT_FIRST + BARREN_MAX) + 500).map(noise).collect());
            assert!(done.iter().all(|done| done.result.is_ok()));
            let found = search(store, anna, "hello", None, None, 8);
            let places: Vec<_> = found.hits.iter().map(|hit| (hit.place.to_string(), hit.message.sent_at.0)).collect();
            let expected = |n: u64| (if n.is_multiple_of(3) { "noisy" } else { "@bob" }.to_owned(), 10 + n);
            assert_eq!(places, (0..8).map(|back| expected(count - 1 - back)).collect::<Vec<_>>());
            assert!(found.more);
        });
    }
}
