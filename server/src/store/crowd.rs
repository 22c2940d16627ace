//! Each job changes what it is about and nothing else: in a house with two of everything, all rows of all tables are compared before and
//! after it. A statement without one of its conditions changes the neighbour, too.

use std::collections::{BTreeMap, BTreeSet};

use belfry_core::chat::{
    AccountId, Answer, ArrangementFlag, Audience, ConversationId, DeviceId, GroupName, Keep, Label, LedgerView, NoticeChange, NoticeId,
    Page, Parties, ProfileChange, Receipt, Role, RoomName, ScheduleId, Seq, Severity, Template, TemplateName, Text,
};
use belfry_core::time::UnixMillis;

use super::fixture::{DEVICE, add, arrive, ask, create_private, direct, named, notice_to, post, sent};
use super::{
    AuditRecord, Bite, Keeper, MessageAltered, MessageJob, Occurrence, Outcome, Reachable, ReceiptNoted, Remembered, RoomJob, Store,
    StoredEntry, StoredLedger, Target, Work,
};

pub(super) const LAPTOP: DeviceId = DeviceId([2; 32]);

/// Everybody and everything, twice.
pub(super) struct Crowd {
    pub(super) store: Store,
    pub(super) root: AccountId,
    pub(super) deputy: AccountId,
    pub(super) anna: AccountId,
    pub(super) bob: AccountId,
    pub(super) carol: AccountId,
    pub(super) attic: ConversationId,
    pub(super) loft: ConversationId,
    pub(super) schedules: [ScheduleId; 2],
}

fn room(typed: &str) -> RoomName {
    RoomName::new(typed).unwrap()
}

fn group(typed: &str) -> GroupName {
    GroupName::new(typed).unwrap()
}

fn text(typed: &str) -> Text {
    Text::new(typed).unwrap()
}

fn template(typed: &str, body: &str) -> Work {
    let name = TemplateName::new(typed).unwrap();
    let (severity, audience) = (Severity::Info, vec![Audience::Everyone]);
    let body = text(body);
    Work::SaveTemplate(Template { name, severity, title: None, body, audience, answers: vec![], expires_after_ms: None, remind: None })
}

fn notice(author: AccountId, counter: u64, answers: bool) -> Work {
    let mut work = notice_to(author, counter, &["anna", "bob"]);
    if let Work::SendNotice { draft, .. } = &mut work {
        draft.audience.push(Audience::Group(group("ward")));
        draft.expires_after_ms = Some(10_000);
        if answers {
            draft.answers = vec![Label::new("Safe").unwrap(), Label::new("Need help").unwrap()];
        }
    }
    work
}

impl Crowd {
    pub(super) fn new() -> Self {
        let mut store = Store::open_in_memory().unwrap();
        let [root, deputy, anna, bob, carol] = ["root", "deputy", "anna", "bob", "carol"].map(|name| add(&mut store, name));
        let [attic, loft] = ["attic", "loft"].map(|name| create_private(&mut store, anna, name));
        let mut crowd = Self { store, root, deputy, anna, bob, carol, attic, loft, schedules: [ScheduleId(0); 2] };
        crowd.fill();
        crowd
    }

    pub(super) fn done(&mut self, at: u64, work: Work) -> Outcome {
        ask(&mut self.store, at, work.clone()).unwrap_or_else(|refusal| panic!("{work:?}: {refusal}"))
    }

    fn fill(&mut self) {
        let Self { root, deputy, anna, bob, carol, attic, loft, .. } = *self;
        for name in ["root", "deputy"] {
            self.done(1, Work::SetRole { account: named(name), role: Role::Admin });
        }
        for (n, account) in (0..).zip([root, deputy, anna, bob, carol]) {
            for device in [DEVICE, LAPTOP, DeviceId([10 + n; 32])] {
                self.done(2, arrive(account, device, true));
            }
        }
        for place in [attic, loft] {
            for whom in ["bob", "root"] {
                self.done(3, Work::Room(RoomJob::Invite { by: anna, any: false, account: named(whom), room: place }));
            }
            self.done(3, Work::Room(RoomJob::Join { account: bob, room: place }));
        }
        let mut counter = 0;
        for (author, to) in [anna, bob, anna, bob].into_iter().flat_map(|author| {
            let other = if author == anna { "bob" } else { "anna" };
            [Target::Room(attic), Target::Room(loft), direct(other), direct("carol")].map(|to| (author, to))
        }) {
            counter += 1;
            self.done(10 + counter, post(author, counter, to.clone(), "hello there"));
            if counter <= 4 {
                self.done(30, Work::Message(MessageJob::Alter { account: author, of: to, seq: Seq(1), text: Some(text("good morning")) }));
            }
        }
        self.done(35, Work::Room(RoomJob::Invite { by: anna, any: false, account: named("carol"), room: loft }));
        self.done(35, Work::Room(RoomJob::Join { account: carol, room: loft }));
        for (wardens, members) in [("fire", ["anna", "bob"]), ("ward", ["bob", "carol"])] {
            self.done(40, Work::AddToGroup { group: group(wardens), members: members.map(named).to_vec() });
        }
        for name in ["drill", "flood"] {
            self.done(41, template(name, "Leave."));
        }
        for (counter, author) in [(501, root), (502, deputy)] {
            let notice = sent(ask(&mut self.store, 50, notice(author, counter, counter == 501))).0.id;
            let to = [anna, bob].into_iter().flat_map(|account| [(notice, account, DEVICE), (notice, account, LAPTOP)]);
            self.done(51, Work::Queued { deliveries: to.collect() });
            let Work::SendNotice { author, mut draft } = notice_later(author, counter + 100) else { return };
            if counter == 501 {
                draft.audience.push(Audience::Room(room("attic")));
            }
            let Outcome::Scheduled(scheduled) = self.done(52, Work::AddSchedule { author, next_at: UnixMillis(500), draft }) else {
                return;
            };
            self.schedules[usize::from(counter == 502)] = scheduled.id;
        }
        for at in [60, 61] {
            let entry = AuditRecord { account: root, act: "user.enable", object: "anna".into(), detail: String::new() };
            let work = Box::new(Work::SetDisabled { account: named("anna"), disabled: false });
            self.done(at, Work::Audited { entry, work });
        }
    }

    /// Every row of every table.
    fn rows(&self) -> BTreeSet<(String, String)> {
        let mut tables = self
            .store
            .connection
            .prepare("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'search%' AND name NOT LIKE 'sqlite%'")
            .unwrap();
        let names: Vec<String> = tables.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
        let mut rows = BTreeSet::new();
        for table in names {
            let mut all = self.store.connection.prepare(&format!("SELECT * FROM {table}")).unwrap();
            let columns = all.column_count();
            let found =
                all.query_map([], |row| (0..columns).map(|n| row.get::<_, rusqlite::types::Value>(n)).collect::<Result<Vec<_>, _>>());
            rows.extend(found.unwrap().map(|row| (table.clone(), format!("{:?}", row.unwrap()))));
        }
        rows
    }

    /// What a job changes: for each table the rows that are new and those that are gone.
    fn changes(&mut self, at: u64, work: Work) -> String {
        let before = self.rows();
        self.done(at, work);
        let after = self.rows();
        let mut counts: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
        after.difference(&before).for_each(|(table, _)| counts.entry(table).or_default().0 += 1);
        before.difference(&after).for_each(|(table, _)| counts.entry(table).or_default().1 += 1);
        let told = counts.into_iter().map(|(table, (new, gone))| match (new, gone) {
            (new, 0) => format!("{table} +{new}"),
            (0, gone) => format!("{table} -{gone}"),
            (new, gone) if new == gone => format!("{table} {new}"),
            (new, gone) => format!("{table} +{new} -{gone}"),
        });
        told.collect::<Vec<_>>().join(", ")
    }
}

fn notice_later(author: AccountId, counter: u64) -> Work {
    notice_to(author, counter, &["anna"])
}

/// Jobs about one of two, at a time, and the rows that they change: `n` that are other ones now, `+n` new ones, `-n` that are gone.
fn jobs(crowd: &Crowd) -> Vec<(&'static str, u64, Work)> {
    let Crowd { anna, bob, root, attic, schedules, .. } = *crowd;
    let keeper = Keeper { account: anna, any: false };
    let receipt = |receipt| Work::Receipt { account: bob, device: DEVICE, notice: NoticeId(1), revision: 1, receipt };
    let change = |change| Work::ChangeNotice { notice: NoticeId(1), change };
    let update = NoticeChange::Update { severity: None, title: None, body: Some(text("Now.")), expires_after_ms: None };
    let tidy = |rooms_differ, audit_before: Option<u64>, bite| Work::Tidy {
        messages_before: None,
        messages_kept: None,
        rooms_differ,
        notices_before: None,
        audit_before: audit_before.map(UnixMillis),
        bite,
    };
    vec![
        (
            "accounts 1, devices 2",
            100,
            Work::SetPassword { account: named("anna"), password_hash: "new".into(), remembered: Remembered::Only(Some(DEVICE)) },
        ),
        (
            "accounts +1, looks +1, readings +1",
            100,
            Work::AddAccount { name: named("dora"), password_hash: "hash".into(), role: Role::Member },
        ),
        ("accounts 1", 100, Work::RenewHash { account: bob, from: "hash".into(), to: "renewed".into() }),
        ("accounts 1", 101, Work::SetProfile { account: named("bob"), changes: vec![ProfileChange::Status("busy".parse().ok())] }),
        ("accounts 1", 101, Work::SetRole { account: named("bob"), role: Role::Admin }),
        ("accounts 1", 101, Work::SetRole { account: named("bob"), role: Role::Member }),
        ("accounts 1", 102, Work::SetDisabled { account: named("carol"), disabled: true }),
        ("accounts 1", 103, Work::SetDisabled { account: named("carol"), disabled: false }),
        ("accounts 1, devices 1, known_addresses 1", 104, arrive(anna, LAPTOP, false)),
        ("devices 1", 104, arrive(anna, DEVICE, true)),
        ("accounts 1, devices 1", 105, Work::Seen { account: anna, device: LAPTOP }),
        ("conversations 1, messages +1, posts +1", 106, post(anna, 900, Target::Room(attic), "news")),
        (
            "conversations 1, messages 1, originals +1",
            107,
            Work::Message(MessageJob::Alter { account: anna, of: Target::Room(attic), seq: Seq(1), text: Some(text("once more")) }),
        ),
        (
            "conversations 1, messages 1, originals +1",
            108,
            Work::Message(MessageJob::Alter { account: anna, of: Target::Room(attic), seq: Seq(1), text: None }),
        ),
        ("readings +1", 109, Work::Message(MessageJob::MarkRead { account: bob, of: Target::Room(attic), upto: Seq(9) })),
        (
            "readings 1",
            109,
            Work::Message(MessageJob::Arrange { account: bob, of: Target::Room(attic), flag: ArrangementFlag::Muted, on: true }),
        ),
        ("ledger 1, ledger_devices 1, notices 1", 110, receipt(Receipt::Reached)),
        ("ledger 1, ledger_devices 1, notices 1", 111, receipt(Receipt::Visible)),
        ("ledger 1, ledger_devices 1, notices 1", 112, receipt(Receipt::Answered(1))),
        ("", 113, receipt(Receipt::Visible)),
        ("ledger_devices +1", 114, Work::Queued { deliveries: vec![(NoticeId(1), anna, DeviceId([77; 32]))] }),
        ("", 114, Work::Queued { deliveries: vec![(NoticeId(1), anna, DEVICE)] }),
        ("notices 1", 115, change(update)),
        ("notices 1", 116, change(NoticeChange::Remind)),
        ("notices 1", 117, change(NoticeChange::AllClear { body: None })),
        ("notices 1", 118, Work::ChangeNotice { notice: NoticeId(2), change: NoticeChange::Withdraw }),
        ("templates 1", 119, template("drill", "Leave now.")),
        ("templates -1", 120, Work::RemoveTemplate { name: TemplateName::new("drill").unwrap() }),
        ("group_members +1", 121, Work::AddToGroup { group: group("fire"), members: vec![named("carol")] }),
        ("group_members -1", 122, Work::RemoveFromGroup { group: group("fire"), members: vec![named("bob")] }),
        ("account_groups -1, group_members -2", 123, Work::RemoveFromGroup { group: group("fire"), members: vec![] }),
        ("devices 1", 124, Work::RevokeDevice { account: named("anna"), device: DEVICE }),
        ("conversations 1, looks 1, schedules 1", 124, Work::Room(RoomJob::Rename { by: keeper, room: attic, name: room("cellar") })),
        ("invitations +1", 124, Work::Room(RoomJob::Invite { by: anna, any: false, account: named("carol"), room: attic })),
        ("accounts 1", 124, Work::SetDisabled { account: named("deputy"), disabled: true }),
        (
            "audit +1, schedules 1",
            124,
            Work::Occur(Occurrence { schedule: schedules[1], at: UnixMillis(500), next_at: Some(UnixMillis(990)) }),
        ),
        (
            "ledger +2, notices +1, schedules 1",
            125,
            Work::Occur(Occurrence { schedule: schedules[0], at: UnixMillis(500), next_at: Some(UnixMillis(900)) }),
        ),
        (
            "ledger +2, notices +1, schedules -1",
            126,
            Work::Occur(Occurrence { schedule: schedules[0], at: UnixMillis(900), next_at: None }),
        ),
        ("schedules -1", 127, Work::Unschedule(schedules[1])),
        ("conversations 1, invitations -1, members +1", 128, Work::Room(RoomJob::Join { account: root, room: attic })),
        ("conversations 1, members -1", 129, Work::Room(RoomJob::Leave { account: root, room: attic })),
        ("invitations -1", 131, Work::Room(RoomJob::Remove { by: keeper, account: named("carol"), room: attic })),
        ("conversations 1, members -1", 132, Work::Room(RoomJob::Remove { by: keeper, account: named("bob"), room: attic })),
        ("conversations 1", 134, Work::Room(RoomJob::Keep { room: attic, change: Keep { age_ms: None, messages: Some(1) }.into() })),
        ("conversations 1, messages -4, originals -3", 135, tidy(true, None, Bite::Messages(ConversationId(0)))),
        ("audit -1", 136, tidy(false, Some(61), Bite::Rest)),
        ("conversations 1, looks -1, members -1", 137, Work::Room(RoomJob::Delete { by: keeper, room: attic })),
    ]
}

#[test]
fn each_job_changes_what_it_is_about_and_nothing_else() {
    let mut crowd = Crowd::new();
    let mut wrong = Vec::new();
    for (expected, at, work) in jobs(&crowd) {
        let what = format!("{work:?}");
        let changes = crowd.changes(at, work);
        if changes != expected {
            wrong.push(format!("{:.70}: {changes:?} instead of {expected:?}", what));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

impl Crowd {
    fn reach(&mut self, audience: Audience) -> Vec<AccountId> {
        match self.done(200, Work::Preview { author: self.root, audience: vec![audience] }) {
            Outcome::Reachable(Reachable { people, .. }) => people.into_iter().map(|(account, _)| account).collect(),
            other => panic!("{other:?}"),
        }
    }

    fn originals(&mut self, of: &str, seq: u64, after: u32) -> Vec<(String, String)> {
        match self.done(200, Work::Message(MessageJob::Originals { of: Parties::Room(room(of)), seq: Seq(seq), after })) {
            Outcome::Read(Answer::Originals(Page { entries: originals, .. })) => {
                originals.iter().map(|one| (one.from.to_string(), one.text.to_string())).collect()
            }
            other => panic!("{other:?}"),
        }
    }

    fn entry(&mut self, notice: u64, account: AccountId) -> StoredEntry {
        match self.done(300, Work::Ledger { notice: NoticeId(notice), view: LedgerView::default(), after: None, limit: 99 }) {
            Outcome::Ledger(StoredLedger { people: Page { entries, .. }, .. }) => {
                entries.into_iter().find(|entry| entry.account == account).unwrap()
            }
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn an_audience_is_the_room_or_group_that_is_named_without_those_who_are_shut_out() {
    let mut crowd = Crowd::new();
    let Crowd { root, deputy, anna, bob, carol, .. } = crowd;
    assert_eq!(crowd.reach(Audience::Group(group("fire"))), [anna, bob]);
    assert_eq!(crowd.reach(Audience::Group(group("ward"))), [bob, carol]);
    assert_eq!(crowd.reach(Audience::Room(room("attic"))), [anna, bob]);
    assert_eq!(crowd.reach(Audience::Room(room("loft"))), [anna, bob, carol]);
    crowd.done(201, Work::SetDisabled { account: named("carol"), disabled: true });
    assert_eq!(crowd.reach(Audience::Room(room("loft"))), [anna, bob]);
    assert_eq!(crowd.reach(Audience::Group(group("ward"))), [bob]);
    let Work::SendNotice { mut draft, .. } = notice_to(root, 900, &[]) else { panic!() };
    draft.audience = vec![Audience::Everyone];
    let progress = sent(ask(&mut crowd.store, 202, Work::SendNotice { author: root, draft })).1;
    assert_eq!(progress.audience, [deputy, anna, bob].len() as u64, "nor is one to everyone for who is shut out, or for its author");
}

#[test]
fn what_stood_where_one_message_was_altered_is_found_by_its_own_number_and_count() {
    let mut crowd = Crowd::new();
    let (anna, attic) = (crowd.anna, crowd.attic);
    assert_eq!(crowd.originals("attic", 1, 0), [("anna".into(), "hello there".into())]);
    assert_eq!(crowd.originals("loft", 1, 0), [("anna".into(), "hello there".into())]);
    assert_eq!(crowd.originals("loft", 1, 1), []);
    // What anna and bob said there takes turns.
    let alter =
        |account, seq, typed| Work::Message(MessageJob::Alter { account, of: Target::Room(attic), seq: Seq(seq), text: Some(text(typed)) });
    crowd.done(201, alter(anna, 1, "second"));
    let Outcome::MessageAltered(MessageAltered { message, .. }) = crowd.done(202, alter(crowd.bob, 2, "third")) else { panic!() };
    assert_eq!((message.from.as_str(), message.text.as_str()), ("bob", "third"));
    assert_eq!(crowd.originals("attic", 1, 1), [("anna".into(), "good morning".into())]);
    assert_eq!(crowd.originals("attic", 2, 0).len(), 1);
    assert_eq!(crowd.originals("attic", 2, 1), [], "it was the first of its message, whatever became of others before");
}

#[test]
fn a_list_of_what_can_be_exported_goes_on_after_what_is_known() {
    let mut crowd = Crowd::new();
    let (root, attic) = (crowd.root, crowd.attic);
    let mut listed = |after| match crowd.done(200, Work::Exportable { account: root, all: true, room: None, after }) {
        Outcome::Read(Answer::Exportable(Page { entries: conversations, .. })) => {
            conversations.iter().map(|one| one.conversation).collect::<Vec<_>>()
        }
        other => panic!("{other:?}"),
    };
    let all = listed(None);
    assert_eq!(listed(Some(attic)), all.into_iter().filter(|&id| id > attic).collect::<Vec<_>>());
}

#[test]
fn two_notices_of_one_counter_and_different_outboxes_are_two_and_each_has_its_own_numbers() {
    let mut crowd = Crowd::new();
    let (root, bob) = (crowd.root, crowd.bob);
    let Work::SendNotice { mut draft, .. } = notice_to(root, 501, &["bob"]) else { panic!() };
    draft.post.outbox = 2;
    let (notice, progress, repeated) = sent(ask(&mut crowd.store, 200, Work::SendNotice { author: root, draft }));
    assert_eq!((notice.id, progress.audience, repeated), (NoticeId(3), 1, false));
    let work = Work::Receipt { account: bob, device: DEVICE, notice: NoticeId(3), revision: 1, receipt: Receipt::Visible };
    let Outcome::ReceiptNoted(ReceiptNoted { progress, .. }) = crowd.done(201, work) else { panic!() };
    assert_eq!((progress.audience, progress.reached, progress.visible), (1, 1, 1));
    let by_another = sent(ask(&mut crowd.store, 202, notice_to(crowd.deputy, 501, &["bob"])));
    assert_eq!((by_another.0.id, by_another.2), (NoticeId(4), false));
}

#[test]
fn whoever_comes_new_is_not_told_what_is_over_for_everyone() {
    let mut crowd = Crowd::new();
    let Work::SendNotice { mut draft, author } = notice_to(crowd.root, 900, &[]) else { panic!() };
    draft.audience = vec![Audience::Everyone];
    let notice = sent(ask(&mut crowd.store, 200, Work::SendNotice { author, draft })).0.id;
    crowd.done(201, Work::ChangeNotice { notice, change: NoticeChange::AllClear { body: None } });
    let dora = add(&mut crowd.store, "dora");
    let told = crowd.changes(202, arrive(dora, DEVICE, false));
    assert!(!told.contains("ledger"), "{told}");
}

#[test]
fn a_screen_was_locked_when_it_last_was() {
    let mut crowd = Crowd::new();
    let anna = crowd.anna;
    for at in [100, 105] {
        let receipt = Receipt::Locked;
        crowd.done(at, Work::Receipt { account: anna, device: DEVICE, notice: NoticeId(1), revision: 1, receipt });
    }
    assert_eq!(crowd.entry(1, anna).screens[0].locked_at, Some(UnixMillis(105)));
}

#[test]
fn each_device_is_in_a_ledger_once_and_one_that_came_after_the_end_is_not() {
    let mut crowd = Crowd::new();
    let anna = crowd.anna;
    let devices = |entry: StoredEntry| entry.screens.iter().map(|screen| screen.entry.device).collect::<Vec<_>>();
    // Two were told, and a third is remembered and was not.
    assert_eq!(devices(crowd.entry(1, anna)), [DEVICE, LAPTOP, DeviceId([12; 32])].map(Some));
    crowd.done(201, Work::ChangeNotice { notice: NoticeId(1), change: NoticeChange::AllClear { body: None } });
    crowd.done(202, arrive(anna, DeviceId([90; 32]), true));
    assert_eq!(devices(crowd.entry(1, anna)).len(), 3);
    assert_eq!(devices(crowd.entry(2, anna)).len(), 4);
}

#[test]
fn whoever_had_a_notice_has_not_missed_it_and_whoever_was_away_until_its_end_has() {
    let mut crowd = Crowd::new();
    let (anna, bob) = (crowd.anna, crowd.bob);
    let receipt = Work::Receipt { account: anna, device: DEVICE, notice: NoticeId(1), revision: 1, receipt: Receipt::Reached };
    crowd.done(100, receipt);
    for (at, account) in [(100, anna), (101, bob)] {
        crowd.done(at, Work::Seen { account, device: DEVICE });
    }
    let seen = |entry: StoredEntry| entry.screens.iter().map(|screen| screen.entry.offline_since.map(|at| at.0)).collect::<Vec<_>>();
    assert_eq!(seen(crowd.entry(1, anna)), [Some(100), Some(2), Some(2)]);
    crowd.done(110, Work::ChangeNotice { notice: NoticeId(1), change: NoticeChange::AllClear { body: None } });
    for account in [anna, bob] {
        crowd.done(120, arrive(account, DEVICE, false));
    }
    let others = crowd.changes(120, arrive(crowd.deputy, DEVICE, false));
    assert!(!others.contains("ledger"), "it was not for them: {others}");
    let missed = |entry: StoredEntry| (entry.missed, entry.screens[0].missed);
    assert_eq!(missed(crowd.entry(1, anna)), (None, None), "it had been on her computer");
    assert_eq!(missed(crowd.entry(1, bob)), (Some(UnixMillis(101)), Some(UnixMillis(101))));
    assert_eq!(missed(crowd.entry(2, bob)), (None, None), "the other is not over");
}
