//! `belfry user sessions` and `belfry user revoke`: the devices of an account.

use belfry_core::chat::{AccountName, Device, DeviceId, Refusal, Request};
use belfry_core::time::UnixMillis;
use jiff::tz::TimeZone;
use serde::Serialize;

use super::session::{self, Session};
use super::zone;
use crate::config::ConnectionArgs;
use crate::ending::{Ending, Outcome};
use crate::output;

/// Letters of a key that are enough to name a device: fewer would be typed by mistake.
const LETTERS_MIN: usize = 6;

#[derive(clap::Args, Debug)]
pub(crate) struct SessionsArgs {
    #[command(flatten)]
    connection: ConnectionArgs,
    /// The account
    name: AccountName,
    /// One JSON object a line
    #[arg(long)]
    json: bool,
}

#[derive(clap::Args, Debug)]
pub(crate) struct RevokeArgs {
    #[command(flatten)]
    connection: ConnectionArgs,
    /// The account
    name: AccountName,
    /// The device's key, or its first letters, as `user sessions` shows it
    device: String,
}

pub(crate) fn sessions(args: &SessionsArgs) -> Outcome {
    session::with(&args.connection, |session| {
        let zone = zone::local();
        for device in &fetch(session, &args.name)? {
            if args.json { output::json(&object(device))? } else { output::line(line(device, &zone))? }
        }
        Ok(())
    })
}

pub(crate) fn revoke(args: &RevokeArgs) -> Outcome {
    if args.device.len() < LETTERS_MIN {
        return Err(Ending::usage(format_args!("A device is named by at least {LETTERS_MIN} letters of its key.")));
    }
    session::with(&args.connection, |session| {
        let device = find(&fetch(session, &args.name)?, &args.device)?;
        session.ask_done(Request::RevokeDevice { account: args.name.clone(), device })
    })
}

/// Those seen last first.
fn fetch(session: &mut Session, account: &AccountName) -> Outcome<Vec<Device>> {
    let following = |page: &[Device]| Request::ListDevices { account: account.clone(), after: page.last().map(|device| device.device) };
    let mut all = session.pages(following).all()?;
    all.sort_by_key(|device| std::cmp::Reverse(device.last_seen));
    Ok(all)
}

/// The one device whose key begins like that.
fn find(devices: &[Device], typed: &str) -> Outcome<DeviceId> {
    let typed = typed.to_ascii_lowercase();
    let mut found = devices.iter().map(|device| device.device).filter(|device| device.to_string().starts_with(&typed));
    match (found.next(), found.next()) {
        (Some(device), None) => Ok(device),
        (Some(_), Some(_)) => Err(Ending::usage("More than one device begins like that; give more letters.")),
        (None, _) => Err(Refusal::NoSuchDevice.into()),
    }
}

#[derive(Serialize)]
struct DeviceObject {
    device: String,
    connected: bool,
    address: Option<String>,
    remembered: bool,
    first_seen: String,
    last_seen: String,
    revoked_at: Option<String>,
}

fn object(device: &Device) -> DeviceObject {
    DeviceObject {
        device: device.device.to_string(),
        connected: device.connected,
        address: device.address.map(|address| address.to_string()),
        remembered: device.remembered,
        first_seen: device.first_seen.rfc3339(),
        last_seen: device.last_seen.rfc3339(),
        revoked_at: device.revoked_at.map(UnixMillis::rfc3339),
    }
}

/// `aaaa… connected from 192.0.2.9:40000, remembered`.
fn line(device: &Device, zone: &TimeZone) -> String {
    let address = device.address.map(|address| format!(" from {address}")).unwrap_or_default();
    let state = match (device.connected, device.revoked_at) {
        (_, Some(at)) => format!("revoked {}", output::minute(at, zone)),
        (true, None) => format!("connected{address}"),
        (false, None) => format!("last seen {}{address}", output::minute(device.last_seen, zone)),
    };
    let remembered = if device.remembered { ", remembered" } else { "" };
    format!("{} {state}{remembered}", device.device)
}

#[cfg(test)]
mod tests {
    use belfry_core::time::UnixMillis;

    use super::*;

    fn device(n: u8) -> Device {
        Device {
            device: DeviceId([n; 32]),
            first_seen: UnixMillis(0),
            last_seen: UnixMillis(0),
            connected: false,
            address: Some(([192, 0, 2, 9], 40_000).into()),
            remembered: true,
            revoked_at: None,
        }
    }

    #[test]
    fn a_device_is_found_by_its_first_letters_if_they_are_its_own() {
        let devices = [device(0), device(255)];
        assert_eq!(find(&devices, "AAAAAA"), Ok(DeviceId([0; 32])));
        assert_eq!(find(&devices, "zzzzzz"), Err(Refusal::NoSuchDevice.into()));
        assert_eq!(find(&[device(0), device(0)], "aaaaaa").unwrap_err().exit, crate::ending::Exit::Usage);
    }

    #[test]
    fn a_device_is_one_line_or_one_object() {
        let key = "a".repeat(52);
        assert_eq!(line(&device(0), &TimeZone::UTC), format!("{key} last seen 1970-01-01 00:00 from 192.0.2.9:40000, remembered"));
        let connected = Device { connected: true, remembered: false, ..device(0) };
        assert_eq!(line(&connected, &TimeZone::UTC), format!("{key} connected from 192.0.2.9:40000"));
        assert_eq!(
            output::json_text(&object(&device(0))).unwrap(),
            format!(
                "{{\"device\":\"{key}\",\"connected\":false,\"address\":\"192.0.2.9:40000\",\"remembered\":true,\
                 \"first_seen\":\"1970-01-01T00:00:00.000Z\",\"last_seen\":\"1970-01-01T00:00:00.000Z\",\"revoked_at\":null}}"
            )
        );
    }
}
