//! The JSON that the commands print is the JSON that docs/COMMANDS.md shows: the examples there are the schema.

use std::collections::BTreeMap;

use belfry_tests::process::{Server, json};
use serde_json::Value;

const COMMANDS: &str = include_str!("../../../docs/COMMANDS.md");

/// Each example of the page, with whether something printed has been like it.
struct Schema(Vec<(Value, bool)>);

fn fields(object: &Value) -> BTreeMap<&str, &Value> {
    object.as_object().expect("an object").iter().map(|(name, value)| (name.as_str(), value)).collect()
}

/// Null is said to be possible in words; everything else has the type of the example, and `event` its very word.
fn is_like(printed: &Value, example: &Value) -> bool {
    let (printed, example) = (fields(printed), fields(example));
    printed.keys().eq(example.keys())
        && printed.iter().all(|(name, value)| {
            let shown = example[name];
            match name {
                &"event" => *value == shown,
                _ => value.is_null() || std::mem::discriminant(*value) == std::mem::discriminant(shown),
            }
        })
}

impl Schema {
    fn read() -> Self {
        let examples = COMMANDS.lines().filter_map(|line| line.strip_prefix("    ")).filter(|line| line.starts_with('{'));
        Self(examples.map(|example| (json(example), false)).collect())
    }

    fn check(&mut self, command: &str, printed: &[Value]) {
        assert!(!printed.is_empty(), "{command} has printed nothing");
        for object in printed {
            let mut known = false;
            for (example, seen) in &mut self.0 {
                if is_like(object, example) {
                    (known, *seen) = (true, true);
                }
            }
            assert!(known, "{command} prints what docs/COMMANDS.md does not show: {object}");
            for device in object.get("devices").and_then(Value::as_array).into_iter().flatten() {
                self.check(command, std::slice::from_ref(device));
            }
        }
    }
}

#[test]
fn what_the_commands_print_is_what_the_page_shows() {
    let server = Server::start();
    let (admin, bob) = (server.admin(), server.person("bob"));
    let mut schema = Schema::read();
    let mut screen = bob.listen_with(&["--acknowledge", "--presence"]);
    admin.run(&["room", "create", "attic"]).done();
    admin.run(&["room", "invite", "attic", "bob"]).done();
    bob.run(&["room", "join", "attic"]).done();
    admin.run(&["room", "rename", "attic", "loft"]).done();
    bob.run(&["room", "leave", "loft"]).done();
    admin.run(&["room", "keep", "loft", "--age", "30d", "--messages", "1000"]).done();
    for text in ["hello", "good bye", "nothing"] {
        admin.say(text);
    }
    let folder = server.data().with_file_name("home");
    std::fs::create_dir(&folder).unwrap();
    let (plan, out) = (folder.join("plan.pdf"), folder.join("fetched"));
    std::fs::write(&plan, "a plan").unwrap();
    let sent = admin.run(&["send", "--room", "lobby", "--json", "--file", plan.to_str().unwrap()]).objects();
    schema.check("send", &sent);
    schema.check("files get", &bob.run(&["files", "get", "1", "--json", "--out", out.to_str().unwrap()]).objects());
    admin.run(&["edit", "--room", "lobby", "2", "until tomorrow"]).done();
    admin.run(&["delete", "--room", "lobby", "3"]).done();
    admin.run(&["send", "--room", "lobby", "--reply", "1", "hello to you"]).done();
    admin.say("as it is");
    for who in [&admin, &bob] {
        who.run(&["react", "--room", "lobby", "1", "👍"]).done();
    }
    let profile = ["--display", "Bob Hill", "--department", "Research", "--telephone", "1234", "--status", "in the workshop"];
    bob.run(&[&["user", "profile", "bob"][..], &profile].concat()).done();
    schema.check("user profile", &bob.run(&["user", "profile", "bob", "--json"]).objects());
    bob.run(&["user", "profile", "bob", "--display", "", "--department", "", "--telephone", "", "--status", ""]).done();
    admin.run(&["group", "add", "nurses", "bob"]).done();
    admin.run(&["notice", "send", "--to", "user:bob", "--wait", "answered", "--expires", "2h", "--title", "Drill", "Leave now"]).done();
    admin.run(&["notice", "send", "--at", "2099-01-01T08:00:00Z", "--every", "day", "later"]).done();
    admin.run(&["notice", "template", "add", "drill", "--answers", "Safe", "Leave now"]).done();
    for command in [
        &["history", "--room", "lobby"][..],
        &["search", "hello"],
        &["files", "list", "--room", "lobby"],
        &["reactions", "--room", "lobby", "1"],
        &["room", "list"],
        &["room", "members", "loft"],
        &["originals", "--room", "lobby", "3"],
        &["who"],
        &["notice", "preview"],
        &["notice", "list"],
        &["notice", "status", "1"],
        &["notice", "update", "1", "--title", "Fire"],
        &["notice", "remind", "1"],
        &["notice", "all-clear", "1", "over"],
        &["notice", "scheduled"],
        &["notice", "template", "list"],
        &["group", "list"],
        &["group", "list", "nurses"],
        &["user", "list"],
        &["user", "sessions", "bob"],
        &["status"],
        &["audit"],
    ] {
        schema.check(&command.join(" "), &admin.run(&[command, &["--json"][..]].concat()).objects());
    }
    schema.check("export", &admin.run(&["export", "--all", "--format", "jsonl"]).objects());
    let _folder = server.stop();
    screen.event(|event| event["event"] == "disconnected");
    screen.terminate();
    schema.check("listen", &screen.finish().objects());
    // Another computer on the network is needed for it; its own tests look at what it prints.
    let unseen: Vec<_> =
        schema.0.iter().filter(|(example, seen)| !seen && example.get("found_by").is_none()).map(|(example, _)| example).collect();
    assert!(unseen.is_empty(), "docs/COMMANDS.md shows what no command of this test has printed: {unseen:?}");
}
