//! Files: chosen and dropped to be sent with what is being written, saved, stopped, gone on with.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use belfry_core::chat::{AccountName, ConversationId, FileId, FileName, Place, PostId, Text};
use belfry_core::client::Ticket;
use belfry_core::net::InWords;

use super::{App, AppEvent};
use crate::downloads::KnownDownload;
use crate::model::Intent;
use crate::outbox::WaitingPost;
use crate::platform::browser;
use crate::platform::files::downloads_folder;
use crate::scene::{self, FileAction};
use crate::transfer::{FetchOrder, FoundFile, OutgoingFile, SendOrder, TransferEvent, TransferJob, TransferKey, TransferState};
use crate::view::{FileGesture, dialog};

/// Files that are sent at once: whoever wants to send a whole folder packs it first.
const CHOSEN_MAX: usize = 50;

/// The files that are to be sent with what is being written, by the places where that is.
pub(super) type ChosenFiles = BTreeMap<String, Vec<FoundFile>>;

/// What a file's key means.
fn meant(key: &str) -> Option<TransferKey> {
    let (kind, number) = key.split_once(' ')?;
    let number = number.parse().ok()?;
    match kind {
        "file" => Some(TransferKey::Fetched(FileId(number))),
        "own" => Some(TransferKey::Sent(Ticket(number))),
        _ => None,
    }
}

impl App {
    pub(super) fn at_a_file(&mut self, gesture: FileGesture) {
        match gesture {
            FileGesture::Choose => self.choose_files(),
            FileGesture::Drop(path) => self.attach(vec![path]),
            FileGesture::Detach(at) => {
                let place = self.shown_key();
                if let Some(chosen) = self.chosen.get_mut(&place).filter(|chosen| at < chosen.len()) {
                    chosen.remove(at);
                }
                self.draw_chosen();
            }
            FileGesture::Act { key, action } => match meant(&key) {
                Some(TransferKey::Fetched(file)) => self.act_on_fetched(file, action),
                Some(TransferKey::Sent(ticket)) => match action {
                    FileAction::Cancel => self.act(Intent::Abandon(ticket)),
                    FileAction::Pause => self.order(TransferJob::Pause(TransferKey::Sent(ticket))),
                    FileAction::Resume => self.order(TransferJob::Resume(TransferKey::Sent(ticket))),
                    _ => {}
                },
                None => {}
            },
        }
    }

    fn act_on_fetched(&mut self, file: FileId, action: FileAction) {
        match action {
            FileAction::Save | FileAction::SaveAs if self.is_to_be_asked(file) => self.act(Intent::AskAboutFile(Some(file))),
            FileAction::Save => match downloads_folder() {
                Some(folder) => self.fetch(file, folder, None),
                None => self.ask_where_to_fetch(file),
            },
            FileAction::SaveAs | FileAction::SaveAnyway => self.ask_where_to_fetch(file),
            FileAction::DoNotSave => self.act(Intent::AskAboutFile(None)),
            FileAction::Pause | FileAction::Resume => {
                let (key, paused) = (TransferKey::Fetched(file), action == FileAction::Pause);
                self.order(if paused { TransferJob::Pause(key) } else { TransferJob::Resume(key) });
                self.note_downloads(|downloads, server, account| downloads.pause(server, account, file, paused));
            }
            FileAction::Cancel => {
                self.order(TransferJob::Cancel(TransferKey::Fetched(file)));
                self.forget_download(file);
            }
            FileAction::Show => self.show_saved(file),
        }
    }

    /// Whether a file could run, and the person has not been asked yet.
    fn is_to_be_asked(&self, file: FileId) -> bool {
        let name = self.model.shown_file(file).map(|attachment| attachment.name.as_str());
        name.is_some_and(scene::could_run) && !self.model.asks_about(file)
    }

    fn ask_where_to_fetch(&self, file: FileId) {
        let Some(attachment) = self.model.shown_file(file) else { return };
        let name = FileName::nearest(attachment.name.as_str());
        let post = self.post.clone();
        dialog::save_new_file("Save file", name.as_str(), move |path| {
            post.send(AppEvent::FetchInto(file, path));
        });
    }

    /// The person has said where to.
    pub(super) fn fetch_into(&mut self, file: FileId, path: &Path) {
        let name = path.file_name().map(|name| FileName::nearest(&name.to_string_lossy()));
        if let Some(folder) = path.parent() {
            self.fetch(file, folder.to_owned(), name);
        }
    }

    fn fetch(&mut self, file: FileId, folder: PathBuf, name: Option<FileName>) {
        let Some(attachment) = self.model.shown_file(file).cloned() else { return };
        let name = name.unwrap_or_else(|| FileName::nearest(attachment.name.as_str()));
        let order = FetchOrder { attachment, folder, name, paused: false };
        self.note_downloads(|downloads, server, account| downloads.keep(server, account, &order));
        let effects = self.model.fetch(&order.attachment, TransferState::Waiting { done: 0 });
        self.perform(effects);
        self.order(TransferJob::Fetch(order));
    }

    fn show_saved(&mut self, file: FileId) {
        let state = self.model.shown_file(file).and_then(|attachment| self.model.fetching(attachment));
        let Some(TransferState::Saved(path)) = state.cloned() else { return };
        if !path.exists() {
            self.tell(format!("{} is not there any more; it can be saved again.", path.display()));
            self.forget_download(file);
        } else if let Err(error) = browser::show_in_folder(&path) {
            self.tell(format!("The folder cannot be opened: {}.", InWords(&error)));
        }
    }

    fn forget_download(&mut self, file: FileId) {
        self.note_downloads(|downloads, server, account| downloads.forget(server, account, file));
        let effects = self.model.unfetch(file);
        self.perform(effects);
    }

    fn tell(&mut self, remark: String) {
        self.remark = remark;
        self.stale.connection = true;
    }

    /// What the disk does not take is done all the same; only another run does not know of it.
    fn note_downloads(&mut self, note: impl FnOnce(&mut crate::downloads::Downloads, &str, &AccountName) -> std::io::Result<()>) {
        let Ok(account) = AccountName::known(&self.whose.1) else { return };
        let _ = note(&mut self.downloads, &self.whose.0, &account);
    }

    pub(super) fn order(&mut self, job: TransferJob) {
        if !self.transfers.order(job) {
            self.tell("The disk does not keep up with the files that are on their way. Try again.".into());
        }
    }

    /// The thread that moves files has said something.
    pub(super) fn transferred(&mut self, event: TransferEvent) {
        match event {
            TransferEvent::State(key, state) => {
                match (key, &state) {
                    (TransferKey::Fetched(file), TransferState::Saved(path)) => {
                        self.note_downloads(|downloads, server, account| downloads.saved(server, account, file, path));
                    }
                    (TransferKey::Fetched(file), TransferState::Failed(_)) => {
                        self.note_downloads(|downloads, server, account| downloads.forget(server, account, file));
                    }
                    _ => {}
                }
                let effects = self.model.transferred(key, state);
                self.perform(effects);
            }
            TransferEvent::Hashed(ticket, hash) => {
                // Unknown, another run reads what the file holds by then.
                let _ = self.outbox.hashed(ticket.0, hash);
            }
            TransferEvent::Looked { place, found } => self.looked_at(place, found),
        }
    }

    fn looked_at(&mut self, place: String, found: Result<FoundFile, String>) {
        let shown = place == self.shown_key();
        let complaint = match found {
            Ok(file) => {
                let chosen = self.chosen.entry(place).or_default();
                if chosen.iter().any(|other| other.path == file.path) {
                    return;
                }
                if chosen.len() < CHOSEN_MAX {
                    chosen.push(file);
                    String::new()
                } else {
                    format!("At most {CHOSEN_MAX} files are sent at once. Pack them into one first.")
                }
            }
            Err(sentence) => sentence,
        };
        if shown {
            if !complaint.is_empty() {
                self.chat.set_complaint(complaint);
            }
            self.draw_chosen();
        }
    }

    fn choose_files(&self) {
        let (post, place) = (self.post.clone(), self.shown_key());
        dialog::open_files("Attach files", move |paths| {
            post.send(AppEvent::Attach(place.clone(), paths));
        });
    }

    fn attach(&mut self, paths: Vec<PathBuf>) {
        self.attach_at(self.shown_key(), paths);
    }

    /// These are to be sent with what is written there.
    pub(super) fn attach_at(&mut self, place: String, paths: Vec<PathBuf>) {
        if !place.is_empty() {
            self.chat.set_complaint(String::new());
            self.order(TransferJob::Look { place, paths });
        }
    }

    fn shown_key(&self) -> String {
        self.model.shown().map(|shown| shown.place().to_string()).unwrap_or_default()
    }

    pub(super) fn draw_chosen(&self) {
        let chosen = self.chosen.get(&self.shown_key()).map(Vec::as_slice).unwrap_or_default();
        self.chat.set_chosen(scene::chosen_rows(chosen));
    }

    /// Says what was typed, with the files that were chosen for it; whether there were any.
    pub(super) fn say_with_files(&mut self, to: &Place, typed: &str) -> bool {
        let key = to.to_string();
        if self.chosen.get(&key).is_none_or(Vec::is_empty) {
            return false;
        }
        let caption = if typed.trim().is_empty() { None } else { Some(Text::new(typed)) };
        let mut caption = match caption.transpose() {
            Ok(caption) => caption,
            Err(error) => {
                self.chat.set_complaint(error.to_string());
                return true;
            }
        };
        self.chat.set_draft(String::new());
        self.chat.set_complaint(String::new());
        // A reply brings no file: its words go first, and the files follow.
        if let Some(reply_to) = self.take_reply()
            && let Some(text) = caption.take()
        {
            self.act(Intent::Say { to: to.clone(), text, reply_to: Some(reply_to) });
        }
        for file in self.chosen.remove(&key).unwrap_or_default() {
            let text = caption.take().map_or_else(|| Text::new(file.name.as_str()), Ok);
            match text {
                Ok(text) => self.act(Intent::SayWithFile { to: to.clone(), text, file }),
                Err(error) => self.chat.set_complaint(error.to_string()),
            }
        }
        self.draw_chosen();
        self.stale.to_end = true;
        true
    }

    /// A file is on the list of what waits before it is on its way.
    pub(super) fn send_file(
        &mut self,
        ticket: Ticket,
        post: PostId,
        to: Place,
        room: Option<ConversationId>,
        text: Text,
        found: FoundFile,
    ) {
        let order = SendOrder { ticket, to: to.clone(), room, path: found.path.clone(), hash: None };
        let file = Some(OutgoingFile { found, hash: None });
        self.keep(&WaitingPost { post, to, room, text, reply_to: None, at: self.now().wall, file });
        self.order(TransferJob::Send(order));
    }

    pub(super) fn give_up_file(&mut self, ticket: Ticket) {
        self.order(TransferJob::Cancel(TransferKey::Sent(ticket)));
        self.forget_own(ticket);
    }

    /// What an earlier run, or an earlier connection, has not sent is sent.
    pub(super) fn send_waiting(&mut self, waiting: &WaitingPost) {
        let Some(file) = &waiting.file else { return };
        self.order(TransferJob::Send(SendOrder {
            ticket: Ticket(waiting.post.counter),
            to: waiting.to.clone(),
            room: waiting.room,
            path: file.found.path.clone(),
            hash: file.hash,
        }));
    }

    /// What is fetched and was fetched by whoever is signed in now.
    pub(super) fn recall_downloads(&mut self) {
        self.chosen.clear();
        self.order(TransferJob::Forget);
        let Ok(account) = AccountName::known(&self.whose.1) else { return };
        for known in self.downloads.known(&self.whose.0, &account) {
            match known {
                KnownDownload::Order(order) => {
                    self.model.fetch(&order.attachment, TransferState::Waiting { done: 0 });
                    self.order(TransferJob::Fetch(order));
                }
                KnownDownload::Saved(attachment, path) => drop(self.model.fetch(&attachment, TransferState::Saved(path))),
            }
        }
    }
}
