//! Less is to be kept from now on: what would go is counted first, and much of it goes only when somebody says so who knows it.

use belfry_core::chat::{Answer, Keep, Refusal, RoomName};
use belfry_core::time::Now;

use super::pending::KeepRoom;
use super::rooms::RoomChange;
use super::rules::{Retention, Rules};
use super::{Context, Hub, PendingJob};
use crate::limits::{DELETED_UNASKED_PARTS, KEPT_UNASKED_MIN};
use crate::store::{List, Outcome, Proportion, RoomJob, Work, WouldGo};

impl Hub {
    /// A running server was told other rules. All of them hold at once, but for a retention that would delete much: that waits for the next
    /// start, because whoever has mistyped it reads the log sooner than they find a backup.
    pub(crate) fn reload_rules(&mut self, now: Now, rules: Rules) {
        let old = self.rules.retention;
        if !rules.retention.is_shorter_than(&old) {
            self.reloaded = None;
            return self.set_rules(now, rules);
        }
        self.set_rules(now, Rules { retention: old, ..rules });
        self.reloaded = Some(rules.retention);
        let list = List::WouldGo { kept: rules.retention.kept(now.wall), room: None };
        if self.submit(now, Work::List(list), PendingJob::Reload(rules.retention)).is_err() {
            self.reloaded = None;
            tracing::warn!("the database is too busy to count what the new retention would delete; it takes effect at the next start");
        }
    }

    /// What a retention that was read again would delete has been counted.
    pub(super) fn reload_counted(&mut self, now: Now, retention: Retention, result: Result<Outcome, Refusal>) {
        // The file was read once more meanwhile.
        if self.reloaded != Some(retention) {
            return;
        }
        self.reloaded = None;
        let Ok(WouldGo { messages, notices, audit }) = result.and_then(Outcome::expect) else {
            tracing::warn!("what the new retention would delete could not be counted; it takes effect at the next start");
            return;
        };
        let is_much = |part: Proportion| part.goes * DELETED_UNASKED_PARTS > part.of;
        if [messages, notices, audit].into_iter().any(is_much) {
            let of = |Proportion { goes, of }: Proportion| format!("{goes} of {of}");
            tracing::warn!(
                messages = of(messages),
                notices = of(notices),
                audit = of(audit),
                "the new retention ({retention}) would delete more than a tenth, so it waits for the next start; until then: {}",
                self.rules.retention
            );
            return;
        }
        self.set_rules(now, Rules { retention, ..self.rules });
    }

    /// Says how long a room's messages are kept, or first what that would delete.
    pub(super) fn keep_room(&mut self, context: Context<'_>, name: &RoomName, keep: Keep, confirmed: bool) -> Result<(), Refusal> {
        let Context { now, to, note, .. } = context;
        let room = self.rooms.find(name)?;
        let wish = KeepRoom { to, account: context.account(), room, keep, note: note.cloned() };
        if confirmed {
            return self.keep(now, wish);
        }
        // Counting is nobody's act.
        let list = List::WouldGo { kept: self.rules.retention.kept(now.wall), room: Some((room, keep)) };
        self.submit(now, Work::List(list), PendingJob::Keep(wish))
    }

    /// What would go of a room has been counted.
    pub(super) fn keep_counted(&mut self, now: Now, wish: KeepRoom, counted: WouldGo) -> Result<(), Refusal> {
        let messages = counted.messages;
        let shortest = u64::try_from(KEPT_UNASKED_MIN.as_millis()).unwrap_or(u64::MAX);
        if messages.goes > 0 || wish.keep.age_ms.is_some_and(|age| age > 0 && age < shortest) {
            self.reply(wish.to, Ok(Answer::WouldDelete { messages: messages.goes, of: messages.of }));
            return Ok(());
        }
        self.keep(now, wish)
    }

    fn keep(&mut self, now: Now, wish: KeepRoom) -> Result<(), Refusal> {
        let KeepRoom { to, account, room, keep, note } = wish;
        let work = Work::Room(RoomJob::Keep { room, keep });
        self.submit(now, work.noted_as(note), PendingJob::Room { to, account, change: RoomChange::Keep { room, keep } })
    }
}
