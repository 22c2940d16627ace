//! What an administrator has typed, read: fields of a form become a notice, a template or a change, and back.

use std::fmt;

use belfry_core::chat::{
    Audience, Every, Label, Length, Notice, NoticeChange, NoticeDraft, Reminding, Schedule, Severity, Template, TemplateName, Text, Title,
    check_answers, check_audience, check_expiry, check_reminding,
};
use belfry_core::time::UnixMillis;

use crate::when::Wall;

/// How often those who have not answered are told again at most.
const REMINDERS: u16 = 6;

/// A form as it stands in the window: texts and positions in lists of choices.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NoticeForm {
    /// The heading, as typed; empty for none.
    pub title: String,
    /// The text, as typed; the heading stands for it where it is empty.
    pub body: String,
    /// 0 info, 1 important, 2 critical.
    pub severity: usize,
    /// Keys of audiences: `everyone`, `user:anna`, `group:nurses`, `room:ward 4`.
    pub audience: Vec<String>,
    /// Answers between commas; empty for the default one.
    pub answers: String,
    /// Until when it matters: `2h` after it is sent, `18:00`, `2026-11-21 18:00`; empty for always.
    pub expires: String,
    /// `1h` from now, `14:30` or `2026-11-21 14:30`; empty for now.
    pub at: String,
    /// 0 once, 1 every day, 2 every week.
    pub repeat: usize,
    /// `5m`; empty for never.
    pub remind: String,
}

/// Why a form cannot be sent; displays as a sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mistake {
    /// There is no text.
    NoBody,
    /// Nobody is named.
    NoAudience,
    /// A field cannot be used, and why.
    Words(String),
    /// A length of time cannot be read.
    Length,
    /// An end cannot be read.
    Until,
    /// A time cannot be read.
    Time,
    /// The time is over.
    Past,
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoBody => f.write_str("Write what the notice says."),
            Self::NoAudience => f.write_str("Choose whom it is for."),
            Self::Words(sentence) => f.write_str(sentence),
            Self::Length => f.write_str("A length of time is written like 30m, 2h or 1d."),
            Self::Until => f.write_str("Until when is written like 2h, 18:00 or 2026-11-21 18:00."),
            Self::Time => f.write_str("A time is written like 14:30 or 2026-11-21 14:30; another zone's like 14:30[Europe/Berlin]."),
            Self::Past => f.write_str("That time is over."),
        }
    }
}

impl std::error::Error for Mistake {}

fn words(error: impl fmt::Display) -> Mistake {
    Mistake::Words(error.to_string())
}

impl NoticeForm {
    fn severity(&self) -> Severity {
        Severity::ALL.get(self.severity).copied().unwrap_or(Severity::Critical)
    }

    /// The audiences that the form names.
    pub fn audiences(&self) -> Vec<Audience> {
        self.audience.iter().filter_map(|key| key.parse().ok()).collect()
    }

    fn title(&self) -> Result<Option<Title>, Mistake> {
        let typed = self.title.trim();
        if typed.is_empty() { Ok(None) } else { Title::new(typed).map(Some).map_err(words) }
    }

    fn text(&self) -> Result<Text, Mistake> {
        // A heading alone is a notice, too: it is said as the text.
        match (self.body.trim(), self.title.trim()) {
            ("", "") => Err(Mistake::NoBody),
            ("", title) => Text::new(title).map_err(words),
            (body, _) => Text::new(body).map_err(words),
        }
    }

    fn labels(&self) -> Result<Vec<Label>, Mistake> {
        let labels = answers_in(&self.answers).map(Label::new).collect::<Result<Vec<_>, _>>().map_err(words)?;
        check_answers(&labels).map_err(words)?;
        Ok(labels)
    }

    fn millis(typed: &str) -> Result<Option<u64>, Mistake> {
        if typed.trim().is_empty() { Ok(None) } else { typed.parse().map(|Length(millis)| Some(millis)).map_err(|_| Mistake::Length) }
    }

    fn reminding(&self) -> Result<Option<Reminding>, Mistake> {
        let remind = Self::millis(&self.remind)?.map(|every_ms| Reminding { every_ms, limit: REMINDERS });
        check_reminding(remind).map_err(words)?;
        Ok(remind)
    }

    /// How long it matters after it is sent, which is then.
    fn expires_after_ms(&self, sent: UnixMillis, wall: &Wall) -> Result<Option<u64>, Mistake> {
        let after = match Self::millis(&self.expires) {
            Ok(after) => after,
            Err(_) => {
                let (_, end) = wall.read(self.expires.trim(), None, sent).ok_or(Mistake::Until)?;
                Some(end.0.checked_sub(sent.0).filter(|&after| after > 0).ok_or(Mistake::Past)?)
            }
        };
        check_expiry(after).map_err(words)?;
        Ok(after)
    }

    /// When it is to be sent, and when that is first; `None` for now.
    fn planned(&self, every: Option<Every>, now: UnixMillis, wall: &Wall) -> Result<Option<(Schedule, UnixMillis)>, Mistake> {
        let typed = match (self.at.trim(), self.at.parse()) {
            ("", _) => return Ok(None),
            // The clock has no seconds: not sooner than that.
            (_, Ok(Length(millis))) => wall.moment(UnixMillis(now.0.saturating_add(millis).saturating_add(59_999))),
            (typed, Err(_)) => typed.to_owned(),
        };
        let planned = wall.read(&typed, every, now).ok_or(Mistake::Time)?;
        if planned.1 <= now { Err(Mistake::Past) } else { Ok(Some(planned)) }
    }

    /// The notice.
    ///
    /// # Errors
    /// The first [`Mistake`] from the top of the form.
    pub fn draft(&self, now: UnixMillis, wall: &Wall) -> Result<NoticeDraft, Mistake> {
        let (title, body) = (self.title()?.filter(|_| !self.body.trim().is_empty()), self.text()?);
        let audience = self.audiences();
        if audience.is_empty() {
            return Err(Mistake::NoAudience);
        }
        check_audience(&audience).map_err(words)?;
        let every = match self.repeat {
            1 => Some(Every::Days(1)),
            2 => Some(Every::Days(7)),
            _ => None,
        };
        let planned = self.planned(every, now, wall)?;
        let sent = planned.as_ref().map_or(now, |&(_, at)| at);
        Ok(NoticeDraft {
            title,
            answers: self.labels()?,
            expires_after_ms: self.expires_after_ms(sent, wall)?,
            schedule: planned.map(|(schedule, _)| schedule),
            remind: self.reminding()?,
            ..NoticeDraft::new(self.severity(), body, audience)
        })
    }

    /// The form as a template of this name.
    ///
    /// # Errors
    /// The first [`Mistake`] from the top of the form.
    pub fn template(&self, name: &str) -> Result<Template, Mistake> {
        // A day and an hour mean nothing to a notice that is sent on another one.
        let expires_after_ms = Self::millis(&self.expires)?;
        check_expiry(expires_after_ms).map_err(words)?;
        Ok(Template {
            name: TemplateName::new(name.trim()).map_err(words)?,
            severity: self.severity(),
            title: self.title()?,
            body: self.text()?,
            audience: self.audiences(),
            answers: self.labels()?,
            expires_after_ms,
            remind: self.reminding()?,
        })
    }

    /// A form that says once more what was sent, and matters as long. Whom it is for is chosen anew; an answer that everybody has is not written.
    pub fn again(notice: &Notice) -> Self {
        let answers =
            if notice.answers == [Label::acknowledge()] { Vec::new() } else { notice.answers.iter().map(Label::to_string).collect() };
        let lasts = notice.expires_at.map(|end| end.0.saturating_sub(notice.sent_at.0));
        Self {
            title: notice.title.as_ref().map(ToString::to_string).unwrap_or_default(),
            body: notice.body.to_string(),
            severity: notice.severity as usize,
            answers: answers.join(", "),
            expires: lasts
                .map(|millis| Length(millis / 60_000 * 60_000))
                .filter(|length| length.0 > 0)
                .map(|length| length.to_string())
                .unwrap_or_default(),
            ..Self::default()
        }
    }

    /// A form to start from. Whom it is for stays as chosen where the template says nothing.
    pub fn of(template: &Template, audience: Vec<String>) -> Self {
        let chosen = template.audience.iter().map(ToString::to_string).collect::<Vec<_>>();
        Self {
            title: template.title.as_ref().map(ToString::to_string).unwrap_or_default(),
            body: template.body.to_string(),
            severity: template.severity as usize,
            audience: if chosen.is_empty() { audience } else { chosen },
            answers: template.answers.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "),
            expires: template.expires_after_ms.map(|millis| Length(millis).to_string()).unwrap_or_default(),
            remind: template.remind.map(|remind| Length(remind.every_ms).to_string()).unwrap_or_default(),
            ..Self::default()
        }
    }
}

/// The answers that a text offers, as typed: between commas.
pub fn answers_in(typed: &str) -> impl Iterator<Item = &str> {
    typed.split([',', '，', '、']).map(str::trim).filter(|answer| !answer.is_empty())
}

/// What is written into a field most often: what it is called, and what is written then.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Preset {
    /// What it is called.
    pub name: String,
    /// What stands in the field then.
    pub value: String,
}

fn preset(name: &str, value: impl Into<String>) -> Preset {
    Preset { name: name.into(), value: value.into() }
}

/// Times to come that people mean most often: when a notice is sent, or until when it matters. What is over today is not among them.
pub fn times_ahead(now: UnixMillis, wall: &Wall) -> Vec<Preset> {
    let mut times = vec![preset("In 1 hour", "1h")];
    let evening = wall.today(18, now).filter(|&at| at > now);
    times.extend(evening.map(|at| preset("Today 18:00", wall.moment(at))));
    times.extend(wall.tomorrow(8, now).map(|at| preset("Tomorrow 8:00", wall.moment(at))));
    times
}

/// How often those who have not answered are mostly told again.
pub fn reminders() -> Vec<Preset> {
    vec![preset("5 minutes", "5m"), preset("15 minutes", "15m"), preset("1 hour", "1h")]
}

/// New words for a notice that was sent; only what differs is changed. `None` when nothing does.
///
/// # Errors
/// The first [`Mistake`].
pub fn update(notice: &Notice, title: &str, body: &str) -> Result<Option<NoticeChange>, Mistake> {
    let form = NoticeForm { title: title.into(), body: body.into(), ..NoticeForm::default() };
    let (new_title, new_body) = (form.title()?, form.text()?);
    // A heading that was there can be replaced, not taken away: the vocabulary has no word for that.
    let title = new_title.filter(|title| notice.title.as_ref() != Some(title));
    let body = Some(new_body).filter(|body| notice.body != *body);
    let differs = title.is_some() || body.is_some();
    Ok(differs.then_some(NoticeChange::Update { severity: None, title, body, expires_after_ms: None }))
}

/// The words that go with an all-clear; none for an empty field.
///
/// # Errors
/// The text cannot be used.
pub fn all_clear(body: &str) -> Result<NoticeChange, Mistake> {
    let body = Some(body.trim()).filter(|body| !body.is_empty());
    Ok(NoticeChange::AllClear { body: body.map(Text::new).transpose().map_err(words)? })
}

#[cfg(test)]
mod tests {
    use belfry_core::chat::{First, InvalidDraft, TimeOfDay, ZoneName};
    use jiff::tz::TimeZone;

    use super::*;

    const NOW: UnixMillis = UnixMillis(12 * 3_600_000);

    fn form() -> NoticeForm {
        NoticeForm {
            title: "Fire drill".into(),
            body: "Leave.".into(),
            severity: 2,
            audience: vec!["everyone".into()],
            ..NoticeForm::default()
        }
    }

    fn draft(form: &NoticeForm) -> Result<NoticeDraft, Mistake> {
        form.draft(NOW, &Wall::new(TimeZone::UTC))
    }

    #[test]
    fn a_filled_form_is_a_notice() {
        let draft =
            draft(&NoticeForm { answers: "Safe， Need help,".into(), expires: "2h".into(), remind: "5m".into(), ..form() }).unwrap();
        assert_eq!((draft.severity, draft.audience), (Severity::Critical, vec![Audience::Everyone]));
        assert_eq!(draft.answers.iter().map(Label::as_str).collect::<Vec<_>>(), ["Safe", "Need help"]);
        assert_eq!(draft.expires_after_ms, Some(2 * 3_600_000));
        assert_eq!(draft.remind, Some(Reminding { every_ms: 300_000, limit: REMINDERS }));
        assert!(!draft.confirmed && draft.schedule.is_none());
    }

    #[test]
    fn a_heading_alone_is_said_as_the_text() {
        let draft = draft(&NoticeForm { body: " ".into(), ..form() }).unwrap();
        assert_eq!((draft.title, draft.body.as_str()), (None, "Fire drill"));
    }

    #[test]
    fn a_scheduled_notice_expires_after_it_was_sent() {
        let draft = draft(&NoticeForm { at: "14:30".into(), repeat: 1, expires: "30m".into(), ..form() }).unwrap();
        let first = First::Clock { day: None, time: TimeOfDay((14 * 60 + 30) * 60) };
        assert_eq!(draft.schedule, Some(Schedule { first, zone: Some(ZoneName::utc()), every: Some(Every::Days(1)) }));
        assert_eq!(draft.expires_after_ms, Some(30 * 60_000));
    }

    #[test]
    fn what_is_wrong_is_said() {
        let check = |form: NoticeForm, mistake: Mistake| assert_eq!(draft(&form), Err(mistake));
        check(NoticeForm { title: String::new(), body: "\n".into(), ..form() }, Mistake::NoBody);
        check(NoticeForm { audience: vec![], ..form() }, Mistake::NoAudience);
        check(NoticeForm { audience: vec!["nobody".into()], ..form() }, Mistake::NoAudience);
        check(NoticeForm { expires: "soon".into(), ..form() }, Mistake::Until);
        check(NoticeForm { expires: "1970-01-01 11:00".into(), ..form() }, Mistake::Past);
        check(NoticeForm { remind: "often".into(), ..form() }, Mistake::Length);
        check(NoticeForm { at: "noon".into(), ..form() }, Mistake::Time);
        check(NoticeForm { at: "1970-01-01 11:00".into(), ..form() }, Mistake::Past);
        check(NoticeForm { answers: "a,b,c,d,e,f,g,h,i".into(), ..form() }, words(InvalidDraft::TooManyAnswers));
        check(NoticeForm { answers: "Yes, no, YES".into(), ..form() }, words(InvalidDraft::AnswerTwice(Label::new("YES").unwrap())));
        check(NoticeForm { remind: "1s".into(), ..form() }, words(InvalidDraft::Reminders));
    }

    #[test]
    fn an_end_is_a_length_or_a_time_after_it_is_sent() {
        let lasts =
            |expires: &str, at: &str| draft(&NoticeForm { expires: expires.into(), at: at.into(), ..form() }).unwrap().expires_after_ms;
        let hours = |hours: u64| Some(hours * 3_600_000);
        assert_eq!([lasts("2h", ""), lasts("18:00", ""), lasts("1970-01-02 12:00", "")], [hours(2), hours(6), hours(24)]);
        assert_eq!(lasts("18:00", "15:00"), hours(3), "from when it is sent");
        assert_eq!(lasts("08:00", "1h"), hours(19), "the next one");
    }

    #[test]
    fn what_is_put_into_a_field_by_a_click_can_be_sent() {
        let wall = Wall::new(TimeZone::UTC);
        let names = |now: UnixMillis| times_ahead(now, &wall).into_iter().map(|preset| preset.name).collect::<Vec<_>>();
        assert_eq!(names(NOW), ["In 1 hour", "Today 18:00", "Tomorrow 8:00"]);
        assert_eq!(names(UnixMillis(19 * 3_600_000)), ["In 1 hour", "Tomorrow 8:00"]);
        let ends = times_ahead(NOW, &wall).into_iter().map(|preset| draft(&NoticeForm { expires: preset.value, ..form() }).unwrap());
        assert_eq!(ends.map(|draft| draft.expires_after_ms.unwrap() / 3_600_000).collect::<Vec<_>>(), [1, 6, 20]);
        for Preset { value, .. } in times_ahead(NOW, &wall) {
            assert!(draft(&NoticeForm { at: value, ..form() }).unwrap().schedule.is_some());
        }
        for Preset { value, .. } in reminders() {
            assert!(draft(&NoticeForm { remind: value, ..form() }).unwrap().remind.is_some());
        }
        let timed = NoticeForm { expires: "18:00".into(), ..form() };
        assert_eq!(timed.template("Drill"), Err(Mistake::Length), "a template is for any day");
    }

    #[test]
    fn a_template_gives_back_the_form_it_was_made_of() {
        let form = NoticeForm { answers: "Safe, Need help".into(), expires: "1d".into(), remind: "1h 30m".into(), ..form() };
        let template = form.template(" Drill ").unwrap();
        assert_eq!(template.name.as_str(), "Drill");
        assert_eq!(NoticeForm::of(&template, vec![]), form);
        let bare = Template { audience: vec![], ..template };
        assert_eq!(NoticeForm::of(&bare, vec!["user:anna".into()]).audience, ["user:anna"]);
    }

    #[test]
    fn a_copy_says_what_was_sent_and_matters_as_long() {
        let notice = crate::scene::tests::notice(Severity::Critical, Some("Fire drill"), "Leave.");
        let lasting = Notice { expires_at: Some(UnixMillis(notice.sent_at.0 + 2 * 3_600_000 + 999)), ..notice.clone() };
        let copy = NoticeForm { answers: "Safe, Need help".into(), expires: "2h".into(), audience: vec![], ..form() };
        assert_eq!(NoticeForm::again(&lasting), copy);
        let plain = Notice { answers: vec![Label::acknowledge()], ..notice };
        assert_eq!(NoticeForm::again(&plain), NoticeForm { answers: String::new(), expires: String::new(), ..copy });
    }

    #[test]
    fn only_what_differs_is_changed() {
        let notice = crate::scene::tests::notice(Severity::Info, Some("Fire drill"), "Leave.");
        assert_eq!(update(&notice, "Fire drill", "Leave."), Ok(None));
        let Ok(Some(NoticeChange::Update { title: None, body: Some(body), .. })) = update(&notice, "Fire drill", "Stay.") else { panic!() };
        assert_eq!(body.as_str(), "Stay.");
    }
}
