//! Others see who has gone. One of these waits for the heartbeat, so this file's name sorts first.

use std::time::Duration;

use belfry_core::limits::HEARTBEAT_TIMEOUT;
use belfry_tests::process::Server;

#[test]
fn a_killed_listener_is_offline_within_the_heartbeat_limit() {
    let server = Server::start();
    let mut watcher = server.person("alice").listen_with(&["--presence"]);
    let mut killed = server.person("bob").listen();
    watcher.event(|event| event["account"] == "bob" && event["presence"] == "online");
    killed.kill();
    watcher.event_within(HEARTBEAT_TIMEOUT + Duration::from_secs(5), |event| event["account"] == "bob" && event["presence"] == "offline");
}

#[test]
fn a_listener_that_closes_is_offline_at_once() {
    let server = Server::start();
    let mut watcher = server.person("alice").listen_with(&["--presence"]);
    let closing = server.person("bob").listen();
    watcher.event(|event| event["account"] == "bob" && event["presence"] == "online");
    closing.terminate();
    watcher.event_within(Duration::from_secs(2), |event| event["account"] == "bob" && event["presence"] == "offline");
}
