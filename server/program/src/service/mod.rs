//! The server as a Windows service: `belfry serve --service`, started by the service manager.
//!
//! A service has neither a terminal nor standard output. What a person must hear goes to the event log, the rest to files in the data
//! folder, and the password of a first administrator to a file of its own there.
#![allow(unsafe_code, reason = "the service manager calls a function of ours, and the event log has no safe wrapper")]

use std::ffi::OsString;
use std::fmt::Write as _;
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, OnceLock, PoisonError, mpsc};
use std::time::Duration;

use belfry_server::{Order, Ready, Settings};
use tracing_appender::rolling::{RollingFileAppender, Rotation};
use windows_service::service::{ServiceControl, ServiceControlAccept, ServiceExitCode, ServiceState as State, ServiceStatus, ServiceType};
use windows_service::service_control_handler::{self, ServiceControlHandlerResult as Heard, ServiceStatusHandle};
use windows_service::{define_windows_service, service_dispatcher};

use self::event_log::EntryKind;
use crate::config::Configuration;
use crate::ending::{Ending, Exit, Outcome};
use crate::log::{self, Level, Log};
use crate::ready::announcement;

mod event_log;

/// The service's name, which is also that of its source in the event log. The installer knows it too.
const NAME: &str = "Belfry";

/// How long the service manager waits for the next news while the server starts or stops. Opening a large database that a power cut
/// left behind takes longest.
const PATIENCE: Duration = Duration::from_secs(60);

/// One file of the log a day; older ones than these are removed.
const LOG_DAYS: usize = 14;

/// `StartServiceCtrlDispatcherW` says this to a process that the service manager has not started.
const NOT_A_SERVICE: i32 = 1063;

/// What the service is to do. The service manager calls a plain function, so it waits here; taken once.
static WAITING: Mutex<Option<ServiceJob>> = Mutex::new(None);

/// What a service is to do.
pub(crate) struct ServiceJob {
    /// The server.
    pub(crate) settings: Settings,
    /// Where that is from: what can be changed while it runs is read again.
    pub(crate) configuration: Configuration,
}

define_windows_service!(entry, service_main);

/// Hands this process to the service manager until the service has ended. How it ended is told to the manager and the event log.
///
/// # Errors
/// It was not the service manager that started this process.
pub(crate) fn run(job: ServiceJob) -> Outcome {
    *WAITING.lock().unwrap_or_else(PoisonError::into_inner) = Some(job);
    service_dispatcher::start(NAME, entry).map_err(|error| match error {
        windows_service::Error::Winapi(error) if error.raw_os_error() == Some(NOT_A_SERVICE) => {
            Ending::usage("Only Windows' service manager starts a server with --service; leave it out to run the server here.")
        }
        windows_service::Error::Winapi(error) => Ending::refused(format_args!("The service manager does not take this service: {error}.")),
        error => Ending::refused(format_args!("The service manager does not take this service: {error}.")),
    })
}

/// The service's log: `logs` in its data folder, a file a day.
fn log_to_files(job: &ServiceJob) -> Result<Log, String> {
    let said = job.configuration.now();
    let files = RollingFileAppender::builder()
        .rotation(Rotation::DAILY)
        .filename_prefix("belfry")
        .filename_suffix("log")
        .max_log_files(LOG_DAYS)
        .build(job.settings.data.join("logs"))
        .map_err(|error| format!("its folder cannot be written: {error}."))?;
    let begun = log::begin_to(Box::new(files), false, &said.log, said.log_format);
    begun.map_err(|ending| ending.sentence.unwrap_or_default())
}

fn service_main(_arguments: Vec<OsString>) {
    let Some(job) = WAITING.lock().unwrap_or_else(PoisonError::into_inner).take() else { return };
    let log = log_to_files(&job).map_err(|why| event_log::write(EntryKind::Error, &format!("The server runs without a log: {why}"))).ok();
    let ServiceJob { settings, configuration } = job;
    let (orders, ordered) = mpsc::channel();
    let manager = match listen_to_manager(orders, configuration, log.as_ref().map(Log::level)) {
        Ok(manager) => manager,
        Err(error) => return event_log::write(EntryKind::Error, &format!("The service manager cannot be heard: {error}.")),
    };
    tell(manager, State::StartPending, ServiceExitCode::NO_ERROR);
    let ready = |ready: Ready| {
        announce(&ready);
        tell(manager, State::Running, ServiceExitCode::NO_ERROR);
    };
    let exit_code = match belfry_server::serve(settings, ready, ordered) {
        Ok(()) => {
            event_log::write(EntryKind::Information, "The server has stopped.");
            ServiceExitCode::NO_ERROR
        }
        Err(error) => {
            tracing::error!(%error, "the server has ended");
            event_log::write(EntryKind::Error, &error.to_string());
            ServiceExitCode::ServiceSpecific(Exit::Refused as u32)
        }
    };
    if let Some(log) = log {
        log.finish();
    }
    tell(manager, State::Stopped, exit_code);
}

/// Takes the service manager's word to stop, or to read the configuration again, as anybody's.
fn listen_to_manager(
    orders: Sender<Order>,
    mut configuration: Configuration,
    level: Option<Level>,
) -> windows_service::Result<ServiceStatusHandle> {
    let known = Arc::new(OnceLock::new());
    let manager = Arc::clone(&known);
    let hear = move |control| match control {
        ServiceControl::Stop | ServiceControl::Shutdown => {
            if let Some(&manager) = manager.get() {
                tell(manager, State::StopPending, ServiceExitCode::NO_ERROR);
            }
            // A server that has ended already has nothing left to stop.
            let _ = orders.send(Order::Stop);
            Heard::NoError
        }
        ServiceControl::ParamChange => {
            if let Some(order) = configuration.read_again(level.as_ref()) {
                let _ = orders.send(order);
            }
            Heard::NoError
        }
        ServiceControl::Interrogate => Heard::NoError,
        _ => Heard::NotImplemented,
    };
    let manager = service_control_handler::register(NAME, hear)?;
    let _ = known.set(manager);
    Ok(manager)
}

fn tell(manager: ServiceStatusHandle, state: State, exit_code: ServiceExitCode) {
    let waits = matches!(state, State::StartPending | State::StopPending);
    let status = ServiceStatus {
        service_type: ServiceType::OWN_PROCESS,
        current_state: state,
        controls_accepted: match state {
            State::Running => ServiceControlAccept::STOP | ServiceControlAccept::SHUTDOWN | ServiceControlAccept::PARAM_CHANGE,
            _ => ServiceControlAccept::empty(),
        },
        exit_code,
        checkpoint: u32::from(waits),
        wait_hint: if waits { PATIENCE } else { Duration::ZERO },
        process_id: None,
    };
    if let Err(error) = manager.set_service_status(status) {
        tracing::warn!(%error, "the service manager does not take news");
    }
}

/// Tells the event log how to reach the server. A password stands in no log: it goes into a file of its own.
fn announce(ready: &Ready) {
    let text = announcement(ready);
    let mut public = String::new();
    for line in text.lines().filter(|line| !line.starts_with("admin password:")) {
        let _ = writeln!(public, "{line}");
    }
    if let Some(first) = &ready.first_password {
        let file = first.file.display();
        let _ = write!(public, "The password of the account admin is in {file}; read it and delete that file.");
    }
    event_log::write(EntryKind::Information, &public);
}
