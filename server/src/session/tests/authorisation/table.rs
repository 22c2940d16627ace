//! What everybody is answered.

use belfry_core::chat::{
    ArrangementFlag, LedgerView, Audience, Block, ContentHash, FileName, GroupName, Keep, NoticeChange, NoticeDraft, NoticeId, PostId, Receipt, Refusal, Request, Role, RoomName, SearchText, Seq, TemplateName, ProfileChange,
    Text, Timeline, Presentity,
};

use super::super::notices::draft;
use super::super::world::{name, password};
use super::cast::{Asker, House, Spot, template};
use Verdict::{No, Yes};

macro_rules! kinds {
    ($($kind:ident)*) => {
        /// The requests there are.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(super) enum Kind {
            $($kind,)*
        }

        impl Kind {
            pub(super) const ALL: &[Self] = &[$(Self::$kind,)*];

            /// Which of them a request is. One that is not among them does not compile.
            pub(super) const fn of(request: &Request) -> Self {
                match request {
                    $(Request::$kind { .. } => Self::$kind,)*
                }
            }
        }
    };
}

kinds! {
    SignIn Register SignInByDevice
    Sync FetchShared Status Away Watch Who
    Post FetchAfter FetchBefore FetchAltered Edit Delete React FetchReactors MarkRead Arrange Typing Search Originals Exportable ExportPage
    CreateRoom ListRooms JoinRoom LeaveRoom RoomMembers Invite RemoveFromRoom RenameRoom DeleteRoom KeepRoom
    SendNotice PreviewNotice ListNotices NoticeStatus FetchNotice ChangeNotice Receipt Reached
    ListSchedules Unschedule SaveTemplate RemoveTemplate ListTemplates
    AddToGroup RemoveFromGroup ListGroups GroupMembers
    AddUser ListUsers SetPassword SetProfile SetRole SetDisabled ListDevices RevokeDevice ReadAudit
    OfferFile SendBlock PostFile FetchFile FetchBlock ListFiles
}

/// What becomes of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Yes,
    No(Refusal),
}

/// In the order of [`Asker::ALL`], from [`Asker::Elsewhere`] on: whoever has not signed in is told to, and who was shut out hears nothing.
pub(super) type Row = [Verdict; 8];

/// The rows of one request.
pub(super) enum Rows {
    /// It is for those who have not signed in.
    SignInStep(Verdict),
    /// It is about no place.
    Anywhere(Row),
    /// Lobby, open, private, closed.
    Rooms([Row; 4]),
    /// The same, one's own direct conversation, somebody else's.
    Places([Row; 6]),
    /// One's own account, somebody else's.
    Accounts([Row; 2]),
}

const OUTSIDE: Verdict = No(Refusal::NotInRoom);
const UNASKED: Verdict = No(Refusal::InvitationNeeded);
const ADMINS: Verdict = No(Refusal::AdminOnly);

const fn none(refusal: Refusal) -> Row {
    [No(refusal); 8]
}

/// Administrators only, and what they are answered.
const fn admins(admin: Verdict) -> Row {
    [ADMINS, ADMINS, ADMINS, ADMINS, ADMINS, ADMINS, ADMINS, admin]
}

//                          elsewhere  invited  i.elsewhere  put out  member  sender  owner  admin
const EVERYBODY: Row     = [Yes,       Yes,     Yes,         Yes,     Yes,    Yes,    Yes,   Yes];
const MEMBERS: Row       = [OUTSIDE,   OUTSIDE, OUTSIDE,     OUTSIDE, Yes,    Yes,    Yes,   OUTSIDE];
const INSIDERS: Row      = [UNASKED,   OUTSIDE, UNASKED,     UNASKED, Yes,    Yes,    Yes,   UNASKED];
const INVITERS: Row      = [OUTSIDE,   OUTSIDE, OUTSIDE,     OUTSIDE, Yes,    Yes,    Yes,   Yes];
const BOARD_INVITERS: Row = [UNASKED,  OUTSIDE, UNASKED,     UNASKED, Yes,    Yes,    Yes,   Yes];
const INVITED: Row       = [UNASKED,   Yes,     UNASKED,     UNASKED, Yes,    Yes,    Yes,   UNASKED];
const NOT_MINE: Verdict  = No(Refusal::NotYourMessage);
// Who was put out is still in the lobby, and asks about a message of their own.
const LOBBY_AUTHORS: Row = [NOT_MINE,  NOT_MINE, NOT_MINE,   Yes,     NOT_MINE, Yes,  NOT_MINE, NOT_MINE];
const AUTHORS: Row       = [OUTSIDE,   OUTSIDE, OUTSIDE,     OUTSIDE, NOT_MINE, Yes,  NOT_MINE, OUTSIDE];
const BOARD_AUTHORS: Row = [UNASKED,   OUTSIDE, UNASKED,     UNASKED, NOT_MINE, Yes,  NOT_MINE, UNASKED];
const NO_ROOM: Verdict   = No(Refusal::UnknownRoom);
const EXPORTERS: Row     = [NO_ROOM,   NO_ROOM, NO_ROOM,     NO_ROOM, Yes,    Yes,    Yes,   Yes];
const NOT_KEPT: Verdict  = No(Refusal::NotYourRoom);
const KEEPERS: Row       = [NOT_KEPT,  NOT_KEPT, NOT_KEPT,   NOT_KEPT, NOT_KEPT, NOT_KEPT, Yes, Yes];
const NO_NOTICE: Verdict = No(Refusal::UnknownNotice);
// The one notice there is was sent to the member.
const ADDRESSEE: Row     = [NO_NOTICE, NO_NOTICE, NO_NOTICE, NO_NOTICE, Yes,  NO_NOTICE, NO_NOTICE, NO_NOTICE];
const NO_FILE: Verdict   = No(Refusal::UnknownFile);
const FILE_READERS: Row  = [NO_FILE,   NO_FILE, NO_FILE,     NO_FILE, Yes,    Yes,    Yes,   NO_FILE];
// The house has no folder of contents: who may read is told so.
const EMPTY: Verdict     = No(Refusal::FileGone);
const BLOCK_READERS: Row = [NO_FILE,   NO_FILE, NO_FILE,     NO_FILE, EMPTY,  EMPTY,  EMPTY, NO_FILE];
const GONE: Row          = none(Refusal::UnknownRoom);
const NO_SUCH: Row       = none(Refusal::UnknownConversation);
const NOTHING_SAID: Row  = none(Refusal::UnknownMessage);

/// The table.
pub(super) const fn rows(kind: Kind) -> Rows {
    use Rows::{Accounts, Anywhere, SignInStep, Places, Rooms};
    match kind {
        Kind::SignIn => SignInStep(No(Refusal::WrongCredentials)),
        Kind::Register => SignInStep(Yes),
        Kind::SignInByDevice => SignInStep(No(Refusal::UnknownDevice)),
        Kind::Sync | Kind::FetchShared | Kind::Away | Kind::Reached | Kind::Who | Kind::CreateRoom | Kind::ListRooms => Anywhere(EVERYBODY),
        //                            lobby      open       private    closed   own        others'
        // What names a conversation by its number.
        Kind::FetchAfter
        | Kind::FetchAltered
        | Kind::ExportPage => Places([EVERYBODY, MEMBERS,   INSIDERS,  NO_SUCH, EVERYBODY, NO_SUCH]),
        // What names a place: to name one of the two others is to mean one's own conversation with them, which has not begun.
        Kind::Post
        | Kind::OfferFile
        | Kind::PostFile
        | Kind::ListFiles
        | Kind::FetchBefore => Places([EVERYBODY, MEMBERS,  INSIDERS,  GONE,    EVERYBODY, EVERYBODY]),
        // What names a file by its number.
        Kind::FetchFile => Places([    EVERYBODY, FILE_READERS, FILE_READERS, none(Refusal::UnknownFile), EVERYBODY, none(Refusal::UnknownFile)]),
        Kind::FetchBlock => Places([none(Refusal::FileGone), BLOCK_READERS, BLOCK_READERS, none(Refusal::UnknownFile), none(Refusal::FileGone),
                                    none(Refusal::UnknownFile)]),
        Kind::SendBlock => Anywhere(none(Refusal::BadRequest)),
        Kind::Typing => Places([       EVERYBODY, MEMBERS,  MEMBERS,   GONE,    EVERYBODY, EVERYBODY]),
        Kind::MarkRead
        | Kind::Arrange
        | Kind::React
        | Kind::FetchReactors => Places([EVERYBODY, MEMBERS, INSIDERS,  GONE,    EVERYBODY, NOTHING_SAID]),
        Kind::Edit
        | Kind::Delete => Places([     LOBBY_AUTHORS, AUTHORS, BOARD_AUTHORS, GONE, EVERYBODY, NOTHING_SAID]),
        // What cannot be named is looked for everywhere, and not found.
        Kind::Search => Places([       EVERYBODY, MEMBERS,  INSIDERS,  EVERYBODY, EVERYBODY, EVERYBODY]),
        // Without a room it is a list of what one may export.
        Kind::Exportable => Places([   EVERYBODY, EXPORTERS, EXPORTERS, GONE,   EVERYBODY, EVERYBODY]),
        Kind::Originals => Places([admins(Yes), admins(Yes), admins(Yes), admins(NO_ROOM), admins(Yes), admins(Yes)]),
        //                            lobby      open       private    closed
        Kind::JoinRoom => Rooms([      EVERYBODY, EVERYBODY, INVITED,   GONE]),
        // Who is to be told whenever somebody comes is in the room; a list of who is in it may be read from outside.
        Kind::Watch => Rooms([         EVERYBODY, MEMBERS,   MEMBERS,   GONE]),
        Kind::LeaveRoom => Rooms([none(Refusal::LobbyIsEverybodys), MEMBERS, MEMBERS, GONE]),
        Kind::RoomMembers => Rooms([   EVERYBODY, EVERYBODY, INSIDERS,  GONE]),
        Kind::Invite => Rooms([none(Refusal::LobbyIsEverybodys), INVITERS, BOARD_INVITERS, GONE]),
        Kind::RemoveFromRoom
        | Kind::RenameRoom
        | Kind::DeleteRoom => Rooms([none(Refusal::LobbyStays), KEEPERS, KEEPERS, GONE]),
        Kind::KeepRoom
        | Kind::SendNotice
        | Kind::PreviewNotice => Rooms([admins(Yes), admins(Yes), admins(Yes), admins(NO_ROOM)]),
        Kind::FetchNotice | Kind::Receipt => Anywhere(ADDRESSEE),
        Kind::Status
        | Kind::ListNotices
        | Kind::NoticeStatus
        | Kind::ChangeNotice
        | Kind::ListSchedules
        | Kind::Unschedule
        | Kind::SaveTemplate
        | Kind::RemoveTemplate
        | Kind::ListTemplates
        | Kind::AddToGroup
        | Kind::RemoveFromGroup
        | Kind::ListGroups
        | Kind::GroupMembers
        | Kind::AddUser
        | Kind::ListUsers
        | Kind::ReadAudit => Anywhere(admins(Yes)),
        //                                 own                                   somebody else's
        Kind::SetPassword
        | Kind::SetProfile
        | Kind::ListDevices
        | Kind::RevokeDevice => Accounts([EVERYBODY,                             admins(Yes)]),
        Kind::SetRole
        | Kind::SetDisabled => Accounts([admins(No(Refusal::LastAdmin)),         admins(Yes)]),
    }
}

/// Whether it only tells what there is, so that the same house can be asked again.
pub(super) const fn only_reads(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::Sync
            | Kind::FetchShared
            | Kind::Who
            | Kind::Status
            | Kind::FetchAfter
            | Kind::FetchAltered
            | Kind::FetchBefore
            | Kind::FetchReactors
            | Kind::ExportPage
            | Kind::Search
            | Kind::ListRooms
            | Kind::RoomMembers
            | Kind::PreviewNotice
            | Kind::FetchNotice
            | Kind::ListNotices
            | Kind::NoticeStatus
            | Kind::ListSchedules
            | Kind::ListTemplates
            | Kind::ListGroups
            | Kind::GroupMembers
            | Kind::ListUsers
            | Kind::ListDevices
            | Kind::ReadAudit
            | Kind::FetchFile
            | Kind::FetchBlock
            | Kind::ListFiles
    )
}

/// Whether its answer says what was said in the place that it is about.
pub(super) const fn tells_what_was_said(kind: Kind) -> bool {
    matches!(kind, Kind::FetchAfter | Kind::FetchBefore | Kind::FetchAltered | Kind::ExportPage | Kind::Search | Kind::Originals)
        || matches!(kind, Kind::FetchFile)
}

/// What `asker` asks about `spot`; `None` where no such thing can be said.
pub(super) fn request(kind: Kind, house: &mut House, asker: Asker, spot: Spot) -> Option<Request> {
    let conversation = house.conversation(asker, spot);
    let (place, seq) = (House::place(spot), House::seq(asker, spot));
    let text = Text::new("a word").unwrap();
    let is_room = !matches!(spot, Spot::Own | Spot::Others);
    let about_room = is_room.then(|| House::room(spot));
    let anywhere = (spot == Spot::Lobby).then_some(());
    let about_account = (!is_room).then(|| House::account(asker, spot));
    let group = || GroupName::new("wardens").unwrap();
    Some(match kind {
        Kind::SignIn => Request::SignIn { account: about_account?, password: password("guess"), remember: false },
        Kind::Register => Request::Register { account: anywhere.map(|()| name("somebody new"))?, password: password("x"), remember: false },
        Kind::SignInByDevice => Request::SignInByDevice { account: about_account? },
        Kind::Sync => anywhere.map(|()| Request::Sync)?,
        Kind::FetchShared => anywhere.map(|()| Request::FetchShared { timeline: Timeline::FIRST, after: None })?,
        Kind::Status => anywhere.map(|()| Request::Status)?,
        Kind::Away => anywhere.map(|()| Request::Away { away: true })?,
        Kind::Watch => Request::Watch { whom: vec![Presentity::Room(about_room?)], since: 0 },
        Kind::Who => anywhere.map(|()| Request::Who { after: None })?,
        Kind::Post => Request::Post { post: PostId { outbox: 77, counter: 1 }, to: place, room: None, text, reply_to: None },
        Kind::FetchAfter => Request::FetchAfter { conversation, after: Seq(0), limit: 9 },
        Kind::FetchBefore => Request::FetchBefore { place, before: None, limit: 9 },
        Kind::FetchAltered => Request::FetchAltered { conversation, after: 0 },
        Kind::Edit => Request::Edit { place, room: None, seq, text },
        Kind::Delete => Request::Delete { place, room: None, seq },
        Kind::React => Request::React { place, room: None, seq, emoji: "👍".parse().unwrap(), set: true },
        Kind::FetchReactors => Request::FetchReactors { place, seq, after: 0 },
        Kind::MarkRead => Request::MarkRead { place, room: None, upto: Seq(2) },
        Kind::Arrange => Request::Arrange { place, room: None, flag: ArrangementFlag::Pinned, on: true },
        Kind::Typing => Request::Typing { place },
        Kind::Search => {
            let text = SearchText::new(spot.secret()).unwrap();
            // What cannot be named is looked for everywhere.
            Request::Search { text, place: (!matches!(spot, Spot::Closed | Spot::Others)).then_some(place), before: None, limit: 9 }
        }
        Kind::Originals => Request::Originals { of: House::parties(asker, spot), seq: Seq(2), after: 0 },
        Kind::Exportable => Request::Exportable { room: about_room, after: None },
        Kind::ExportPage => Request::ExportPage { conversation, after: Seq(0) },
        Kind::CreateRoom => anywhere.map(|()| Request::CreateRoom { room: RoomName::new("new").unwrap(), private: true })?,
        Kind::ListRooms => anywhere.map(|()| Request::ListRooms { after: None })?,
        Kind::JoinRoom => Request::JoinRoom { room: about_room? },
        Kind::LeaveRoom => Request::LeaveRoom { room: about_room?, confirmed: false },
        Kind::RoomMembers => Request::RoomMembers { room: about_room?, after: None },
        Kind::Invite => Request::Invite { room: about_room?, account: name("friend") },
        Kind::RemoveFromRoom => Request::RemoveFromRoom { room: about_room?, account: name("invited"), confirmed: false },
        Kind::RenameRoom => Request::RenameRoom { room: about_room?, name: RoomName::new("new").unwrap() },
        Kind::DeleteRoom => Request::DeleteRoom { room: about_room?, confirmed: true },
        Kind::KeepRoom => Request::KeepRoom { room: about_room?, number: None, change: Keep::default().into(), confirmed: true },
        Kind::SendNotice => Request::SendNotice(NoticeDraft {
            post: PostId { outbox: 77, counter: 2 },
            ..draft(vec![Audience::Room(about_room?)])
        }),
        Kind::PreviewNotice => Request::PreviewNotice { audience: vec![Audience::Room(about_room?)] },
        Kind::ListNotices => anywhere.map(|()| Request::ListNotices { before: None, text: None })?,
        Kind::NoticeStatus => anywhere.map(|()| Request::NoticeStatus { notice: house.notice, view: LedgerView::default(), after: None })?,
        Kind::FetchNotice => anywhere.map(|()| Request::FetchNotice { notice: house.notice })?,
        Kind::ChangeNotice => anywhere.map(|()| Request::ChangeNotice { notice: house.notice, change: NoticeChange::Withdraw })?,
        Kind::Receipt => {
            anywhere.map(|()| Request::Receipt { notice: house.notice, revision: 1, receipt: Receipt::Answered(0) })?
        }
        Kind::Reached => anywhere.map(|()| Request::Reached { notices: vec![(house.notice, 1), (NoticeId(999), 1)] })?,
        Kind::ListSchedules => anywhere.map(|()| Request::ListSchedules { after: None })?,
        Kind::Unschedule => anywhere.map(|()| Request::Unschedule { schedule: house.schedule })?,
        Kind::SaveTemplate => anywhere.map(|()| Request::SaveTemplate(template()))?,
        Kind::RemoveTemplate => anywhere.map(|()| Request::RemoveTemplate { name: TemplateName::new("drill").unwrap() })?,
        Kind::ListTemplates => anywhere.map(|()| Request::ListTemplates { after: None })?,
        Kind::AddToGroup => anywhere.map(|()| Request::AddToGroup { group: group(), members: vec![name("one")] })?,
        Kind::RemoveFromGroup => anywhere.map(|()| Request::RemoveFromGroup { group: group(), members: vec![], confirmed: true })?,
        Kind::ListGroups => anywhere.map(|()| Request::ListGroups { after: None })?,
        Kind::GroupMembers => anywhere.map(|()| Request::GroupMembers { group: group(), after: None })?,
        Kind::AddUser => {
            anywhere.map(|()| Request::AddUser { account: name("somebody new"), password: password("x"), role: Role::Admin })?
        }
        Kind::ListUsers => anywhere.map(|()| Request::ListUsers { after: None })?,
        Kind::SetPassword => Request::SetPassword { account: about_account?, password: password("new"), keep_sessions: false },
        Kind::SetProfile => Request::SetProfile { account: about_account?, changes: vec![ProfileChange::Status(None)] },
        Kind::SetRole => Request::SetRole { account: about_account?, role: Role::Member, confirmed: true },
        Kind::SetDisabled => Request::SetDisabled { account: about_account?, disabled: true, confirmed: true },
        Kind::ListDevices => Request::ListDevices { account: about_account?, after: None },
        Kind::RevokeDevice => Request::RevokeDevice { account: about_account?, device: house.device(asker, spot) },
        Kind::ReadAudit => anywhere.map(|()| Request::ReadAudit { before: None })?,
        Kind::OfferFile => Request::OfferFile { to: place, room: None, bytes: 7, hash: ContentHash([77; 32]) },
        Kind::SendBlock => anywhere.map(|()| {
            let block = Block::new(vec![7]).unwrap();
            Request::SendBlock { hash: House::hash(Spot::Lobby), offset: 0, block }
        })?,
        // What came to the lobby everybody has.
        Kind::PostFile => {
            let (name, hash) = (FileName::new("plan.pdf").unwrap(), House::hash(Spot::Lobby));
            Request::PostFile { post: PostId { outbox: 77, counter: 3 }, to: place, room: None, text, name, hash }
        }
        Kind::FetchFile => Request::FetchFile { file: house.file(asker, spot) },
        Kind::FetchBlock => Request::FetchBlock { file: house.file(asker, spot), offset: 0 },
        Kind::ListFiles => Request::ListFiles { place, before: None },
    })
}
