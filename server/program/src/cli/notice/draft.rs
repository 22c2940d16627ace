//! What a notice and a template are made of, as it is typed.

use belfry_core::chat::{
    Audience, Label, Length, NoticeDraft, Reminding, Severity, Template, Text, Title, check_answers, check_audience, check_expiry,
};

use crate::config;
use crate::ending::{Ending, Outcome};

/// Reminders unless `--remind-limit` says otherwise.
const REMINDERS_DEFAULT: u16 = 6;

/// What a notice and a template are made of beside their text.
#[derive(clap::Args, Debug)]
pub(super) struct DraftArgs {
    /// How much it insists [default: info]
    #[arg(long, value_parser = config::severity())]
    pub(super) severity: Option<Severity>,
    /// Its heading
    #[arg(long)]
    pub(super) title: Option<Title>,
    /// Whom it is for: everyone, user:NAME, group:NAME or room:NAME; may be given several times [default: everyone]
    #[arg(long, value_name = "AUDIENCE")]
    pub(super) to: Vec<Audience>,
    /// When it stops mattering: 30m, 2h, 1d
    #[arg(long, value_name = "DURATION")]
    pub(super) expires: Option<Length>,
    /// The answers it offers, separated by commas [default: Acknowledge]
    #[arg(long, value_name = "ANSWERS", value_delimiter = ',', value_parser = config::label)]
    pub(super) answers: Vec<Label>,
    /// Tell those who have not answered again, each time after so long: 5m
    #[arg(long, value_name = "DURATION")]
    pub(super) remind: Option<Length>,
    /// With --remind: how often at most [default: 6]
    #[arg(long, value_name = "TIMES", value_parser = config::between::<u16>(1..=100), allow_negative_numbers = true)]
    pub(super) remind_limit: Option<u16>,
}

impl DraftArgs {
    /// That what was typed goes together and is not more than a notice holds.
    ///
    /// # Errors
    /// Wrong usage.
    pub(super) fn check(&self) -> Outcome {
        if self.remind_limit.is_some() && self.remind.is_none() {
            return Err(Ending::usage("--remind-limit needs --remind: after how long those who have not answered are told again."));
        }
        // By the server's own rules.
        check_answers(&self.answers)
            .and_then(|()| check_audience(&self.to))
            .and_then(|()| check_expiry(self.expires_after_ms()))
            .map_err(Ending::usage)
    }

    /// How long it matters, if not for ever.
    pub(super) fn expires_after_ms(&self) -> Option<u64> {
        self.expires.map(|Length(millis)| millis)
    }

    /// The reminders, if any.
    pub(super) fn reminding(&self) -> Option<Reminding> {
        let Length(every_ms) = self.remind?;
        Some(Reminding { every_ms, limit: self.remind_limit.unwrap_or(REMINDERS_DEFAULT) })
    }

    /// The notice: what was typed goes over what the template says.
    ///
    /// # Errors
    /// Wrong usage where neither has a text.
    pub(super) fn over(&self, body: Option<Text>, template: Option<Template>) -> Outcome<NoticeDraft> {
        let mut draft = match (template, body) {
            (Some(Template { name: _, severity, title, body, audience, answers, expires_after_ms, remind }), typed) => {
                NoticeDraft { title, answers, expires_after_ms, remind, ..NoticeDraft::new(severity, typed.unwrap_or(body), audience) }
            }
            (None, Some(body)) => NoticeDraft::new(Severity::Info, body, Vec::new()),
            (None, None) => return Err(Ending::usage("The notice has no text: type it, or name a template.")),
        };
        draft.severity = self.severity.unwrap_or(draft.severity);
        draft.title = self.title.clone().or(draft.title);
        draft.expires_after_ms = self.expires_after_ms().or(draft.expires_after_ms);
        draft.remind = self.reminding().or(draft.remind);
        if !self.answers.is_empty() {
            draft.answers.clone_from(&self.answers);
        }
        if !self.to.is_empty() {
            draft.audience.clone_from(&self.to);
        }
        if draft.audience.is_empty() {
            draft.audience.push(Audience::Everyone);
        }
        Ok(draft)
    }
}
