//! What is said over the connection: answers, events, catching up.

use alloc::vec::Vec;

use super::api::{Command, Failure, Proof, Update};
use super::positions::Fetch;
use super::requests::{Asked, Origin};
use super::{Client, Entrance, Interruption, Link, ReportingState, Welcome};
use crate::chat::{self, Answer, CommonPast, Event, FromServer, Notice, NoticeDraft, NoticeId, NoticeState, Page, Place, Refusal, Request};
use crate::limits::{FETCH_RETRY, PAGE_ENTRIES_MAX, REACHED_PER_REQUEST_MAX, STEADY_AFTER, TYPING_INTERVAL};
use crate::time::Instant;
use crate::wire::{Channel, CloseCode};

/// So much of what is told before one is signed in is kept; beyond it, it is asked for.
const EARLY_BYTES_MAX: usize = 256 * 1024;

impl Client {
    /// The owner asks something; it waits in the outbox if need be.
    pub(super) fn ask(&mut self, command: Command) {
        let (mut request, origin) = match command {
            Command::Post { ticket, to, text, reply_to } => {
                (Request::Post { post: self.requests.next_post(), to, room: None, text, reply_to }, Origin::Owner(ticket))
            }
            Command::PostAs { ticket, post, to, room, text, reply_to } => {
                (Request::Post { post, to, room, text, reply_to }, Origin::Owner(ticket))
            }
            Command::PostFile { ticket, to, text, name, hash } => {
                (Request::PostFile { post: self.requests.next_post(), to, room: None, text, name, hash }, Origin::Owner(ticket))
            }
            Command::PostFileAs { ticket, post, to, room, text, name, hash } => {
                (Request::PostFile { post, to, room, text, name, hash }, Origin::Owner(ticket))
            }
            Command::SendNotice { ticket, draft } => {
                (Request::SendNotice(NoticeDraft { post: self.requests.next_post(), ..draft }), Origin::Owner(ticket))
            }
            Command::Receipt { notice, receipt } => {
                let revision = self.notices.get(&notice).map_or(0, |known| known.revision);
                (Request::Receipt { notice, revision, receipt }, Origin::Receipt)
            }
            Command::Ask { ticket, request } => {
                if has_a_command_of_its_own(&request) {
                    self.updates.push_back(Update::Refused { ticket, refusal: Refusal::BadRequest });
                    return;
                }
                (request, Origin::Owner(ticket))
            }
            Command::Typing { .. } | Command::Away(_) | Command::Watch(_) | Command::Wake | Command::Close => return,
        };
        self.say_which_room(&mut request);
        let refusal = match &request {
            Request::SendNotice(draft) => draft.check().err().map(Refusal::from),
            Request::SaveTemplate(template) => template.check().err().map(Refusal::from),
            _ => None,
        };
        let refusal = refusal.or_else(|| (!fits(&request)).then_some(Refusal::TooMany));
        let refusal = refusal.or_else(|| self.requests.is_full().then_some(Refusal::Busy));
        match (refusal, origin) {
            (Some(refusal), Origin::Owner(ticket)) => self.updates.push_back(Update::Refused { ticket, refusal }),
            (_, origin) => self.requests.push(request, origin),
        }
    }

    /// What is written to a room is meant for the room that has the name now, and may be sent when another one has it.
    fn say_which_room(&self, request: &mut Request) {
        if let Request::Post { to: place, room, .. }
        | Request::PostFile { to: place, room, .. }
        | Request::OfferFile { to: place, room, .. }
        | Request::Edit { place, room, .. }
        | Request::Delete { place, room, .. }
        | Request::React { place, room, .. }
        | Request::MarkRead { place, room, .. }
        | Request::Arrange { place, room, .. } = request
            && room.is_none()
        {
            *room = self.positions.room_at(place);
        }
    }

    /// A whole message of the server.
    pub(super) fn on_message(&mut self, now: Instant, channel: Channel, body: &[u8]) {
        match chat::decode_from_server(body) {
            Ok(FromServer::Reply { id, result }) => {
                if let Some(asked) = self.requests.take(id) {
                    self.on_reply(now, channel, asked, result);
                }
            }
            // A notice is official only because of the channel it comes on.
            Ok(FromServer::Event(event)) if (event.channel() == Channel::Notice) == (channel == Channel::Notice) => match &mut self.link {
                Some(link) if !link.signed_in => link.entrance.keep(event, body.len()),
                _ => self.on_chat_event(now, event),
            },
            Ok(FromServer::Event(_)) | Err(_) => {
                if let Some(link) = &mut self.link {
                    link.connection.close(now, CloseCode::PROTOCOL_VIOLATION);
                }
                self.on_link_lost(now, Interruption::ClosedByServer(CloseCode::PROTOCOL_VIOLATION.0));
            }
        }
    }

    fn on_reply(&mut self, now: Instant, channel: Channel, asked: Asked, result: Result<Answer, Refusal>) {
        match (asked.origin, result) {
            (Origin::SignIn, result) => self.on_sign_in(now, &asked.request, result),
            (Origin::Owner(ticket), Ok(Answer::Posted { conversation, seq })) => {
                self.updates.push_back(Update::Posted { ticket, conversation, seq });
            }
            (Origin::Owner(ticket), Ok(answer)) => self.updates.push_back(Update::Answered { ticket, answer }),
            (Origin::Owner(ticket), Err(refusal)) => self.updates.push_back(Update::Refused { ticket, refusal }),
            (Origin::CatchUp(_), Ok(Answer::Page(page))) => {
                for (place, message) in self.positions.on_page(page) {
                    self.updates.push_back(Update::Message { place, message });
                }
            }
            (Origin::Altered(conversation), Ok(Answer::Altered { page, last })) => {
                for (place, message) in self.positions.on_altered_page(conversation, page, last) {
                    self.updates.push_back(Update::Altered { place, message });
                }
            }
            (Origin::CatchUp(conversation) | Origin::Altered(conversation), Err(refusal)) if Self::is_passing(refusal) => {
                self.positions.on_put_off(conversation);
                self.fetch_at = Some(now + FETCH_RETRY);
            }
            (Origin::CatchUp(conversation) | Origin::Altered(conversation), _) => {
                let left = self.positions.on_left(conversation);
                self.updates.extend(left.map(|place| Update::Left { place }));
            }
            (Origin::Stale(_), Ok(Answer::Notice(notice))) if channel == Channel::Notice => self.on_notice(notice),
            (Origin::Reached, Ok(_)) => self.on_reported(),
            (Origin::Reached, Err(_)) => {
                if let Some(link) = &mut self.link {
                    link.reporting.state = ReportingState::Silent;
                    self.report_at = Some(now + FETCH_RETRY);
                }
            }
            // Whatever became of it, it is not for this person any more.
            (Origin::Watch, Ok(Answer::Watching { since, here, lists })) => {
                if let Request::Watch { whom, .. } = asked.request
                    && let Some(anew) = self.watching.on_answer(&whom, since)
                {
                    self.updates.push_back(Update::Watching { whom, anew, here, lists });
                }
            }
            (Origin::Watch, Err(refusal)) if Self::is_passing(refusal) => {
                self.watching.ask_again();
                self.fetch_at = Some(now + FETCH_RETRY);
            }
            (Origin::Stale(id), Err(Refusal::UnknownNotice)) => {
                if let Some(notice) = self.notices.remove(&id) {
                    self.updates.push_back(Update::Notice(Notice { state: NoticeState::Withdrawn, ..notice }));
                }
            }
            (Origin::Receipt, Err(refusal)) if Self::is_passing(refusal) => {
                self.put_off.push(asked.request);
                self.fetch_at = Some(now + FETCH_RETRY);
            }
            (Origin::Stale(_) | Origin::Watch | Origin::Receipt | Origin::Nobody, _) => {}
        }
    }

    fn on_sign_in(&mut self, now: Instant, request: &Request, result: Result<Answer, Refusal>) {
        match result {
            Ok(Answer::Welcome { account, role, timeline, .. }) => {
                self.steady_at = Some(now + STEADY_AFTER);
                self.was_signed_in = true;
                self.settle_credentials();
                let welcome = Welcome { account, role, timeline };
                match self.timeline {
                    Some(known) if known != timeline => {
                        if let Some(link) = &mut self.link {
                            link.entrance.welcome = Some(welcome);
                        }
                        self.requests.push(Request::FetchShared { timeline: known, after: None }, Origin::SignIn);
                    }
                    _ => self.enter(now, welcome),
                }
            }
            Ok(Answer::Shared(page)) => self.on_shared(now, page),
            // The name may be taken by ourselves, a moment ago, when the answer was lost: then the password fits.
            Err(Refusal::NameTaken) if self.register_tries > 1 && matches!(request, Request::Register { .. }) => {
                if let Proof::Password { register, .. } = &mut self.config.credentials.proof {
                    *register = false;
                }
                self.ask_to_sign_in();
            }
            Err(Refusal::WrongCredentials) if self.register_tries > 1 && !self.was_signed_in => {
                self.fail(now, Failure::SignIn(Refusal::NameTaken))
            }
            Err(refusal) if self.was_signed_in && Self::is_passing(refusal) => {
                if let Some(link) = &mut self.link {
                    link.connection.close(now, CloseCode::NO_ERROR);
                }
                self.on_link_lost(now, Interruption::ClosedByServer(CloseCode::RATE_LIMITED.0));
            }
            Err(refusal) => self.fail(now, Failure::SignIn(refusal)),
            Ok(_) => self.fail(now, Failure::SignIn(Refusal::BadRequest)),
        }
    }

    /// Part of what the server's timeline shares with the one that is known; with the last part, the client goes over to the server's.
    fn on_shared(&mut self, now: Instant, page: Page<CommonPast>) {
        let Some(entrance) = self.link.as_mut().map(|link| &mut link.entrance) else { return };
        let last = page.entries.last().map(|shared| shared.conversation);
        entrance.shared.extend(page.entries);
        if let (true, Some(timeline), Some(_)) = (page.more, self.timeline, last) {
            self.requests.push(Request::FetchShared { timeline, after: last }, Origin::SignIn);
            return;
        }
        let shared = core::mem::take(&mut entrance.shared);
        let Some(welcome) = entrance.welcome.take() else { return };
        self.positions.on_other_timeline(&shared);
        self.notices.clear();
        self.put_off.clear();
        for asked in self.requests.forget_numbered(&shared, |place| self.positions.conversation_at(place)) {
            match (asked.origin, asked.request) {
                (Origin::Owner(ticket), Request::Post { .. } | Request::PostFile { .. }) => {
                    self.updates.push_back(Update::Refused { ticket, refusal: Refusal::UnknownRoom });
                }
                (Origin::Owner(ticket), _) => self.updates.push_back(Update::Lost { ticket }),
                _ => {}
            }
        }
        self.enter(now, welcome);
    }

    /// One is signed in, and every number that is known is one of the server's timeline.
    fn enter(&mut self, now: Instant, welcome: Welcome) {
        let Welcome { account, role, timeline } = welcome;
        if self.timeline.replace(timeline) != Some(timeline) {
            self.updates.push_back(Update::Timeline(timeline));
        }
        self.updates.push_back(Update::SignedIn { account, role });
        if self.away {
            self.requests.push(Request::Away { away: true }, Origin::Nobody);
        }
        self.watching.begin();
        let Some(link) = &mut self.link else { return };
        link.signed_in = true;
        let Entrance { early, overflowed, .. } = core::mem::take(&mut link.entrance);
        for event in early {
            self.on_chat_event(now, event);
        }
        if overflowed {
            self.sync();
        }
    }

    fn on_chat_event(&mut self, now: Instant, event: Event) {
        match event {
            Event::Conversations(page) => {
                let more = page.more;
                let listed: Vec<_> = page.entries.iter().cloned().map(Update::Conversation).collect();
                let (renamed, left) = self.positions.on_list(page);
                self.updates.extend(renamed.into_iter().map(Update::from));
                self.updates.extend(listed);
                self.updates.extend(left.into_iter().map(|place| Update::Left { place }));
                if let Some(link) = &mut self.link {
                    link.syncing &= more;
                }
            }
            Event::Conversation(info) => {
                self.updates.push_back(Update::Conversation(info.clone()));
                self.positions.on_conversation(info);
            }
            Event::Left(conversation) => {
                let left = self.positions.on_left(conversation);
                self.updates.extend(left.map(|place| Update::Left { place }));
            }
            Event::Renamed { conversation, room } => {
                let renamed = self.positions.on_renamed(conversation, room);
                self.updates.extend(renamed.map(Update::from));
            }
            Event::Invited { room, by } => self.updates.push_back(Update::Invited { room, by }),
            Event::Altered(message) => match self.positions.on_altered(message) {
                Ok(Some((place, message))) => self.updates.push_back(Update::Altered { place, message }),
                Ok(None) => {}
                Err(_) => self.sync(),
            },
            Event::Read { conversation, read, unread } => {
                let place = self.positions.place(conversation);
                self.updates.extend(place.map(|place| Update::Read { place, read, unread }));
            }
            Event::Arranged { conversation, arrangement } => {
                let place = self.positions.place(conversation);
                self.updates.extend(place.map(|place| Update::Arranged { place, arrangement }));
            }
            Event::Typing { place, account } => self.updates.push_back(Update::Typing { place, account }),
            Event::Message(message) => match self.positions.on_message(message) {
                Ok(Some((place, message))) => self.updates.push_back(Update::Message { place, message }),
                Ok(None) => {}
                Err(_) => self.sync(),
            },
            Event::Presence { version, changes } => {
                self.watching.on_told(version);
                self.updates.push_back(Update::Presence(changes));
            }
            Event::Profiles { since, changes, upto } => {
                if self.watching.on_profiles(upto) {
                    self.updates.push_back(Update::Profiles { since, changes, upto });
                }
            }
            Event::Lists { versions, within_ms } => self.watching.on_lists(now, versions, within_ms, &mut self.rng),
            Event::Notice(notice) => self.on_notice(notice),
            Event::OpenNotices(open) => self.on_open_notices(&open),
            Event::Progress { notice, progress } => self.updates.push_back(Update::Progress { notice, progress }),
        }
    }

    /// The account exists now, and knows the device if that was asked for: then the password is not needed any more.
    fn settle_credentials(&mut self) {
        if let Proof::Password { register, remember, .. } = &mut self.config.credentials.proof {
            *register = false;
            if *remember {
                self.config.credentials.proof = Proof::Device;
            }
        }
    }

    /// Open notices come again after each connecting; the owner hears of each state once. What was over or answered before it was
    /// ever told here is nobody's news.
    fn on_notice(&mut self, notice: Notice) {
        let known = self.notices.get(&notice.id);
        if known == Some(&notice) {
            return;
        }
        if notice.state != NoticeState::Open {
            if self.notices.remove(&notice.id).is_some() {
                self.updates.push_back(Update::Notice(notice));
            }
            return;
        }
        if known.is_none() && notice.answered.is_some() {
            return;
        }
        let reworded = known.is_none_or(|known| known.revision < notice.revision);
        self.notices.insert(notice.id, notice.clone());
        if reworded
            && let Some(link) = &mut self.link
            && link.reporting.state != ReportingState::Acknowledging
        {
            link.reporting.unreported.insert(notice.id);
        }
        self.updates.push_back(Update::Notice(notice));
    }

    /// What is told and not among these has changed while nobody could say so: asks how.
    fn on_open_notices(&mut self, open: &[NoticeId]) {
        self.begin_reporting();
        let stale = |known: &&Notice| known.answered.is_none() && !open.contains(&known.id);
        let stale: Vec<_> = self.notices.values().filter(stale).map(|known| known.id).collect();
        for notice in stale {
            self.requests.push(Request::FetchNotice { notice }, Origin::Stale(notice));
        }
        // Those that were answered need no popup, but the memory of them must not grow for ever.
        self.notices.retain(|id, known| known.answered.is_none() || open.contains(id));
    }

    /// Says which notices have reached this program, whichever connection brought them, and that those to come have reached it when they
    /// are acknowledged. Not before all open ones were told: what an acknowledgement is for has then been told to the owner.
    pub(super) fn begin_reporting(&mut self) {
        let begins = |link: &&mut Link| link.signed_in && link.reporting.state == ReportingState::Silent;
        if let Some(link) = self.link.as_mut().filter(begins)
            && self.config.shows_notices
        {
            link.reporting.unreported = self.notices.keys().copied().collect();
            self.report_reached();
        }
    }

    fn report_reached(&mut self) {
        let Some(link) = &mut self.link else { return };
        let mut notices = Vec::new();
        while notices.len() < REACHED_PER_REQUEST_MAX
            && let Some(notice) = link.reporting.unreported.pop_first()
        {
            notices.extend(self.notices.get(&notice).map(|known| (notice, known.revision)));
        }
        link.reporting.state = ReportingState::Reporting;
        self.requests.push(Request::Reached { notices }, Origin::Reached);
    }

    /// The server has noted what was reported.
    fn on_reported(&mut self) {
        let Some(link) = &mut self.link else { return };
        if link.reporting.unreported.is_empty() {
            link.reporting.state = ReportingState::Acknowledging;
        } else {
            self.report_reached();
        }
    }

    /// The server gave up on messages of a channel: asks again for what they may have said.
    pub(super) fn on_resync(&mut self, channel: Channel) {
        let lost = self.requests.on_lost(Some(channel));
        for asked in lost {
            if let Origin::Owner(ticket) = asked.origin {
                self.updates.push_back(Update::Lost { ticket });
            }
        }
        if channel == Channel::Chat {
            self.watching.on_gap();
        }
        if matches!(channel, Channel::Chat | Channel::Notice) {
            self.sync();
        }
    }

    /// Tells others that the person is writing, unless they have heard it a moment ago or cannot hear it.
    pub(super) fn say_typing(&mut self, now: Instant, place: Place) {
        let connected = self.link.as_ref().is_some_and(|link| link.signed_in);
        if connected && now >= self.typing_at && !self.requests.is_full() {
            self.typing_at = now + TYPING_INTERVAL;
            self.requests.push(Request::Typing { place }, Origin::Nobody);
        }
    }

    /// Tells the server whether somebody is at this computer; each connection begins as one where somebody is.
    pub(super) fn set_away(&mut self, away: bool) {
        if self.away != away {
            self.away = away;
            if self.link.as_ref().is_some_and(|link| link.signed_in) {
                self.requests.push(Request::Away { away }, Origin::Nobody);
            }
        }
    }

    fn sync(&mut self) {
        if let Some(link) = self.link.as_mut().filter(|link| !link.syncing) {
            link.syncing = true;
            self.requests.push(Request::Sync, Origin::Nobody);
        }
    }

    /// Asks for the pages that are missing; says so once when nothing is.
    pub(super) fn catch_up(&mut self) {
        let Some(link) = self.link.as_mut().filter(|link| link.signed_in) else { return };
        if self.fetch_at.is_some() {
            return;
        }
        for receipt in self.put_off.drain(..) {
            self.requests.push(receipt, Origin::Receipt);
        }
        if let Some(watch) = self.watching.next_request() {
            self.requests.push(watch, Origin::Watch);
        }
        let fetches: Vec<_> = core::iter::from_fn(|| self.positions.next_fetch()).collect();
        for fetch in fetches {
            match fetch {
                Fetch::Messages(conversation, after) => {
                    let request = Request::FetchAfter { conversation, after, limit: PAGE_ENTRIES_MAX };
                    self.requests.push(request, Origin::CatchUp(conversation));
                }
                Fetch::Altered(conversation, after) => {
                    self.requests.push(Request::FetchAltered { conversation, after }, Origin::Altered(conversation));
                }
            }
        }
        if !link.caught_up && self.positions.is_caught_up() {
            link.caught_up = true;
            self.updates.push_back(Update::CaughtUp);
        }
    }
}

impl Entrance {
    fn keep(&mut self, event: Event, bytes: usize) {
        self.bytes = self.bytes.saturating_add(bytes);
        self.overflowed |= self.bytes > EARLY_BYTES_MAX;
        if !self.overflowed {
            self.early.push(event);
        }
    }
}

/// Whether its channel carries it: lists of names can be longer than any message.
fn fits(request: &Request) -> bool {
    chat::request_bytes_max(request).is_ok_and(|bytes| bytes <= request.channel().message_bytes_to_server_max())
}

const fn has_a_command_of_its_own(request: &Request) -> bool {
    matches!(
        request,
        Request::SignIn { .. }
            | Request::Register { .. }
            | Request::Post { .. }
            | Request::PostFile { .. }
            | Request::SendNotice(_)
            | Request::Receipt { .. }
            | Request::Reached { .. }
            | Request::Sync
            | Request::Typing { .. }
            | Request::Away { .. }
            | Request::Watch { .. }
            | Request::SignInByDevice { .. }
    )
}
