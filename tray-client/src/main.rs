//! The tray client's program: one per person and profile.

// A console window would come up beside the others.
#![cfg_attr(windows, windows_subsystem = "windows")]

use belfry_core::net::InWords;
use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use belfry_tray::app::{App, AppEvent, SETTINGS, Wishes};
use belfry_tray::platform::files::{self, Folder};
use belfry_tray::platform::instance::{self, InstanceStart};
use belfry_tray::platform::keys::Keyring;
use belfry_tray::platform::policy::{self, Policy};
use belfry_tray::settings::UserSettings;
#[cfg(unix)]
use belfry_tray::tray::host::IconEvent;
use belfry_tray::view::run;
use clap::Parser;

/// Belfry's tray client: an icon, popups and a small chat window.
#[derive(Debug, Parser)]
#[command(version)]
struct StartArgs {
    /// The server: HOST, HOST:PORT or a belfry:// link; remembered once signed in
    #[arg(long, env = "BELFRY_SERVER")]
    server: Option<String>,
    /// The account to sign in to
    #[arg(long, env = "BELFRY_USER")]
    user: Option<String>,
    /// The folder of settings and keys; each has a program of its own
    #[arg(long, env = "BELFRY_TRAY_PROFILE", value_name = "DIR")]
    profile: Option<PathBuf>,
    /// Open the chat window at once
    #[arg(long)]
    show: bool,
}

fn main() -> ExitCode {
    match start(StartArgs::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(sentence) => {
            complain(&sentence);
            ExitCode::FAILURE
        }
    }
}

/// On Windows this program has no console: whoever started it would see nothing.
fn complain(sentence: &str) {
    eprintln!("belfry-tray: {sentence}");
    #[cfg(windows)]
    rfd::MessageDialog::new().set_level(rfd::MessageLevel::Error).set_title("Belfry").set_description(sentence).show();
}

fn start(arguments: StartArgs) -> Result<(), String> {
    #[cfg(windows)]
    if !belfry_tray::platform::fonts::provide() {
        return Err("Windows has none of the fonts that the windows can be drawn with; install Segoe UI or Arial.".into());
    }
    let path =
        arguments.profile.or_else(files::default_folder).ok_or("There is no home folder; say where to keep settings with --profile.")?;
    let folder = Folder::open(path).map_err(|error| format!("The profile folder cannot be used: {}.", InWords(&error)))?;
    let instance = match instance::start(&folder).map_err(|error| format!("The profile folder cannot be used: {}.", InWords(&error)))? {
        InstanceStart::First(instance) => instance,
        InstanceStart::Second { heard: true } => return Ok(()),
        InstanceStart::Second { heard: false } => {
            return Err("Belfry is running already, but does not answer; end it and start it again.".into());
        }
    };
    let own = folder.read(SETTINGS).transpose().or_else(|| files::beside_program().transpose()).transpose();
    let written = own.map_err(|error| format!("The settings cannot be read: {}.", InWords(&error)))?;
    let mut settings = written.map_or(Ok(UserSettings::default()), |file| UserSettings::read(&file))?;
    let policy = Policy::here();
    if let Some(server) = arguments.server.filter(|_| policy.server.is_none()) {
        settings.device_known &= server == settings.server;
        settings.server = server;
    }
    policy.lay_over(&mut settings);
    if let Some(user) = arguments.user {
        settings.device_known &= user == settings.account;
        settings.account = user;
    }
    let keys = Keyring::open(&folder).map_err(|error| error.to_string())?;
    let password = std::env::var_os("BELFRY_PASSWORD").map(OsString::into_string).transpose();
    let password = password.map_err(|_| "BELFRY_PASSWORD is not UTF-8; write it anew.")?;
    let register = policy.register && settings.account.is_empty() && password.is_none();
    if register {
        settings.account = policy::account_name().unwrap_or_default();
    }
    let wishes = Wishes { show: arguments.show, password, register, policy };
    #[cfg(windows)]
    belfry_tray::platform::identity::announce();
    run::run(|post| {
        #[cfg(unix)]
        belfry_tray::platform::signals::watch({
            let end = post.clone();
            move || {
                end.send(AppEvent::Icon(IconEvent::Ending));
            }
        });
        let raise = post.clone();
        instance
            .on_second_start(move || {
                raise.send(AppEvent::Raise);
            })
            .map_err(belfry_tray::app::CannotRun::Io)?;
        App::start(post, folder, settings, keys, wishes)
    })
    .map_err(|error| error.to_string())
}
