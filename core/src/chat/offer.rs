//! What a notice may be made of, beyond what each of its words may be: checked by the program that it was written in, so that a person
//! hears at once what to change, and by the server again, which believes nobody.

use core::fmt;

use super::hidden::is_blank;
use super::name::key;
use super::{Audience, Every, Label, NoticeDraft, Refusal, Reminding, Template};
use crate::limits::{
    ANSWERS_MAX, AUDIENCES_MAX, EXPIRY_MAX, EXPIRY_MIN, REMIND_EVERY_MAX, REMIND_EVERY_MIN, REMINDERS_MAX, REPEAT_MAX, REPEAT_MIN,
};

/// Why a notice or a template cannot be used as it was written; each displays as a sentence for the person who wrote it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InvalidDraft {
    /// More than [`ANSWERS_MAX`] answers.
    TooManyAnswers,
    /// This answer stands there twice, however it is written the other time.
    AnswerTwice(Label),
    /// More than [`AUDIENCES_MAX`] audiences.
    TooManyAudiences,
    /// It would end sooner than after [`EXPIRY_MIN`] or later than after [`EXPIRY_MAX`].
    Expiry,
    /// Reminders come more often than every [`REMIND_EVERY_MIN`], more seldom than every [`REMIND_EVERY_MAX`], or more than
    /// [`REMINDERS_MAX`] times.
    Reminders,
    /// It repeats more often than every [`REPEAT_MIN`] or more seldom than every [`REPEAT_MAX`].
    Repetition,
}

impl From<&InvalidDraft> for Refusal {
    fn from(invalid: &InvalidDraft) -> Self {
        match invalid {
            InvalidDraft::TooManyAnswers => Self::TooManyAnswers,
            InvalidDraft::AnswerTwice(_) => Self::AnswerTwice,
            InvalidDraft::TooManyAudiences => Self::TooManyAudiences,
            InvalidDraft::Expiry => Self::ExpiryOutOfBounds,
            InvalidDraft::Reminders => Self::RemindersOutOfBounds,
            InvalidDraft::Repetition => Self::ScheduleOutOfBounds,
        }
    }
}

impl From<InvalidDraft> for Refusal {
    fn from(invalid: InvalidDraft) -> Self {
        Self::from(&invalid)
    }
}

impl fmt::Display for InvalidDraft {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AnswerTwice(answer) => write!(f, "The answer \"{answer}\" stands there twice: nobody could tell the two apart."),
            other => Refusal::from(other).fmt(f),
        }
    }
}

impl core::error::Error for InvalidDraft {}

/// Answers are told apart by what a person reads: neither capitals nor spaces, forms of a letter nor what shows nothing make two of one.
///
/// # Errors
/// [`InvalidDraft::TooManyAnswers`] and [`InvalidDraft::AnswerTwice`] with the second of the two.
pub fn check_answers(answers: &[Label]) -> Result<(), InvalidDraft> {
    if answers.len() > ANSWERS_MAX {
        return Err(InvalidDraft::TooManyAnswers);
    }
    let mut seen = alloc::collections::BTreeSet::new();
    match answers.iter().find(|answer| !seen.insert(answer.key())) {
        Some(twice) => Err(InvalidDraft::AnswerTwice(twice.clone())),
        None => Ok(()),
    }
}

/// There are few enough audiences for one notice.
///
/// # Errors
/// [`InvalidDraft::TooManyAudiences`].
pub fn check_audience(audience: &[Audience]) -> Result<(), InvalidDraft> {
    if audience.len() > AUDIENCES_MAX { Err(InvalidDraft::TooManyAudiences) } else { Ok(()) }
}

/// A notice ends soon enough and not too soon, from when it is sent or changed.
///
/// # Errors
/// [`InvalidDraft::Expiry`].
pub fn check_expiry(after_ms: Option<u64>) -> Result<(), InvalidDraft> {
    let within = |after: u64| (EXPIRY_MIN.as_millis()..=EXPIRY_MAX.as_millis()).contains(&u128::from(after));
    if after_ms.is_none_or(within) { Ok(()) } else { Err(InvalidDraft::Expiry) }
}

/// Reminders come neither too often nor too seldom, and not for ever.
///
/// # Errors
/// [`InvalidDraft::Reminders`].
pub fn check_reminding(remind: Option<Reminding>) -> Result<(), InvalidDraft> {
    let within = |remind: Reminding| {
        (REMIND_EVERY_MIN.as_millis()..=REMIND_EVERY_MAX.as_millis()).contains(&u128::from(remind.every_ms))
            && (1..=REMINDERS_MAX).contains(&remind.limit)
    };
    if remind.is_none_or(within) { Ok(()) } else { Err(InvalidDraft::Reminders) }
}

/// A notice repeats neither too often nor too seldom.
///
/// # Errors
/// [`InvalidDraft::Repetition`].
pub fn check_repetition(every: Option<Every>) -> Result<(), InvalidDraft> {
    let within = |every: Every| (REPEAT_MIN.as_millis()..=REPEAT_MAX.as_millis()).contains(&u128::from(every.about_ms()));
    if every.is_none_or(within) { Ok(()) } else { Err(InvalidDraft::Repetition) }
}

impl Label {
    /// Two answers with the same key are the same answer to whoever reads them.
    pub fn key(&self) -> alloc::string::String {
        let mut shown = alloc::string::String::new();
        for word in self.as_str().split_whitespace() {
            let word = word.chars().filter(|&c| !is_blank(c));
            let length = shown.len();
            shown.extend(word);
            if shown.len() > length {
                shown.push(' ');
            }
        }
        key(shown.trim_end())
    }
}

impl NoticeDraft {
    /// It can be sent as it is written.
    ///
    /// # Errors
    /// The first [`InvalidDraft`].
    pub fn check(&self) -> Result<(), InvalidDraft> {
        check_answers(&self.answers)?;
        check_audience(&self.audience)?;
        check_expiry(self.expires_after_ms)?;
        check_reminding(self.remind)?;
        check_repetition(self.schedule.as_ref().and_then(|schedule| schedule.every))
    }
}

impl Template {
    /// A notice can be made of it.
    ///
    /// # Errors
    /// The first [`InvalidDraft`].
    pub fn check(&self) -> Result<(), InvalidDraft> {
        check_answers(&self.answers)?;
        check_audience(&self.audience)?;
        check_expiry(self.expires_after_ms)?;
        check_reminding(self.remind)
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;
    use alloc::vec::Vec;
    use core::time::Duration;

    use super::super::{First, Schedule, Severity, TemplateName, Text};
    use super::*;
    use crate::time::UnixMillis;

    fn labels(typed: &[&str]) -> Vec<Label> {
        typed.iter().map(|typed| Label::new(*typed).unwrap()).collect()
    }

    #[test]
    fn an_answer_that_a_reader_cannot_tell_from_another_stands_there_twice() {
        for (one, other) in [
            ("Safe", "Safe"),
            ("Safe", "SAFE"),
            ("Need help", "Need  help"),
            ("Need help", "\u{a0}need\u{3000}help "),
            ("Na\u{ef}ve", "Nai\u{308}ve"),
            ("Safe", "Sa\u{200b}fe"),
            ("Safe", "Safe \u{2060}"),
            ("Ｙｅｓ", "yes"),
            ("Straße", "STRASSE"),
            ("ΟΔΟΣ", "οδος"),
            ("Need help", "Need \u{2060} help"),
        ] {
            let twice = check_answers(&labels(&["Other", one, "Third", other]));
            assert_eq!(twice, Err(InvalidDraft::AnswerTwice(Label::new(other).unwrap())), "{one:?} and {other:?}");
        }
        assert_eq!(check_answers(&labels(&["Yes", "No", "Yes later", "Yeslater", "是", "否"])), Ok(()));
    }

    #[test]
    fn the_answer_that_stands_twice_is_named() {
        let said = check_answers(&labels(&["Safe", "safe"])).unwrap_err().to_string();
        assert_eq!(said, "The answer \"safe\" stands there twice: nobody could tell the two apart.");
    }

    #[test]
    fn the_numbers_in_the_sentences_are_those_of_the_limits() {
        assert!(InvalidDraft::TooManyAnswers.to_string().contains(&ANSWERS_MAX.to_string()));
        assert!(InvalidDraft::TooManyAudiences.to_string().contains(&AUDIENCES_MAX.to_string()));
        assert!(InvalidDraft::Reminders.to_string().contains(&REMINDERS_MAX.to_string()));
        assert!(InvalidDraft::Reminders.to_string().contains(&REMIND_EVERY_MIN.as_secs().to_string()));
        assert!(InvalidDraft::Reminders.to_string().contains(&(REMIND_EVERY_MAX.as_secs() / 86_400).to_string()));
    }

    #[test]
    fn so_many_answers_are_offered_and_no_more() {
        let many = |count: usize| (0..count).map(|n| Label::new(n.to_string()).unwrap()).collect::<Vec<_>>();
        assert_eq!(check_answers(&many(ANSWERS_MAX)), Ok(()));
        assert_eq!(check_answers(&many(ANSWERS_MAX + 1)), Err(InvalidDraft::TooManyAnswers));
    }

    fn draft() -> NoticeDraft {
        NoticeDraft::new(Severity::Info, Text::new("x").unwrap(), [Audience::Everyone].to_vec())
    }

    /// A draft and the template of it are judged alike, but for what only a draft has.
    #[track_caller]
    fn check(draft: NoticeDraft, expected: Result<(), InvalidDraft>) {
        let NoticeDraft { severity, title, body, audience, answers, expires_after_ms, remind, schedule, .. } = draft.clone();
        let name = TemplateName::new("drill").unwrap();
        let template = Template { name, severity, title, body, audience, answers, expires_after_ms, remind };
        assert_eq!(draft.check(), expected);
        assert_eq!(template.check(), if schedule.is_none() { expected } else { Ok(()) });
    }

    #[test]
    fn a_draft_has_so_many_audiences_and_answers_and_no_more() {
        let audience = |count| NoticeDraft { audience: alloc::vec![Audience::Everyone; count], ..draft() };
        check(audience(AUDIENCES_MAX), Ok(()));
        check(audience(AUDIENCES_MAX + 1), Err(InvalidDraft::TooManyAudiences));
        check(NoticeDraft { answers: labels(&["Safe", "safe"]), ..draft() }, Err(InvalidDraft::AnswerTwice(labels(&["safe"]).remove(0))));
    }

    #[test]
    fn a_draft_ends_and_reminds_and_repeats_within_its_bounds() {
        let millis = |time: Duration| u64::try_from(time.as_millis()).unwrap();
        let bounds = |least, most| {
            let (least, most) = (millis(least), millis(most));
            [(0, false), (least - 1, false), (least, true), (most, true), (most + 1, false), (u64::MAX, false)]
        };
        let judged = |good: bool, invalid| if good { Ok(()) } else { Err(invalid) };
        for (after, good) in bounds(EXPIRY_MIN, EXPIRY_MAX) {
            check(NoticeDraft { expires_after_ms: Some(after), ..draft() }, judged(good, InvalidDraft::Expiry));
        }
        for (every_ms, good) in bounds(REMIND_EVERY_MIN, REMIND_EVERY_MAX) {
            let reminds = |limit| NoticeDraft { remind: Some(Reminding { every_ms, limit }), ..draft() };
            for (limit, is_number) in [(0, false), (1, true), (REMINDERS_MAX, true), (REMINDERS_MAX + 1, false)] {
                check(reminds(limit), judged(good && is_number, InvalidDraft::Reminders));
            }
        }
        let repeats = |every| {
            let schedule = Schedule { first: First::At(UnixMillis(0)), zone: None, every: Some(every) };
            NoticeDraft { schedule: Some(schedule), ..draft() }
        };
        for (every, good) in bounds(REPEAT_MIN, REPEAT_MAX) {
            check(repeats(Every::Millis(every)), judged(good, InvalidDraft::Repetition));
        }
        for (days, good) in [(0, false), (1, true), (7, true), (366, true), (367, false), (u32::MAX, false)] {
            check(repeats(Every::Days(days)), judged(good, InvalidDraft::Repetition));
        }
        check(draft(), Ok(()));
    }
}
