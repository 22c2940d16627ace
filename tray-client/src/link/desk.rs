//! What an administrator's desk asks of the server, and what it hears.

use belfry_core::chat::{
    AccountName, Audience, Group, GroupName, LedgerPage, NoticeChange, NoticeDraft, NoticeId, NoticeSummary, Preview, Progress, ScheduleId,
    Scheduled, Template, TemplateName,
};
use belfry_core::time::UnixMillis;

/// A question of the desk; each is answered by one [`DeskNews`] or by [`super::Up::AskFailed`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DeskAsk {
    /// Send a notice. Waits while there is no connection.
    Send(Box<NoticeDraft>),
    /// Whom an audience would reach.
    Preview(Vec<Audience>),
    /// The notices, newest first.
    Notices {
        /// Continue before this one.
        before: Option<NoticeId>,
    },
    /// A notice's ledger.
    Ledger {
        /// Which notice.
        notice: NoticeId,
        /// Continue after this name.
        after: Option<AccountName>,
    },
    /// Change a notice that was sent.
    Change {
        /// Which.
        notice: NoticeId,
        /// How.
        change: NoticeChange,
    },
    /// The notices that are to be sent later.
    Schedules {
        /// Continue after this one.
        after: Option<ScheduleId>,
    },
    /// Do not send a scheduled notice.
    Unschedule(ScheduleId),
    /// The templates.
    Templates {
        /// Continue after this name.
        after: Option<TemplateName>,
    },
    /// Keep a template, in place of one of the same name.
    SaveTemplate(Box<Template>),
    /// Forget a template.
    RemoveTemplate(TemplateName),
    /// The groups.
    Groups {
        /// Continue after this name.
        after: Option<GroupName>,
    },
}

/// What the desk hears.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DeskNews {
    /// The notice is stored and on its way.
    Sent {
        /// Its number.
        notice: NoticeId,
        /// Where it stands.
        progress: Progress,
    },
    /// The notice is to be sent later.
    Scheduled {
        /// When.
        at: UnixMillis,
    },
    /// Whom it would reach.
    Preview(Preview),
    /// Notices, newest first.
    Notices {
        /// Some of them.
        notices: Vec<NoticeSummary>,
        /// More follow.
        more: bool,
    },
    /// A part of a ledger.
    Ledger(Box<LedgerPage>),
    /// The notice is changed.
    Changed(Box<NoticeSummary>),
    /// Notices that are to be sent later.
    Schedules {
        /// Some of them.
        schedules: Vec<Scheduled>,
        /// More follow.
        more: bool,
    },
    /// Templates by name.
    Templates {
        /// Some of them.
        templates: Vec<Template>,
        /// More follow.
        more: bool,
    },
    /// Groups by name.
    Groups {
        /// Some of them.
        groups: Vec<Group>,
        /// More follow.
        more: bool,
    },
    /// What was asked is done.
    Done,
}
