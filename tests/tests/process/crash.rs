//! The server is killed in the middle of its work and started again on the same folder and port.

use std::collections::BTreeMap;
use std::sync::mpsc::channel;
use std::thread;

use belfry_tests::process::{Server, texts};

const SENDERS: usize = 3;
const SENDS: usize = 12;

#[test]
fn a_killed_server_keeps_every_confirmed_send_once_and_listeners_miss_and_repeat_nothing() {
    let mut server = Server::start();
    let bob = server.person("bob");
    let mut listener = bob.listen();
    let senders: Vec<_> = (0..SENDERS).map(|number| server.person(&format!("sender{number}"))).collect();
    let (confirm, confirmations) = channel();
    let threads: Vec<_> = senders
        .into_iter()
        .map(|sender| {
            let confirm = confirm.clone();
            thread::spawn(move || {
                for number in 0..SENDS {
                    let text = format!("{} {number}", sender.name);
                    let sent = sender.run(&["send", "--room", "lobby", "--connect-timeout", "60", &text]);
                    // 3 says that it may or may not be stored.
                    assert!(matches!(sent.code, Some(0 | 3)), "{sent:#?}");
                    let _ = confirm.send((sent.code == Some(0)).then_some(text));
                }
            })
        })
        .collect();
    drop(confirm);
    let mut confirmed = Vec::new();
    for (number, confirmation) in confirmations.iter().enumerate() {
        confirmed.extend(confirmation);
        if number == SENDERS * SENDS / 3 {
            server.crash_and_restart();
        }
    }
    threads.into_iter().for_each(|thread| thread.join().unwrap());
    bob.say("the end");

    let history = bob.history(SENDERS * SENDS + 1);
    let mut times = BTreeMap::<&str, usize>::new();
    for text in &history {
        *times.entry(text).or_default() += 1;
    }
    assert!(times.values().all(|&count| count == 1), "stored twice: {history:#?}");
    let lost: Vec<_> = confirmed.iter().filter(|text| !times.contains_key(text.as_str())).collect();
    assert!(lost.is_empty(), "confirmed and not stored: {lost:?}");
    let events = listener.events_until_message("the end");
    assert_eq!(texts(&events), history, "what the listener has printed");
    assert!(events.iter().any(|event| event["event"] == "disconnected"), "the listener was never disconnected: {events:#?}");
}
