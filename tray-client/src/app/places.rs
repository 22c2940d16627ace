//! Messages and rooms beside reading and writing: what was found, an own message that is edited, rooms and who is in them.

use std::time::Duration;

use belfry_core::chat::{AccountName, ArrangementFlag, Place, RoomName, SearchText, Seq, Text};
use belfry_core::time::Instant;

use super::App;
use crate::letters;
use crate::model::Intent;
use crate::scene;
use crate::view::{Arranging, PlaceGesture};

/// The server does not say who comes into a room or leaves it; while somebody looks at the list it is read again so often.
const MEMBERS_AGAIN: Duration = Duration::from_secs(10);

/// So much of what somebody was writing is told, in widths of a letter.
const DRAFT_TOLD: f32 = 40.0;

/// What the windows do not keep by themselves.
#[derive(Default)]
pub(super) struct Panes {
    rooms_filter: String,
    members_filter: String,
    members_read_at: Option<Instant>,
    /// The message that is being written anew.
    editing: Option<Editing>,
    /// The message that was found is to be brought up as soon as it is among the lines.
    bring_up: bool,
}

struct Editing {
    place: Place,
    seq: Seq,
    original: String,
    /// What stood in the composer before.
    draft: String,
}

impl App {
    pub(super) fn at_a_place(&mut self, gesture: PlaceGesture) {
        match gesture {
            PlaceGesture::Find { words, only_here } => self.find(&words, only_here),
            PlaceGesture::EndFind => self.act(Intent::EndSearch),
            PlaceGesture::Jump(key) => self.jump(&key),
            PlaceGesture::ReadOn => self.at_the_shown(Intent::ReadOn),
            PlaceGesture::ToEnd => {
                self.at_the_shown(Intent::ToEnd);
                self.stale.to_end = true;
            }
            PlaceGesture::Type => self.at_the_shown(Intent::Type),
            PlaceGesture::Edit(key) => seq(&key).into_iter().for_each(|seq| self.edit(seq)),
            PlaceGesture::EditBefore => {
                let before = self.panes.editing.as_ref().map(|editing| editing.seq);
                self.own_before(before).into_iter().for_each(|seq| self.edit(seq));
            }
            PlaceGesture::EndEdit => self.end_edit(),
            PlaceGesture::Arrange { key, what, on } => key.parse().into_iter().for_each(|place| self.act(arranging(place, what, on))),
            PlaceGesture::Reply(key) => seq(&key).into_iter().for_each(|seq| self.begin_reply(seq)),
            PlaceGesture::ReplyBefore => self.reply_before(),
            PlaceGesture::ReplyBehind => self.reply_behind(),
            PlaceGesture::EndReply => self.end_reply(),
            PlaceGesture::React { seq: key, emoji, set } => self.react(&key, &emoji, set),
            PlaceGesture::ListReactors(key) => self.list_reactors(&key),
            PlaceGesture::Lead(key) => seq(&key).into_iter().for_each(|seq| self.lead(seq)),
            PlaceGesture::Delete(key) => seq(&key).into_iter().for_each(|seq| self.delete(seq)),
            PlaceGesture::DeleteEdited => {
                if let Some(editing) = &self.panes.editing {
                    self.chat.ask_to_delete(&editing.seq.0.to_string());
                }
            }
            PlaceGesture::ListRooms => {
                self.panes.rooms_filter.clear();
                self.chat.set_rooms_complaint(String::new());
                self.act(Intent::ListRooms);
                self.stale.rooms = true;
            }
            PlaceGesture::FilterRooms(text) => {
                self.panes.rooms_filter = text;
                self.stale.rooms = true;
            }
            PlaceGesture::CreateRoom { name, private } => match RoomName::new(&name) {
                Ok(room) => {
                    self.chat.set_rooms_complaint(String::new());
                    self.act(Intent::CreateRoom { room, private });
                }
                Err(error) => self.chat.set_rooms_complaint(error.to_string()),
            },
            PlaceGesture::Join(room) => RoomName::known(&room).into_iter().for_each(|room| self.act(Intent::Join(room))),
            PlaceGesture::Decline(room) => RoomName::known(&room).into_iter().for_each(|room| self.act(Intent::Decline(room))),
            PlaceGesture::Leave => self.shown_room().into_iter().for_each(|room| self.act(Intent::Leave(room))),
            PlaceGesture::ListMembers => {
                self.panes.members_filter.clear();
                self.read_members();
            }
            PlaceGesture::FilterMembers(text) => {
                self.panes.members_filter = text;
                self.stale.rooms = true;
            }
            PlaceGesture::Invite(name) => {
                if let (Some(room), Ok(account)) = (self.shown_room(), AccountName::known(&name)) {
                    self.act(Intent::Invite { room, account });
                }
            }
        }
    }

    fn read_members(&mut self) {
        self.panes.members_read_at = Some(self.now().instant);
        self.shown_room().into_iter().for_each(|room| self.act(Intent::ListMembers(room)));
        self.stale.rooms = true;
    }

    /// When the list of people of the shown room is to be read again, while somebody sees it.
    pub(super) fn members_due(&self) -> Option<Instant> {
        let read_at = self.panes.members_read_at.filter(|_| self.chat.shows_members() && self.model.connection().is_up())?;
        Some(read_at + MEMBERS_AGAIN)
    }

    pub(super) fn read_members_if_due(&mut self) {
        if self.members_due().is_some_and(|at| at <= self.now().instant) {
            self.read_members();
        }
    }

    fn at_the_shown(&mut self, intent: fn(Place) -> Intent) {
        if let Some(place) = self.model.shown().map(|shown| shown.place().clone()) {
            self.act(intent(place));
        }
    }

    fn shown_room(&self) -> Option<RoomName> {
        match self.model.shown()?.place() {
            Place::Room(room) => Some(room.clone()),
            Place::Direct(_) => None,
        }
    }

    fn find(&mut self, words: &str, only_here: bool) {
        let place = self.model.shown().map(|shown| shown.place().clone()).filter(|_| only_here);
        match SearchText::new(words.trim()) {
            Ok(text) => self.act(Intent::Search { text, place }),
            Err(error) => {
                self.remark = error.to_string();
                self.stale.connection = true;
            }
        }
    }

    /// Shows the message that a hit leads to.
    fn jump(&mut self, key: &str) {
        let Some((place, seq)) = scene::hit(key) else { return };
        self.leave_composer(&place.to_string());
        self.act(Intent::Seek { place, seq });
        self.bring_up_soon();
        self.stale.conversations = true;
    }

    /// The message that was sought is to be seen as soon as it is among the lines.
    pub(super) fn bring_up_soon(&mut self) {
        self.panes.bring_up = true;
        self.stale.lines = true;
    }

    /// Another conversation comes before the person: what stands in the composer stays with the one it was written for.
    pub(super) fn leave_composer(&mut self, key: &str) {
        self.end_message_popup(key);
        self.end_edit();
        if let Some(before) = self.model.shown().map(|shown| shown.place().to_string()) {
            self.drafts.insert(before, self.chat.draft());
        }
        self.chat.set_draft(self.drafts.remove(key).unwrap_or_default());
        self.chat.set_complaint(String::new());
    }

    /// The newest own message in the shown conversation, or the one before this one, that can be written anew.
    fn own_before(&self, before: Option<Seq>) -> Option<Seq> {
        let place = self.model.shown()?.place();
        let own = self.model.lines(place).filter(|line| line.from.is_none() && line.altered.is_none_or(|altered| !altered.deleted));
        own.filter_map(|line| line.seq).filter(|seq| before.is_none_or(|before| *seq < before)).last()
    }

    fn edit(&mut self, seq: Seq) {
        let Some(place) = self.model.shown().map(|shown| shown.place().clone()) else { return };
        let found = self.model.lines(&place).find(|line| line.seq == Some(seq)).map(|line| line.text.to_string());
        let Some(original) = found else { return };
        self.end_edit();
        self.chat.set_editing(Some(&original));
        let draft = self.chat.draft();
        self.chat.set_draft(original.clone());
        self.panes.editing = Some(Editing { place, seq, original, draft });
    }

    /// Leaves the message as it is, and gives back what stood in the composer before.
    pub(super) fn end_edit(&mut self) {
        if let Some(editing) = self.panes.editing.take() {
            self.chat.set_editing(None);
            self.chat.set_draft(editing.draft);
            self.chat.set_complaint(String::new());
        }
    }

    /// What was typed is what a message says from now on, where one is being edited. Whether that was so.
    pub(super) fn say_anew(&mut self, typed: &str) -> bool {
        let Some(editing) = &self.panes.editing else { return false };
        match Text::new(typed) {
            Ok(text) => {
                let (place, seq, changed) = (editing.place.clone(), editing.seq, editing.original != typed);
                self.end_edit();
                if changed {
                    self.act(Intent::Edit { place, seq, text });
                }
            }
            Err(error) => self.chat.set_complaint(error.to_string()),
        }
        true
    }

    fn delete(&mut self, seq: Seq) {
        if self.panes.editing.as_ref().is_some_and(|editing| editing.seq == seq) {
            self.end_edit();
        }
        if let Some(place) = self.model.shown().map(|shown| shown.place().clone()) {
            self.act(Intent::Delete { place, seq });
        }
    }

    /// Shows the place that the person wanted to come into; or the lobby, after the shown one is gone.
    /// Whoever was writing there is told, and does not write on in another conversation: what there is of it comes back with the room.
    pub(super) fn put_out(&mut self, place: &Place) {
        self.end_edit();
        let draft = self.chat.draft();
        if draft.is_empty() {
            return;
        }
        self.chat.set_draft(String::new());
        self.remark = format!(
            "You are not in {} any more, where you were writing: {}",
            scene::name(&self.model, place),
            letters::beginning(&draft, DRAFT_TOLD, 1)
        );
        self.drafts.insert(place.to_string(), draft);
        self.stale.connection = true;
        self.chat.leave_composer();
    }

    pub(super) fn go_to(&mut self, place: &Place) {
        self.turn_to(&place.to_string());
        // Nobody asked for the lobby: what stands before it stays.
        if *place != Place::lobby() {
            self.chat.show_talk();
        }
    }

    pub(super) fn draw_rooms(&mut self) {
        self.chat.set_invitations(scene::invitations(&self.model));
        self.chat.set_rooms(scene::rooms(&self.model, &self.panes.rooms_filter));
        let room = self.shown_room();
        let rows = room.map(|room| scene::members(&self.model, &room, &self.panes.members_filter)).unwrap_or_default();
        self.chat.set_members(rows);
    }

    pub(super) fn draw_found(&mut self) {
        let (head, hits) = (scene::found_head(&self.model), scene::found(&self.model, self.moment()));
        self.chat.set_found(head, hits);
        self.chat.set_reactors(scene::reactors(&self.model));
    }

    /// The message that was found is among the rows now: it is brought before the person, once.
    pub(super) fn bring_up_sought(&mut self, rows: &[scene::LineRow]) {
        let sought = rows.iter().position(|row| matches!(row, scene::LineRow::Message(message) if message.sought));
        if let Some(row) = sought.filter(|_| self.panes.bring_up) {
            self.panes.bring_up = false;
            self.chat.bring_up(row);
        }
    }
}

fn arranging(place: Place, what: Arranging, on: bool) -> Intent {
    match what {
        Arranging::Pinned => Intent::Arrange { place, flag: ArrangementFlag::Pinned, on },
        Arranging::Muted => Intent::Arrange { place, flag: ArrangementFlag::Muted, on },
        Arranging::Unread if on => Intent::Arrange { place, flag: ArrangementFlag::MarkedUnread, on },
        Arranging::Unread => Intent::MarkRead(place),
    }
}

pub(super) fn seq(key: &str) -> Option<Seq> {
    key.parse().ok().map(Seq)
}
