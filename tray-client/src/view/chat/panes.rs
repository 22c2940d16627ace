//! What stands in the chat window instead of a conversation or beside it: what was found, rooms, people, an own message that is edited.

use std::rc::Rc;

use slint::{ModelRc, SharedString, VecModel};

use super::{ChatView, rows};
use crate::scene::{FoundHead, HitRow, InvitationRow, MemberRow, QuoteRow, ReactorsRow, RoomRow};
use crate::view::{Arranging, Gesture, PlaceGesture, Sink, ui};
use crate::words::say;

impl ChatView {
    pub(super) fn listen_for_places(&self, sink: &Sink) {
        let window = &self.window;
        let just = |gesture: PlaceGesture| {
            let sink = sink.clone();
            move || sink(Gesture::Place(gesture.clone()))
        };
        let text = |make: fn(String) -> PlaceGesture| {
            let sink = sink.clone();
            move |text: SharedString| sink(Gesture::Place(make(text.into())))
        };
        window.on_read_on(just(PlaceGesture::ReadOn));
        window.on_newest(just(PlaceGesture::ToEnd));
        window.on_find_ended(just(PlaceGesture::EndFind));
        window.on_typed(just(PlaceGesture::Type));
        window.on_edit_before(just(PlaceGesture::EditBefore));
        window.on_edit_ended(just(PlaceGesture::EndEdit));
        let arranged = sink.clone();
        window.on_arrange(move |key, what, on| {
            let what = match what.as_str() {
                "pinned" => Arranging::Pinned,
                "muted" => Arranging::Muted,
                _ => Arranging::Unread,
            };
            arranged(Gesture::Place(PlaceGesture::Arrange { key: key.into(), what, on }));
        });
        window.on_begin_reply(text(PlaceGesture::Reply));
        window.on_reply_before(just(PlaceGesture::ReplyBefore));
        window.on_reply_behind(just(PlaceGesture::ReplyBehind));
        window.on_reply_ended(just(PlaceGesture::EndReply));
        window.on_lead(text(PlaceGesture::Lead));
        window.on_list_reactors(text(PlaceGesture::ListReactors));
        let reacted = sink.clone();
        window.on_react(move |seq, emoji, set| {
            reacted(Gesture::Place(PlaceGesture::React { seq: seq.into(), emoji: emoji.into(), set }));
        });
        window.on_remove_edited(just(PlaceGesture::DeleteEdited));
        let (rooms, listed) = (self.rooms.clone(), sink.clone());
        window.on_list_rooms(move || {
            rooms.ask_for_others();
            listed(Gesture::Place(PlaceGesture::ListRooms));
        });
        let list = self.rooms.clone();
        window.on_room_named(move |typed, from| list.named(&typed, from));
        let list = self.members.clone();
        window.on_member_named(move |typed, from| list.named(&typed, from));
        let list = self.rooms.clone();
        window.on_rooms_pointed(move |on| list.hold(on));
        let list = self.members.clone();
        window.on_members_pointed(move |on| list.hold(on));
        window.on_leave(just(PlaceGesture::Leave));
        let (members, listed) = (self.members.clone(), sink.clone());
        window.on_list_members(move || {
            members.ask_for_others();
            listed(Gesture::Place(PlaceGesture::ListMembers));
        });
        window.on_jump(text(PlaceGesture::Jump));
        window.on_edit(text(PlaceGesture::Edit));
        window.on_remove(text(PlaceGesture::Delete));
        let (rooms, filtered) = (self.rooms.clone(), sink.clone());
        window.on_filter_rooms(move |text| {
            rooms.ask_for_others();
            filtered(Gesture::Place(PlaceGesture::FilterRooms(text.into())));
        });
        window.on_join(text(PlaceGesture::Join));
        window.on_decline(text(PlaceGesture::Decline));
        let (members, filtered) = (self.members.clone(), sink.clone());
        window.on_filter_members(move |text| {
            members.ask_for_others();
            filtered(Gesture::Place(PlaceGesture::FilterMembers(text.into())));
        });
        window.on_invite(text(PlaceGesture::Invite));
        let found = sink.clone();
        window.on_find(move |words, only_here| found(Gesture::Place(PlaceGesture::Find { words: words.into(), only_here })));
        let created = sink.clone();
        window.on_create_room(move |name, private| created(Gesture::Place(PlaceGesture::CreateRoom { name: name.into(), private })));
    }

    /// The message of this row is to be seen.
    pub fn bring_up(&self, row: usize) {
        self.window.set_seek_line(i32::try_from(row).unwrap_or(i32::MAX));
        self.window.set_seek(self.window.get_seek().wrapping_add(1));
    }

    /// Who is writing; empty for nobody.
    pub fn set_typing(&self, sentence: String) {
        self.window.set_typing(say(&sentence).into());
    }

    /// An own message is being written anew that says this now; or none.
    pub fn set_editing(&self, original: Option<&str>) {
        self.window.set_editing(original.is_some());
        self.window.set_original(original.unwrap_or_default().into());
    }

    /// What is being written replies to this; or to none.
    pub fn set_reply(&self, quote: Option<QuoteRow>) {
        self.window.set_replying(quote.is_some());
        self.window.set_reply(quote.unwrap_or_default().into());
    }

    /// Who has reacted to the message that was asked about.
    pub fn set_reactors(&self, rows: Vec<ReactorsRow>) {
        let rows = rows.into_iter().map(|row| ui::Reactors { emoji: row.emoji.into(), names: row.names.into(), count: row.count.into() });
        self.window.set_reactors(ModelRc::from(Rc::new(VecModel::from_iter(rows))));
    }

    /// Asks whether this own message is to be taken back.
    pub fn ask_to_delete(&self, key: &str) {
        self.window.invoke_ask_to_remove(key.into());
    }

    /// What a search has found.
    pub fn set_found(&mut self, head: FoundHead, hits: Vec<HitRow>) {
        self.window.set_found_sentence(say(&head.sentence).into());
        self.window.set_found_here(head.only_here);
        self.window.set_found_place(rows::place_name(&head.place, head.name).into());
        self.hits.set(hits);
        self.window.set_found_words(head.words.into());
    }

    /// Rooms and people to talk in and with.
    pub fn set_rooms(&mut self, rows: Vec<RoomRow>) {
        self.rooms.set_still(rows);
    }

    /// Why a room of that name cannot be made; empty for nothing.
    pub fn set_rooms_complaint(&self, sentence: String) {
        self.window.set_rooms_complaint(say(&sentence).into());
    }

    /// Who asks one to join a room.
    pub fn set_invitations(&mut self, rows: Vec<InvitationRow>) {
        self.invitations.set(rows);
    }

    /// Whether the person sees who is in the shown room.
    pub fn shows_members(&self) -> bool {
        self.is_visible() && self.window.get_pane() == ui::Pane::Members
    }

    /// Who is in the shown room, and who could be.
    pub fn set_members(&mut self, rows: Vec<MemberRow>) {
        self.members.set_still(rows);
    }

    /// Shows the conversation, whatever stood in its place.
    pub fn show_talk(&self) {
        self.window.set_pane(ui::Pane::Talk);
        self.window.set_list_shown(false);
        self.window.invoke_focus_composer();
    }
}

impl From<HitRow> for ui::Hit {
    fn from(row: HitRow) -> Self {
        Self {
            name: super::rows::place_name(&row.place, row.name).into(),
            key: row.key.into(),
            who: row.who.into(),
            time: row.time.into(),
            before: row.before.into(),
            hit: row.hit.into(),
            after: row.after.into(),
        }
    }
}

impl From<RoomRow> for ui::RoomRow {
    fn from(row: RoomRow) -> Self {
        Self {
            name: super::rows::place_name(&row.key, row.name).into(),
            key: row.key.into(),
            note: say(&row.note).into(),
            locked: row.private,
            direct: row.direct,
            here: row.here.into(),
            inside: row.inside,
            invited: row.invited,
        }
    }
}

impl From<InvitationRow> for ui::Invitation {
    fn from(row: InvitationRow) -> Self {
        Self { room: row.room.into(), by: row.by.into() }
    }
}

impl From<MemberRow> for ui::Member {
    fn from(row: MemberRow) -> Self {
        Self { key: row.key.into(), name: row.name.into(), here: row.here.into(), me: row.me, inside: row.inside, invited: row.invited }
    }
}
