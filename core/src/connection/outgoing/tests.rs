use alloc::vec;

use super::*;
use crate::connection::Tally;

const FULL: usize = DATAGRAM_BYTES - PROTECTED_HEAD_BYTES - TAG_BYTES;

fn outgoing(granted: u64) -> Outgoing {
    Outgoing::new(Channel::Chat, granted)
}

fn untagged(tag: DeliveryTag) {
    panic!("{tag:?}");
}

fn message(length: usize) -> Body {
    vec![7; length].into()
}

fn write(outgoing: &mut Outgoing) -> Option<Sent> {
    outgoing.write(FULL, &mut Vec::new())
}

#[test]
fn a_message_is_kept_until_it_is_acknowledged() {
    let mut outgoing = outgoing(1000);
    outgoing.push(message(10), 0);
    let sent = write(&mut outgoing).unwrap();
    assert_eq!(write(&mut outgoing), None);
    assert!(!outgoing.is_idle());
    outgoing.on_acknowledged(sent, untagged);
    assert!(outgoing.is_idle());
}

#[test]
fn what_was_lost_goes_before_what_is_new() {
    let mut outgoing = outgoing(1000);
    outgoing.push(message(10), 0);
    outgoing.push(message(20), 0);
    let first = write(&mut outgoing).unwrap();
    outgoing.on_lost(first);
    assert_eq!(write(&mut outgoing), Some(first));
    assert_eq!(write(&mut outgoing).map(|sent| sent.message), Some(1));
}

#[test]
fn a_loss_that_was_acknowledged_after_all_is_not_sent_again() {
    let mut outgoing = outgoing(1000);
    outgoing.push(message(10), 0);
    let sent = write(&mut outgoing).unwrap();
    outgoing.on_lost(sent);
    outgoing.on_acknowledged(sent, untagged);
    assert!(!outgoing.has_something());
}

#[test]
fn a_large_message_is_cut_and_done_when_every_piece_is_acknowledged() {
    let mut outgoing = outgoing(100_000);
    outgoing.push(message(5000), 0);
    let pieces: Vec<_> = core::iter::from_fn(|| write(&mut outgoing)).collect();
    assert_eq!(pieces.iter().map(|piece| piece.length).sum::<u32>(), 5000);
    assert_eq!(pieces.len(), 5);
    for &piece in pieces.iter().rev() {
        assert!(!outgoing.is_idle());
        outgoing.on_acknowledged(piece, untagged);
    }
    assert!(outgoing.is_idle());
}

#[test]
fn nothing_is_sent_beyond_the_grant_and_the_peer_is_told_once() {
    let mut outgoing = outgoing(15);
    outgoing.push(message(10), 0);
    outgoing.push(message(10), 0);
    assert!(write(&mut outgoing).is_some());
    assert_eq!(write(&mut outgoing), None);
    assert!(outgoing.take_blocked());
    assert!(!outgoing.take_blocked());
    outgoing.on_granted(20);
    assert!(write(&mut outgoing).is_some());
}

#[test]
fn a_full_queue_is_dropped_and_the_peer_told_where_to_go_on() {
    let mut outgoing = outgoing(1 << 20);
    let half = Channel::Chat.queue_bytes_max() as usize / 2 + 1;
    outgoing.push(message(half.min(60_000)), 0);
    write(&mut outgoing).unwrap();
    for _ in 0..Channel::Chat.queue_bytes_max() / 60_000 + 1 {
        outgoing.push(message(60_000), 0);
    }
    let mut out = Vec::new();
    assert!(outgoing.write_resync(&mut out));
    let Some(Ok(frame::Frame::Resync { next, bytes, .. })) = frame::decode(&out).next() else { panic!("no RESYNC") };
    assert_eq!(bytes, outgoing.used);
    assert_eq!(write(&mut outgoing), None, "the peer does not know yet where to go on");
    assert!(!outgoing.write_resync(&mut out), "it is on its way");
    outgoing.on_resync_lost(next);
    assert!(outgoing.write_resync(&mut out));
    outgoing.on_resync_acknowledged(next);
    assert_eq!(outgoing.resync_next(), None);
    assert_eq!(write(&mut outgoing).map(|sent| sent.message), Some(next));
}

#[test]
fn a_small_message_waits_for_room_rather_than_being_cut() {
    let mut outgoing = outgoing(10_000);
    outgoing.push(message(800), 0);
    assert_eq!(outgoing.write(700, &mut Vec::new()), None);
    assert!(outgoing.write(900, &mut Vec::new()).is_some());
}

#[test]
fn a_queue_that_is_dropped_when_the_grant_is_used_up_says_so_and_goes_on_with_the_next_grant() {
    let mut outgoing = outgoing(1000);
    for _ in 0..10 {
        outgoing.push(message(100), 0);
        write(&mut outgoing).unwrap();
    }
    while outgoing.resync_next().is_none() {
        outgoing.push(message(60_000), 0);
    }
    let mut out = Vec::new();
    assert!(outgoing.has_something() && outgoing.write_resync(&mut out));
    let Some(Ok(frame::Frame::Resync { next, bytes, .. })) = frame::decode(&out).next() else { panic!("no RESYNC") };
    assert_eq!(bytes, 1000, "all that was granted");
    outgoing.on_resync_acknowledged(next);
    assert!(outgoing.take_blocked(), "what follows waits for a grant");
    outgoing.on_granted(2000);
    assert_eq!(write(&mut outgoing).map(|sent| sent.message), Some(next));
}

/// All that leaves until nothing more may.
fn write_all(outgoing: &mut Outgoing) -> Vec<Sent> {
    core::iter::from_fn(|| write(outgoing)).collect()
}

#[test]
fn a_queue_may_be_filled_to_its_last_byte() {
    let room = Channel::Chat.queue_bytes_max() - cost(&[7; 1000]);
    let fits = usize::try_from(room).unwrap() - size_of::<QueuedMessage>();
    for (length, drops) in [(fits, false), (fits + 1, true)] {
        let mut outgoing = outgoing(0);
        outgoing.push(message(1000), 0);
        outgoing.push(message(length), 0);
        assert_eq!(outgoing.resync_next(), drops.then_some(1), "{length}");
    }
}

#[test]
fn what_waits_is_counted_with_what_is_kept_beside_it_until_it_is_acknowledged_or_given_up() {
    let beside = size_of::<QueuedMessage>() as u64;
    let mut outgoing = outgoing(1000);
    assert_eq!((outgoing.waiting_bytes(), outgoing.beside_bytes()), (0, 0));
    outgoing.push(message(100), 0);
    outgoing.push(message(30), 0);
    assert_eq!((outgoing.waiting_bytes(), outgoing.beside_bytes()), (130 + 2 * beside, 2 * beside));
    let first = write(&mut outgoing).unwrap();
    outgoing.on_acknowledged(first, untagged);
    assert_eq!((outgoing.waiting_bytes(), outgoing.beside_bytes()), (30 + beside, beside));
    outgoing.shed();
    assert_eq!((outgoing.waiting_bytes(), outgoing.beside_bytes(), outgoing.resync_next()), (0, 0, Some(2)));
}

#[test]
fn shedding_nothing_says_nothing() {
    let mut outgoing = outgoing(1000);
    outgoing.shed();
    assert!(outgoing.is_idle());
}

#[test]
fn a_connection_that_closes_sends_nothing_more_of_a_channel() {
    let mut outgoing = outgoing(1000);
    outgoing.push(message(100), 0);
    let sent = write(&mut outgoing).unwrap();
    outgoing.on_lost(sent);
    outgoing.push(message(100), 0);
    outgoing.give_up();
    assert!(outgoing.is_idle() && !outgoing.has_something());
    assert_eq!(outgoing.waiting_bytes(), 0);
}

#[test]
fn a_message_is_cut_only_when_no_datagram_holds_it_whole() {
    for (length, pieces) in [(1143, 1), (1144, 2)] {
        let mut outgoing = outgoing(10_000);
        outgoing.push(message(length), 0);
        let first = outgoing.write(FULL - 400, &mut Vec::new());
        assert_eq!(first.map(|sent| sent.length as usize), (pieces == 2).then(|| FULL - 400 - Data::overhead(0, 0, length)), "{length}");
        assert_eq!(write_all(&mut outgoing).len() + usize::from(first.is_some()), pieces, "{length}");
    }
}

#[test]
fn a_grant_is_used_to_the_last_byte_but_not_by_a_piece_that_is_too_small() {
    for (length, granted, leaves) in [
        (WHOLE_BYTES_MAX, WHOLE_BYTES_MAX - 1, 0),
        (WHOLE_BYTES_MAX, WHOLE_BYTES_MAX, WHOLE_BYTES_MAX),
        (2000, FRAGMENT_BYTES_MIN - 1, 0),
        (2000, FRAGMENT_BYTES_MIN, FRAGMENT_BYTES_MIN),
        (2000, 1999, 1999),
        (2000, 2000, 2000),
    ] {
        let mut outgoing = outgoing(granted as u64);
        outgoing.push(message(length), 0);
        let left: u32 = write_all(&mut outgoing).iter().map(|sent| sent.length).sum();
        // A piece that leaves less than the smallest behind is the last for now.
        let tail = granted.saturating_sub(left as usize);
        assert!(left as usize == leaves || (leaves == 1999 && tail < FRAGMENT_BYTES_MIN), "{length} of {granted}: {left}");
        assert_eq!(outgoing.take_blocked(), (left as usize) < length, "{length} of {granted}");
    }
}

#[test]
fn the_peer_is_told_that_its_grant_holds_something_back_exactly_when_it_does() {
    for (length, granted, blocked) in [
        (100, 99, true),
        (100, 100, false),
        (100, 101, false),
        (WHOLE_BYTES_MAX, FRAGMENT_BYTES_MIN, true),
        (WHOLE_BYTES_MAX, WHOLE_BYTES_MAX - 1, true),
        (WHOLE_BYTES_MAX + 1, FRAGMENT_BYTES_MIN - 1, true),
        (WHOLE_BYTES_MAX + 1, FRAGMENT_BYTES_MIN, false),
        (WHOLE_BYTES_MAX + 1, WHOLE_BYTES_MAX + 1, false),
    ] {
        let mut outgoing = outgoing(granted as u64);
        assert!(!outgoing.wants_blocked(), "nothing waits");
        outgoing.push(message(length), 0);
        assert_eq!(outgoing.wants_blocked(), blocked, "{length} of {granted}");
        assert_eq!(outgoing.has_something(), !blocked, "{length} of {granted}");
    }
}

#[test]
fn so_many_messages_are_open_in_pieces_and_the_next_waits_for_one_that_is_whole_at_the_peer() {
    const LENGTH: usize = WHOLE_BYTES_MAX + 1000;
    let mut outgoing = outgoing(1 << 20);
    // What is not cut is never open, however much of it is on its way.
    for _ in 0..2 * FRAGMENTED_MESSAGES_MAX {
        outgoing.push(message(WHOLE_BYTES_MAX), 0);
    }
    assert_eq!(write_all(&mut outgoing).len(), 2 * FRAGMENTED_MESSAGES_MAX);
    for _ in 0..FRAGMENTED_MESSAGES_MAX + 2 {
        outgoing.push(message(LENGTH), 0);
    }
    let pieces = write_all(&mut outgoing);
    assert_eq!(pieces.iter().map(|piece| piece.length as usize).sum::<usize>(), FRAGMENTED_MESSAGES_MAX * LENGTH);
    // One in the middle: those before it are still on their way.
    let middle = pieces[pieces.len() / 2].message;
    let (of_middle, newest) = (pieces.iter().filter(|piece| piece.message == middle), pieces.last().unwrap().message);
    for (nth, &piece) in of_middle.enumerate() {
        assert_eq!(write(&mut outgoing), None, "after {nth} pieces of {middle}");
        outgoing.on_acknowledged(piece, untagged);
    }
    let next = write_all(&mut outgoing);
    assert!(next.iter().all(|piece| piece.message == newest + 1));
    assert_eq!(next.iter().map(|piece| piece.length as usize).sum::<usize>(), LENGTH);
}

#[test]
fn pieces_that_the_peer_has_are_not_sent_again() {
    let mut outgoing = outgoing(100_000);
    outgoing.push(message(5000), 0);
    let pieces = write_all(&mut outgoing);
    outgoing.on_lost(pieces[1]);
    outgoing.on_acknowledged(pieces[1], untagged);
    assert!(!outgoing.has_something(), "it was only late");
    outgoing.on_lost(pieces[1]);
    assert!(!outgoing.has_something(), "a repetition of it was lost");
    outgoing.on_lost(pieces[2]);
    outgoing.on_lost(pieces[2]);
    assert_eq!(write_all(&mut outgoing), [pieces[2]], "once, however often it was lost before it could leave again");
}

#[test]
fn how_long_an_acknowledgement_may_be_spread_is_said_with_the_message_it_belongs_to() {
    let mut outgoing = outgoing(1000);
    assert_eq!(outgoing.next_spread_millis(), 0);
    outgoing.push(message(10), 200);
    outgoing.push(message(10), 0);
    assert_eq!(outgoing.next_spread_millis(), 200);
    write(&mut outgoing).unwrap();
    assert_eq!(outgoing.next_spread_millis(), 0);
}

#[test]
fn a_message_with_a_tag_is_delivered_when_it_and_all_before_it_are_acknowledged() {
    let mut outgoing = outgoing(100_000);
    let tag = |id| DeliveryTag { id, version: 1 };
    let tagged = |id, length| Tally::default().tagged(vec![7; length], Some(tag(id)));
    outgoing.push(tagged(1, 10), 0);
    outgoing.push(message(10), 0);
    outgoing.push(tagged(3, 3000), 0);
    outgoing.push(tagged(4, 10), 0);
    let sent: Vec<_> = core::iter::from_fn(|| write(&mut outgoing)).collect();
    let mut acknowledged = |sent: &Sent| {
        let mut delivered = Vec::new();
        outgoing.on_acknowledged(*sent, |tag| delivered.push(tag.id));
        delivered
    };
    let [first, second, parts @ .., last] = &sent[..] else { panic!() };
    assert_eq!(acknowledged(last), [0; 0], "what is before it may be missing");
    assert_eq!(acknowledged(first), [1]);
    assert_eq!(acknowledged(first), [0; 0], "each once");
    assert_eq!(acknowledged(second), [0; 0]);
    let (end, parts) = parts.split_last().unwrap();
    assert!(!parts.is_empty() && parts.iter().all(|part| acknowledged(part).is_empty()));
    assert_eq!(acknowledged(end), [3, 4]);
}

#[test]
fn what_was_given_up_was_not_delivered_even_if_it_is_acknowledged_later() {
    let mut outgoing = outgoing(100_000);
    outgoing.push(Tally::default().tagged(vec![7; 10], Some(DeliveryTag { id: 1, version: 1 })), 0);
    let sent = write(&mut outgoing).unwrap();
    outgoing.shed();
    outgoing.on_acknowledged(sent, untagged);
}
