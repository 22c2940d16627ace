//! What the server is asked: waits while there is no connection, is asked in order and not too much at once, and again when the
//! answer was lost and asking again does no harm.

use alloc::collections::{BTreeMap, VecDeque};
use alloc::vec::Vec;

use super::api::Ticket;
use crate::chat::{self, CommonPast, ConversationId, FromClient, NoticeId, Place, PostId, Request, Seq};
use crate::limits::{FILE_WINDOW_BYTES, FRAGMENTED_MESSAGES_MAX, OUTBOX_MAX};
use crate::rng::{Random, Rng};
use crate::wire::Channel;

/// Requests of one channel that may wait for their answers at once. Pages are large: a few of them fill the server's queue for us.
const fn at_once_max(channel: Channel) -> usize {
    match channel {
        Channel::Control => 16,
        Channel::Chat => 256,
        Channel::Notice | Channel::History => 4,
        // As many blocks as are granted.
        Channel::File => FRAGMENTED_MESSAGES_MAX,
    }
}

/// Bytes of one channel's requests that may wait for their answers at once: well below the channel's queue.
const fn bytes_at_once_max(channel: Channel) -> usize {
    match channel {
        Channel::File => FILE_WINDOW_BYTES as usize,
        _ => 96 * 1024,
    }
}

/// Who wants to know the answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    Owner(Ticket),
    /// The client itself, to sign in.
    SignIn,
    /// The client itself, to catch up.
    CatchUp(ConversationId),
    /// The client itself, to learn what was altered.
    Altered(ConversationId),
    /// The client itself, to learn what became of a notice.
    Stale(NoticeId),
    /// The client itself, to be told of whom its owner shows.
    Watch,
    /// The client itself, to say what has reached it.
    Reached,
    /// The owner, who has said what became of a notice and hears no more of it.
    Receipt,
    /// Nobody; it only has to be done.
    Nobody,
}

/// One request.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) request: Request,
    pub(super) origin: Origin,
    /// Its encoded size while it waits for its answer.
    on_its_way: Option<usize>,
}

/// All requests that are not answered.
#[derive(Debug)]
pub(super) struct Requests {
    next_id: u32,
    asked: BTreeMap<u32, Asked>,
    /// Those that are not on their way, by channel, in order.
    waiting: [VecDeque<u32>; Channel::COUNT],
    on_their_way: [(usize, usize); Channel::COUNT],
    /// Of those that are on their way, so many bring blocks of files or are answered by some.
    of_files: usize,
    outbox: u64,
    next_counter: u64,
}

impl Requests {
    pub(super) fn new(rng: &mut Rng) -> Self {
        Self {
            next_id: 1,
            asked: BTreeMap::new(),
            waiting: Default::default(),
            on_their_way: Default::default(),
            of_files: 0,
            outbox: rng.next_u64(),
            next_counter: 1,
        }
    }

    /// The number by which the server recognises the next post if it comes twice.
    pub(super) fn next_post(&mut self) -> PostId {
        let counter = self.next_counter;
        self.next_counter += 1;
        PostId { outbox: self.outbox, counter }
    }

    /// Whether the owner has written more than fits.
    pub(super) fn is_full(&self) -> bool {
        self.asked.len() >= OUTBOX_MAX
    }

    /// Whether an answer is waited for.
    pub(super) fn is_waiting(&self) -> bool {
        self.on_their_way.iter().any(|&(count, _)| count > 0)
    }

    /// Whether anything is on its way whose answer comes on the channel of files.
    pub(super) const fn awaits_files(&self) -> bool {
        self.of_files > 0
    }

    /// Adds a request.
    pub(super) fn push(&mut self, request: Request, origin: Origin) {
        let id = self.next_id;
        self.next_id = self.next_id.wrapping_add(1).max(1);
        if let Some(waiting) = self.waiting.get_mut(usize::from(request.channel().number())) {
            waiting.push_back(id);
        }
        self.asked.insert(id, Asked { request, origin, on_its_way: None });
    }

    /// Takes the next request to send, encoded; before one is signed in, only that.
    pub(super) fn next(&mut self, signed_in: bool) -> Option<(Channel, Vec<u8>)> {
        for channel in Channel::ALL {
            let index = usize::from(channel.number());
            let (waiting, (count, bytes)) = (self.waiting.get_mut(index)?, self.on_their_way.get_mut(index)?);
            if *count >= at_once_max(channel) || *bytes >= bytes_at_once_max(channel) {
                continue;
            }
            let may_go = |id: &u32| signed_in || self.asked.get(id).is_some_and(|asked| asked.origin == Origin::SignIn);
            let Some(position) = waiting.iter().position(may_go) else { continue };
            let id = waiting.remove(position)?;
            let asked = self.asked.get_mut(&id)?;
            // What the owner can ask is bounded by its types, so that it always fits.
            let encoded = chat::encode(&FromClient { id, request: asked.request.clone() }).ok()?;
            asked.on_its_way = Some(encoded.len());
            self.of_files += usize::from(asked.request.answer_channel() == Channel::File);
            *count += 1;
            *bytes += encoded.len();
            return Some((channel, encoded));
        }
        None
    }

    /// Numbers mean other things from now on: takes out what was to be asked about one, and what was written to a room that is not among
    /// `shared`. What replies to a message that is not the same any more stays, and replies to none: its words are more than its quote.
    pub(super) fn forget_numbered(
        &mut self,
        shared: &[CommonPast],
        conversation_at: impl Fn(&Place) -> Option<ConversationId>,
    ) -> Vec<Asked> {
        let is_gone = |room: ConversationId| !shared.iter().any(|shared| shared.conversation == room);
        let stands = |of: ConversationId, seq: Seq| shared.iter().any(|shared| shared.conversation == of && seq <= shared.seq);
        for asked in self.asked.values_mut() {
            if let Request::Post { to, room, reply_to, .. } = &mut asked.request {
                let of = room.or_else(|| conversation_at(to));
                reply_to.take_if(|seq| !of.is_some_and(|of| stands(of, *seq)));
            }
        }
        let is_forgotten = |request: &Request| match request {
            Request::Post { room, .. } | Request::PostFile { room, .. } => room.is_some_and(is_gone),
            other => other.speaks_of_a_number(),
        };
        let forgotten: Vec<u32> = self.asked.iter().filter(|(_, asked)| is_forgotten(&asked.request)).map(|(&id, _)| id).collect();
        for waiting in &mut self.waiting {
            waiting.retain(|id| !forgotten.contains(id));
        }
        forgotten.into_iter().filter_map(|id| self.take(id)).collect()
    }

    /// An answer has come.
    pub(super) fn take(&mut self, id: u32) -> Option<Asked> {
        let asked = self.asked.remove(&id)?;
        self.landed(&asked);
        Some(asked)
    }

    fn landed(&mut self, asked: &Asked) {
        let index = usize::from(asked.request.channel().number());
        if let (Some(size), Some((count, bytes))) = (asked.on_its_way, self.on_their_way.get_mut(index)) {
            *count -= 1;
            *bytes -= size;
            self.of_files -= usize::from(asked.request.answer_channel() == Channel::File);
        }
    }

    /// Answers on their way are lost, on `channel` or on all: asks again, and returns what must not be asked twice.
    ///
    /// What the client asked for itself is forgotten when the whole connection is lost; it will see anew what it needs.
    pub(super) fn on_lost(&mut self, channel: Option<Channel>) -> Vec<Asked> {
        let is_lost = |asked: &Asked| channel.is_none_or(|channel| asked.request.answer_channel() == channel) && asked.on_its_way.is_some();
        let is_forgotten =
            // What is told anew with each connection, or is over by then.
            |asked: &Asked| {
                let anew = matches!(asked.origin, Origin::SignIn | Origin::CatchUp(_) | Origin::Altered(_) | Origin::Stale(_) | Origin::Reached);
                channel.is_none() && (anew || matches!(asked.request, Request::Typing { .. } | Request::Away { .. } | Request::Watch { .. }))
            };
        let lost: Vec<u32> = self.asked.iter().filter(|(_, asked)| is_lost(asked) || is_forgotten(asked)).map(|(&id, _)| id).collect();
        let mut harmful = Vec::new();
        for id in lost {
            let Some(mut asked) = self.take(id) else { continue };
            if is_forgotten(&asked) {
                continue;
            }
            if asked.request.rule().is_repeatable {
                asked.on_its_way = None;
                self.asked.insert(id, asked);
            } else {
                harmful.push(asked);
            }
        }
        for (index, waiting) in self.waiting.iter_mut().enumerate() {
            let of_channel = |asked: &Asked| usize::from(asked.request.channel().number()) == index && asked.on_its_way.is_none();
            *waiting = self.asked.iter().filter(|(_, asked)| of_channel(asked)).map(|(&id, _)| id).collect();
        }
        harmful
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chat::{AccountName, Password, Role, Text};
    use crate::rng::from_seed;

    fn requests() -> Requests {
        Requests::new(&mut from_seed([1; 32]))
    }

    fn post(requests: &mut Requests, text: &str) {
        let post = requests.next_post();
        requests.push(
            Request::Post { post, to: Place::lobby(), room: None, text: Text::new(text).unwrap(), reply_to: None },
            Origin::Owner(Ticket(post.counter)),
        );
    }

    fn drain(requests: &mut Requests) -> Vec<u32> {
        core::iter::from_fn(|| requests.next(true)).map(|(_, bytes)| chat::decode_from_client(&bytes).unwrap().id).collect()
    }

    #[test]
    fn nothing_is_asked_before_signing_in_but_signing_in() {
        let mut requests = requests();
        requests.push(Request::Status, Origin::Owner(Ticket(1)));
        assert_eq!(requests.next(false), None);
        let (account, password) = (AccountName::new("alice").unwrap(), Password::new("x").unwrap());
        requests.push(Request::SignIn { account, password, remember: false }, Origin::SignIn);
        assert!(requests.next(false).is_some());
        assert_eq!(requests.next(false), None);
        assert!(requests.next(true).is_some());
    }

    #[test]
    fn unanswered_posts_are_sent_again_in_their_order() {
        let mut requests = requests();
        for text in ["a", "b", "c", "d"] {
            post(&mut requests, text);
        }
        assert_eq!(drain(&mut requests), [1, 2, 3, 4]);
        requests.take(2);
        assert!(requests.on_lost(None).is_empty());
        post(&mut requests, "e");
        assert_eq!(drain(&mut requests), [1, 3, 4, 5]);
    }

    #[test]
    fn no_more_is_asked_at_once_than_may_be() {
        let mut requests = requests();
        for _ in 0..1000 {
            post(&mut requests, "x");
        }
        assert_eq!(drain(&mut requests).len(), at_once_max(Channel::Chat));
        requests.take(1);
        assert_eq!(drain(&mut requests).len(), 1);
    }

    #[test]
    fn large_posts_are_bounded_by_their_bytes() {
        let mut requests = requests();
        for _ in 0..100 {
            post(&mut requests, &"x".repeat(crate::limits::TEXT_BYTES_MAX));
        }
        let at_once = drain(&mut requests).len();
        assert!((2..20).contains(&at_once), "{at_once}");
    }

    #[test]
    fn what_would_do_harm_twice_is_returned_and_catching_up_is_forgotten() {
        let mut requests = requests();
        let (account, password) = (AccountName::new("bob").unwrap(), Password::new("x").unwrap());
        requests.push(Request::AddUser { account, password, role: Role::Member }, Origin::Owner(Ticket(9)));
        let fetch = Request::FetchAfter { conversation: ConversationId(1), after: chat::Seq(0), limit: 1 };
        requests.push(fetch, Origin::CatchUp(ConversationId(1)));
        assert_eq!(drain(&mut requests).len(), 2);
        let harmful = requests.on_lost(None);
        assert_eq!(harmful.iter().map(|asked| asked.origin.clone()).collect::<Vec<_>>(), [Origin::Owner(Ticket(9))]);
        assert_eq!(drain(&mut requests), []);
    }

    #[test]
    fn one_channels_answers_are_asked_for_again_without_disturbing_the_others() {
        let mut requests = requests();
        post(&mut requests, "a");
        requests.push(Request::Status, Origin::Owner(Ticket(2)));
        assert_eq!(drain(&mut requests).len(), 2);
        requests.on_lost(Some(Channel::Chat));
        assert_eq!(drain(&mut requests), [1]);
    }
}
