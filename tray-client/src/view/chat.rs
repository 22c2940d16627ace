//! The chat window's adapter.

mod emoji;
pub(super) mod files;
mod panes;

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use slint::ComponentHandle as _;
use slint::winit_030::{EventResult, WinitWindowAccessor as _};
use winit::event::WindowEvent;

use super::rows::{self, RowList};
use super::{Gesture, NoDisplay, Sink, keyboard, look, ui};
use crate::geometry::{Corner, Rect};
use crate::scene::{ChosenRow, ConversationRow, HitRow, InvitationRow, LineRow, MemberRow, NoticeRow, PersonRow, RoomRow};
use crate::words::say;

/// Open notices that are seen at the top of the window; the others are behind a button.
pub const NOTICES_SEEN: usize = 2;

/// A window that has just been shown has drawn itself by then.
const ELEMENTS_MADE: Duration = Duration::from_millis(150);

/// The head of the shown conversation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ChatHead {
    /// Its place as it is written, `lobby` or `@bob`.
    pub key: String,
    /// What people call it.
    pub name: String,
    /// Who is here, or since when somebody is not.
    pub note: String,
    /// What is said of the person, in a direct conversation.
    pub about: String,
    /// Scrolling up finds more.
    pub has_older: bool,
    /// Scrolling down finds more: what is shown does not end with the newest message.
    pub has_newer: bool,
    /// Unread messages in it, as they are written; empty for none.
    pub unread: String,
    /// As in the list of conversations: pinned, muted, marked as unread.
    pub arranged: [bool; 3],
    /// The numbers of the first and the last line that have one: those of one conversation have no gaps.
    pub span: Option<(u64, u64)>,
    /// It is a room that one may leave and ask others into; the lobby is none.
    pub is_room: bool,
}

/// The chat window.
pub struct ChatView {
    window: ui::ChatWindow,
    conversations: RowList<ConversationRow, ui::Conversation>,
    people: RowList<PersonRow, ui::Person>,
    lines: RowList<LineRow, ui::Line>,
    open: RowList<NoticeRow, ui::Notice>,
    all: RowList<NoticeRow, ui::Notice>,
    hits: RowList<HitRow, ui::Hit>,
    rooms: RowList<RoomRow, ui::RoomRow>,
    invitations: RowList<InvitationRow, ui::Invitation>,
    members: RowList<MemberRow, ui::Member>,
    chosen: RowList<ChosenRow, ui::ChosenFile>,
    /// Which conversation is shown, and from which line to which.
    span: (String, Option<(u64, u64)>),
    recent_emoji: Rc<RefCell<Vec<String>>>,
}

impl ChatView {
    /// The window itself, for tests.
    #[cfg(test)]
    #[cfg(feature = "window-tests")]
    pub(super) const fn window(&self) -> &ui::ChatWindow {
        &self.window
    }

    /// The window, hidden.
    ///
    /// # Errors
    /// There is no display.
    pub fn new(sink: &Sink) -> Result<Self, NoDisplay> {
        let window = ui::ChatWindow::new()?;
        look::dress(&window);
        let view = Self {
            window,
            conversations: RowList::new(),
            people: RowList::new(),
            lines: RowList::new(),
            open: RowList::new(),
            all: RowList::new(),
            hits: RowList::new(),
            rooms: RowList::new(),
            invitations: RowList::new(),
            members: RowList::new(),
            chosen: RowList::new(),
            span: (String::new(), None),
            recent_emoji: Rc::default(),
        };
        view.window.set_conversations(view.conversations.model());
        view.window.set_people(view.people.model());
        view.window.set_lines(view.lines.model());
        view.window.set_open_notices(view.open.model());
        view.window.set_all_notices(view.all.model());
        view.window.set_hits(view.hits.model());
        view.window.set_rooms(view.rooms.model());
        view.window.set_invitations(view.invitations.model());
        view.window.set_members(view.members.model());
        view.window.set_chosen_files(view.chosen.model());
        view.listen(sink);
        view.listen_for_files(sink);
        view.listen_for_places(sink);
        view.listen_for_emoji(sink);
        Ok(view)
    }

    fn listen(&self, sink: &Sink) {
        let window = &self.window;
        let on = |sink: &Sink, make: fn(String) -> Gesture| {
            let sink = sink.clone();
            move |text: slint::SharedString| sink(make(text.into()))
        };
        let just = |sink: &Sink, gesture: Gesture| {
            let sink = sink.clone();
            move || sink(gesture.clone())
        };
        window.on_opened(on(sink, Gesture::Open));
        let (conversations, people, searched) = (self.conversations.clone(), self.people.clone(), sink.clone());
        window.on_searched(move |text| {
            conversations.ask_for_others();
            people.ask_for_others();
            searched(Gesture::Search(text.into()));
        });
        let list = self.conversations.clone();
        window.on_conversation_named(move |typed, from| list.named(&typed, from));
        let list = self.people.clone();
        window.on_person_named(move |typed, from| list.named(&typed, from));
        let list = self.conversations.clone();
        window.on_conversations_pointed(move |on| list.hold(on));
        let list = self.people.clone();
        window.on_people_pointed(move |on| list.hold(on));
        window.on_said(on(sink, Gesture::Say));
        let seen = sink.clone();
        window.on_end_seen(move |on| seen(Gesture::SeeEnd(on)));
        window.on_retry(on(sink, Gesture::Retry));
        window.on_discard(on(sink, Gesture::Discard));
        window.on_read(on(sink, Gesture::Read));
        window.on_follow(on(sink, Gesture::Follow));
        window.on_choose(on(sink, Gesture::Choose));
        window.on_read_back(just(sink, Gesture::ReadBack));
        window.on_try_now(just(sink, Gesture::TryNow));
        window.on_why(just(sink, Gesture::Why));
        window.on_why_unseen(on(sink, Gesture::WhyUnseen));
        window.on_remark_closed(just(sink, Gesture::CloseRemark));
        window.on_save(just(sink, Gesture::Save));
        let answered = sink.clone();
        window.on_answered(move |notice, answer| {
            answered(Gesture::Answer { notice: notice.into(), answer: u8::try_from(answer).unwrap_or(u8::MAX) });
        });
        let (weak, arranged) = (window.as_weak(), sink.clone());
        window.on_arranged(move || {
            let Some(window) = weak.upgrade() else { return };
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share is between nothing and one")]
            let people_percent = (window.get_people_share() * 100.0).round() as u8;
            arranged(Gesture::ArrangeSide { people_percent, people_folded: !window.get_people_open() });
        });
        let closed = sink.clone();
        window.window().on_close_requested(move || {
            closed(Gesture::CloseChat);
            slint::CloseRequestResponse::HideWindow
        });
        window.on_writes(|text| keyboard::writes(&text));
        let (focused, weak) = (sink.clone(), window.as_weak());
        window.window().on_winit_window_event(move |_, event| {
            if let Some(window) = weak.upgrade().filter(|_| keyboard::is_key(event)) {
                Self::mind_keyboard(&window);
            }
            files::mind_files(&weak, event, &focused);
            match event {
                WindowEvent::Focused(on) => focused(Gesture::Attend(*on)),
                WindowEvent::Occluded(true) => focused(Gesture::Attend(false)),
                _ => {}
            }
            EventResult::Propagate
        });
    }

    /// Popups are held back, and until when: the menu says so.
    pub fn set_held_back(&self, held_back: bool, until: Option<String>) {
        self.window.set_held_back(held_back);
        self.window.set_held_until(until.unwrap_or_default().into());
    }

    /// How the lists were left: how much of them the people have, in percent, and whether they are folded away.
    pub fn arrange_side(&self, people_percent: u8, people_folded: bool) {
        self.window.set_people_share((f32::from(people_percent) / 100.0).clamp(0.15, 0.7));
        self.window.set_people_open(!people_folded);
    }

    /// What was pressed last may be gone by the time of this key.
    pub(super) fn mind_keyboard(window: &ui::ChatWindow) {
        keyboard::mind(window, ui::ChatWindow::invoke_take_keyboard);
    }

    /// Shows the window, in front of others and ready to type into.
    ///
    /// # Errors
    /// There is no display.
    pub fn show(&self) -> Result<(), NoDisplay> {
        self.window.show()?;
        self.window.window().with_winit_window(|window| {
            window.set_minimized(false);
            window.focus_window();
        });
        self.window.invoke_focus_composer();
        Ok(())
    }

    /// Its place in the taskbar flashes, or not any more: of a window that is not shown nothing does.
    pub fn call_attention(&self, calls: bool) {
        let kind = calls.then_some(winit::window::UserAttentionType::Informational);
        self.window.window().with_winit_window(|window| window.request_user_attention(kind));
    }

    /// The keyboard goes to the newest open notice: as soon as the window, which may just have been shown, has made its elements.
    pub fn focus_notice(&self) {
        let window = self.window.as_weak();
        slint::Timer::single_shot(ELEMENTS_MADE, move || {
            if let Some(window) = window.upgrade() {
                window.invoke_focus_notice();
            }
        });
    }

    /// Hides it; what it holds stays.
    pub fn hide(&self) {
        // A window that cannot be hidden is not there.
        let _ = self.window.hide();
    }

    /// Whether it is on the screen, or in the taskbar.
    pub fn is_visible(&self) -> bool {
        self.window.window().is_visible()
    }

    /// Whether somebody could see it.
    pub fn is_on_screen(&self) -> bool {
        self.is_visible() && !self.window.window().is_minimized()
    }

    /// Colours and sizes have changed.
    pub fn dress(&mut self) {
        look::dress(&self.window);
        // Another language: every row is made anew.
        self.conversations.set(Vec::new());
        self.people.set(Vec::new());
        self.lines.set(Vec::new());
        self.open.set(Vec::new());
        self.all.set(Vec::new());
        self.hits.set(Vec::new());
        self.rooms.set(Vec::new());
        self.invitations.set(Vec::new());
        self.members.set(Vec::new());
    }

    /// Where it is, in physical pixels with its content's size.
    pub fn rect(&self) -> Rect {
        let (corner, size) = (self.window.window().position(), self.window.window().size());
        Rect { x: corner.x, y: corner.y, width: size.width, height: size.height }
    }

    /// Gives the window this place and size, in physical pixels.
    pub fn place(&self, rect: Rect) {
        self.window.window().set_size(slint::PhysicalSize::new(rect.width, rect.height));
        self.window.window().set_position(slint::PhysicalPosition::new(rect.x, rect.y));
    }

    /// The monitors, the main one first; none before the window exists.
    pub fn monitors(&self) -> Vec<Rect> {
        let monitors = self.window.window().with_winit_window(|window| {
            let rect = |monitor: winit::monitor::MonitorHandle| {
                let ((x, y), size): (Corner, _) = (monitor.position().into(), monitor.size());
                Rect { x, y, width: size.width, height: size.height }
            };
            let mut all: Vec<_> = window.primary_monitor().into_iter().chain(window.available_monitors()).map(rect).collect();
            let mut seen = Vec::new();
            all.retain(|rect| {
                !seen.contains(rect) && {
                    seen.push(*rect);
                    true
                }
            });
            all
        });
        monitors.unwrap_or_default()
    }

    /// The conversations.
    pub fn set_conversations(&mut self, rows: Vec<ConversationRow>) {
        self.conversations.set_still(rows);
    }

    /// Shows these rows as the list of people.
    pub fn set_people(&mut self, rows: Vec<PersonRow>) {
        self.people.set_still(rows);
    }

    /// The shown conversation. `to_end` when its newest line is to be seen whatever was seen before.
    pub fn set_lines(&mut self, head: ChatHead, rows: Vec<LineRow>, to_end: bool) {
        let above = if self.span.0 == head.key { lines_above(self.span.1, head.span) } else { 0 };
        self.span = (head.key.clone(), head.span);
        if above != 0 && !to_end {
            self.window.invoke_keep_place(above);
        }
        self.window.set_place_name(rows::place_name(&head.key, head.name).into());
        self.window.set_place_key(head.key.into());
        let note = [say(&head.note), head.about].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" · ");
        self.window.set_place_note(note.into());
        self.window.set_place_unread(head.unread.into());
        let [pinned, muted, marked] = head.arranged;
        self.window.set_place_pinned(pinned);
        self.window.set_place_muted(muted);
        self.window.set_place_marked(marked);
        self.window.set_has_older(head.has_older);
        self.window.set_has_newer(head.has_newer);
        self.window.set_place_is_room(head.is_room);
        self.lines.set(rows);
        if to_end {
            self.window.set_to_end(self.window.get_to_end().wrapping_add(1));
        }
    }

    /// The notices: open ones at the top of the window, all of them in their list.
    pub fn set_notices(&mut self, open: Vec<NoticeRow>, past: Vec<NoticeRow>) {
        let unseen = open.iter().chain(&past).filter(|row| row.unseen).count();
        self.window.set_unread_notices(i32::try_from(unseen).unwrap_or(i32::MAX));
        self.window.set_more_notices(i32::try_from(open.len().saturating_sub(NOTICES_SEEN)).unwrap_or(i32::MAX));
        self.open.set(open.iter().take(NOTICES_SEEN).cloned().collect());
        // Where the notice goes at which the keyboard is, the keyboard goes back: what is typed next is for nothing that moves up.
        let focused = self.window.get_focused_notice();
        let gone = !focused.is_empty() && open.iter().take(NOTICES_SEEN).all(|row| row.key != focused.as_str());
        self.all.set(open.into_iter().chain(past).collect());
        if gone {
            self.window.invoke_give_back();
        }
    }

    /// Whether what the window shows is before somebody's eyes.
    pub fn set_watched(&self, watched: bool) {
        self.window.set_watched(watched);
    }

    /// What is wrong, in a sentence, and whether trying again is what helps; empty for nothing.
    pub fn set_trouble(&self, sentence: String, can_try: bool) {
        self.window.set_trouble(say(&sentence).into());
        self.window.set_can_try(can_try);
    }

    /// Something to know once; empty for nothing.
    pub fn set_remark(&self, sentence: String) {
        self.window.set_remark(say(&sentence).into());
    }

    /// Why what was typed cannot be sent; empty for nothing.
    pub fn set_complaint(&self, sentence: String) {
        self.window.set_complaint(say(&sentence).into());
    }

    /// Whether the person is an administrator.
    pub fn set_admin(&self, admin: bool) {
        self.window.set_admin(admin);
    }

    /// What stands in the composer.
    pub fn draft(&self) -> String {
        self.window.get_draft().into()
    }

    /// What is typed next is not written into the composer.
    pub fn leave_composer(&self) {
        self.window.invoke_leave_composer();
    }

    /// Puts this into the composer; what is typed next goes behind it.
    pub fn set_draft(&self, text: String) {
        self.window.set_draft(text.into());
        self.window.invoke_go_behind_draft();
    }

    /// Shows the list of notices instead of a conversation.
    pub fn show_notices(&self) {
        self.window.set_pane(ui::Pane::Notices);
        self.window.set_list_shown(false);
    }
}

/// How many lines have come above those that are still there; fewer than none where some have gone. None where nothing is still there.
fn lines_above(before: Option<(u64, u64)>, now: Option<(u64, u64)>) -> i32 {
    let (Some((first, last)), Some((new_first, new_last))) = (before, now) else { return 0 };
    if new_first > last || first > new_last {
        return 0;
    }
    i32::try_from(i128::from(first) - i128::from(new_first)).unwrap_or(0)
}
