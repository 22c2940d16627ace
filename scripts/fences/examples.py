"""What each fence of scripts/check-fences must refuse and must let pass. A check that cannot fail is worthless."""

# rule: [(path, text, the lines it must fail on, other files of the tree)]
HOME = "/" + "home/anna/belfry"

EXAMPLES = {
    "core_is_no_std": [
        ("core/src/lib.rs", "//! #![no_std]\npub mod wire;\n", [1]),
        ("core/src/lib.rs", "//! The core.\n#![no_std]\n", []),
    ],
    "core_names_no_world": [
        ("core/src/wire/frame.rs", "use std::net::UdpSocket;\n", [1]),
        ("core/src/wire/frame.rs", "\nfn f() { ::std::println!() }\n", [2]),
        ("core/src/client/mod.rs", "fn f() { let now = Instant::now(); }\n", [1]),
        ("core/src/client/mod.rs", "fn f(t: SystemTime) {}\nfn g() { thread::park() }\n", [1, 2]),
        ("core/src/endpoint/mod.rs", "use hashbrown::HashMap;\n", [1]),
        ("core/src/rng.rs", "fn f() { getrandom::fill(&mut []) }\n", [1]),
        ("core/src/wire/frame.rs", "#[cfg(test)]\nconst A: [u8; 2] = [0; 2];\nuse std::vec::Vec;\n", [3]),
        ("core/src/wire/frame.rs", "// std::net\n/* a /* std::net */ */\nconst A: &str = \"std::net\";\nconst B: &str = r#\"std::net \" \"#;\n", []),
        ("core/src/wire/frame.rs", "fn f<'a>(c: char) -> bool { c == '\"' }\n#[cfg(test)]\nmod tests {\n    use std::vec::Vec;\n}\n", []),
        ("core/src/net/mod.rs", "use std::net::UdpSocket;\n", []),
    ],
    "pure_rooms_do_nothing": [
        ("server/src/hub/mod.rs", "use std::{collections::BTreeMap, time::{Duration, Instant}};\n", [1]),
        ("server/src/machine.rs", "fn f() { std::thread::spawn(|| ()); }\n", [1]),
        ("tray-client/src/model/mod.rs", "use std::fs;\n", [1]),
        ("server/src/session/mod.rs", "use std::net::UdpSocket;\n", [1]),
        ("server/src/hub/mod.rs", "use std::collections::BTreeMap;\nuse std::time::Duration;\nuse std::net::SocketAddr;\nuse std::sync::Arc;\n", []),
        ("server/src/session/mod.rs", "use std::sync::{Arc, Mutex};\n", [1]),
    ],
    "crates_have_keepers": [
        ("core/src/chat/request.rs", "fn f() { bincode::serde::encode_to_vec() }\n", [1]),
        ("server/src/hub/mod.rs", "use rusqlite::Connection;\n", [1]),
        ("server/src/drive.rs", "use socket2::Socket;\nuse mio::Poll;\n", [1]),
        ("server/program/src/cli/serve.rs", "fn f() { libc::getpid() }\nfn g() { windows_sys::Win32::x() }\n", [1, 2]),
        ("tray-client/src/model/mod.rs", "use slint::SharedString;\n\nuse rfd::AsyncFileDialog;\n", [1, 3]),
        ("tray-client/src/app/memory.rs", "use rusqlite::Connection;\n", [1]),
        ("tray-client/src/cache/store.rs", "use rusqlite::Connection;\n", []),
        ("tray-client/src/scene/mod.rs", "use winit::window::Window;\nuse tray_icon::TrayIcon;\n", [1, 2]),
        ("core/src/wire/codec.rs", "use bincode::config;\n", []),
        ("server/src/store/worker.rs", "use rusqlite::{Connection, params};\n", []),
        ("server/src/drive.rs", "use mio::Poll;\n", []),
        ("tray-client/src/main.rs", "use slint::ComponentHandle;\n", []),
    ],
    "unsafe_has_its_rooms": [
        ("server/src/hub/mod.rs", "fn f() { unsafe { g() } }\n", [1]),
        ("server/src/lib.rs", "#![allow(unsafe_code, reason = \"\")]\n", [1]),
        ("core/src/net/mod.rs", "#[allow(unsafe_code, reason = \"\")]\nmod windows;\nfn f() { unsafe { g() } }\n", [3]),
        ("core/src/net/batch/linux.rs", "fn f() { unsafe { g() } }\n", []),
        ("server/src/lib.rs", "// unsafe\n#![deny(unsafe_code)]\n", []),
    ],
    "river_flows_one_way": [
        ("core/src/connection/mod.rs", "use crate::{time, endpoint::PeerId};\n", [1]),
        ("core/src/connection/acks.rs", "fn f() -> super::super::client::Client {}\n", [1]),
        ("core/src/wire/frame.rs", "use crate::wire::CloseCode;\nuse crate::connection::Connection;\n", [2]),
        ("core/src/wire/mod.rs", "use super::chat::Text;\n", [1]),
        ("core/src/client/mod.rs", "use crate::endpoint;\nuse crate::connection::Connection;\n", [1]),
        ("server/src/store/apply.rs", "use crate::hub::Hub;\nfn f(s: &crate::session::Session) {}\n", [1, 2]),
        ("server/src/hub/mod.rs", "use belfry_core::endpoint::PeerId;\nuse crate::session::SignedIn;\nuse belfry_core::net;\n", [1, 3]),
        ("server/src/hub/mod.rs", "use crate::session::Session;\nuse rusqlite::Row;\n", [1, 2]),
        ("server/src/drive.rs", "use belfry_core::client::Client;\n", [1]),
        ("tray-client/src/model/mod.rs", "use belfry_core::net::Handle;\n", [1]),
        ("tray-client/src/view/chat.rs", "use belfry_core::chat::Text;\nuse crate::model::MessageLine;\n", [1]),
        ("tray-client/src/view/mod.rs", "use crate::cache::Cache;\n", [1]),
        ("tray-client/src/model/memory.rs", "use crate::cache::Cache;\n", [1]),
        ("tray-client/src/tray/host.rs", "use crate::cache::Cache;\n", [1]),
        ("tray-client/src/cache/mod.rs", "use crate::app::App;\nuse crate::model::MemoryChange;\n", [1]),
        ("tray-client/src/cache/store.rs", "use crate::scene;\n", [1]),
        ("tray-client/src/outbox.rs", "use crate::platform::files::Folder;\nuse crate::scene;\n", [2]),
        ("core/src/connection/mod.rs", "use self::timer::Timer;\nuse crate::{wire::Channel, time};\n", []),
        ("core/src/client/mod.rs", "#[cfg(test)]\nmod tests {\n    use crate::endpoint::Endpoint;\n}\n", []),
        ("core/src/client/pair.rs", "use crate::endpoint::Endpoint;\n", [], ("core/src/client/mod.rs", "#[cfg(test)]\nmod pair;\n")),
        ("tray-client/src/app/connect.rs", "use self::plain::Wanted;\nuse belfry_core::net::Handle;\n", []),
    ],
    "rooms_form_no_circle": [
        ("core/src/wire/frame.rs", "use super::channel::Channel;\n", [1, 2], ("core/src/wire/channel.rs", "\nfn f() -> super::frame::Head {}\n")),
        ("core/src/chat/room.rs", "\nuse super::Day;\n", [1, 2], ("core/src/chat/mod.rs", "pub use clock::{Day as Day, Time};\n"),
         ("core/src/chat/clock.rs", "use crate::chat::room as first;\n")),
        ("tray-client/src/app.rs", "use crate::scene::Row;\n", [1, 2, 3], ("tray-client/src/scene/rows.rs", "\nuse crate::words;\n"),
         ("tray-client/src/words/mod.rs", "\n\nuse crate::app;\n")),
        ("server/src/hub/mod.rs", "use crate::session::SignedIn;\n", [1], ("server/src/session/mod.rs", "")),
        ("server/src/hub/mod.rs", "use crate::session::SignedIn;\n", [], ("server/src/session/mod.rs", "use crate::hub::Hub;\n")),
        ("core/src/wire/frame.rs", "use super::channel::Channel;\n", [], ("core/src/wire/channel.rs", "#[cfg(test)]\nuse super::frame;\n")),
        ("core/src/wire/mod.rs", "use self::ack::Ack;\n", [], ("core/src/wire/ack.rs", "use super::Channel;\n")),
        ("server/src/serve.rs", "use belfry_core::net;\n", [], ("core/src/net/mod.rs", "use crate::serve;\n")),
    ],
    "type_names_are_declared_once": [
        ("core/src/wire/frame.rs", "pub struct Part;\n", [2], ("server/src/store/job.rs", "\npub(crate) enum Part {}\n")),
        ("CONTRIBUTING.md", "\n| declared more than once | why |\n|---|---|\n| `Part`, `Line` | x |\n", [1, 4], ("core/src/line.rs", "struct Line;\n"),
         ("core/src/x.rs", "type Hub = u8;\n"), ("server/src/hub.rs", "pub trait Hub {}\n")),
        ("CONTRIBUTING.md", "| declared more than once | why |\n|---|---|\n| `Part` | `Hub` |\n", [], ("core/src/a.rs", "struct Part;\n"),
         ("core/src/b.rs", "#[cfg(unix)]\nstruct Part;\n#[cfg(test)]\nmod tests {}\n")),
        ("core/src/a.rs", "#[cfg(unix)]\nstruct Part;\n#[cfg(windows)]\nstruct Part;\n", [], ("tests/src/b.rs", "struct Part;\n")),
        ("core/src/a.rs", "impl A for B {\n    type Err = C;\n}\n", [], ("core/src/b.rs", "impl A for D {\n    type Err = C;\n}\n#[cfg(test)]\nstruct X;\n")),
    ],
    "rows_keep_nothing": [
        ("tray-client/ui/compose.slint", "component A {\n    for row in root.rows: Rectangle {\n        CheckBox { checked <=> root.x; }\n    }\n}\n", [3]),
        ("tray-client/ui/places.slint", "component A {\n    CheckBox {\n        text: \"x\";\n        checked: root.only;\n        toggled => { root.only = true; }\n    }\n}\n", [4]),
        ("tray-client/ui/compose.slint", "ComboBox { model: root.m; current-index: 0; }\nLineEdit { text: root.title; }\n", [1, 2]),
        ("tray-client/ui/settings.slint", "Slider { value: 3; }\nSwitch { enabled: a; checked: root.on; }\n", [1, 2]),
        ("tray-client/ui/settings.slint", "CheckBox { text: \"checked: no\"; checked <=> root.on; toggled => { root.done(); } }\n", []),
        ("tray-client/ui/settings.slint", "TextEdit { text: root.report; read-only: true; }\n// Slider { value: 3; }\n", []),
        ("tray-client/ui/places.slint", "for row in root.rows: Tick { checked: row.chosen; }\nname := LineEdit { placeholder-text: \"x\"; }\n", []),
    ],
    "rooms_have_names": [
        ("core/src/util.rs", "", [1]),
        ("server/src/common/mod.rs", "", [1]),
        ("tests/src/helpers.rs", "", [1]),
        ("docs/misc.md", "", [1]),
        ("core/src/utility_curve.rs", "", []),
    ],
    "nothing_is_unfinished": [
        ("tests/tests/chat.rs", "fn f() { todo!() }\nfn g() { unimplemented!(\"x\") }\nfn h() { dbg!(1); }\n", [1, 2, 3]),
        ("tests/tests/chat.rs", "// todo!()\nfn todo() {}\n", []),
    ],
    "files_are_short": [
        ("core/src/chat/mod.rs", "\n" * 601, [601]),
        ("scripts/test", "\n" * 601, [601]),
        ("core/src/chat/mod.rs", "\n" * 600, []),
        ("docs/PROTOCOL.md", "\n" * 2000, []),
    ],
    "tests_do_not_sleep": [
        ("tests/tests/chat.rs", "fn f() { std::thread::sleep(d) }\n", [1]),
        ("core/src/client/mod.rs", "#[cfg(test)]\nmod tests {\n    use std::thread;\n    fn f() { thread::sleep(d) }\n}\n", [4]),
        ("tests/tests/process_chat.rs", "fn f() { std::thread::sleep(d) }\n", []),
        ("core/src/net/driver.rs", "fn f() { std::thread::sleep(d) }\n", []),
    ],
    "no_machine_is_named": [
        ("README.md", f"cd {HOME}\n", [1]),
        ("scripts/test", "\nout=" + "/" + "work/out\n", [2]),
        ("README.md", "https://example.org" + "/" + "home/ and a frame" + "/" + "work/ and homework" + "/" + "\n", []),
    ],
    "dependencies_have_reasons": [
        ("Cargo.toml", "[workspace.dependencies]\nserde = \"1\"\n", [2]),
        ("Cargo.toml", "[workspace.dependencies]\n# Why.\nserde = \"1\"\n\nring = \"0.17\"\n", [5]),
        ("Cargo.toml", "# x\n[workspace.dependencies]\nbelfry-core = { path = \"core\" }\n# Why.\nrand_core = \"1\"\nrand_chacha = \"1\"\n", []),
        ("Cargo.toml", "[workspace.package]\nversion = \"1\"\n", []),
    ],
    "the_oldest_rust_is_one_number": [
        ("README.md", "Rust (1.94 or newer)\n", [1], ("Cargo.toml", '[workspace.package]\nrust-version = "1.95"\n')),
        ("scripts/mutants/Cargo.toml", '\nrust-version = "1.96"\n', [2], ("Cargo.toml", 'rust-version = "1.95"\n')),
        ("README.md", "Rust, 1.95 or newer, Python 3 or newest\n", [], ("Cargo.toml", 'rust-version = "1.95"\n')),
    ],
    "links_lead_somewhere": [
        ("README.md", "See [map](docs/MAP.md).\n", [1]),
        ("docs/decisions/0001-x.md", "[a](../GONE.md)\n\n[b]: ../../NOT_HERE\n", [1, 3]),
        ("docs/MAP.md", "[self](MAP.md#top), [top](../docs), [web](https://example.org), [here](#there), `[no](link)`\n", []),
        ("docs/MAP.md", "```\n[no](link)\n```\n[root](/docs/MAP.md)\n", []),
    ],
}


def self_test(rules, river, file, failures):
    """Every rule fails where it must and nowhere else, and every room of the river has something it refuses."""
    wrong = []
    for rule in rules:
        examples = EXAMPLES.get(rule.__name__, [])
        if not any(lines for _, _, lines, *_ in examples) or not any(not lines for _, _, lines, *_ in examples):
            wrong.append(f"{rule.__name__} needs an example that it refuses and one that it lets pass")
        if not rule.__doc__:
            wrong.append(f"{rule.__name__} does not say why it exists")
        for path, text, lines, *others in examples:
            tree = [file(path, text)] + [file(*other) for other in others]
            found = sorted({line for _, line, _ in failures(tree, [rule])})
            if found != lines:
                wrong.append(f"{rule.__name__} on {path} {text[:80]!r}: fails on lines {found}, should on {lines}")
    flow = next(rule for rule in rules if rule.__name__ == "river_flows_one_way")
    for room, called, banned, _ in river:
        name = banned.split()[0].replace("{", "").split(",")[0].removesuffix("}")
        path = room if room.endswith(".rs") else f"{room}/mod.rs"
        if not failures([file(path, f"use {name.removesuffix('::')}::anything::Thing;\n")], [flow]):
            wrong.append(f"the river lets {called} import {name}")
    unknown = EXAMPLES.keys() - {rule.__name__ for rule in rules}
    wrong += [f"examples for {name}, which is no rule" for name in sorted(unknown)]
    for sentence in wrong:
        print(f"scripts/check-fences: {sentence}")
    print(f"self-test of {len(rules)} fences: {'failed' if wrong else 'each fails where it must'}")
    return 1 if wrong else 0
