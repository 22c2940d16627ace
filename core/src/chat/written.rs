//! What a request brings that somebody has just written, held against the rules for what is written today.
//!
//! A client builds its requests through the same rules; this is for the server, to whom other programs speak, too.

use super::{Label, NoticeChange, ProfileChange, Refusal, Request, Text, Title};

impl Request {
    /// Whether the names that the request gives, and the texts that it brings, are such as may be written today. Names of what is there
    /// already are not judged: an older program may have given them.
    ///
    /// # Errors
    /// [`Refusal::NameNotGiven`], [`Refusal::TextNotTaken`], [`Refusal::NotAnEmoji`] and [`Refusal::NothingToFind`].
    pub fn check_written(&self) -> Result<(), Refusal> {
        let name = |is_good: bool| if is_good { Ok(()) } else { Err(Refusal::NameNotGiven) };
        match self {
            Self::Register { account, .. } | Self::AddUser { account, .. } => name(account.is_as_written()),
            Self::CreateRoom { room, .. } => name(room.is_as_written()),
            Self::RenameRoom { name: room, .. } => name(room.is_as_written()),
            Self::SaveTemplate(template) => {
                name(template.name.is_as_written())?;
                check_texts(template.title.as_ref(), Some(&template.body), &template.answers)
            }
            Self::Post { text, .. } | Self::Edit { text, .. } => check_texts(None, Some(text), &[]),
            Self::PostFile { text, name: file, .. } => {
                name(file.is_as_written())?;
                check_texts(None, Some(text), &[])
            }
            Self::React { emoji, .. } => {
                if emoji.is_as_written() {
                    Ok(())
                } else {
                    Err(Refusal::NotAnEmoji)
                }
            }
            Self::SetProfile { changes, .. } if changes.iter().all(ProfileChange::is_as_written) => Ok(()),
            Self::SetProfile { .. } => Err(Refusal::NameNotGiven),
            Self::SendNotice(draft) => check_texts(draft.title.as_ref(), Some(&draft.body), &draft.answers),
            Self::ChangeNotice { change, .. } => match change {
                NoticeChange::Update { title, body, .. } => check_texts(title.as_ref(), body.as_ref(), &[]),
                NoticeChange::AllClear { body } => check_texts(None, body.as_ref(), &[]),
                NoticeChange::Withdraw | NoticeChange::Remind => Ok(()),
            },
            Self::Search { text, .. } | Self::ListNotices { text: Some(text), .. } => {
                if text.is_as_written() {
                    Ok(())
                } else {
                    Err(Refusal::NothingToFind)
                }
            }
            // A group is made by naming it: the store judges the name of one that is not there.
            Self::AddToGroup { .. }
            | Self::SignIn { .. }
            | Self::Sync
            | Self::FetchAfter { .. }
            | Self::FetchBefore { .. }
            | Self::Who { .. }
            | Self::Receipt { .. }
            | Self::Reached { .. }
            | Self::ListNotices { text: None, .. }
            | Self::NoticeStatus { .. }
            | Self::ListUsers { .. }
            | Self::SetPassword { .. }
            | Self::SetRole { .. }
            | Self::SetDisabled { .. }
            | Self::Status
            | Self::SignInByDevice { .. }
            | Self::FetchNotice { .. }
            | Self::PreviewNotice { .. }
            | Self::ListSchedules { .. }
            | Self::Unschedule { .. }
            | Self::RemoveTemplate { .. }
            | Self::ListTemplates { .. }
            | Self::RemoveFromGroup { .. }
            | Self::ListGroups { .. }
            | Self::GroupMembers { .. }
            | Self::ListDevices { .. }
            | Self::RevokeDevice { .. }
            | Self::ReadAudit { .. }
            | Self::Exportable { .. }
            | Self::ExportPage { .. }
            | Self::ListRooms { .. }
            | Self::JoinRoom { .. }
            | Self::LeaveRoom { .. }
            | Self::RoomMembers { .. }
            | Self::Invite { .. }
            | Self::Delete { .. }
            | Self::FetchAltered { .. }
            | Self::MarkRead { .. }
            | Self::Arrange { .. }
            | Self::Typing { .. }
            | Self::Away { .. }
            | Self::Originals { .. }
            | Self::FetchReactors { .. }
            | Self::RemoveFromRoom { .. }
            | Self::DeleteRoom { .. }
            | Self::KeepRoom { .. }
            | Self::FetchShared { .. }
            | Self::OfferFile { .. }
            | Self::SendBlock { .. }
            | Self::FetchFile { .. }
            | Self::FetchBlock { .. }
            | Self::ListFiles { .. }
            | Self::Watch { .. } => Ok(()),
        }
    }
}

fn check_texts(title: Option<&Title>, body: Option<&Text>, answers: &[Label]) -> Result<(), Refusal> {
    let is_good =
        title.is_none_or(Title::is_as_written) && body.is_none_or(Text::is_as_written) && answers.iter().all(Label::is_as_written);
    if is_good { Ok(()) } else { Err(Refusal::TextNotTaken) }
}

#[cfg(test)]
mod tests {
    use alloc::string::String;

    use super::super::{AccountName, Password, Place, PostId, RoomName, SearchText, Seq};
    use super::*;

    fn told(text: &str) -> Text {
        Text::try_from(String::from(text)).unwrap()
    }

    #[test]
    fn what_another_program_writes_is_held_against_the_same_rules() {
        let post = |text: &str| Request::Post {
            post: PostId { outbox: 1, counter: 1 },
            to: Place::lobby(),
            room: None,
            text: told(text),
            reply_to: None,
        };
        let edit = |text: &str| Request::Edit { place: Place::lobby(), room: None, seq: Seq(1), text: told(text) };
        for text in ["\u{3164}", "\u{2800}", "a\u{2028}b", "z\u{30d}\u{30d}\u{30d}\u{30d}\u{30d}\u{30d}\u{30d}"] {
            assert_eq!(post(text).check_written(), Err(Refusal::TextNotTaken), "{text:?}");
            assert_eq!(edit(text).check_written(), Err(Refusal::TextNotTaken), "{text:?}");
        }
        assert_eq!(post("hello\nthere").check_written(), Ok(()));
    }

    #[test]
    fn a_name_is_judged_where_it_is_given_and_not_where_it_is_meant() {
        let (twin, password) = (AccountName::known("bob\u{2800}").unwrap(), Password::new("x").unwrap());
        let register = Request::Register { account: twin.clone(), password: password.clone(), remember: false };
        assert_eq!(register.check_written(), Err(Refusal::NameNotGiven));
        let sign_in = Request::SignIn { account: twin.clone(), password, remember: false };
        assert_eq!(sign_in.check_written(), Ok(()));
        let room = |name: &str| RoomName::known(name).unwrap();
        let make = Request::CreateRoom { room: room("lobby\u{fe0f}"), private: false };
        assert_eq!(make.check_written(), Err(Refusal::NameNotGiven));
        let rename = Request::RenameRoom { room: room("lobby\u{fe0f}"), name: room("attic") };
        assert_eq!(rename.check_written(), Ok(()), "one that has such a name may be given a better one");
    }

    #[test]
    fn a_search_for_what_every_message_has_is_refused_whoever_asks() {
        let search = |text: &str| {
            let text = SearchText::try_from(String::from(text)).unwrap();
            Request::Search { text, place: None, before: None, limit: 1 }.check_written()
        };
        assert_eq!(search("ladder"), Ok(()));
        for text in ["\u{301}", "\u{200d}", " "] {
            assert_eq!(search(text), Err(Refusal::NothingToFind), "{text:?}");
        }
    }
}
