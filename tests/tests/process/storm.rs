//! A network that loses a fifth of all datagrams, repeats, reorders and damages others: nobody may notice.

use belfry_tests::process::{Server, texts};
use belfry_tests::relay::Relay;
use belfry_tests::weather::Weather;

const LINES: usize = 1000;

#[test]
fn in_a_storm_a_listener_and_the_history_have_each_of_a_thousand_lines_once_and_in_order() {
    let server = Server::start();
    // Of some hundred datagrams one in a hundred may be none.
    let weather = Weather { corrupt: 0.05, ..Weather::storm() };
    let relay = Relay::start(server.address, weather, 1).unwrap();
    let [alice, bob, carol] = ["alice", "bob", "carol"].map(|name| server.person_at(relay.address(), name));
    alice.register();
    bob.register();
    let mut listener = bob.listen();

    let lines: Vec<_> = (0..LINES).map(|number| format!("line {number}")).collect();
    let mut chat = alice.start(&["chat", "--room", "lobby"]);
    chat.write(&format!("{}\n", lines.join("\n")));
    chat.end_input();
    assert_eq!(chat.finish().done(), "");

    let end = alice.say("the end");
    assert_eq!(end, LINES as u64 + 1);
    let heard = texts(&listener.events_until_message("the end"));
    assert_eq!(heard[..heard.len() - 1], lines, "what bob hears");
    assert_eq!(bob.history(LINES + 1)[..LINES], lines, "the history");
    carol.register();
    assert_eq!(carol.history(LINES + 1)[..LINES], lines, "the history for somebody who came later");
    let traffic = relay.traffic();
    assert!(traffic.up.lost > 0 && traffic.down.lost > 0 && traffic.down.corrupted > 0, "there was no storm: {traffic:?}");
}
