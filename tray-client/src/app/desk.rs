//! The administrator's window: what is done there, and what it shows.

use belfry_core::chat::{NoticeChange, NoticeId, Role, ScheduleId, SearchText, TemplateName, visible};
use belfry_core::net::InWords;

use super::{App, AppEvent};
use crate::compose::{self, Mistake, NoticeForm};
use crate::model::{DeskOutcome, Intent, LedgerExport, LedgerWish};
use crate::scene;
use crate::view::desk::DeskView;
use crate::view::{Change, DeskGesture, dialog};

/// What the window does not keep by itself.
#[derive(Default)]
pub(super) struct DeskPlace {
    view: Option<DeskView>,
    search: String,
    /// The template that the form was begun from.
    template: Option<TemplateName>,
    /// Where the ledger is to be written as soon as all of it has been read.
    export: Option<std::path::PathBuf>,
    /// What is to be known at once, and whether it went wrong: goes before what the server said.
    remark: Option<(String, bool)>,
    /// The notice that was sent last, whose ledger has been brought up.
    brought_up: Option<NoticeId>,
    /// What has become of what was done last, as the window knows it.
    told: DeskOutcome,
}

impl DeskPlace {
    /// Colours and sizes have changed.
    pub(super) fn dress(&self) {
        if let Some(view) = &self.view {
            view.dress();
        }
    }
}

impl App {
    pub(super) fn write_notice(&mut self) {
        if self.model.role() != Some(Role::Admin) {
            return;
        }
        let shown = match &self.desk.view {
            Some(view) => view.raise(),
            None => DeskView::show(&self.sink).map(|view| self.desk.view = Some(view)),
        };
        if let Err(error) = shown {
            self.complain(&error);
        }
        self.act(Intent::OpenDesk);
        self.stale.desk = true;
    }

    /// Its window may have been closed: what it showed is not kept up any more.
    pub(super) fn leave_the_desk(&mut self) {
        if self.model.desk().is_open() && !self.desk.view.as_ref().is_some_and(DeskView::is_visible) {
            self.act(Intent::CloseDesk);
        }
    }

    pub(super) fn at_the_desk(&mut self, gesture: DeskGesture) {
        self.desk.remark = None;
        match gesture {
            DeskGesture::New => self.act(Intent::OpenDesk),
            DeskGesture::Choose(key) => key.parse().into_iter().for_each(|audience| self.act(Intent::Choose(audience))),
            DeskGesture::Search(text) => self.desk.search = text,
            DeskGesture::ChooseFound => {
                let (audience, _) = scene::with_found(&self.model, &self.desk.search);
                self.act(Intent::Aim(audience));
            }
            DeskGesture::LeaveOutNeverHere => {
                let (audience, _) = scene::without_never_here(&self.model);
                self.act(Intent::Aim(audience));
            }
            DeskGesture::Send(form) => {
                let form = NoticeForm { audience: self.audience(), ..form };
                match form.draft(self.now().wall, &self.wall) {
                    Ok(draft) => self.act(Intent::SendNotice(draft)),
                    Err(mistake) => self.mistaken(&mistake),
                }
            }
            DeskGesture::Confirm(yes) => self.act(Intent::ConfirmNotice(yes)),
            DeskGesture::UseTemplate(index) => {
                let template = index.and_then(|index| self.model.desk().templates().get(index));
                let form = template.map_or_else(NoticeForm::default, |template| NoticeForm::of(template, self.audience()));
                self.desk.template = template.map(|template| template.name.clone());
                if self.desk.template.is_some() {
                    self.act(Intent::Aim(form.audiences()));
                }
                if let Some(view) = &self.desk.view {
                    view.set_form(form);
                }
            }
            DeskGesture::SaveTemplate { name, form } => match (NoticeForm { audience: self.audience(), ..form }).template(&name) {
                Ok(template) => self.act(Intent::SaveTemplate(template)),
                Err(mistake) => self.mistaken(&mistake),
            },
            DeskGesture::RemoveTemplate => {
                self.desk.template.take().into_iter().for_each(|name| self.act(Intent::RemoveTemplate(name)));
            }
            DeskGesture::Unschedule(key) => {
                key.parse().into_iter().for_each(|id| self.act(Intent::Unschedule(ScheduleId(id))));
            }
            DeskGesture::Watch(key) => key.parse().into_iter().for_each(|id| self.act(Intent::WatchNotice(NoticeId(id)))),
            DeskGesture::SearchSent(text) => self.act(Intent::SearchSent(SearchText::new(text.trim()).ok())),
            DeskGesture::Copy => {
                let form = self.model.desk().watched().map(|watched| NoticeForm::again(&watched.summary().notice));
                if let (Some(form), Some(view)) = (form, &self.desk.view) {
                    self.desk.template = None;
                    view.set_form(form);
                    view.show_composer();
                }
            }
            DeskGesture::LookAt(part) => {
                let answers = self.model.desk().watched().map_or(0, |watched| watched.summary().notice.answers.len());
                let part = scene::ledger_parts(answers).get(part).copied();
                part.into_iter().for_each(|part| self.act(Intent::Ledger(LedgerWish::Part(part))));
            }
            DeskGesture::LookAtGroup(group) => {
                let group = group.and_then(|group| self.model.desk().groups().get(group)).map(|group| group.name.clone());
                self.act(Intent::Ledger(LedgerWish::Group(group)));
            }
            DeskGesture::Change { notice, change } => {
                notice.parse().into_iter().for_each(|id| self.change_notice(NoticeId(id), &change));
            }
            DeskGesture::Refresh => {
                let watched = self.model.desk().watched().map(|watched| watched.summary().notice.id);
                watched.into_iter().for_each(|id| self.act(Intent::WatchNotice(id)));
            }
            DeskGesture::Export => self.ask_where_to_export(),
        }
        self.stale.desk = true;
    }

    fn mistaken(&mut self, mistake: &Mistake) {
        self.desk.remark = Some((mistake.to_string(), true));
    }

    /// Keys of the chosen audiences.
    fn audience(&self) -> Vec<String> {
        self.model.desk().audience().iter().map(ToString::to_string).collect()
    }

    /// Nothing is left of the notice that is on its way: the next one begins with an empty form.
    fn begin_anew(&mut self) {
        self.desk.template = None;
        self.desk.search.clear();
        if let Some(view) = &self.desk.view {
            view.set_form(NoticeForm::default());
            view.set_search(&self.desk.search);
        }
    }

    /// The change is for the notice that the person had before them; where another one has come up meanwhile, it is not made.
    fn change_notice(&mut self, notice: NoticeId, change: &Change) {
        let Some(watched) = self.model.desk().watched().filter(|watched| watched.summary().notice.id == notice) else { return };
        let change = match change {
            Change::Remind => Ok(Some(NoticeChange::Remind)),
            Change::Withdraw => Ok(Some(NoticeChange::Withdraw)),
            Change::Update { title, body } => compose::update(&watched.summary().notice, title, body),
            Change::AllClear(body) => compose::all_clear(body).map(Some),
        };
        match change {
            Ok(Some(change)) => self.act(Intent::ChangeNotice { notice, change }),
            Ok(None) => {}
            Err(mistake) => self.mistaken(&mistake),
        }
    }

    fn ask_where_to_export(&self) {
        let Some(watched) = self.model.desk().watched() else { return };
        let name = format!("notice-{}.csv", watched.summary().notice.id.0);
        let post = self.post.clone();
        dialog::save_file("Export ledger", &name, move |file| {
            post.send(AppEvent::ExportInto(file));
        });
    }

    /// The ledger that is shown is to be written there: all of it, whatever part of it is shown.
    pub(super) fn export_into(&mut self, file: std::path::PathBuf) {
        self.desk.export = Some(file);
        self.act(Intent::Ledger(LedgerWish::Write));
    }

    /// Writes what has been read to its end.
    fn write_export(&mut self) {
        let people = match self.model.desk().export() {
            LedgerExport::Idle | LedgerExport::Reading(_) => return,
            LedgerExport::Whole(people) => Some(people),
            LedgerExport::Failed => None,
        };
        if let Some(file) = self.desk.export.take() {
            self.desk.remark = Some(match people.map(|people| std::fs::write(&file, scene::as_csv(people))) {
                Some(Ok(())) => (format!("Written into {}.", file.display()), false),
                Some(Err(error)) => (format!("{} cannot be written: {}.", file.display(), InWords(&error)), true),
                None => ("The ledger could not be read to its end. Try again.".into(), true),
            });
        }
        self.act(Intent::Ledger(LedgerWish::Written));
    }

    pub(super) fn draw_desk(&mut self) {
        self.write_export();
        let wall = self.wall.clone();
        let moment = scene::Moment { now: self.now().wall, wall: &wall };
        let outcome = self.model.desk().outcome().clone();
        if outcome != self.desk.told {
            if matches!(outcome, DeskOutcome::Sent(_) | DeskOutcome::Scheduled(_)) {
                self.begin_anew();
            }
            self.desk.told.clone_from(&outcome);
        }
        let desk = &mut self.desk;
        let Some(view) = desk.view.as_mut().filter(|view| view.is_visible()) else { return };
        let model = &self.model;
        view.set_sent(scene::sent(model, moment), scene::schedules(model, moment));
        view.set_audiences(scene::audiences(model, &desk.search), scene::chosen(model), scene::reach(model.desk().preview()));
        view.set_choices(scene::with_found(model, &desk.search).1, scene::without_never_here(model).1);
        let author = model.me().map(|me| visible(me.as_str())).unwrap_or_default();
        view.set_author(&author, compose::times_ahead(moment.now, &wall), compose::reminders());
        let templates = model.desk().templates();
        let names = templates.iter().map(|template| template.name.to_string());
        let chosen = desk.template.as_ref().and_then(|chosen| templates.iter().position(|template| template.name == *chosen));
        view.set_templates(std::iter::once("No template".to_owned()).chain(names).collect(), chosen);
        let (sentence, wrong) = desk.remark.clone().unwrap_or_else(|| scene::outcome(model, moment));
        view.set_outcome(sentence, wrong, outcome == DeskOutcome::Waiting);
        view.set_to_confirm(outcome == DeskOutcome::ToConfirm);
        let (groups, group) = scene::ledger_groups(model);
        view.set_parts(scene::parts(model), groups, group);
        view.set_ledger(scene::ledger_head(model, moment), scene::ledger(model, moment));
        if let DeskOutcome::Sent(notice) = outcome
            && desk.brought_up != Some(notice)
        {
            desk.brought_up = Some(notice);
            view.show_ledger();
        }
    }
}
