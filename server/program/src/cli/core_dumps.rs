//! The memory of a process that holds the server's key stays in it.

/// No core dump of this process, and no other one of the same user reads its memory: the server's key and people's passwords pass through
/// it. Where the system refuses, it is said and the process goes on.
#[cfg(unix)]
pub(super) fn forbid() {
    use nix::sys::resource::{Resource, setrlimit};
    let unlimited = setrlimit(Resource::RLIMIT_CORE, 0, 0);
    #[cfg(any(target_os = "linux", target_os = "android"))]
    let unlimited = unlimited.and_then(|()| nix::sys::prctl::set_dumpable(false));
    if let Err(error) = unlimited {
        crate::sentence::complain(&format!("this computer does not forbid core dumps: {}", belfry_core::net::InWords(&error.into())));
    }
}

/// Windows writes dumps of processes only where an administrator has asked for them.
#[cfg(not(unix))]
pub(super) fn forbid() {}
