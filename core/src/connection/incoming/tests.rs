use alloc::vec;

use super::*;
use crate::wire::Channel;

fn whole(message: u64, bytes: &[u8]) -> Data<'_> {
    Data { channel: Channel::Chat, message, part: Part::Whole, bytes }
}

fn piece(message: u64, body: &[u8], from: usize, to: usize) -> Data<'_> {
    let last = (to == body.len()).then(|| crc32fast::hash(body));
    Data { channel: Channel::Chat, message, part: Part::Fragment { offset: from as u32, last }, bytes: &body[from..to] }
}

fn deliver(incoming: &mut Incoming, data: &Data<'_>) -> Result<Vec<Vec<u8>>, CloseCode> {
    let mut delivered = Vec::new();
    incoming.on_data(data, |body| delivered.push(body))?;
    Ok(delivered)
}

fn body(length: usize) -> Vec<u8> {
    (0..length).map(|i| (i * 7) as u8).collect()
}

#[test]
fn messages_are_delivered_in_order_and_once() {
    let mut incoming = Incoming::new(MESSAGE_BYTES_MAX, 1000);
    assert_eq!(deliver(&mut incoming, &whole(1, b"b")), Ok(vec![]));
    assert_eq!(deliver(&mut incoming, &whole(0, b"a")), Ok(vec![b"a".to_vec(), b"b".to_vec()]));
    assert_eq!(deliver(&mut incoming, &whole(1, b"b")), Ok(vec![]));
    assert_eq!(incoming.consumed, 2);
}

#[test]
fn pieces_in_any_order_twice_or_cut_differently_make_one_message() {
    let body = body(3000);
    for cuts in [
        vec![(0, 1000), (1000, 2000), (2000, 3000)],
        vec![(2000, 3000), (0, 1000), (0, 1000), (1000, 2000)],
        vec![(0, 1000), (2000, 3000), (500, 2500)],
        vec![(1000, 2000), (0, 3000)],
    ] {
        let mut incoming = Incoming::new(MESSAGE_BYTES_MAX, 10_000);
        let mut delivered = Vec::new();
        for &(from, to) in &cuts {
            delivered.extend(deliver(&mut incoming, &piece(0, &body, from, to)).unwrap());
        }
        assert_eq!(delivered, vec![body.clone()], "{cuts:?}");
        assert_eq!((incoming.charged, incoming.consumed), (3000, 3000), "{cuts:?}");
    }
}

#[test]
fn a_message_that_was_joined_wrongly_is_noticed() {
    let body = body(2000);
    let mut damaged = body.clone();
    damaged[1500] ^= 1;
    let mut incoming = Incoming::new(MESSAGE_BYTES_MAX, 10_000);
    deliver(&mut incoming, &piece(0, &body, 1000, 2000)).unwrap();
    assert_eq!(deliver(&mut incoming, &piece(0, &damaged, 0, 1000)), Ok(vec![body.clone()]), "the damage lies in the other half");
    let mut incoming = Incoming::new(MESSAGE_BYTES_MAX, 10_000);
    deliver(&mut incoming, &piece(0, &body, 0, 1000)).unwrap();
    let crc = Data { bytes: &damaged[1000..], ..piece(0, &body, 1000, 2000) };
    assert_eq!(deliver(&mut incoming, &crc), Err(CloseCode::MESSAGE_CRC));
}

#[test]
fn a_peer_that_sends_more_than_granted_is_closed() {
    let mut incoming = Incoming::new(MESSAGE_BYTES_MAX, 4);
    assert_eq!(deliver(&mut incoming, &whole(1, b"abcd")), Ok(vec![]));
    assert_eq!(deliver(&mut incoming, &whole(2, b"e")), Err(CloseCode::FLOW_CONTROL));
}

#[test]
fn a_peer_that_contradicts_itself_is_closed() {
    let body = body(3000);
    let mut incoming = Incoming::new(MESSAGE_BYTES_MAX, 10_000);
    deliver(&mut incoming, &piece(0, &body, 2000, 3000)).unwrap();
    let shorter = piece(0, &body[..2000], 1000, 2000);
    assert_eq!(deliver(&mut incoming, &shorter), Err(CloseCode::PROTOCOL_VIOLATION));
    let mut incoming = Incoming::new(MESSAGE_BYTES_MAX, 10_000);
    deliver(&mut incoming, &piece(1, &body, 0, 1000)).unwrap();
    assert_eq!(deliver(&mut incoming, &whole(1, b"a")), Err(CloseCode::PROTOCOL_VIOLATION));
}

#[test]
fn tiny_pieces_and_too_many_open_messages_are_refused() {
    let body = body(5000);
    let mut incoming = Incoming::new(MESSAGE_BYTES_MAX, 100_000);
    assert_eq!(deliver(&mut incoming, &piece(0, &body, 0, FRAGMENT_BYTES_MIN - 1)), Err(CloseCode::PROTOCOL_VIOLATION));
    for message in 0..FRAGMENTED_MESSAGES_MAX as u64 {
        deliver(&mut incoming, &piece(message, &body, 0, 1000)).unwrap();
    }
    let one_more = piece(FRAGMENTED_MESSAGES_MAX as u64, &body, 0, 1000);
    assert_eq!(deliver(&mut incoming, &one_more), Err(CloseCode::LIMIT_EXCEEDED));
}

#[test]
fn whole_messages_that_wait_for_their_turn_are_not_open() {
    let body = body(2000);
    let mut incoming = Incoming::new(MESSAGE_BYTES_MAX, 100_000);
    for message in 1..=2 * FRAGMENTED_MESSAGES_MAX as u64 {
        deliver(&mut incoming, &piece(message, &body, 0, 1000)).unwrap();
        assert_eq!(deliver(&mut incoming, &piece(message, &body, 1000, 2000)), Ok(vec![]));
    }
    assert_eq!(deliver(&mut incoming, &whole(0, b"first")).unwrap().len(), 2 * FRAGMENTED_MESSAGES_MAX + 1);
}

#[test]
fn a_grant_grows_when_half_of_it_is_used_up() {
    let mut incoming = Incoming::new(MESSAGE_BYTES_MAX, 10);
    deliver(&mut incoming, &whole(0, b"abcd")).unwrap();
    assert_eq!(incoming.grant(), None);
    deliver(&mut incoming, &whole(1, b"e")).unwrap();
    assert_eq!(incoming.grant(), Some(15));
    assert_eq!(incoming.grant(), None);
}

#[test]
fn resynchronising_skips_what_is_missing_and_keeps_what_follows() {
    let mut incoming = Incoming::new(MESSAGE_BYTES_MAX, 100);
    deliver(&mut incoming, &whole(5, b"five")).unwrap();
    deliver(&mut incoming, &whole(3, b"three")).unwrap();
    let mut delivered = Vec::new();
    assert_eq!(incoming.on_resync(5, 40, |body| delivered.push(body)), Ok(true));
    assert_eq!(delivered, [b"five".to_vec()]);
    assert_eq!((incoming.charged, incoming.consumed, incoming.next), (44, 44, 6));
    assert_eq!(incoming.on_resync(5, 40, |_| ()), Ok(false), "a repetition says nothing new");
}

#[test]
fn a_resync_may_use_up_the_grant_to_its_last_byte_and_no_more_and_what_follows_is_granted() {
    let granted = 100;
    let mut incoming = Incoming::new(MESSAGE_BYTES_MAX, granted);
    deliver(&mut incoming, &whole(0, b"abcd")).unwrap();
    assert_eq!(incoming.on_resync(5, granted + 1, |_| ()), Err(CloseCode::FLOW_CONTROL));
    assert_eq!(incoming.on_resync(5, 3, |_| ()), Err(CloseCode::FLOW_CONTROL), "more than that was delivered already");
    assert_eq!(incoming.on_resync(5, granted, |_| ()), Ok(true));
    assert_eq!(incoming.grant(), Some(2 * granted), "or the peer could never say anything again");
    assert_eq!(deliver(&mut incoming, &whole(5, b"on we go")), Ok(vec![b"on we go".to_vec()]));
}

#[test]
fn a_message_may_be_as_long_as_its_channel_takes_and_no_longer() {
    const LONGEST: usize = 2000;
    for over in [1, 2, 3] {
        let (fits, long) = (body(LONGEST), body(LONGEST + over));
        let mut incoming = Incoming::new(LONGEST, 1 << 20);
        assert_eq!(deliver(&mut incoming, &whole(0, &fits)), Ok(vec![fits.clone()]));
        assert_eq!(deliver(&mut incoming, &whole(1, &long)), Err(CloseCode::LIMIT_EXCEEDED), "{over}");
        let mut incoming = Incoming::new(LONGEST, 1 << 20);
        assert_eq!(deliver(&mut incoming, &piece(0, &fits, 1000, LONGEST)), Ok(vec![]));
        assert_eq!(deliver(&mut incoming, &piece(0, &fits, 0, 1000)), Ok(vec![fits]));
        assert_eq!(deliver(&mut incoming, &piece(1, &long, 1000, LONGEST + over)), Err(CloseCode::LIMIT_EXCEEDED), "{over}");
    }
}

#[test]
fn a_piece_that_is_not_the_last_has_at_least_so_many_bytes() {
    let body = body(2000);
    for (length, taken) in [(FRAGMENT_BYTES_MIN - 1, Err(CloseCode::PROTOCOL_VIOLATION)), (FRAGMENT_BYTES_MIN, Ok(vec![]))] {
        let mut incoming = Incoming::new(MESSAGE_BYTES_MAX, 10_000);
        assert_eq!(deliver(&mut incoming, &piece(0, &body, 0, length)), taken, "{length}");
        assert_eq!(deliver(&mut incoming, &piece(1, &body, 1999, 2000)), Ok(vec![]), "the last may be smaller");
    }
}

#[test]
fn nothing_lies_beyond_a_messages_end_whichever_comes_first() {
    let (short, long) = (body(2000), body(3000));
    let end_first = [piece(0, &short, 1000, 2000), piece(0, &long, 1500, 2500)];
    let beyond_first = [piece(0, &long, 1500, 2500), piece(0, &short, 1000, 2000)];
    for pieces in [end_first, beyond_first] {
        let mut incoming = Incoming::new(MESSAGE_BYTES_MAX, 10_000);
        assert_eq!(deliver(&mut incoming, &pieces[0]), Ok(vec![]));
        assert_eq!(deliver(&mut incoming, &pieces[1]), Err(CloseCode::PROTOCOL_VIOLATION));
    }
}

#[test]
fn a_message_may_be_in_256_pieces_and_no_more() {
    let body = body(MESSAGE_BYTES_MAX);
    let mut incoming = Incoming::new(MESSAGE_BYTES_MAX, 1 << 20);
    // Each begins a byte later than the one before, so a byte of each is new.
    for from in 0..256 {
        assert_eq!(deliver(&mut incoming, &piece(0, &body, from, from + FRAGMENT_BYTES_MIN)), Ok(vec![]), "{from}");
    }
    let one_more = piece(0, &body, 256, 256 + FRAGMENT_BYTES_MIN);
    assert_eq!(deliver(&mut incoming, &one_more), Err(CloseCode::LIMIT_EXCEEDED));
}

#[test]
fn what_is_half_here_is_counted_with_what_is_kept_beside_it_until_it_is_delivered_or_given_up() {
    let beside = size_of::<(u64, Assembly)>() as u64;
    let body = body(2000);
    let mut incoming = Incoming::new(MESSAGE_BYTES_MAX, 10_000);
    deliver(&mut incoming, &whole(0, &body)).unwrap();
    assert!(incoming.is_idle());
    assert_eq!(incoming.backlog(), ReceiveBacklog { bytes: 0, delivered: 2000 });
    deliver(&mut incoming, &piece(1, &body, 0, 600)).unwrap();
    deliver(&mut incoming, &whole(2, b"two")).unwrap();
    assert!(!incoming.is_idle());
    assert_eq!(incoming.backlog(), ReceiveBacklog { bytes: 603 + 2 * beside, delivered: 2000 });
    incoming.give_up();
    assert!(incoming.is_idle());
    assert_eq!(incoming.backlog(), ReceiveBacklog { bytes: 0, delivered: 2000 });
}

#[test]
fn a_rest_changes_nothing_about_what_may_still_come() {
    let mut incoming = Incoming::new(MESSAGE_BYTES_MAX, 10);
    deliver(&mut incoming, &whole(0, b"abcd")).unwrap();
    for (body, taken) in [(&b"efghij"[..], Ok(vec![b"efghij".to_vec()])), (b"efghijk", Err(CloseCode::FLOW_CONTROL))] {
        let mut rested = Incoming::resume(MESSAGE_BYTES_MAX, incoming.park());
        assert_eq!(rested.backlog(), ReceiveBacklog { bytes: 0, delivered: 4 });
        assert_eq!(deliver(&mut rested, &whole(1, body)), taken);
    }
}

#[test]
fn a_resync_may_name_exactly_the_bytes_that_were_delivered() {
    let mut incoming = Incoming::new(MESSAGE_BYTES_MAX, 100);
    deliver(&mut incoming, &whole(0, b"abcd")).unwrap();
    assert_eq!(incoming.on_resync(5, 4, |_| ()), Ok(true));
}
