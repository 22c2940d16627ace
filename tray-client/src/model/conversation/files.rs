//! Own messages that bring a file, until they are stored.

use belfry_core::chat::Text;
use belfry_core::client::Ticket;
use belfry_core::time::UnixMillis;

use super::{Conversation, Own, OwnFile, OwnState};
use crate::transfer::OutgoingFile;

impl Conversation {
    pub(in crate::model) fn say_with_file(&mut self, ticket: Ticket, text: Text, file: OutgoingFile, at: UnixMillis) {
        let file = Some(Box::new(OwnFile { file, why: String::new() }));
        self.own.push(Own { ticket, text, reply_to: None, file, at, state: OwnState::Waiting { seen: None } });
    }

    /// What is said with a file, and the file.
    pub(in crate::model) fn own_file(&self, ticket: Ticket) -> Option<(&Text, &OutgoingFile)> {
        let own = self.own.iter().find(|own| own.ticket == ticket)?;
        Some((&own.text, &own.file.as_deref()?.file))
    }

    /// The file of a message cannot be sent.
    pub(in crate::model) fn spoil(&mut self, ticket: Ticket, why: &str) {
        if let Some(own) = self.own.iter_mut().find(|own| own.ticket == ticket)
            && let Some(file) = &mut own.file
        {
            why.clone_into(&mut file.why);
            own.state = OwnState::FileFailed;
        }
    }

    /// A message whose file is on its way is not to be said. Whether there was one.
    pub(in crate::model) fn abandon(&mut self, ticket: Ticket) -> bool {
        let before = self.own.len();
        self.own.retain(|own| own.ticket != ticket || own.file.is_none());
        self.own.len() < before
    }
}
