//! `belfry listen`: everything that happens, until stopped.

use std::collections::BTreeMap;
use std::time::Duration;

use belfry_core::chat::{
    AccountName, ConversationId, ConversationInfo, Notice, NoticeId, NoticeState, Place, Presence, PresenceChange, Presentity, Receipt,
};
use belfry_core::client::{Command, Update};
use belfry_core::time::UnixMillis;
use jiff::tz::TimeZone;
use serde::Serialize;

use super::outlet::Outlet;
use super::session::{self, Session, Wake};
use super::zone;
use crate::config::ConnectionArgs;
use crate::ending::Outcome;
use crate::output::{self, MessageObject, Paint};
use crate::sentence;

#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    #[command(flatten)]
    connection: ConnectionArgs,
    /// One JSON object a line
    #[arg(long)]
    json: bool,
    /// Report every open notice as visible and give its first answer
    #[arg(long)]
    acknowledge: bool,
    /// Also print who comes, goes and is away
    #[arg(long)]
    presence: bool,
}

pub(crate) fn run(args: &Args) -> Outcome {
    session::with_notices(&args.connection, |session| {
        let outlet = Outlet::open(session.waker());
        let released = outlet.clone();
        session.catch_interrupts_and(move || released.release())?;
        session.wait_out_interruptions();
        if args.presence {
            session.send(Command::Watch(vec![Presentity::Everyone]))?;
        }
        let outcome = follow(session, args, &outlet);
        outlet.finish();
        outcome
    })
}

fn follow(session: &mut Session, args: &Args, outlet: &Outlet) -> Outcome {
    let mut listener = EventPrinter::new(args.json, zone::local(), Paint::for_stdout());
    loop {
        match session.next(None)? {
            Some(Wake::Update(update)) => {
                if let (true, Update::Notice(notice)) = (args.acknowledge, &update) {
                    acknowledge(session, notice)?;
                }
                listener.take(update)?.into_iter().try_for_each(|line| outlet.print(line))?;
            }
            Some(Wake::Interrupted) => return Ok(()),
            Some(Wake::OutputFailed(ending)) => return Err(ending),
            _ => {}
        }
    }
}

fn acknowledge(session: &mut Session, notice: &Notice) -> Outcome {
    if notice.state != NoticeState::Open || notice.answered.is_some() {
        return Ok(());
    }
    for receipt in [Receipt::Visible, Receipt::Answered(0)] {
        session.send(Command::Receipt { notice: notice.id, receipt })?;
    }
    Ok(())
}

/// Turns updates into lines.
#[derive(Debug)]
struct EventPrinter {
    json: bool,
    zone: TimeZone,
    paint: Paint,
    connected_once: bool,
    /// What came before the first "connected"; it is printed behind it.
    held: Vec<String>,
    /// Open notices as they were printed last: they come again with each connection until they are answered.
    open: BTreeMap<NoticeId, Notice>,
    /// The conversations one is in.
    places: BTreeMap<ConversationId, Place>,
    comings: Comings,
}

/// What was last said of whom: whoever goes and is back before those who look were told has never left.
#[derive(Debug, Default)]
pub(crate) struct Comings(BTreeMap<String, Presence>);

impl Comings {
    /// Whether this has not been said already.
    pub(crate) fn is_news(&mut self, change: &PresenceChange) -> bool {
        self.0.insert(change.account.key(), change.presence) != Some(change.presence)
    }
}

impl EventPrinter {
    fn new(json: bool, zone: TimeZone, paint: Paint) -> Self {
        let comings = Comings::default();
        Self { json, zone, paint, connected_once: false, held: Vec::new(), open: BTreeMap::new(), places: BTreeMap::new(), comings }
    }

    /// The lines to print now.
    fn take(&mut self, update: Update) -> Outcome<Vec<String>> {
        if matches!(update, Update::CaughtUp) {
            self.connected_once = true;
            let mut lines = vec![self.connected()?];
            lines.append(&mut self.held);
            return Ok(lines);
        }
        let lines = self.lines(update)?;
        if self.connected_once {
            return Ok(lines);
        }
        self.held.extend(lines);
        Ok(Vec::new())
    }

    fn lines(&mut self, update: Update) -> Outcome<Vec<String>> {
        Ok(match update {
            Update::Message { place, message } if self.json => vec![output::json_text(&MessageObject::event(&place, &message))?],
            Update::Message { place, message } => {
                vec![format!(
                    "{} {}",
                    self.paint.dim(&sentence::visible(&place.to_string())),
                    output::message_line(&message, &self.zone, self.paint)
                )]
            }
            Update::Altered { place, message } if self.json => vec![output::json_text(&MessageObject::altered(&place, &message))?],
            Update::Altered { place, message } => {
                let place = sentence::visible(&format!("{place} {} is now", message.seq.0));
                vec![format!("{} {}", self.paint.dim(&place), output::message_line(&message, &self.zone, self.paint))]
            }
            Update::Renamed { from, to } => vec![self.renamed(&from, &to)?],
            Update::Left { place } => vec![self.place("left", &place, None)?],
            Update::Invited { room, by } => vec![self.place("invited", &Place::Room(room), Some(&by))?],
            // The list comes with each connection; only what is new to a listener that was connected is news.
            Update::Conversation(info) if self.is_new(&info) => vec![self.place("joined", &info.place, None)?],
            Update::Notice(notice) => self.notice(notice)?.into_iter().collect(),
            Update::Presence(changes) => {
                let news: Vec<_> = changes.iter().filter(|change| self.comings.is_news(change)).collect();
                news.into_iter().map(|change| self.presence(change)).collect::<Outcome<_>>()?
            }
            Update::Disconnected { why, retry_in } => vec![self.disconnected(&why.to_string(), retry_in)?],
            _ => Vec::new(),
        })
    }

    /// Whether this conversation was not known while the listener was connected.
    fn is_new(&mut self, info: &ConversationInfo) -> bool {
        self.places.insert(info.id, info.place.clone()).is_none_or(|known| known != info.place) && self.connected_once
    }

    /// That one came into a place or left it, or that somebody asks one to.
    fn place(&mut self, event: &'static str, place: &Place, by: Option<&AccountName>) -> Outcome<String> {
        if event == "left" {
            self.places.retain(|_, known| known != place);
        }
        let room = place.to_string();
        if self.json {
            return output::json_text(&PlaceEvent { event, room, by: by.map(AccountName::as_str) });
        }
        let by = by.map_or_else(String::new, |by| format!(" by {by}"));
        Ok(self.paint.dim(&sentence::visible(&format!("{event} {room}{by}"))))
    }

    /// A room that one is in has another name.
    fn renamed(&mut self, from: &Place, to: &Place) -> Outcome<String> {
        for known in self.places.values_mut().filter(|known| *known == from) {
            known.clone_from(to);
        }
        let (room, to) = (from.to_string(), to.to_string());
        if self.json {
            return output::json_text(&RenamedEvent { event: "renamed", room, to });
        }
        Ok(self.paint.dim(&sentence::visible(&format!("{room} is called {to} now"))))
    }

    fn connected(&self) -> Outcome<String> {
        if self.json { output::json_text(&ConnectedEvent { event: "connected" }) } else { Ok(self.paint.dim("connected")) }
    }

    fn notice(&mut self, notice: Notice) -> Outcome<Option<String>> {
        if self.open.get(&notice.id) == Some(&notice) {
            return Ok(None);
        }
        let line = if self.json { output::json_text(&notice_event(&notice))? } else { output::notice_line(&notice, self.paint) };
        if notice.state == NoticeState::Open {
            self.open.insert(notice.id, notice);
        } else {
            self.open.remove(&notice.id);
        }
        Ok(Some(line))
    }

    fn presence(&self, change: &PresenceChange) -> Outcome<String> {
        if self.json {
            return output::json_text(&PresenceEvent {
                event: "presence",
                account: change.account.as_str(),
                presence: change.presence.as_str(),
                at: change.at.rfc3339(),
            });
        }
        Ok(self.paint.dim(&presence_line(change)))
    }

    fn disconnected(&self, why: &str, retry_in: Duration) -> Outcome<String> {
        let retry_in_ms = u64::try_from(retry_in.as_millis()).unwrap_or(u64::MAX);
        if self.json {
            return output::json_text(&DisconnectedEvent { event: "disconnected", reason: why, retry_in_ms });
        }
        Ok(self.paint.alert(&disconnected_line(why, retry_in)))
    }
}

/// `bob is offline`.
pub(crate) fn presence_line(change: &PresenceChange) -> String {
    format!("{} is {}", sentence::visible(change.account.as_str()), change.presence)
}

/// `disconnected: the server is stopping; next try in 2 s`.
pub(crate) fn disconnected_line(why: &str, retry_in: Duration) -> String {
    match retry_in.as_millis().div_ceil(1000) {
        0 => format!("disconnected: {why}; trying again"),
        seconds => format!("disconnected: {why}; next try in {seconds} s"),
    }
}

#[derive(Serialize)]
struct ConnectedEvent {
    event: &'static str,
}

#[derive(Serialize)]
struct RenamedEvent {
    event: &'static str,
    room: String,
    to: String,
}

#[derive(Serialize)]
struct PlaceEvent<'a> {
    event: &'static str,
    room: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    by: Option<&'a str>,
}

#[derive(Serialize)]
struct DisconnectedEvent<'a> {
    event: &'static str,
    reason: &'a str,
    retry_in_ms: u64,
}

#[derive(Serialize)]
struct PresenceEvent<'a> {
    event: &'static str,
    account: &'a str,
    presence: &'static str,
    at: String,
}

#[derive(Serialize)]
struct NoticeEvent<'a> {
    event: &'static str,
    id: u64,
    severity: &'static str,
    title: Option<&'a str>,
    body: &'a str,
    answers: Vec<&'a str>,
    author: &'a str,
    state: &'static str,
    sent_at: String,
    expires_at: Option<String>,
    revision: u32,
    reminder: u32,
    answered: Option<&'a str>,
}

fn notice_event(notice: &Notice) -> NoticeEvent<'_> {
    NoticeEvent {
        event: "notice",
        id: notice.id.0,
        severity: notice.severity.as_str(),
        title: notice.title.as_ref().map(|title| title.as_str()),
        body: notice.body.as_str(),
        answers: notice.answers.iter().map(|answer| answer.as_str()).collect(),
        author: notice.author.as_str(),
        state: notice.state.as_str(),
        sent_at: notice.sent_at.rfc3339(),
        expires_at: notice.expires_at.map(UnixMillis::rfc3339),
        revision: notice.revision,
        reminder: notice.reminder,
        answered: notice.answered.and_then(|given| notice.answers.get(usize::from(given.answer))).map(|label| label.as_str()),
    }
}

#[cfg(test)]
mod tests {
    use belfry_core::client::Interruption;
    use belfry_core::time::UnixMillis;

    use super::*;
    use crate::output::tests::{message, notice};

    fn json() -> EventPrinter {
        EventPrinter::new(true, TimeZone::UTC, Paint::default())
    }

    fn connected() -> EventPrinter {
        let mut listener = json();
        listener.take(Update::CaughtUp).unwrap();
        listener
    }

    #[test]
    fn the_first_line_is_connected_and_what_came_before_follows_it() {
        let mut listener = json();
        assert!(listener.take(Update::Message { place: Place::lobby(), message: message("early") }).unwrap().is_empty());
        let lines = listener.take(Update::CaughtUp).unwrap();
        assert_eq!(lines[0], r#"{"event":"connected"}"#);
        assert!(lines[1].contains("early"));
        assert!(listener.take(Update::CaughtUp).unwrap().len() == 1);
    }

    #[test]
    fn a_message_is_printed_as_it_comes() {
        let lines = connected().take(Update::Message { place: Place::lobby(), message: message("hi") }).unwrap();
        assert_eq!(
            lines,
            [r#"{"event":"message","seq":7,"room":"lobby","from":"alice","text":"hi","sent_at":"2026-11-21T10:02:03.123Z"}"#]
        );
    }

    #[test]
    fn a_notice_that_comes_again_unchanged_is_printed_once() {
        let mut listener = connected();
        let lines = listener.take(Update::Notice(notice())).unwrap();
        assert_eq!(
            lines,
            [concat!(
                r#"{"event":"notice","id":3,"severity":"important","title":"Drill","body":"Leave now.","answers":["Safe","Need help"],"#,
                r#""author":"admin","state":"open","sent_at":"2026-11-21T10:02:03.123Z","expires_at":null,"#,
                r#""revision":1,"reminder":0,"answered":null}"#
            )]
        );
        assert!(listener.take(Update::Notice(notice())).unwrap().is_empty());
        let withdrawn = Notice { state: NoticeState::Withdrawn, ..notice() };
        assert!(listener.take(Update::Notice(withdrawn)).unwrap()[0].contains("withdrawn"));
    }

    #[test]
    fn coming_into_a_room_and_leaving_it_is_told_and_the_list_of_them_is_not() {
        let info = |id, room| {
            let room = belfry_core::chat::RoomName::new(room).unwrap();
            ConversationInfo::new(ConversationId(id), Place::Room(room), belfry_core::chat::Seq(0))
        };
        let mut listener = json();
        assert!(listener.take(Update::Conversation(info(1, "lobby"))).unwrap().is_empty());
        assert_eq!(listener.take(Update::CaughtUp).unwrap().len(), 1);
        assert_eq!(listener.take(Update::Conversation(info(2, "attic"))).unwrap(), [r#"{"event":"joined","room":"attic"}"#]);
        assert!(listener.take(Update::Conversation(info(2, "attic"))).unwrap().is_empty());
        let place = info(2, "attic").place;
        assert_eq!(listener.take(Update::Left { place }).unwrap(), [r#"{"event":"left","room":"attic"}"#]);
        let invited = Update::Invited { room: belfry_core::chat::RoomName::new("board").unwrap(), by: AccountName::new("bob").unwrap() };
        assert_eq!(listener.take(invited).unwrap(), [r#"{"event":"invited","room":"board","by":"bob"}"#]);
    }

    #[test]
    fn who_is_back_before_it_was_told_that_they_went_is_no_news() {
        let bob = |presence| vec![PresenceChange { account: AccountName::new("bob").unwrap(), presence, at: UnixMillis(0) }];
        let mut listener = connected();
        let told: Vec<_> = [Presence::Online, Presence::Online, Presence::Offline, Presence::Offline, Presence::Online]
            .map(|presence| listener.take(Update::Presence(bob(presence))).unwrap().len())
            .into();
        assert_eq!(told, [1, 0, 1, 0, 1]);
    }

    #[test]
    fn coming_and_going_is_told_a_line_a_person() {
        let change = |name| PresenceChange { account: AccountName::new(name).unwrap(), presence: Presence::Offline, at: UnixMillis(0) };
        let lines = connected().take(Update::Presence(vec![change("bob"), change("eve")])).unwrap();
        assert_eq!(lines[0], r#"{"event":"presence","account":"bob","presence":"offline","at":"1970-01-01T00:00:00.000Z"}"#);
        assert_eq!(lines.len(), 2);
    }

    #[test]
    fn a_lost_connection_says_why_and_when_it_is_tried_again() {
        let lost = Update::Disconnected { why: Interruption::GoingAway, retry_in: Duration::from_millis(1500) };
        assert_eq!(
            connected().take(lost.clone()).unwrap(),
            [r#"{"event":"disconnected","reason":"the server is stopping","retry_in_ms":1500}"#]
        );
        let mut readable = EventPrinter::new(false, TimeZone::UTC, Paint::default());
        readable.take(Update::CaughtUp).unwrap();
        assert_eq!(readable.take(lost).unwrap(), ["disconnected: the server is stopping; next try in 2 s"]);
        let at_once = Update::Disconnected { why: Interruption::Restarted, retry_in: Duration::ZERO };
        assert_eq!(readable.take(at_once).unwrap(), ["disconnected: the server was restarted; trying again"]);
    }
}
