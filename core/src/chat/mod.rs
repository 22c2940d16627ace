//! The words of the conversation: names and texts valid by construction, requests, answers, events, notices, refusals.
//!
//! After this module nobody handles unvalidated text. There are two doors. Through one comes what a person writes today, judged by what
//! Unicode says of its characters: [`Text::new`], [`AccountName::new`] and so on; the server holds every request against the same rules
//! ([`Request::check_written`]). Through the other comes what exists, from the disk or from the server: it has the shape of a name or a text,
//! and is not judged again when the rules become stricter.

mod answer;
mod arrangement;
mod characters;
mod clock;
mod device;
mod emoji;
mod envelope;
mod event;
mod excerpt;
mod file;
mod file_name;
mod fold;
mod group;
mod hidden;
mod ledger;
mod length;
mod line_break;
mod lists;
mod message;
mod name;
mod notice;
mod offer;
mod page;
mod people;
mod plan;
mod profile;
mod record;
mod refusal;
mod request;
mod room;
mod rule;
mod schedule;
mod shared_file;
mod table;
mod text;
mod timeline;
mod words;
mod written;

pub use answer::{Answer, ServerStatus};
pub use arrangement::{Arrangement, ArrangementFlag};
pub use characters::is_ignorable;
pub use clock::{Day, First, InvalidTime, TimeOfDay, WrittenTime, ZoneName};
pub use device::{Device, DeviceId};
pub use emoji::{NotOneEmoji, ReactionEmoji};
pub use envelope::{FromClient, FromServer, decode_from_client, decode_from_server, encode, encoded_bytes, request_bytes_max};
pub use event::Event;
pub use file::{Attachment, Block, ContentHash, FileId, FileName, InvalidFileName, InvalidHash, block_length_at, spelled_bytes};
pub use fold::{find_folded, fold};
pub use group::Group;
pub use hidden::{Hidden, is_blank, visible, visible_in_window};
pub use ledger::{DeviceEntry, Gap, GapReason, LedgerEntry, LedgerOrder, LedgerPage, LedgerPart, LedgerTally, LedgerView};
pub use length::{InvalidLength, Length};
pub use line_break::{in_one_line, is_line_break, with_plain_line_breaks};
pub use lists::ListVersions;
pub use message::{
    Alteration, ConversationId, ConversationInfo, Message, MessagePage, Place, PostId, Quote, Quoted, Reaction, Reactor, Seq,
};
pub use name::{AccountName, DisplayName, GroupName, InvalidName, RoomName, TemplateName};
pub use notice::{
    Audience, GivenAnswer, InvalidAudience, Notice, NoticeChange, NoticeDraft, NoticeId, NoticeState, NoticeSummary, Progress, Receipt,
    Severity,
};
pub use offer::{InvalidDraft, check_answers, check_audience, check_expiry, check_reminding, check_repetition};
pub use page::Page;
pub use people::{Account, AccountId, Person, Presence, PresenceChange, Presentity, Role};
pub use plan::{Missed, Obstacle, Preview, ScheduleId, Scheduled, Template};
pub use profile::{NamedProfile, PersonProfile, ProfileChange};
pub use record::{AuditEntry, Exportable, Parties};
pub use refusal::Refusal;
pub use request::Request;
pub use room::{Bound, Found, Hit, Keep, KeepChange, Original, Room, Standing};
pub use rule::{MayAsk, RateClass, RequestKind, Rule};
pub use schedule::{Every, Reminding, Schedule};
pub use shared_file::SharedFile;
pub use table::table_line;
pub use text::{Excerpt, InvalidText, Label, Password, ProfileLine, SearchText, StatusText, Text, Title};
pub use timeline::{CommonPast, Timeline};
pub use words::UnknownWord;
