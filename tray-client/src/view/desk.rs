//! The adapter of the administrator's window.

use slint::{ComponentHandle as _, ModelRc, SharedString, VecModel};

use super::rows::RowList;
use super::{Change, DeskGesture, Gesture, NoDisplay, Sink, keyboard, look, ui};
use crate::compose::{self, NoticeForm, Preset};
use crate::scene::{AudienceRow, LedgerHead, LedgerRow, PartRow, SentRow};
use crate::words::say;

/// The administrator's window, and the rows that it shows.
pub struct DeskView {
    window: ui::DeskWindow,
    sent: RowList<SentRow, ui::SentRow>,
    schedules: RowList<SentRow, ui::SentRow>,
    audiences: RowList<AudienceRow, ui::AudienceRow>,
    chosen: RowList<AudienceRow, ui::AudienceRow>,
    ledger: RowList<LedgerRow, ui::LedgerRow>,
    parts: RowList<PartRow, ui::PartRow>,
    groups: Vec<String>,
    templates: Vec<String>,
    times: Vec<Preset>,
}

fn index(typed: i32) -> usize {
    usize::try_from(typed).unwrap_or(0)
}

fn number(index: usize) -> i32 {
    i32::try_from(index).unwrap_or(0)
}

impl DeskView {
    /// The window itself, for tests.
    #[cfg(test)]
    #[cfg(feature = "window-tests")]
    pub(super) const fn window(&self) -> &ui::DeskWindow {
        &self.window
    }

    /// The window, shown.
    ///
    /// # Errors
    /// There is no display.
    pub fn show(sink: &Sink) -> Result<Self, NoDisplay> {
        let window = ui::DeskWindow::new()?;
        look::dress(&window);
        let view = Self {
            window,
            sent: RowList::new(),
            schedules: RowList::new(),
            audiences: RowList::new(),
            chosen: RowList::new(),
            ledger: RowList::new(),
            parts: RowList::new(),
            groups: Vec::new(),
            templates: Vec::new(),
            times: Vec::new(),
        };
        view.window.set_sent(view.sent.model());
        view.window.set_schedules(view.schedules.model());
        view.window.set_audiences(view.audiences.model());
        view.window.set_chosen(view.chosen.model());
        view.window.set_ledger(view.ledger.model());
        view.window.set_parts(view.parts.model());
        view.listen(sink);
        keyboard::keep(&view.window, ui::DeskWindow::invoke_take_keyboard);
        let weak = view.window.as_weak();
        view.window.on_closed(move || keyboard::leave(&weak));
        view.window.show()?;
        view.window.invoke_take_keyboard();
        Ok(view)
    }

    fn listen(&self, sink: &Sink) {
        let window = &self.window;
        let just = |gesture: DeskGesture| {
            let sink = sink.clone();
            move || sink(Gesture::Desk(gesture.clone()))
        };
        let text = |make: fn(String) -> DeskGesture| {
            let sink = sink.clone();
            move |text: SharedString| sink(Gesture::Desk(make(text.into())))
        };
        window.on_new(just(DeskGesture::New));
        window.on_template_removed(just(DeskGesture::RemoveTemplate));
        window.on_remind(text(|notice| DeskGesture::Change { notice, change: Change::Remind }));
        window.on_withdraw(text(|notice| DeskGesture::Change { notice, change: Change::Withdraw }));
        window.on_copy(just(DeskGesture::Copy));
        window.on_export(just(DeskGesture::Export));
        window.on_refresh(just(DeskGesture::Refresh));
        window.on_choose(text(DeskGesture::Choose));
        window.on_choose_found(just(DeskGesture::ChooseFound));
        window.on_leave_out(just(DeskGesture::LeaveOutNeverHere));
        window.on_answers_in(|typed| {
            let answers: Vec<SharedString> = compose::answers_in(&typed).map(Into::into).collect();
            let answers = if answers.is_empty() { vec![say("Acknowledge").into()] } else { answers };
            ModelRc::new(VecModel::from(answers))
        });
        let (list, searched) = (self.audiences.clone(), sink.clone());
        window.on_search(move |text| {
            list.ask_for_others();
            searched(Gesture::Desk(DeskGesture::Search(text.into())));
        });
        let (list, searched) = (self.sent.clone(), sink.clone());
        window.on_search_sent(move |text| {
            list.ask_for_others();
            searched(Gesture::Desk(DeskGesture::SearchSent(text.into())));
        });
        let list = self.audiences.clone();
        window.on_audiences_pointed(move |on| list.hold(on));
        let list = self.sent.clone();
        window.on_sent_pointed(move |on| list.hold(on));
        let list = self.schedules.clone();
        window.on_schedules_pointed(move |on| list.hold(on));
        let list = self.audiences.clone();
        window.on_audience_named(move |typed, from| list.named(&typed, from));
        let list = self.sent.clone();
        window.on_sent_named(move |typed, from| list.named(&typed, from));
        let list = self.ledger.clone();
        window.on_ledger_named(move |typed, from| list.named(&typed, from));
        window.on_writes(|text| keyboard::writes(&text));
        window.on_watch(text(DeskGesture::Watch));
        window.on_unschedule(text(DeskGesture::Unschedule));
        let (weak, composed) = (window.as_weak(), sink.clone());
        window.on_send(move || {
            if let Some(window) = weak.upgrade() {
                composed(Gesture::Desk(DeskGesture::Send(form(&window))));
            }
        });
        let (weak, saved) = (window.as_weak(), sink.clone());
        window.on_template_saved(move |name| {
            if let Some(window) = weak.upgrade() {
                saved(Gesture::Desk(DeskGesture::SaveTemplate { name: name.into(), form: form(&window) }));
            }
        });
        let updated = sink.clone();
        window.on_update(move |notice, title, body| {
            let change = Change::Update { title: title.into(), body: body.into() };
            updated(Gesture::Desk(DeskGesture::Change { notice: notice.into(), change }));
        });
        let cleared = sink.clone();
        window.on_all_clear(move |notice, body| {
            cleared(Gesture::Desk(DeskGesture::Change { notice: notice.into(), change: Change::AllClear(body.into()) }));
        });
        let confirmed = sink.clone();
        window.on_confirm(move |yes| confirmed(Gesture::Desk(DeskGesture::Confirm(yes))));
        let chosen = sink.clone();
        window.on_template_chosen(move |template| chosen(Gesture::Desk(DeskGesture::UseTemplate(usize::try_from(template).ok()))));
        let looked = sink.clone();
        window.on_part_chosen(move |part| looked(Gesture::Desk(DeskGesture::LookAt(index(part)))));
        let looked = sink.clone();
        window.on_group_chosen(move |group| looked(Gesture::Desk(DeskGesture::LookAtGroup(usize::try_from(group).ok()))));
    }

    /// Brings it to the front, to write a notice.
    ///
    /// # Errors
    /// There is no display.
    pub fn raise(&self) -> Result<(), NoDisplay> {
        use slint::winit_030::WinitWindowAccessor as _;
        self.window.show()?;
        self.window.window().with_winit_window(|window| {
            window.set_minimized(false);
            window.focus_window();
        });
        self.window.invoke_take_keyboard();
        Ok(())
    }

    /// Whether it is on the screen.
    pub fn is_visible(&self) -> bool {
        self.window.window().is_visible()
    }

    /// Colours and sizes have changed.
    pub fn dress(&self) {
        look::dress(&self.window);
    }

    /// What was sent, and what is to be sent.
    pub fn set_sent(&mut self, sent: Vec<SentRow>, schedules: Vec<SentRow>) {
        self.sent.set_newest_first(sent);
        self.schedules.set_still(schedules);
    }

    /// The audiences to choose from, the chosen ones, and whom these reach.
    pub fn set_audiences(&mut self, rows: Vec<AudienceRow>, chosen: Vec<AudienceRow>, reach: String) {
        self.audiences.set_still(rows);
        self.chosen.set(chosen);
        self.window.set_reach(say(&reach).into());
    }

    /// Who writes, and what is put into the fields for times by a click.
    pub fn set_author(&mut self, author: &str, times: Vec<Preset>, reminders: Vec<Preset>) {
        self.window.set_author(author.into());
        if times != self.times {
            self.window.set_times(presets(&times));
            self.window.set_reminders(presets(&reminders));
            self.times = times;
        }
    }

    /// So many more are found than are chosen, and so many of the chosen have never been here.
    pub fn set_choices(&self, to_choose: usize, never_here: usize) {
        self.window.set_to_choose(number(to_choose));
        self.window.set_never_here(number(never_here));
    }

    /// What stands in the search field of the audiences.
    pub fn set_search(&self, text: &str) {
        self.window.set_audience_search(text.into());
    }

    /// The names of the templates; the first line stands for none. `chosen` is the one, without that line, that the form was begun from.
    pub fn set_templates(&mut self, names: Vec<String>, chosen: Option<usize>) {
        let names = names.into_iter().enumerate().map(|(index, name)| if index == 0 { say(&name) } else { name });
        let names: Vec<String> = names.collect();
        if names != self.templates {
            self.templates.clone_from(&names);
            let names: Vec<SharedString> = names.into_iter().map(Into::into).collect();
            self.window.set_templates(ModelRc::new(VecModel::from(names)));
        }
        self.window.set_template(chosen.map_or(0, |chosen| number(chosen + 1)));
    }

    /// What has become of what was done last.
    pub fn set_outcome(&self, sentence: String, wrong: bool, busy: bool) {
        self.window.set_outcome(say(&sentence).into());
        self.window.set_wrong(wrong);
        self.window.set_busy(busy);
    }

    /// The author is asked whether everyone shall have it.
    pub fn set_to_confirm(&self, ask: bool) {
        self.window.set_to_confirm(ask);
    }

    /// The parts of the ledger that is watched, and the groups that one can look at alone; the first line of these stands for everybody.
    pub fn set_parts(&mut self, parts: Vec<PartRow>, groups: Vec<String>, group: usize) {
        self.parts.set(parts);
        let groups: Vec<String> = groups.into_iter().enumerate().map(|(index, name)| if index == 0 { say(&name) } else { name }).collect();
        if groups != self.groups {
            self.groups.clone_from(&groups);
            let groups: Vec<SharedString> = groups.into_iter().map(Into::into).collect();
            self.window.set_groups(ModelRc::new(VecModel::from(groups)));
        }
        self.window.set_group(number(group));
    }

    /// The ledger that is watched.
    pub fn set_ledger(&mut self, head: LedgerHead, rows: Vec<LedgerRow>) {
        self.window.set_head(head.into());
        self.ledger.set(rows);
    }

    /// Shows the ledger instead of the notice that was written.
    pub fn show_ledger(&self) {
        self.window.set_composing(false);
    }

    /// Shows the notice that is written, and gives the keyboard to its heading.
    pub fn show_composer(&self) {
        self.window.set_composing(true);
        self.window.invoke_take_keyboard();
    }

    /// Fills the form.
    pub fn set_form(&self, form: NoticeForm) {
        self.window.set_form_title(form.title.into());
        self.window.set_form_body(form.body.into());
        self.window.set_form_severity(number(form.severity));
        self.window.set_form_answers(form.answers.into());
        self.window.set_form_expires(form.expires.into());
        self.window.set_form_at(form.at.into());
        self.window.set_form_repeat(number(form.repeat));
        self.window.set_form_remind(form.remind.into());
    }
}

fn presets(presets: &[Preset]) -> ModelRc<ui::Preset> {
    let preset = |preset: &Preset| ui::Preset { name: say(&preset.name).into(), value: preset.value.as_str().into() };
    ModelRc::new(VecModel::from_iter(presets.iter().map(preset)))
}

fn form(window: &ui::DeskWindow) -> NoticeForm {
    NoticeForm {
        title: window.get_form_title().into(),
        body: window.get_form_body().into(),
        severity: index(window.get_form_severity()),
        // Chosen in the list, which the program keeps.
        audience: Vec::new(),
        answers: window.get_form_answers().into(),
        expires: window.get_form_expires().into(),
        at: window.get_form_at().into(),
        repeat: index(window.get_form_repeat()),
        remind: window.get_form_remind().into(),
    }
}

impl From<SentRow> for ui::SentRow {
    fn from(row: SentRow) -> Self {
        Self {
            key: row.key.into(),
            level: row.level.into(),
            title: row.title.into(),
            time: row.time.into(),
            state: say(&row.state).into(),
            open: row.open,
            shown: row.shown,
        }
    }
}

impl From<AudienceRow> for ui::AudienceRow {
    fn from(row: AudienceRow) -> Self {
        Self {
            name: if row.key == "everyone" { say(&row.name) } else { row.name }.into(),
            note: say(&row.note).into(),
            key: row.key.into(),
            here: row.here.into(),
            chosen: row.chosen,
        }
    }
}

impl From<LedgerRow> for ui::LedgerRow {
    fn from(row: LedgerRow) -> Self {
        Self {
            name: row.name.into(),
            online: row.online,
            stage: i32::from(row.stage),
            time: row.time.into(),
            answer: row.answer.into(),
            why: say(&row.why).into(),
        }
    }
}

impl From<PartRow> for ui::PartRow {
    fn from(row: PartRow) -> Self {
        Self { name: if row.is_answer { row.name } else { say(&row.name) }.into(), count: shown(row.count) }
    }
}

/// A count as the windows have it.
fn shown(count: u64) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX)
}

impl From<LedgerHead> for ui::LedgerHead {
    fn from(head: LedgerHead) -> Self {
        Self {
            key: head.key.into(),
            level: head.level.into(),
            title: head.title.into(),
            body: head.body.into(),
            note: say(&head.note).into(),
            open: head.open,
            waiting: shown(head.waiting),
            part: number(head.part),
            rest: shown(head.rest),
        }
    }
}
