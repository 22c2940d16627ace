//! `belfry chat` without a terminal: each line is one message; done when all are stored.

use belfry_core::net::InWords;
use std::collections::BTreeMap;
use std::sync::mpsc;

use belfry_core::chat::{Place, Text};
use belfry_core::client::{Command, Ticket, Update};

use super::lines;
use crate::cli::session::{Session, Wake};
use crate::ending::{Ending, Exit, Outcome};
use crate::sentence;

/// Messages that may be on their way at one time: enough to keep the server's disk busy, far below what an outbox holds.
const IN_FLIGHT_MAX: usize = 1000;

pub(super) fn run(session: &mut Session, to: Place) -> Outcome {
    let (permit, permissions) = mpsc::channel();
    for _ in 0..IN_FLIGHT_MAX {
        let _ = permit.send(());
    }
    let waker = session.waker();
    // Not joined: it may be waiting for a line that never comes when this command ends.
    std::thread::spawn(move || lines::read(std::io::stdin().lock(), &permissions, &waker));
    let mut stream = PipedLines::default();
    while !stream.is_done() {
        let wake = session.next(None).map_err(|ending| stream.unconfirmed(ending))?.unwrap_or(Wake::InputEnded);
        match stream.take(wake) {
            Step::Post(text) => {
                let ticket = session.ticket();
                stream.on_its_way(ticket);
                session
                    .send(Command::Post { ticket, to: to.clone(), text, reply_to: None })
                    .map_err(|ending| stream.unconfirmed(ending))?;
            }
            Step::Finished(problem) => {
                if let Some(problem) = problem {
                    sentence::complain(&problem);
                }
                let _ = permit.send(());
            }
            Step::Nothing => {}
            Step::Leave => break,
        }
    }
    stream.ending()
}

/// What is to be done after a wake.
#[derive(Debug, PartialEq, Eq)]
enum Step {
    Nothing,
    /// The newest line is a message.
    Post(Text),
    /// A line is dealt with and another may be read; perhaps with a complaint.
    Finished(Option<String>),
    /// Stop at once.
    Leave,
}

/// Which lines have been read and which of them are on their way.
#[derive(Debug, Default)]
struct PipedLines {
    lines: u64,
    in_flight: BTreeMap<Ticket, u64>,
    input_ended: bool,
    interrupted: bool,
    /// The first failure's exit code: what follows may be its consequence.
    failed: Option<Exit>,
}

impl PipedLines {
    fn is_done(&self) -> bool {
        self.input_ended && self.in_flight.is_empty()
    }

    fn on_its_way(&mut self, ticket: Ticket) {
        self.in_flight.insert(ticket, self.lines);
    }

    fn take(&mut self, wake: Wake) -> Step {
        match wake {
            Wake::Line(line) => {
                self.lines += 1;
                self.line(line)
            }
            Wake::InputEnded => {
                self.input_ended = true;
                Step::Nothing
            }
            Wake::InputFailed(error) => {
                self.input_ended = true;
                self.fail(Exit::Refused, format!("Standard input cannot be read: {}.", InWords(&error)))
            }
            Wake::Interrupted => {
                self.interrupted = true;
                Step::Leave
            }
            Wake::Update(Update::Posted { ticket, .. }) if self.in_flight.remove(&ticket).is_some() => Step::Finished(None),
            Wake::Update(Update::Refused { ticket, refusal }) => match self.in_flight.remove(&ticket) {
                Some(line) => self.fail(Exit::Refused, format!("Line {line}: {refusal}")),
                None => Step::Nothing,
            },
            Wake::Update(Update::Lost { ticket }) => match self.in_flight.remove(&ticket) {
                Some(line) => self.fail(Exit::Unreachable, format!("Line {line}: The connection was lost; it may or may not be stored.")),
                None => Step::Nothing,
            },
            Wake::Update(_) | Wake::NetworkEnded | Wake::LineKept | Wake::Unreadable | Wake::OutputFailed(_) => Step::Nothing,
        }
    }

    fn line(&mut self, line: Vec<u8>) -> Step {
        if line.trim_ascii().is_empty() {
            return Step::Finished(None);
        }
        let text = lines::text(line);
        // What some shells and editors put in front of the first line.
        let text = text.map(|text| if self.lines == 1 { text.trim_start_matches('\u{feff}').to_owned() } else { text });
        match text.map(Text::new) {
            Ok(Ok(text)) => Step::Post(text),
            Ok(Err(error)) => self.fail(Exit::Usage, format!("Line {}: {error}", self.lines)),
            Err(_) => self.fail(Exit::Usage, format!("Line {}: The text is not UTF-8.", self.lines)),
        }
    }

    fn fail(&mut self, exit: Exit, problem: String) -> Step {
        self.failed.get_or_insert(exit);
        Step::Finished(Some(problem))
    }

    /// Adds to a sentence which lines have not been confirmed.
    fn unconfirmed(&self, mut ending: Ending) -> Ending {
        if let (Some(sentence), Some(line)) = (&mut ending.sentence, self.in_flight.values().min()) {
            sentence.push_str(&format!(" Lines not confirmed: {}, the first is line {line}.", self.in_flight.len()));
        }
        ending
    }

    fn ending(self) -> Outcome {
        match self.failed {
            Some(exit) => Err(Ending::quiet(exit)),
            None if self.interrupted && !self.in_flight.is_empty() => Err(self.unconfirmed(Ending::unreachable("Interrupted."))),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use belfry_core::chat::{ConversationId, Refusal, Seq};

    use super::*;

    /// A stream that has read these lines and sent those that are messages, with tickets from 1.
    fn stream(lines: &[&str]) -> PipedLines {
        let mut stream = PipedLines::default();
        for line in lines {
            if let Step::Post(_) = stream.take(Wake::Line(line.as_bytes().to_vec())) {
                stream.on_its_way(Ticket(stream.in_flight.len() as u64 + 1));
            }
        }
        stream
    }

    fn posted(ticket: u64) -> Wake {
        Wake::Update(Update::Posted { ticket: Ticket(ticket), conversation: ConversationId(1), seq: Seq(ticket) })
    }

    #[test]
    fn it_is_done_when_the_input_has_ended_and_all_is_stored() {
        let mut stream = stream(&["one", "two"]);
        stream.take(Wake::InputEnded);
        assert_eq!(stream.take(posted(1)), Step::Finished(None));
        assert!(!stream.is_done());
        stream.take(posted(2));
        assert!(stream.is_done());
        assert_eq!(stream.ending(), Ok(()));
    }

    #[test]
    fn empty_lines_are_no_messages() {
        assert!(stream(&["", "  \t", "\r"]).in_flight.is_empty());
    }

    #[test]
    fn a_refused_line_is_named_and_exits_1() {
        let mut stream = stream(&["one", "", "three"]);
        let step = stream.take(Wake::Update(Update::Refused { ticket: Ticket(2), refusal: Refusal::UnknownRoom }));
        assert_eq!(step, Step::Finished(Some("Line 3: There is no room of that name.".into())));
        assert_eq!(stream.ending(), Err(Ending::quiet(Exit::Refused)));
    }

    #[test]
    fn a_line_that_cannot_be_a_message_is_named_and_exits_2() {
        let mut stream = stream(&[]);
        assert!(matches!(stream.take(Wake::Line(b"a\x1bb".to_vec())), Step::Finished(Some(said)) if said.starts_with("Line 1: ")));
        assert!(matches!(stream.take(Wake::Line(vec![0xff])), Step::Finished(Some(said)) if said == "Line 2: The text is not UTF-8."));
        let long = "王".repeat(belfry_core::limits::TEXT_BYTES_MAX).into_bytes()[..belfry_core::limits::TEXT_BYTES_MAX + 1].to_vec();
        assert!(matches!(stream.take(Wake::Line(long)), Step::Finished(Some(said)) if said.contains("too long")));
        assert_eq!(stream.ending(), Err(Ending::quiet(Exit::Usage)));
    }

    #[test]
    fn a_lost_server_is_reported_with_the_first_line_that_is_not_confirmed() {
        let mut stream = stream(&["one", "two", "three"]);
        stream.take(posted(1));
        let sentence = stream.unconfirmed(Ending::unreachable("Gone.")).sentence.unwrap();
        assert_eq!(sentence, "Gone. Lines not confirmed: 2, the first is line 2.");
    }

    #[test]
    fn an_interrupt_is_a_failure_only_when_something_is_not_confirmed() {
        let mut quiet = stream(&[]);
        assert_eq!(quiet.take(Wake::Interrupted), Step::Leave);
        assert_eq!(quiet.ending(), Ok(()));
        let mut busy = stream(&["one"]);
        busy.take(Wake::Interrupted);
        assert_eq!(busy.ending().unwrap_err().exit, Exit::Unreachable);
    }
}
