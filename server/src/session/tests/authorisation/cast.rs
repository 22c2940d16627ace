//! Everybody who may ask something, and every kind of place that it may be about, in one small house.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};

use belfry_core::chat::{
    AccountId, AccountName, Answer, Audience, ContentHash, ConversationId, DeviceId, FileId, FileName, GroupName, NoticeId, Parties, Place,
    PostId, Request, RoomName, ScheduleId, Seq, Severity, Template, TemplateName, Text,
};
use belfry_core::endpoint::PeerId;

use super::super::notices::{draft, send};
use super::super::rooms::{create, join, room};
use super::super::world::{World, name};
use crate::store::{FileJob, Job, JobTicket, Work};

/// Who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Asker {
    /// Has not signed in.
    Stranger,
    /// Was in every room, and their account was disabled while they were here.
    Disabled,
    /// Was in every room, and their device was revoked while they were here.
    Revoked,
    /// Is in a room, but not in this one.
    Elsewhere,
    /// Has been asked to join this room.
    Invited,
    /// Has been asked to join another.
    InvitedElsewhere,
    /// Was in this room, wrote something in it, and was put out.
    PutOut,
    /// Is in it.
    Member,
    /// Is in it and has written the message that it is about.
    Sender,
    /// Has made it and is in it.
    Owner,
    /// An administrator who is not in it.
    Admin,
}

impl Asker {
    pub(super) const ALL: [Self; 11] = [
        Self::Stranger,
        Self::Disabled,
        Self::Revoked,
        Self::Elsewhere,
        Self::Invited,
        Self::InvitedElsewhere,
        Self::PutOut,
        Self::Member,
        Self::Sender,
        Self::Owner,
        Self::Admin,
    ];

    const fn account(self) -> &'static str {
        match self {
            Self::Stranger => "stranger",
            Self::Disabled => "disabled",
            Self::Revoked => "revoked",
            Self::Elsewhere => "elsewhere",
            Self::Invited => "invited",
            Self::InvitedElsewhere => "invited elsewhere",
            Self::PutOut => "put out",
            Self::Member => "member",
            Self::Sender => "sender",
            Self::Owner => "owner",
            Self::Admin => "admin",
        }
    }
}

/// What it is about. What is about an account and no place is about one's own where a conversation would be, or about somebody else's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Spot {
    Lobby,
    Open,
    Private,
    /// A private room that its owner has deleted.
    Closed,
    /// The direct conversation of who asks and somebody else.
    Own,
    /// A direct conversation of two other people.
    Others,
}

impl Spot {
    pub(super) const ALL: [Self; 6] = [Self::Lobby, Self::Open, Self::Private, Self::Closed, Self::Own, Self::Others];

    /// What is said there and nowhere else.
    pub(super) const fn secret(self) -> &'static str {
        match self {
            Self::Lobby => "said in the lobby",
            Self::Open => "said in the attic",
            Self::Private => "said on the board",
            Self::Closed => "said in the cellar",
            Self::Own => "said to oneself",
            Self::Others => "said between others",
        }
    }

    const fn room(self) -> Option<&'static str> {
        match self {
            Self::Lobby => Some("lobby"),
            Self::Open => Some("attic"),
            Self::Private => Some("board"),
            Self::Closed => Some("cellar"),
            Self::Own | Self::Others => None,
        }
    }
}

/// A house with everybody in it, and one of everything.
pub(super) struct House {
    pub(super) world: World,
    peers: BTreeMap<Asker, (PeerId, DeviceId)>,
    conversations: BTreeMap<&'static str, ConversationId>,
    own: BTreeMap<Asker, ConversationId>,
    files: BTreeMap<(Option<Asker>, Spot), FileId>,
    pub(super) notice: NoticeId,
    pub(super) schedule: ScheduleId,
}

const HOME: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// The friend's device.
const FRIENDS: u8 = 200;

fn device(number: u8) -> DeviceId {
    DeviceId([number; 32])
}

impl House {
    pub(super) fn new() -> Self {
        let names: Vec<_> = Asker::ALL.iter().skip(1).map(|asker| asker.account()).chain(["friend", "one", "other", "host"]).collect();
        let mut world = World::with_people(&names);
        let mut peers = BTreeMap::new();
        for (number, &asker) in Asker::ALL.iter().enumerate() {
            let device = device(number as u8 + 1);
            let peer = world.connect_with(device, HOME);
            if asker != Asker::Stranger {
                world.try_sign_in(peer, asker.account(), asker.account()).unwrap();
            }
            peers.insert(asker, (peer, device));
        }
        let mut house = Self {
            world,
            peers,
            conversations: BTreeMap::new(),
            own: BTreeMap::new(),
            files: BTreeMap::new(),
            notice: NoticeId(0),
            schedule: ScheduleId(0),
        };
        house.rooms();
        house.direct_conversations();
        house.notices();
        house.shut_out();
        house.world.hear_all();
        house
    }

    pub(super) fn peer(&self, asker: Asker) -> PeerId {
        self.peers[&asker].0
    }

    /// Whether somebody is signed in.
    pub(super) fn is_here(&self, asker: Asker) -> bool {
        !matches!(asker, Asker::Stranger | Asker::Disabled | Asker::Revoked)
    }

    fn say(&mut self, peer: PeerId, to: Place, text: &str) -> ConversationId {
        let post = self.world.post(to, text);
        match self.world.ask(peer, post) {
            Ok(Answer::Posted { conversation, .. }) => conversation,
            other => panic!("{other:?}"),
        }
    }

    /// What the file is that comes to a place.
    pub(super) const fn hash(spot: Spot) -> ContentHash {
        ContentHash([spot as u8 + 1; 32])
    }

    /// The file that came to a place, for who asks.
    pub(super) fn file(&self, asker: Asker, spot: Spot) -> FileId {
        let own = (spot == Spot::Own).then_some(asker);
        self.files.get(&(own, spot)).copied().unwrap_or(FileId(u64::MAX))
    }

    /// Sends a file to a place, as if its content had come.
    fn share(&mut self, peer: PeerId, account: AccountId, to: Place, spot: Spot, own: Option<Asker>) {
        let (hash, at) = (Self::hash(spot), self.world.now.wall);
        let work = Work::File(FileJob::Uploaded { account, hash, bytes: 7 });
        self.world.apply(Job { ticket: JobTicket(0), at, work }).result.unwrap();
        let post = PostId { outbox: 78, counter: self.files.len() as u64 + 1 };
        let (text, name) = (Text::new(spot.secret()).unwrap(), FileName::new(spot.secret()).unwrap());
        self.world.ask(peer, Request::PostFile { post, to: to.clone(), room: None, text, name, hash }).unwrap();
        match self.world.ask(peer, Request::ListFiles { place: to, before: None }) {
            Ok(Answer::Files(page)) => self.files.insert((own, spot), page.entries[0].attachment.file),
            other => panic!("{other:?}"),
        };
    }

    fn rooms(&mut self) {
        use Asker::{Disabled, Invited, InvitedElsewhere, Member, Owner, PutOut, Revoked, Sender};
        let host = self.world.sign_in("host");
        create(&mut self.world, host, "hall", true);
        let invite = |house: &mut Self, by, typed, whom: Asker| {
            house.world.ask(by, Request::Invite { room: room(typed), account: name(whom.account()) }).unwrap();
        };
        for whom in [Asker::Elsewhere, InvitedElsewhere] {
            invite(self, host, "hall", whom);
        }
        let elsewhere = self.peer(Asker::Elsewhere);
        join(&mut self.world, elsewhere, "hall").unwrap();
        let owner = self.peer(Owner);
        for spot in [Spot::Lobby, Spot::Open, Spot::Private, Spot::Closed] {
            let Some(typed) = spot.room() else { continue };
            if spot != Spot::Lobby {
                create(&mut self.world, owner, typed, spot != Spot::Open);
                for whom in [Disabled, Revoked, PutOut, Member, Sender] {
                    invite(self, owner, typed, whom);
                    let peer = self.peer(whom);
                    join(&mut self.world, peer, typed).unwrap();
                }
                invite(self, owner, typed, Invited);
            }
            let place = Place::Room(room(typed));
            // The sender's is the second one, the third that of whoever is put out.
            for (number, who) in [Owner, Sender, PutOut].into_iter().enumerate() {
                let said = self.say(self.peer(who), place.clone(), &format!("{} {number}", spot.secret()));
                self.conversations.insert(typed, said);
            }
            let edit =
                Request::Edit { place, room: None, seq: Seq(2), text: Text::new(format!("{}, written anew", spot.secret())).unwrap() };
            self.world.ask(self.peer(Sender), edit).unwrap();
            self.share(self.peer(Sender), AccountId(Sender as u64), Place::Room(room(typed)), spot, None);
            if spot != Spot::Lobby {
                self.world
                    .ask(owner, Request::RemoveFromRoom { room: room(typed), account: name(PutOut.account()), confirmed: false })
                    .unwrap();
            }
        }
        let close = Request::DeleteRoom { room: room("cellar"), confirmed: true };
        self.world.ask(owner, close).unwrap();
    }

    fn direct_conversations(&mut self) {
        let friend = self.world.connect_with(device(FRIENDS), HOME);
        self.world.try_sign_in(friend, "friend", "friend").unwrap();
        for asker in Asker::ALL.into_iter().filter(|&asker| asker != Asker::Stranger) {
            let peer = self.peer(asker);
            self.say(friend, Place::Direct(name(asker.account())), Spot::Own.secret());
            let own = self.say(peer, Place::Direct(name("friend")), Spot::Own.secret());
            let edit = Request::Edit {
                place: Place::Direct(name("friend")),
                room: None,
                seq: Seq(2),
                text: Text::new("said to oneself anew").unwrap(),
            };
            self.world.ask(peer, edit).unwrap();
            self.own.insert(asker, own);
            self.share(peer, AccountId(asker as u64), Place::Direct(name("friend")), Spot::Own, Some(asker));
        }
        let one = self.world.sign_in("one");
        let place = Place::Direct(name("other"));
        for _ in 0..2 {
            let said = self.say(one, place.clone(), Spot::Others.secret());
            self.conversations.insert("others", said);
        }
        let edit = Request::Edit { place: place.clone(), room: None, seq: Seq(2), text: Text::new("said between others anew").unwrap() };
        self.world.ask(one, edit).unwrap();
        // Behind the askers and the friend, the twelfth who was made.
        self.share(one, AccountId(Asker::ALL.len() as u64 + 1), place, Spot::Others, None);
    }

    /// A notice to the member, one that is to be sent later, a group, a template.
    fn notices(&mut self) {
        let admin = self.peer(Asker::Admin);
        let audience = vec![Audience::Account(name(Asker::Member.account()))];
        self.notice = send(&mut self.world, admin, draft(audience));
        let group = GroupName::new("wardens").unwrap();
        self.world.ask(admin, Request::AddToGroup { group, members: vec![name("friend")] }).unwrap();
        self.world.ask(admin, Request::SaveTemplate(template())).unwrap();
        let at = belfry_core::time::UnixMillis(self.world.now.wall.0 + 86_400_000);
        let mut later = draft(vec![Audience::Everyone]);
        later.post.counter += 1;
        later.schedule = Some(belfry_core::chat::Schedule { first: belfry_core::chat::First::At(at), zone: None, every: None });
        match self.world.ask(admin, Request::SendNotice(later)) {
            Ok(Answer::NoticeScheduled { schedule, .. }) => self.schedule = schedule,
            other => panic!("{other:?}"),
        }
    }

    fn shut_out(&mut self) {
        let admin = self.peer(Asker::Admin);
        let disable = Request::SetDisabled { account: name(Asker::Disabled.account()), disabled: true, confirmed: true };
        self.world.ask(admin, disable).unwrap();
        let device = self.peers[&Asker::Revoked].1;
        let revoke = Request::RevokeDevice { account: name(Asker::Revoked.account()), device };
        self.world.ask(admin, revoke).unwrap();
    }

    /// The conversation that a spot is, for who asks.
    pub(super) fn conversation(&self, asker: Asker, spot: Spot) -> ConversationId {
        match spot {
            Spot::Own => self.own.get(&asker).copied().unwrap_or(ConversationId(u64::MAX)),
            Spot::Others => self.conversations["others"],
            spot => spot.room().map_or(ConversationId(0), |typed| self.conversations[typed]),
        }
    }

    /// What a person would name; the direct conversation of others has no name that anybody else could say.
    pub(super) fn place(spot: Spot) -> Place {
        match spot.room() {
            Some(typed) => Place::Room(room(typed)),
            None if spot == Spot::Own => Place::Direct(name("friend")),
            None => Place::Direct(name("other")),
        }
    }

    pub(super) fn room(spot: Spot) -> RoomName {
        room(spot.room().unwrap_or("nowhere"))
    }

    pub(super) fn parties(asker: Asker, spot: Spot) -> Parties {
        match spot {
            Spot::Own => Parties::Direct(name(asker.account()), name("friend")),
            Spot::Others => Parties::Direct(name("one"), name("other")),
            spot => Parties::Room(Self::room(spot)),
        }
    }

    /// One's own account, or somebody else's.
    pub(super) fn account(asker: Asker, spot: Spot) -> AccountName {
        if spot == Spot::Own { name(asker.account()) } else { name("friend") }
    }

    /// A device of it.
    pub(super) fn device(&self, asker: Asker, spot: Spot) -> DeviceId {
        if spot == Spot::Own { self.peers[&asker].1 } else { device(FRIENDS) }
    }

    /// The message that an act on a message is about: the sender's, or for whoever was put out their own.
    pub(super) const fn seq(asker: Asker, spot: Spot) -> Seq {
        if matches!(asker, Asker::PutOut) && spot.room().is_some() { Seq(3) } else { Seq(2) }
    }

    /// Whether somebody has been told of the private room.
    pub(super) const fn knows_the_board(asker: Asker) -> bool {
        matches!(asker, Asker::Invited | Asker::Member | Asker::Sender | Asker::Owner)
    }

    /// Whether somebody may know what was said in a place.
    pub(super) const fn may_read(asker: Asker, spot: Spot) -> bool {
        use Asker::{Admin, Disabled, Elsewhere, Invited, InvitedElsewhere, Member, Owner, PutOut, Revoked, Sender, Stranger};
        match (asker, spot) {
            (Stranger | Disabled | Revoked, _) | (_, Spot::Closed | Spot::Others) => false,
            (_, Spot::Lobby | Spot::Own) | (Member | Sender | Owner, Spot::Open | Spot::Private) => true,
            (Elsewhere | Invited | InvitedElsewhere | PutOut | Admin, Spot::Open | Spot::Private) => false,
        }
    }
}

pub(super) fn template() -> Template {
    Template {
        name: TemplateName::new("drill").unwrap(),
        severity: Severity::Info,
        title: None,
        body: Text::new("Leave.").unwrap(),
        audience: vec![Audience::Everyone],
        answers: vec![],
        expires_after_ms: None,
        remind: None,
    }
}
