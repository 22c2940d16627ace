//! How often SQLite prepares statements.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use belfry_core::chat::{Receipt, Seq};

use super::fixture::{DEVICE, LOBBY, add, arrive, ask, direct, notice_to, post, posted, sent, sign_in};
use super::{MessageJob, NoticeDelivery, ScreenReport, Store, Target, Work};

#[test]
fn no_statement_is_prepared_a_second_time_however_much_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = Store::open(&folder.path().join("belfry.db")).unwrap();
    let (root, anna, bob) = (add(&mut store, "root"), add(&mut store, "anna"), add(&mut store, "bob"));
    sign_in(&mut store, 1, bob);
    // SQLite asks whether a statement is allowed whenever it is prepared, by us, by a trigger or by the index.
    let prepared = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&prepared);
    let count = move |_: rusqlite::hooks::AuthContext<'_>| {
        counted.fetch_add(1, Ordering::Relaxed);
        rusqlite::hooks::Authorization::Allow
    };
    store.connection.authorizer(Some(count)).unwrap();
    let mut round = |n: u64| {
        let before = prepared.load(Ordering::Relaxed);
        for (counter, to) in [(2 * n, Target::Room(LOBBY)), (2 * n + 1, direct("bob"))] {
            posted(ask(&mut store, n, post(anna, counter, to, "hello everybody")));
        }
        let notice = sent(ask(&mut store, n, notice_to(root, n, &["anna", "bob"]))).0.id;
        let receipts = [Receipt::Reached, Receipt::Locked, Receipt::Visible, Receipt::Answered(0)];
        let receipts = receipts.map(|receipt| Work::Receipt { account: bob, device: DEVICE, notice, revision: 1, receipt });
        let queued = Work::Queued { deliveries: vec![(notice, bob, DEVICE)] };
        let arrived = NoticeDelivery { notice, revision: 1, account: bob, device: DEVICE, queued_at: None };
        let reached = Work::Reached { deliveries: vec![arrived; 73] };
        let seen = ScreenReport { notice, revision: 1, account: bob, device: DEVICE, visible: true };
        let screens = Work::Screens { reports: vec![seen, ScreenReport { visible: false, ..seen }] };
        let page = Work::FetchAfter { account: bob, conversation: LOBBY, after: Seq(0), limit: 10 };
        let read = Work::Message(MessageJob::MarkRead { account: bob, of: Target::Room(LOBBY), upto: Seq(n) });
        for work in receipts.into_iter().chain([queued, reached, screens, page, read, arrive(bob, DEVICE, true)]) {
            ask(&mut store, n, work).unwrap();
        }
        prepared.load(Ordering::Relaxed) - before
    };
    assert!(round(1) > 0);
    // What is done only when something is there already: also the index has more to do once it has grown.
    for n in 2..20 {
        round(n);
    }
    assert_eq!((20..100).map(&mut round).sum::<u64>(), 0);
}
