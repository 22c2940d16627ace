//! The table of requests: everything that holds for all requests of one kind, a line for each.

use super::{Refusal, Request, Role};
use crate::wire::Channel;

/// What holds for every request of a kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rule {
    /// The channel that it travels on: short acts on control, what people write and lists of names on chat, pages on history.
    pub channel: Channel,
    /// Asking twice does no more than asking once, so that a client may ask again after a lost connection.
    pub is_repeatable: bool,
    /// Who may ask. Where it depends on whom or what it is about (one's own account, a room that one owns), this is who may at all.
    pub may_ask: MayAsk,
    /// Which allowance it draws from.
    pub rate: RateClass,
    /// What it does.
    pub kind: RequestKind,
}

/// Who may ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MayAsk {
    /// Whoever has not signed in yet.
    Stranger,
    /// Everybody who has signed in.
    Member,
    /// Administrators.
    Admin,
}

impl MayAsk {
    /// Whether somebody with this role (`None` before signing in) may ask.
    ///
    /// # Errors
    /// The reason why not: [`Refusal::AlreadySignedIn`], [`Refusal::SignInFirst`], [`Refusal::AdminOnly`].
    pub const fn check(self, role: Option<Role>) -> Result<(), Refusal> {
        match (self, role) {
            (Self::Stranger, None) | (Self::Member, Some(_)) | (Self::Admin, Some(Role::Admin)) => Ok(()),
            (Self::Stranger, Some(_)) => Err(Refusal::AlreadySignedIn),
            (Self::Member | Self::Admin, None) => Err(Refusal::SignInFirst),
            (Self::Admin, Some(Role::Member)) => Err(Refusal::AdminOnly),
        }
    }
}

/// Which of a session's allowances a request draws from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RateClass {
    /// What people and their screens say.
    Post,
    /// Pages.
    Read,
    /// Looking for a text.
    Search,
    /// Blocks of files.
    Block,
    /// That somebody is writing.
    Typing,
    /// Everything else.
    Act,
}

/// What a request does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RequestKind {
    /// It changes something.
    Changes,
    /// It reads something short.
    Reads,
    /// It reads what may fill a page, or is followed by such: a slow reader is given one after the other.
    ReadsPages,
}

macro_rules! table {
    ($($request:ident $channel:ident $repeats:ident $may_ask:ident $rate:ident $kind:ident;)*) => {
        impl Request {
            /// The line of the table for this request.
            pub const fn rule(&self) -> Rule {
                match self {
                    $(Self::$request { .. } => Rule {
                        channel: Channel::$channel,
                        is_repeatable: table!($repeats),
                        may_ask: MayAsk::$may_ask,
                        rate: RateClass::$rate,
                        kind: RequestKind::$kind,
                    },)*
                }
            }
        }
    };
    (again) => { true };
    (once) => { false };
}

// once: twice taken back is refused the second time, and twice reminded is once too often; a block belongs to its connection.
table! {
    // Signing in.
    SignIn           Control  again  Stranger  Act     Changes;
    SignInByDevice   Control  again  Stranger  Act     Changes;
    Register         Control  once   Stranger  Act     Changes;
    // Being here.
    Sync             Control  again  Member    Act     ReadsPages;
    Away             Control  again  Member    Act     Changes;
    Watch            Chat     again  Member    Act     Reads;
    FetchShared      History  again  Member    Read    ReadsPages;
    Who              History  again  Member    Read    ReadsPages;
    Status           Control  again  Admin     Act     Reads;
    // What is said.
    Post             Chat     again  Member    Post    Changes;
    Edit             Chat     again  Member    Post    Changes;
    Delete           Chat     again  Member    Post    Changes;
    React            Chat     again  Member    Post    Changes;
    FetchReactors    History  again  Member    Read    ReadsPages;
    MarkRead         Chat     again  Member    Post    Changes;
    Arrange          Chat     again  Member    Act     Changes;
    Typing           Chat     again  Member    Typing  Changes;
    FetchAfter       History  again  Member    Read    ReadsPages;
    FetchBefore      History  again  Member    Read    ReadsPages;
    FetchAltered     History  again  Member    Read    ReadsPages;
    Search           History  again  Member    Search  ReadsPages;
    Originals        History  again  Admin     Read    ReadsPages;
    Exportable       History  again  Member    Read    ReadsPages;
    ExportPage       History  again  Member    Read    ReadsPages;
    // Rooms.
    CreateRoom       Control  once   Member    Act     Changes;
    JoinRoom         Control  again  Member    Act     Changes;
    LeaveRoom        Control  once   Member    Act     Changes;
    Invite           Control  again  Member    Act     Changes;
    RemoveFromRoom   Control  once   Member    Act     Changes;
    RenameRoom       Control  once   Member    Act     Changes;
    DeleteRoom       Control  once   Member    Act     Changes;
    KeepRoom         Control  again  Admin     Act     Changes;
    ListRooms        History  again  Member    Read    ReadsPages;
    RoomMembers      History  again  Member    Read    ReadsPages;
    // Notices.
    SendNotice       Chat     again  Admin     Act     Changes;
    ChangeNotice     Chat     once   Admin     Act     Changes;
    Receipt          Chat     again  Member    Post    Changes;
    Reached          Chat     again  Member    Post    Changes;
    PreviewNotice    Chat     again  Admin     Read    Reads;
    FetchNotice      Control  again  Member    Read    ReadsPages;
    ListNotices      History  again  Admin     Read    ReadsPages;
    NoticeStatus     History  again  Admin     Read    ReadsPages;
    // What is planned.
    Unschedule       Control  once   Admin     Act     Changes;
    SaveTemplate     Chat     again  Admin     Act     Changes;
    RemoveTemplate   Control  once   Admin     Act     Changes;
    ListSchedules    History  again  Admin     Read    ReadsPages;
    ListTemplates    History  again  Admin     Read    ReadsPages;
    // Accounts.
    AddUser          Control  once   Admin     Act     Changes;
    SetPassword      Control  again  Member    Act     Changes;
    SetProfile       Chat     again  Member    Act     Changes;
    SetRole          Control  again  Admin     Act     Changes;
    SetDisabled      Control  again  Admin     Act     Changes;
    RevokeDevice     Control  again  Member    Act     Changes;
    AddToGroup       Chat     again  Admin     Act     Changes;
    RemoveFromGroup  Chat     once   Admin     Act     Changes;
    ListUsers        History  again  Admin     Read    ReadsPages;
    ListDevices      History  again  Member    Read    ReadsPages;
    ListGroups       History  again  Admin     Read    ReadsPages;
    GroupMembers     History  again  Admin     Read    ReadsPages;
    ReadAudit        History  again  Admin     Read    ReadsPages;
    // Files.
    OfferFile        Control  again  Member    Act     Changes;
    SendBlock        File     once   Member    Block   Changes;
    PostFile         Chat     again  Member    Post    Changes;
    FetchFile        Control  again  Member    Act     Reads;
    FetchBlock       Control  again  Member    Block   ReadsPages;
    ListFiles        History  again  Member    Read    ReadsPages;
}

impl Request {
    /// The channel that it travels on.
    pub const fn channel(&self) -> Channel {
        self.rule().channel
    }

    /// The channel of its answer: the request's own, but for what a screen shows as a notice, which comes on that channel and no other, and for
    /// blocks of files, which nothing waits behind.
    pub const fn answer_channel(&self) -> Channel {
        match self {
            Self::FetchNotice { .. } => Channel::Notice,
            Self::FetchBlock { .. } => Channel::File,
            asked => asked.channel(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_refuses_with_the_reason() {
        assert_eq!(MayAsk::Member.check(None), Err(Refusal::SignInFirst));
        assert_eq!(MayAsk::Admin.check(None), Err(Refusal::SignInFirst));
        assert_eq!(MayAsk::Admin.check(Some(Role::Member)), Err(Refusal::AdminOnly));
        assert_eq!(MayAsk::Stranger.check(Some(Role::Member)), Err(Refusal::AlreadySignedIn));
        assert_eq!(MayAsk::Admin.check(Some(Role::Admin)), Ok(()));
    }
}
