//! The words of the conversation: names and texts valid by construction, requests, answers, events, notices, refusals.
//!
//! After this module nobody handles unvalidated text: a [`AccountName`], [`RoomName`], [`Title`] or [`Text`] that exists is a good one,
//! and decoding a message from the wire builds them through the same door as typing them does.

mod answer;
mod device;
mod envelope;
mod event;
mod group;
mod ledger;
mod message;
mod name;
mod notice;
mod people;
mod plan;
mod record;
mod refusal;
mod request;
mod room;
mod text;

pub use answer::{Answer, ServerStatus};
pub use device::{Device, DeviceId};
pub use envelope::{FromClient, FromServer, decode_from_client, decode_from_server, encode, request_bytes_max};
pub use event::Event;
pub use group::Group;
pub use ledger::{DeviceEntry, Gap, LedgerEntry, LedgerPage};
pub use message::{Alteration, ConversationId, ConversationInfo, Message, Page, Place, PostId, Seq};
pub use name::{AccountName, GroupName, InvalidName, RoomName, TemplateName};
pub use notice::{
    Audience, GivenAnswer, Notice, NoticeChange, NoticeDraft, NoticeId, NoticeState, NoticeSummary, Progress, Receipt, Severity,
};
pub use people::{Account, AccountId, Person, Presence, PresenceChange, Role};
pub use plan::{Every, Preview, Reminding, Schedule, ScheduleId, Scheduled, Template};
pub use record::{AuditEntry, Exportable, Parties};
pub use refusal::Refusal;
pub use request::Request;
pub use room::{Found, Hit, Keep, Original, Room, Standing};
pub use text::{InvalidText, Label, Password, SearchText, Text, Title};
