//! Less is to be kept from now on: what would go is counted first, and much of it goes only when somebody says so who knows it.

use belfry_core::chat::{Answer, Bound, ConversationId, KeepChange, Refusal, RoomName};
use belfry_core::time::Now;

use super::pending::KeepRoom;
use super::rooms::RoomChange;
use super::rules::{Retention, Rules};
use super::{Context, Hub, PendingJob};
use crate::limits::{DELETED_UNASKED_PARTS, KEPT_UNASKED_MIN};
use crate::store::{List, Outcome, Proportion, RoomJob, Work, WouldGo};

/// More than this cannot be stored.
const BOUND_MAX: u64 = i64::MAX as u64;

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

    /// Says how long a room's messages are kept, or first what that would delete. Whoever changes nothing is told how long they are.
    pub(super) fn keep_room(
        &mut self,
        context: Context<'_>,
        name: &RoomName,
        number: Option<ConversationId>,
        change: KeepChange,
        confirmed: bool,
    ) -> Result<(), Refusal> {
        let Context { now, to, note, .. } = context;
        let room = number.map_or_else(|| self.rooms.find(name), Ok)?;
        let keep = self.rooms.keep(room)?;
        if change == KeepChange::default() {
            self.reply(to, Ok(Answer::Kept(keep)));
            return Ok(());
        }
        if [change.age_ms, change.messages].iter().any(|bound| matches!(bound, Bound::Own(bound) if *bound > BOUND_MAX)) {
            return Err(Refusal::BadRequest);
        }
        let wish = KeepRoom { to, account: context.account(), room, change, note: note.cloned() };
        if confirmed {
            return self.keep(now, wish);
        }
        // Counting is nobody's act.
        let list = List::WouldGo { kept: self.rules.retention.kept(now.wall), room: Some((room, change)) };
        self.submit(now, Work::List(list), PendingJob::Keep(wish))
    }

    /// What would go of a room has been counted.
    pub(super) fn keep_counted(&mut self, now: Now, wish: KeepRoom, counted: WouldGo) -> Result<(), Refusal> {
        let messages = counted.messages;
        let shortest = u64::try_from(KEPT_UNASKED_MIN.as_millis()).unwrap_or(u64::MAX);
        if messages.goes > 0 || matches!(wish.change.age_ms, Bound::Own(age) if age > 0 && age < shortest) {
            self.reply(wish.to, Ok(Answer::WouldDelete { room: wish.room, messages: messages.goes, of: messages.of }));
            return Ok(());
        }
        self.keep(now, wish)
    }

    fn keep(&mut self, now: Now, wish: KeepRoom) -> Result<(), Refusal> {
        let KeepRoom { to, account, room, change, note } = wish;
        let work = Work::Room(RoomJob::Keep { room, change });
        self.submit(now, work.noted_as(note), PendingJob::Room { to, account, change: RoomChange::Keep(room) })
    }
}
