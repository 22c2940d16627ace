//! Files: those that own messages bring, until the server has them, and those that are fetched.

use std::collections::BTreeMap;

use belfry_core::chat::{Attachment, ContentHash, FileId, Place, Text};
use belfry_core::client::{Command, Ticket};
use belfry_core::time::Now;

use super::{Effect, Model, PlaceKey, ScreenPart};
use crate::transfer::{FoundFile, OutgoingFile, TransferKey, TransferState};

/// How far files are, as the thread that moves them has said.
#[derive(Clone, Debug, Default)]
pub(super) struct FileStates {
    sent: BTreeMap<Ticket, TransferState>,
    fetched: BTreeMap<FileId, (ContentHash, TransferState)>,
    /// A file that could run, of which the person is asked whether it is to be saved.
    asked: Option<FileId>,
}

impl FileStates {
    pub(super) fn forget_sent(&mut self, ticket: Ticket) {
        self.sent.remove(&ticket);
    }
}

impl Model {
    /// How far the file of an own message is; `None` before anything was said of it.
    pub fn sending(&self, ticket: Ticket) -> Option<&TransferState> {
        self.files.sent.get(&ticket)
    }

    /// How far a file is that came with a message; `None` where nobody has fetched it. A number may be another file's after a backup was put
    /// back: then it holds something else.
    pub fn fetching(&self, attachment: &Attachment) -> Option<&TransferState> {
        self.files.fetched.get(&attachment.file).filter(|(hash, _)| *hash == attachment.hash).map(|(_, state)| state)
    }

    /// Whether the person is asked about this file.
    pub fn asks_about(&self, file: FileId) -> bool {
        self.files.asked == Some(file)
    }

    /// A file of the shown conversation.
    pub fn shown_file(&self, file: FileId) -> Option<&Attachment> {
        let lines = self.shown().map(|shown| shown.lines(self.me()));
        lines.into_iter().flatten().filter_map(|line| line.attachment).find(|attachment| attachment.file == file)
    }

    /// A file is fetched from now on, or was in an earlier run.
    pub fn fetch(&mut self, attachment: &Attachment, state: TransferState) -> Vec<Effect> {
        self.files.asked.take_if(|asked| *asked == attachment.file);
        self.files.fetched.insert(attachment.file, (attachment.hash, state));
        self.redraw_shown()
    }

    /// Nobody fetches it any more.
    pub fn unfetch(&mut self, file: FileId) -> Vec<Effect> {
        self.files.fetched.remove(&file);
        self.redraw_shown()
    }

    /// A transfer has come further.
    pub fn transferred(&mut self, key: TransferKey, state: TransferState) -> Vec<Effect> {
        match key {
            TransferKey::Fetched(file) => {
                let Some((_, known)) = self.files.fetched.get_mut(&file) else { return Vec::new() };
                *known = state;
                self.redraw_shown()
            }
            TransferKey::Sent(ticket) => {
                let Some(place) = self.own.get(&ticket).cloned() else { return Vec::new() };
                let mut effects = Vec::new();
                match &state {
                    TransferState::Stored(hash) => effects.extend(self.post_with(ticket, &place, *hash)),
                    TransferState::Failed(why) => effects.extend(self.settle(Some(place), |conversation| conversation.spoil(ticket, why))),
                    _ => effects.extend(self.settle(Some(place), |_| {})),
                }
                self.files.sent.insert(ticket, state);
                effects
            }
        }
    }

    pub(super) fn ask_about(&mut self, file: Option<FileId>, effects: &mut Vec<Effect>) {
        self.files.asked = file;
        effects.extend(self.redraw_shown());
    }

    pub(super) fn say_with_file(&mut self, now: Now, to: Place, text: Text, found: FoundFile) -> Vec<Effect> {
        let (ticket, post) = self.numbers.post();
        self.own.insert(ticket, PlaceKey::of(&to));
        let room = self.room_at(&to);
        let file = OutgoingFile { found: found.clone(), hash: None };
        self.conversation_mut(&to).say_with_file(ticket, text.clone(), file, now.wall);
        let mut effects =
            vec![Effect::SendFile { ticket, post, to: to.clone(), room, text, found }, Effect::Redraw(ScreenPart::Lines(to.clone()))];
        self.go_to_end(&to, &mut effects);
        effects
    }

    /// The person does not want to send it after all.
    pub(super) fn abandon_file(&mut self, ticket: Ticket, effects: &mut Vec<Effect>) {
        let Some(place) = self.own.get(&ticket).cloned() else { return };
        if matches!(self.files.sent.get(&ticket), Some(TransferState::Stored(_))) {
            // Its message is on its way.
            return;
        }
        let conversation = self.conversations.get_mut(&place);
        if conversation.is_some_and(|conversation| conversation.abandon(ticket)) {
            self.own.remove(&ticket);
            self.files.forget_sent(ticket);
            effects.push(Effect::GiveUpFile(ticket));
            effects.extend(self.settle(Some(place), |_| {}));
        }
    }

    /// The server has what the file holds: its message can be said.
    fn post_with(&self, ticket: Ticket, place: &PlaceKey, hash: ContentHash) -> Vec<Effect> {
        let Some(conversation) = self.conversations.get(place) else { return Vec::new() };
        let Some((text, file)) = conversation.own_file(ticket) else { return Vec::new() };
        let (to, name) = (conversation.place().clone(), file.found.name.clone());
        let (post, room) = (self.numbers.post_of(ticket), self.room_at(&to));
        let command = Command::PostFileAs { ticket, post, to: to.clone(), room, text: text.clone(), name, hash };
        vec![Effect::Tell(command), Effect::Redraw(ScreenPart::Lines(to))]
    }

    fn redraw_shown(&self) -> Vec<Effect> {
        self.shown().map(|shown| Effect::Redraw(ScreenPart::Lines(shown.place().clone()))).into_iter().collect()
    }
}

#[cfg(test)]
mod tests {
    use belfry_core::chat::{AccountName, ConversationId, FileName, Message, PostId, Refusal, Role, Seq, Timeline};
    use belfry_core::client::Update;
    use belfry_core::time::{Instant, UnixMillis};

    use super::*;
    use crate::model::{Delivery, Intent};

    const NOW: Now = Now { instant: Instant::START, wall: UnixMillis(9) };
    const HASH: ContentHash = ContentHash([7; 32]);

    fn signed_in() -> Model {
        let mut model = Model::new("lan-host").numbered_from(PostId { outbox: 5, counter: 40 });
        model.apply(NOW, Update::Timeline(Timeline::FIRST));
        model.apply(NOW, Update::SignedIn { account: AccountName::new("me").unwrap(), role: Role::Member });
        model.act(NOW, Intent::Open(Place::lobby()));
        model
    }

    fn found() -> FoundFile {
        FoundFile { path: "/tmp/plan.pdf".into(), name: FileName::new("plan.pdf").unwrap(), bytes: 9 }
    }

    /// Says something with a file; its ticket.
    fn send(model: &mut Model) -> Ticket {
        let text = Text::new("look").unwrap();
        let effects = model.act(NOW, Intent::SayWithFile { to: Place::lobby(), text, file: found() });
        let sent = effects.iter().find_map(|effect| if let Effect::SendFile { ticket, .. } = effect { Some(*ticket) } else { None });
        sent.unwrap()
    }

    fn told(effects: &[Effect]) -> Option<&Command> {
        effects.iter().find_map(|effect| if let Effect::Tell(command) = effect { Some(command) } else { None })
    }

    /// What has become of the only own line, and its file's name.
    fn line(model: &Model) -> Option<(Option<Delivery>, String)> {
        let lobby = Place::lobby();
        let mut lines = model.lines(&lobby).filter(|line| line.own.is_some());
        let line = lines.next()?;
        Some((line.delivery, line.outgoing?.file.found.name.as_str().to_owned()))
    }

    #[test]
    fn a_message_with_a_file_is_said_when_the_server_has_the_file_and_not_before() {
        let mut model = signed_in();
        let ticket = send(&mut model);
        let running = TransferState::Running { done: 3, rate: 1 };
        assert_eq!(told(&model.transferred(TransferKey::Sent(ticket), running.clone())), None);
        assert_eq!((model.sending(ticket), line(&model)), (Some(&running), Some((Some(Delivery::Waiting), "plan.pdf".into()))));
        let effects = model.transferred(TransferKey::Sent(ticket), TransferState::Stored(HASH));
        let post = PostId { outbox: 5, counter: ticket.0 };
        let (to, text, name) = (Place::lobby(), Text::new("look").unwrap(), FileName::new("plan.pdf").unwrap());
        assert_eq!(told(&effects), Some(&Command::PostFileAs { ticket, post, to, room: None, text, name, hash: HASH }));
        model.apply(NOW, Update::Posted { ticket, conversation: ConversationId(1), seq: Seq(1) });
        assert_eq!(model.sending(ticket), None);
    }

    #[test]
    fn a_file_that_cannot_be_sent_is_tried_again_under_another_number() {
        let mut model = signed_in();
        let ticket = send(&mut model);
        model.transferred(TransferKey::Sent(ticket), TransferState::Failed("It has changed.".into()));
        assert_eq!(line(&model).unwrap().0, Some(Delivery::FileFailed));
        let effects = model.act(NOW, Intent::Retry(ticket));
        assert!(matches!(&effects[0], Effect::SendFile { ticket: another, found: file, .. } if *another != ticket && *file == found()));
        assert_eq!(line(&model).unwrap().0, Some(Delivery::Waiting));
    }

    #[test]
    fn a_message_with_a_file_that_the_server_refuses_is_tried_again_with_it() {
        let mut model = signed_in();
        let ticket = send(&mut model);
        model.transferred(TransferKey::Sent(ticket), TransferState::Stored(HASH));
        model.apply(NOW, Update::Refused { ticket, refusal: Refusal::NotUploaded });
        assert_eq!(line(&model).unwrap().0, Some(Delivery::Failed(Refusal::NotUploaded)));
        assert!(matches!(model.act(NOW, Intent::Retry(ticket))[0], Effect::SendFile { .. }));
    }

    #[test]
    fn a_file_is_given_up_until_its_message_is_on_its_way() {
        let mut model = signed_in();
        let ticket = send(&mut model);
        assert!(model.act(NOW, Intent::Abandon(ticket)).contains(&Effect::GiveUpFile(ticket)));
        assert_eq!(line(&model), None);
        let ticket = send(&mut model);
        model.transferred(TransferKey::Sent(ticket), TransferState::Stored(HASH));
        model.act(NOW, Intent::Abandon(ticket));
        assert!(line(&model).is_some());
    }

    #[test]
    fn what_was_fetched_under_a_number_is_not_another_file_of_that_number() {
        let mut model = signed_in();
        let attachment = Attachment { file: FileId(3), name: FileName::new("a.txt").unwrap(), bytes: 9, hash: HASH };
        model.fetch(&attachment, TransferState::Waiting { done: 0 });
        let saved = TransferState::Saved("/tmp/a.txt".into());
        model.transferred(TransferKey::Fetched(FileId(3)), saved.clone());
        assert_eq!(model.fetching(&attachment), Some(&saved));
        assert_eq!(model.fetching(&Attachment { hash: ContentHash([8; 32]), ..attachment.clone() }), None);
        model.unfetch(FileId(3));
        assert_eq!(model.fetching(&attachment), None);
    }

    #[test]
    fn the_question_about_a_file_ends_with_its_answer() {
        let mut model = signed_in();
        let attachment = Attachment { file: FileId(3), name: FileName::new("a.exe").unwrap(), bytes: 9, hash: HASH };
        let mut message =
            Message::new(ConversationId(1), Seq(1), AccountName::new("anna").unwrap(), Text::new("x").unwrap(), UnixMillis(1));
        message.attachment = Some(Box::new(attachment.clone()));
        model.apply(NOW, Update::Message { place: Place::lobby(), message });
        assert_eq!(model.shown_file(FileId(3)), Some(&attachment));
        model.act(NOW, Intent::AskAboutFile(Some(FileId(3))));
        assert!(model.asks_about(FileId(3)));
        model.fetch(&attachment, TransferState::Waiting { done: 0 });
        assert!(!model.asks_about(FileId(3)));
    }
}
