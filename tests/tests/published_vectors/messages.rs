//! Whole messages: every variant of what is asked, answered and told, also those that are added tomorrow.

use belfry_core::chat::{
    AccountName, Answer, Event, FromClient, FromServer, NoticeChange, Password, Place, PostId, Refusal, Request, RoomName, Text,
    decode_from_client, decode_from_server, encode,
};
use belfry_core::limits::{PASSWORD_BYTES_MAX, TEXT_BYTES_MAX};
use belfry_tests::anything::one_of;
use belfry_tests::pair::seeded;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::{hex, publish};

/// Of each variant.
const SAMPLES: u64 = 3;

/// Values of every variant; those of one do not depend on how many others there are.
fn samples<T: DeserializeOwned>() -> impl Iterator<Item = T> {
    let of = |variant| (0..SAMPLES).map_while(move |sample| one_of(variant, &mut seeded(u64::from(variant) * 1000 + sample)));
    (0..).map(move |variant| of(variant).collect::<Vec<T>>()).take_while(|samples| !samples.is_empty()).flatten()
}

fn case(kind: &str, message: &impl Serialize) -> Value {
    let bytes = encode(message).expect("it fits");
    let meaning = serde_json::to_value(message).expect("it has a form");
    json!({"kind": kind, "bytes": hex(&bytes), "meaning": published(meaning, "")})
}

/// What the protocol calls the entries of a page, by what they are a page of.
fn entries_of(list: &str) -> String {
    match list {
        "Audit" | "people" => "entries".to_owned(),
        "Exportable" => "conversations".to_owned(),
        "Exported" | "page" => "messages".to_owned(),
        other => other.to_lowercase(),
    }
}

/// A value with the names that the protocol gives its parts: a page is one type here, and the protocol names what it holds.
fn published(value: Value, of: &str) -> Value {
    let Value::Object(fields) = value else { return value };
    let is_page = fields.len() == 2 && fields.contains_key("entries") && fields.contains_key("more");
    let mut named = serde_json::Map::new();
    for (field, value) in fields {
        match published(value, &field) {
            // A page beside other fields is not a structure of its own.
            Value::Object(page) if ["page", "people"].contains(&field.as_str()) && page.contains_key("more") => named.extend(page),
            value if is_page && field == "entries" => drop(named.insert(entries_of(of), value)),
            value => drop(named.insert(field, value)),
        }
    }
    Value::Object(named)
}

fn asked(id: u32, request: Request) -> Value {
    // JSON has one nothing: "as it was" is null here, "never" is [null].
    let changed = match &request {
        Request::ChangeNotice { change: NoticeChange::Update { expires_after_ms: Some(after), .. }, .. } => Some(json!([after])),
        _ => None,
    };
    let message = FromClient { id, request };
    let mut case = case("from_client", &message);
    if let Some(changed) = changed {
        case["meaning"]["request"]["ChangeNotice"]["change"]["Update"]["expires_after_ms"] = changed;
    }
    assert_eq!(decode_from_client(&encode(&message).expect("it fits")), Ok(message));
    case
}

fn told(message: &FromServer) -> Value {
    assert_eq!(decode_from_server(&encode(message).expect("it fits")).as_ref(), Ok(message));
    case("from_server", message)
}

#[test]
fn messages_are_as_published() {
    let mut cases = Vec::new();
    // Every width that a number may have; each family begins anew, so that one case more changes no other family's.
    let ids = || [0, 1, 250, 251, 65_535, 65_536, u32::MAX].into_iter().cycle();
    cases.extend(samples::<Request>().zip(ids()).map(|(request, id)| asked(id, request)));
    cases.extend(samples::<Answer>().zip(ids()).map(|(answer, id)| told(&FromServer::Reply { id, result: Ok(answer) })));
    let refusals = (0..=80).chain([250, 251, 9999, u16::MAX]).map(Refusal::from);
    cases.extend(refusals.zip(ids()).map(|(refusal, id)| told(&FromServer::Reply { id, result: Err(refusal) })));
    cases.extend(samples::<Event>().map(|event| told(&FromServer::Event(event))));

    // The largest of what people write.
    let name = AccountName::new("塔".repeat(32).as_str()).expect("32 letters");
    let password = Password::new("p".repeat(PASSWORD_BYTES_MAX)).expect("as long as it may be");
    cases.push(asked(1, Request::Register { account: name.clone(), password, remember: true }));
    let post = PostId { outbox: u64::MAX, counter: u64::MAX };
    for (to, text) in [
        (Place::Direct(name), "x".repeat(TEXT_BYTES_MAX)),
        (Place::Room(RoomName::lobby()), "first line\n\tsecond line".to_owned()),
        (Place::lobby(), "x".repeat(250)),
        (Place::lobby(), "x".repeat(251)),
    ] {
        cases.push(asked(2, Request::Post { post, to, room: None, text: Text::new(text).expect("a text"), reply_to: None }));
    }
    publish("messages.json", &cases);
}
