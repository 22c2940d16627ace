//! `belfry chat` on a terminal: what comes is printed above the line that is being typed.

use belfry_core::net::InWords;
use std::collections::{BTreeMap, BTreeSet};
use std::panic::resume_unwind;
use std::sync::atomic::AtomicBool;
use std::sync::mpsc::{self, Sender};
use std::time::Duration;

use belfry_core::chat::{
    Answer, Arrangement, ArrangementFlag, GivenAnswer, Message, Notice, NoticeId, NoticeState, Place, Presentity, Receipt, Request, Seq,
    Text,
};
use belfry_core::client::{Command, Update};
use belfry_core::time::UnixMillis;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use rustyline::ExternalPrinter;

use super::echo::Echo;
use super::entry::{self, Entry};
use super::lines;
use super::prompt::{self, Prompt};
use crate::cli::listen::Comings;
use crate::cli::session::{Session, Wake};
use crate::cli::{listen, who, zone};
use crate::ending::{Ending, Exit, Outcome};
use crate::output::{self, Paint};
use crate::sentence;

/// Messages shown on entering a place.
const SHOWN_ON_ENTRY: u32 = 20;

/// Own messages of one place that `/delete` after `/delete` finds.
const OWN_MAX: usize = 100;

/// How long a person waits for a list or a page.
const PATIENCE: Duration = Duration::from_secs(10);

pub(super) fn run(session: &mut Session, place: Place) -> Outcome {
    session.wait_out_interruptions();
    session.expect_answers_within(PATIENCE);
    let (mut line, printer) = Prompt::open()?;
    let waker = session.waker();
    let (prompts, typing) = mpsc::channel();
    let finished = AtomicBool::new(false);
    let outcome = std::thread::scope(|scope| {
        let finished = &finished;
        let talk = scope.spawn(move || {
            let mut talk = Chat {
                session,
                place,
                printer,
                prompts: Some(prompts),
                zone: zone::local(),
                paint: Paint::for_stdout(),
                echo: Echo::default(),
                own: BTreeMap::new(),
                notices: BTreeMap::new(),
                answered: BTreeMap::new(),
                comings: Comings::default(),
                arrangements: BTreeMap::new(),
                away: false,
                disconnected: false,
            };
            let outcome = talk.run();
            if let Err(Ending { sentence: Some(sentence), .. }) = &outcome
                && !prompt::LEAVE.is_empty()
            {
                let _ = talk.show(&format!("{}{}", sentence::visible(sentence), prompt::LEAVE));
            }
            talk.prompts = None;
            prompt::end(finished);
            outcome
        });
        line.run(&typing, &waker, finished);
        talk.join().unwrap_or_else(|panic| resume_unwind(panic))
    });
    line.finish();
    outcome
}

/// One person's chat on a terminal.
struct Chat<'a, P> {
    session: &'a mut Session,
    place: Place,
    printer: P,
    /// Each prompt sent here is answered by one line; none are sent once the person wants to leave.
    prompts: Option<Sender<String>>,
    zone: TimeZone,
    paint: Paint,
    echo: Echo,
    /// One's own messages that have been here, by place.
    own: BTreeMap<Place, BTreeSet<Seq>>,
    /// Open notices as they were shown last.
    notices: BTreeMap<NoticeId, Notice>,
    /// Those that were answered here, as the server will know it in a moment.
    answered: BTreeMap<NoticeId, Notice>,
    /// Who was said to have come or gone.
    comings: Comings,
    /// The conversations one is in, as one has arranged them.
    arrangements: BTreeMap<Place, Arrangement>,
    /// The person has said that they are.
    away: bool,
    disconnected: bool,
}

impl<P: ExternalPrinter> Chat<'_, P> {
    fn run(&mut self) -> Outcome {
        self.session.send(Command::Watch(vec![Presentity::Everyone]))?;
        self.enter(self.place.clone())?;
        self.show(&self.paint.dim("/help lists the commands, /quit leaves"))?;
        self.prompt();
        // Whoever leaves has their last messages stored first.
        while self.prompts.is_some() || self.echo.waiting() > 0 {
            match self.session.next(None)? {
                Some(Wake::Update(update)) => self.update(update)?,
                Some(Wake::Line(line)) => {
                    match lines::text(line) {
                        Ok(line) => self.line(&line)?,
                        Err(_) => self.show("not sent: The text is not UTF-8; set the terminal to UTF-8 and type it again.")?,
                    }
                    self.prompt();
                }
                Some(Wake::LineKept) => {
                    self.show(&self.paint.dim("not sent; Arrow up brings the line back, Ctrl+C again leaves"))?;
                    self.prompt();
                }
                Some(Wake::Unreadable) => {
                    let mark = prompt::UNREADABLE;
                    self.show(&self.paint.dim(&format!(
                        "{mark} stands for what is not UTF-8; what was pasted behind it is left out. Set the terminal to UTF-8."
                    )))?;
                    self.prompt();
                }
                Some(Wake::InputEnded) => self.leave()?,
                Some(Wake::InputFailed(error)) => {
                    return Err(Ending::refused(format_args!("The terminal cannot be read: {}.", InWords(&error))));
                }
                Some(Wake::Interrupted) => return self.interrupted(),
                Some(Wake::NetworkEnded | Wake::OutputFailed(_)) | None => {}
            }
        }
        Ok(())
    }

    /// Asks for the next line.
    fn prompt(&self) {
        if let Some(prompts) = &self.prompts {
            let _ = prompts.send(format!("{}> ", sentence::visible(&self.place.to_string())));
        }
    }

    fn leave(&mut self) -> Outcome {
        self.prompts = None;
        match self.echo.waiting() {
            0 => Ok(()),
            _ if self.session.is_connected() => Ok(()),
            waiting => self.show(&format!("messages that wait for the server: {waiting}; Ctrl+C leaves without them")),
        }
    }

    fn interrupted(&self) -> Outcome {
        match self.echo.waiting() {
            0 => Ok(()),
            waiting => Err(Ending::unreachable(format_args!("Messages not confirmed: {waiting}; they may or may not be stored."))),
        }
    }

    fn show(&mut self, line: &str) -> Outcome {
        self.printer.print(format!("{line}\n")).map_err(|error| prompt::unusable(&error))
    }

    fn line(&mut self, line: &str) -> Outcome {
        let entry = entry::understand(line);
        if core::mem::take(&mut self.away) {
            self.session.send(Command::Away(false))?;
        }
        match entry {
            Err(problem) => self.show(&sentence::visible(&problem)),
            Ok(Entry::Nothing) => Ok(()),
            Ok(Entry::Say(text)) => self.say(text, None),
            Ok(Entry::Reply(seq, text)) => self.say(text, Some(seq)),
            Ok(Entry::Away) => {
                self.away = true;
                self.session.send(Command::Away(true))?;
                self.show("You are shown as away until your next line.")
            }
            Ok(Entry::List) => self.list(),
            Ok(Entry::Arrange(flag, on)) => self.asking(|talk| talk.arrange(flag, on)),
            Ok(Entry::Help) => self.show(entry::HELP),
            Ok(Entry::Quit) => self.leave(),
            Ok(Entry::Answer(notice, answer)) => self.answer(notice, answer),
            Ok(Entry::Edit(seq, text)) => self.asking(|talk| talk.alter(seq, |place, seq| Request::Edit { place, room: None, seq, text })),
            Ok(Entry::Delete(seq)) => self.asking(|talk| talk.alter(seq, |place, seq| Request::Delete { place, room: None, seq })),
            Ok(Entry::Who) => self.asking(Self::who),
            Ok(Entry::History(count)) => self.asking(|talk| talk.history(talk.place.clone(), count, true).map(drop)),
            Ok(Entry::Go(place)) => self.asking(|talk| talk.enter(place)),
        }
    }

    fn say(&mut self, text: Text, reply_to: Option<Seq>) -> Outcome {
        let ticket = self.session.ticket();
        self.echo.typed(ticket, text.clone());
        self.session.send(Command::Post { ticket, to: self.place.clone(), text, reply_to })
    }

    /// Does what needs an answer; a no, or no answer in time, is told and the chat goes on.
    fn asking(&mut self, work: impl FnOnce(&mut Self) -> Outcome) -> Outcome {
        if !self.session.is_connected() {
            return self.show("There is no connection to the server now; try that again when it is back.");
        }
        match work(self) {
            Err(Ending { exit: Exit::Unreachable, .. }) if !self.session.has_ended() => {
                self.show("The server has not answered; try that again in a moment.")
            }
            Err(Ending { sentence: Some(sentence), .. }) if !self.session.has_ended() => self.show(&sentence::visible(&sentence)),
            outcome => outcome,
        }
    }

    fn enter(&mut self, place: Place) -> Outcome {
        self.place = self.history(place, SHOWN_ON_ENTRY, false)?;
        // Whoever comes back to what they have marked has done what the mark was for.
        if self.arrangement(&self.place).marked_unread { self.arrange(ArrangementFlag::MarkedUnread, false) } else { Ok(()) }
    }

    fn arrangement(&self, place: &Place) -> Arrangement {
        self.arrangements.get(place).copied().unwrap_or_default()
    }

    /// How it is then comes as news, on all of one's devices.
    fn arrange(&mut self, flag: ArrangementFlag, on: bool) -> Outcome {
        let mut news = Vec::new();
        let request = Request::Arrange { place: self.place.clone(), room: None, flag, on };
        let answer = self.session.ask_meanwhile(request, |update| news.push(update));
        news.into_iter().try_for_each(|update| self.update(update))?;
        match answer? {
            Answer::Done => Ok(()),
            _ => Err(Ending::unexpected()),
        }
    }

    fn list(&mut self) -> Outcome {
        let mut listed: Vec<_> = self.arrangements.iter().collect();
        listed.sort_by_key(|(_, arrangement)| !arrangement.pinned);
        let lines: Vec<_> = listed.into_iter().map(|(place, arrangement)| arranged_line(place, *arrangement)).collect();
        self.show(&lines.join("\n"))
    }

    /// Shows a place's newest messages, with their numbers perhaps; the place as the server writes its name.
    fn history(&mut self, place: Place, limit: u32, numbered: bool) -> Outcome<Place> {
        let mut news = Vec::new();
        let request = Request::FetchBefore { place, before: None, limit };
        let answer = self.session.ask_meanwhile(request, |update| news.push(update));
        let shown = match answer {
            Ok(Answer::Page(page)) => {
                for message in &page.messages {
                    self.note_own(&page.conversation.place, message);
                    let number = if numbered { output::number(message, self.paint) } else { String::new() };
                    self.show(&format!("{number}{}", output::message_line(message, &self.zone, self.paint)))?;
                }
                let newest = page.messages.last().map(|message| message.seq);
                // What the page holds has just been shown.
                news.retain(|update| {
                    !matches!(update, Update::Message { message, .. }
                        if message.conversation == page.conversation.id && Some(message.seq) <= newest)
                });
                Ok(page.conversation.place)
            }
            Ok(_) => Err(Ending::unexpected()),
            Err(ending) => Err(ending),
        };
        news.into_iter().try_for_each(|update| self.update(update))?;
        shown
    }

    fn who(&mut self) -> Outcome {
        let mut news = Vec::new();
        let people = who::fetch(self.session, |update| news.push(update));
        news.into_iter().try_for_each(|update| self.update(update))?;
        let lines: Vec<_> = people?.iter().map(|person| who::line(person, &self.zone)).collect();
        self.show(&lines.join("\n"))
    }

    /// Alters one of one's messages here; how it is then comes as news.
    fn alter(&mut self, seq: Option<Seq>, request: impl FnOnce(Place, Seq) -> Request) -> Outcome {
        let last = || self.own.get(&self.place).and_then(|own| own.last()).copied();
        let Some(seq) = seq.or_else(last) else {
            return self
                .show("None of your messages here has been on this screen; name one by its number, as in #7. /history shows the numbers.");
        };
        let mut news = Vec::new();
        let request = request(self.place.clone(), seq);
        let deletes = matches!(request, Request::Delete { .. });
        let answer = self.session.ask_meanwhile(request, |update| news.push(update));
        news.into_iter().try_for_each(|update| self.update(update))?;
        match answer? {
            Answer::Done => {
                // What is taken back is not the last one any more, before that comes as news.
                if deletes && let Some(own) = self.own.get_mut(&self.place) {
                    own.remove(&seq);
                }
                Ok(())
            }
            _ => Err(Ending::unexpected()),
        }
    }

    /// Remembers which messages are one's own and still there to be altered.
    fn note_own(&mut self, place: &Place, message: &Message) {
        if message.from != *self.session.account() {
            return;
        }
        let own = self.own.entry(place.clone()).or_default();
        if message.is_deleted() {
            own.remove(&message.seq);
        } else {
            own.insert(message.seq);
        }
        if own.len() > OWN_MAX {
            own.pop_first();
        }
    }

    fn renamed(&mut self, from: &Place, to: Place) -> Outcome {
        let said = sentence::visible(&format!("{from} is called {to} now"));
        if let Some(arrangement) = self.arrangements.remove(from) {
            self.arrangements.insert(to.clone(), arrangement);
        }
        if let Some(own) = self.own.remove(from) {
            self.own.insert(to.clone(), own);
        }
        if self.place == *from {
            self.place = to;
        }
        self.show(&self.paint.dim(&said))
    }

    /// Answers a notice. One that was not shown here as open is asked for: what keeps it from being answered, the server knows.
    fn answer(&mut self, id: NoticeId, answer: u8) -> Outcome {
        if let Some(why) = self.answered.get(&id).and_then(|notice| not_to_be_answered(notice, &self.zone)) {
            return self.show(&sentence::visible(&why));
        }
        if !self.notices.contains_key(&id) {
            return self.asking(|talk| talk.look_up(id, answer));
        }
        self.choose(id, answer)
    }

    fn look_up(&mut self, id: NoticeId, answer: u8) -> Outcome {
        let mut news = Vec::new();
        let asked = self.session.ask_meanwhile(Request::FetchNotice { notice: id }, |update| news.push(update));
        news.into_iter().try_for_each(|update| self.update(update))?;
        let Answer::Notice(notice) = asked? else { return Err(Ending::unexpected()) };
        match not_to_be_answered(&notice, &self.zone) {
            Some(why) => self.show(&sentence::visible(&why)),
            None => {
                self.notices.insert(id, notice);
                self.choose(id, answer)
            }
        }
    }

    fn choose(&mut self, id: NoticeId, answer: u8) -> Outcome {
        let Some(notice) = self.notices.get(&id) else { return Ok(()) };
        let Some(label) = notice.answers.get(usize::from(answer)) else {
            return self.show(&format!("Notice {} has the answers 0 to {}.", id.0, notice.answers.len().saturating_sub(1)));
        };
        let said = format!("answered notice {}: {}", id.0, sentence::visible(label.as_str()));
        self.session.send(Command::Receipt { notice: id, receipt: Receipt::Answered(answer) })?;
        if let Some(notice) = self.notices.remove(&id) {
            let at = u64::try_from(Timestamp::now().as_millisecond()).map(UnixMillis).unwrap_or_default();
            self.answered.insert(id, Notice { answered: Some(GivenAnswer { answer, at }), ..notice });
        }
        self.show(&said)
    }

    fn update(&mut self, update: Update) -> Outcome {
        match update {
            Update::Message { place, message } => self.message(&place, &message),
            Update::Altered { place, message } => {
                self.note_own(&place, &message);
                let which = sentence::visible(&format!("{place} {} is now", message.seq.0));
                self.show(&format!("{} {}", self.paint.dim(&which), output::message_line(&message, &self.zone, self.paint)))
            }
            Update::Invited { room, by } => {
                let (room, by) = (sentence::visible(room.as_str()), sentence::visible(by.as_str()));
                self.show(&self.paint.alert(&format!("{by} invites you to {room}: belfry room join {room}")))
            }
            Update::Renamed { from, to } => self.renamed(&from, to),
            Update::Conversation(info) => {
                self.arrangements.insert(info.place, info.arrangement);
                Ok(())
            }
            Update::Arranged { place, arrangement } => {
                let line = self.paint.dim(&arranged_line(&place, arrangement));
                self.arrangements.insert(place, arrangement);
                self.show(&line)
            }
            Update::Left { place } => {
                self.arrangements.remove(&place);
                self.show(&self.paint.dim(&format!("left {}", sentence::visible(&place.to_string()))))
            }
            Update::Notice(notice) => self.notice(notice),
            Update::Presence(changes) => {
                // Whoever types here knows that they are here.
                let own = self.session.account().clone();
                let others = changes.iter().filter(|change| change.account != own && self.comings.is_news(change));
                let lines: Vec<_> = others.map(|change| self.paint.dim(&listen::presence_line(change))).collect();
                if lines.is_empty() { Ok(()) } else { self.show(&lines.join("\n")) }
            }
            Update::Timeline(_) => {
                self.notices.clear();
                self.echo.forget_numbers();
                self.own.clear();
                Ok(())
            }
            Update::Posted { ticket, conversation, seq } => {
                self.echo.posted(ticket, conversation, seq);
                Ok(())
            }
            Update::Refused { ticket, refusal } => self.not_sent(ticket, &refusal.to_string()),
            Update::Lost { ticket } => self.not_sent(ticket, "The connection was lost; it may or may not be stored."),
            Update::Disconnected { why, retry_in } if !self.disconnected => {
                self.disconnected = true;
                self.show(&self.paint.alert(&listen::disconnected_line(&why.to_string(), retry_in)))
            }
            Update::CaughtUp if self.disconnected => {
                self.disconnected = false;
                self.show(&self.paint.dim("connected again"))
            }
            _ => Ok(()),
        }
    }

    fn message(&mut self, place: &Place, message: &Message) -> Outcome {
        self.note_own(place, message);
        if message.from == *self.session.account() && self.echo.is_echo(message) {
            return Ok(());
        }
        let line = output::message_line(message, &self.zone, self.paint);
        if *place == self.place {
            // What stands on this screen is read, for the person's other devices too.
            let ticket = self.session.ticket();
            let request = Request::MarkRead { place: place.clone(), room: None, upto: message.seq };
            self.session.send(Command::Ask { ticket, request })?;
            self.show(&line)
        } else {
            let from = sentence::visible(&place.to_string());
            let from = if self.arrangement(place).muted { self.paint.dim(&from) } else { self.paint.alert(&from) };
            self.show(&format!("{from} {line}"))
        }
    }

    fn notice(&mut self, notice: Notice) -> Outcome {
        let shown = if notice.state == NoticeState::Open && notice.answered.is_none() {
            self.notices.insert(notice.id, notice.clone())
        } else {
            self.notices.remove(&notice.id);
            None
        };
        if shown.as_ref() == Some(&notice) {
            return Ok(());
        }
        self.show(&output::notice_line(&notice, self.paint))?;
        if notice.state == NoticeState::Open && notice.answered.is_none() && shown.is_none() {
            self.session.send(Command::Receipt { notice: notice.id, receipt: Receipt::Visible })?;
        }
        Ok(())
    }

    fn not_sent(&mut self, ticket: belfry_core::client::Ticket, why: &str) -> Outcome {
        match self.echo.failed(ticket) {
            Some(text) => self.show(&self.paint.alert(&format!("not sent: {} ({why})", sentence::indented(text.as_str())))),
            None => Ok(()),
        }
    }
}

/// `lobby: pinned, muted`.
fn arranged_line(place: &Place, arrangement: Arrangement) -> String {
    let Arrangement { pinned, muted, marked_unread } = arrangement;
    let words = [(pinned, "pinned"), (muted, "muted"), (marked_unread, "marked as unread")];
    let said: Vec<_> = words.into_iter().filter_map(|(is_so, word)| is_so.then_some(word)).collect();
    let place = sentence::visible(&place.to_string());
    if said.is_empty() { place } else { format!("{place}: {}", said.join(", ")) }
}

/// Why a notice is not answered now: it is already, or it is over.
fn not_to_be_answered(notice: &Notice, zone: &TimeZone) -> Option<String> {
    let id = notice.id.0;
    if let Some(GivenAnswer { answer, at }) = notice.answered {
        let label = notice.answers.get(usize::from(answer)).map_or("?", |label| label.as_str());
        let at = output::minute(at, zone);
        return Some(format!("You have answered notice {id} with \"{label}\" at {at}; an answer stays as it was given."));
    }
    match notice.state {
        NoticeState::Open => None,
        NoticeState::Expired => Some(format!("Notice {id} has expired; it cannot be answered any more.")),
        NoticeState::Withdrawn => Some(format!("Notice {id} was withdrawn; it cannot be answered any more.")),
        NoticeState::AllClear => Some(format!("Notice {id} is over: the all-clear was given.")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::tests::notice;

    #[test]
    fn a_conversation_is_listed_with_what_was_made_of_it() {
        let arranged = Arrangement { pinned: true, muted: true, marked_unread: false };
        assert_eq!(arranged_line(&Place::lobby(), arranged), "lobby: pinned, muted");
        assert_eq!(arranged_line(&"@anna".parse().unwrap(), Arrangement::default()), "@anna");
    }

    #[test]
    fn a_notice_that_was_answered_or_is_over_says_so() {
        let say = |notice: &Notice| not_to_be_answered(notice, &TimeZone::UTC);
        assert_eq!(say(&notice()), None);
        let answered = Notice { answered: Some(GivenAnswer { answer: 0, at: UnixMillis(0) }), ..notice() };
        let label = &notice().answers[0];
        let expected = format!("You have answered notice 3 with \"{label}\" at 1970-01-01 00:00; an answer stays as it was given.");
        assert_eq!(say(&answered), Some(expected));
        let over = say(&Notice { state: NoticeState::Expired, ..notice() }).unwrap();
        assert!(over.contains("has expired"), "{over}");
    }
}
