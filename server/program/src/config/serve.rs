//! How the server is started and what it is told while it runs.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use belfry_core::chat::{Length, Password};
use belfry_server::hub::{Profiles, Rates, Registration, Retention, Rules, spelled};
use belfry_server::limits::KEPT_UNASKED_MIN;
use clap::Args;

use super::layers::Layers;
use super::{password_in, path, platform};
use crate::ending::{Ending, Outcome};
use crate::log::{self, LogFormat};

/// How the server is started. What is empty is not given.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct ServeArgs {
    /// Read settings from this TOML file; flags and environment go over it
    #[arg(long, env = "BELFRY_CONFIG", value_name = "FILE", value_parser = path())]
    config: Option<PathBuf>,
    /// Print every setting with its default and what it is for, as such a file
    #[arg(long)]
    pub(crate) print_config: bool,
    /// Listen here; may be given several times [default: [::]:7411]
    #[allow(rustdoc::broken_intra_doc_links, reason = "the comment is the help, and an address is no link")]
    #[arg(long, env = "BELFRY_LISTEN", value_name = "ADDR:PORT", value_delimiter = ',')]
    listen: Vec<String>,
    /// The data folder [default: the platform's own]
    #[arg(long, env = "BELFRY_DATA", value_name = "DIR", value_parser = path())]
    data: Option<PathBuf>,
    /// Who may make accounts: open or closed [default: open]
    #[arg(long, env = "BELFRY_REGISTRATION", value_name = "WHO")]
    registration: Option<String>,
    /// Who writes people's names, departments and telephones: open or closed [default: open]
    #[arg(long, env = "BELFRY_PROFILES", value_name = "WHO")]
    profiles: Option<String>,
    /// How much is logged: error, warn, info, debug or trace [default: info]
    #[arg(long, env = "BELFRY_LOG", value_name = "LEVEL")]
    log: Option<String>,
    /// How it is logged: text or json [default: text]
    #[arg(long, env = "BELFRY_LOG_FORMAT", value_name = "FORMAT")]
    log_format: Option<String>,
    /// Metrics for Prometheus on this loopback address [default: none]
    #[arg(long, env = "BELFRY_METRICS", value_name = "ADDR:PORT")]
    metrics: Option<String>,
    /// Whether the local network may find this server: true or false [default: true]
    #[arg(long, env = "BELFRY_DISCOVERY", value_name = "BOOL")]
    discovery: Option<String>,
    /// A program that looks at each new file: 0 lets it pass, 1 does not [default: none]
    #[arg(long, env = "BELFRY_FILE_SCANNER", value_name = "PROGRAM", value_hint = clap::ValueHint::AnyPath)]
    file_scanner: Option<String>,
    /// How long messages are kept, such as 365d [default: forever]
    #[arg(long, env = "BELFRY_MESSAGE_AGE", value_name = "DURATION")]
    message_age: Option<String>,
    /// How many messages of each conversation are kept [default: all]
    #[arg(long, env = "BELFRY_MESSAGES_PER_CONVERSATION", value_name = "N")]
    messages_per_conversation: Option<String>,
    /// How long notices and their ledgers are kept [default: forever]
    #[arg(long, env = "BELFRY_NOTICE_AGE", value_name = "DURATION")]
    notice_age: Option<String>,
    /// How long the log of administrators' acts is kept [default: forever]
    #[arg(long, env = "BELFRY_AUDIT_AGE", value_name = "DURATION")]
    audit_age: Option<String>,
    /// What one session may say in a second [default: 500]
    #[arg(long, env = "BELFRY_POSTS_PER_SECOND", value_name = "N")]
    posts_per_second: Option<String>,
    /// Pages that one session may read in a second [default: 500]
    #[arg(long, env = "BELFRY_READS_PER_SECOND", value_name = "N")]
    reads_per_second: Option<String>,
    /// What else one session may do in a second [default: 50]
    #[arg(long, env = "BELFRY_ACTS_PER_SECOND", value_name = "N")]
    acts_per_second: Option<String>,
    /// Failed tries to sign in from one address in a minute [default: 30]
    #[arg(long, env = "BELFRY_SIGN_IN_FAILURES_PER_MINUTE", value_name = "N")]
    sign_in_failures_per_minute: Option<String>,
    /// Accounts that people at one address may make in an hour [default: 500]
    #[arg(long, env = "BELFRY_REGISTRATIONS_PER_HOUR", value_name = "N")]
    registrations_per_hour: Option<String>,
    /// Rooms that a member may make in an hour [default: 50]
    #[arg(long, env = "BELFRY_ROOMS_PER_HOUR", value_name = "N")]
    rooms_per_hour: Option<String>,
    /// Rooms that a member may have [default: 200]
    #[arg(long, env = "BELFRY_ROOMS_PER_PERSON", value_name = "N")]
    rooms_per_person: Option<String>,
    /// Megabytes that a member may write in a day [default: 1024]
    #[arg(long, env = "BELFRY_MEGABYTES_A_DAY", value_name = "N")]
    megabytes_a_day: Option<String>,
    /// Megabytes of one file; 0 to take none [default: 256]
    #[arg(long, env = "BELFRY_FILE_MEGABYTES", value_name = "N")]
    file_megabytes: Option<String>,
    /// Megabytes of files that a member may send in a day [default: 2048]
    #[arg(long, env = "BELFRY_FILE_MEGABYTES_A_DAY", value_name = "N")]
    file_megabytes_a_day: Option<String>,
    /// Megabytes of all files that the server keeps [default: 65536]
    #[arg(long, env = "BELFRY_FILES_MEGABYTES", value_name = "N")]
    files_megabytes: Option<String>,
    /// Megabytes of the disk that are kept for notices and administrators [default: 512]
    #[arg(long, env = "BELFRY_DISK_RESERVE_MEGABYTES", value_name = "N")]
    disk_reserve_megabytes: Option<String>,
    /// Run as a Windows service; only the service manager starts this
    #[cfg(windows)]
    #[arg(long, requires = "data")]
    pub(crate) service: bool,
}

/// [`ServeArgs`], understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Serve {
    /// The sockets, at least one.
    pub(crate) listen: Vec<SocketAddr>,
    /// The data folder.
    pub(crate) data: PathBuf,
    /// What may change while the server runs.
    pub(crate) rules: Rules,
    /// How much is logged, in the words of tracing's filters.
    pub(crate) log: String,
    /// How.
    pub(crate) log_format: LogFormat,
    /// Where metrics are read.
    pub(crate) metrics: Option<SocketAddr>,
    /// Whether the local network may find the server.
    pub(crate) discovery: bool,
    /// What looks at each new file.
    pub(crate) file_scanner: Option<PathBuf>,
}

impl ServeArgs {
    /// What they mean together with the file as it is now.
    ///
    /// # Errors
    /// Wrong usage, with a sentence that says what is wrong; a file that cannot be read.
    pub(crate) fn understand(&self) -> Outcome<Serve> {
        let file = self.config.as_deref().filter(|path| !path.as_os_str().is_empty());
        let layers = Layers::new(self.typed()?, file)?;
        let address = |typed| socket_address(typed).map_err(|error| layers.cannot_be("listen", typed, error));
        let listen = layers.text("listen").split(',').map(str::trim).map(address).collect::<Outcome<Vec<_>>>()?;
        let metrics = match layers.text("metrics") {
            "" => None,
            _ => Some(layers.read("metrics", loopback)?),
        };
        Ok(Serve {
            listen,
            data: data_folder(layers.text("data"))?,
            rules: rules(&layers)?,
            log: layers.read("log", |typed| log::understand(typed).map(|_| typed.to_owned()))?,
            log_format: layers.read("log_format", |typed| match typed {
                "text" => Ok(LogFormat::Text),
                "json" => Ok(LogFormat::Json),
                _ => Err("Give text or json."),
            })?,
            metrics,
            file_scanner: Some(layers.text("file_scanner")).filter(|typed| !typed.is_empty()).map(PathBuf::from),
            discovery: layers.read("discovery", |typed| typed.parse().map_err(|_| "Give true or false."))?,
        })
    }

    /// What flags and environment say, by the names of the file.
    fn typed(&self) -> Outcome<BTreeMap<String, String>> {
        let data = match &self.data {
            None => None,
            Some(path) => Some(path.to_str().ok_or_else(|| Ending::usage("The data folder's name must be Unicode."))?.to_owned()),
        };
        let listen = Some(self.listen.join(","));
        let settings = [
            ("listen", &listen),
            ("data", &data),
            ("registration", &self.registration),
            ("profiles", &self.profiles),
            ("log", &self.log),
            ("log_format", &self.log_format),
            ("metrics", &self.metrics),
            ("discovery", &self.discovery),
            ("file_scanner", &self.file_scanner),
            ("retention.message_age", &self.message_age),
            ("retention.messages_per_conversation", &self.messages_per_conversation),
            ("retention.notice_age", &self.notice_age),
            ("retention.audit_age", &self.audit_age),
            ("limits.posts_per_second", &self.posts_per_second),
            ("limits.reads_per_second", &self.reads_per_second),
            ("limits.acts_per_second", &self.acts_per_second),
            ("limits.sign_in_failures_per_minute", &self.sign_in_failures_per_minute),
            ("limits.registrations_per_hour", &self.registrations_per_hour),
            ("limits.rooms_per_hour", &self.rooms_per_hour),
            ("limits.rooms_per_person", &self.rooms_per_person),
            ("limits.megabytes_a_day", &self.megabytes_a_day),
            ("limits.file_megabytes", &self.file_megabytes),
            ("limits.file_megabytes_a_day", &self.file_megabytes_a_day),
            ("limits.files_megabytes", &self.files_megabytes),
            ("limits.disk_reserve_megabytes", &self.disk_reserve_megabytes),
        ];
        let given = settings.into_iter().filter_map(|(name, typed)| {
            let typed = typed.as_deref().map(str::trim).filter(|typed| !typed.is_empty())?;
            Some((name.to_owned(), typed.to_owned()))
        });
        Ok(given.collect())
    }
}

impl Serve {
    /// What is kept for less than a day, and how long that is.
    pub(crate) fn kept_for_less_than_a_day(&self) -> Vec<(&'static str, String)> {
        let Retention { message_age, notice_age, audit_age, .. } = self.rules.retention;
        let ages = [("retention.message_age", message_age), ("retention.notice_age", notice_age), ("retention.audit_age", audit_age)];
        let short = |(name, age): (_, Option<Duration>)| Some((name, spelled(age.filter(|&age| age < KEPT_UNASKED_MIN)?)));
        ages.into_iter().filter_map(short).collect()
    }

    /// Settings that differ in `other` and take effect only at the next start.
    pub(crate) fn needs_a_start(&self, other: &Self) -> Vec<&'static str> {
        let differ = [
            ("listen", self.listen != other.listen),
            ("data", self.data != other.data),
            ("log_format", self.log_format != other.log_format),
            ("metrics", self.metrics != other.metrics),
            ("discovery", self.discovery != other.discovery),
            ("file_scanner", self.file_scanner != other.file_scanner),
        ];
        differ.into_iter().filter_map(|(name, differs)| differs.then_some(name)).collect()
    }
}

/// The password of the account `admin` on the first start, from what the environment says; `None` to have one generated.
///
/// # Errors
/// It cannot be one.
pub(crate) fn admin_password(variable: Option<OsString>) -> Outcome<Option<Password>> {
    variable.filter(|value| !value.is_empty()).map(|value| password_in("BELFRY_ADMIN_PASSWORD", &value)).transpose()
}

/// The data folder of that name; the platform's own where it is empty.
///
/// # Errors
/// There is no home folder to have one in.
pub(crate) fn data_folder(typed: &str) -> Outcome<PathBuf> {
    if !typed.is_empty() {
        return Ok(Path::new(typed).to_owned());
    }
    platform()
        .map(|dirs| dirs.data_dir().to_owned())
        .ok_or_else(|| Ending::usage("There is no home folder to keep data in: give --data DIR or set BELFRY_DATA."))
}

const MEGABYTE: u64 = 1024 * 1024;

fn rules(layers: &Layers) -> Outcome<Rules> {
    let profiles = layers.read("profiles", |typed| match typed {
        "open" => Ok(Profiles::Open),
        "closed" => Ok(Profiles::Closed),
        _ => Err("Give open or closed."),
    })?;
    let registration = layers.read("registration", |typed| match typed {
        "open" => Ok(Registration::Open),
        "closed" => Ok(Registration::Closed),
        _ => Err("Give open or closed."),
    })?;
    let age = |name| {
        layers.read(name, |typed| match typed {
            "forever" => Ok(None),
            typed => retention_age(typed).map(Some),
        })
    };
    let rate = |name| layers.read(name, |typed| whole(typed, 1));
    let kept = layers.read("retention.messages_per_conversation", |typed| whole(typed, 0))?;
    let retention = Retention {
        message_age: age("retention.message_age")?,
        messages_per_conversation: (kept > 0).then_some(kept),
        notice_age: age("retention.notice_age")?,
        audit_age: age("retention.audit_age")?,
    };
    if retention.notice_age.is_some_and(|notices| retention.message_age.is_none_or(|messages| notices < messages)) {
        return Err(layers.wrong(
            "retention.notice_age",
            "Notices are kept at least as long as messages; make it as long as retention.message_age, or longer.",
        ));
    }
    let rates = Rates {
        posts_per_second: rate("limits.posts_per_second")?,
        reads_per_second: rate("limits.reads_per_second")?,
        acts_per_second: rate("limits.acts_per_second")?,
        sign_in_failures_per_address: u32::try_from(rate("limits.sign_in_failures_per_minute")?).unwrap_or(u32::MAX),
        registrations_per_hour: rate("limits.registrations_per_hour")?,
        rooms_per_hour: rate("limits.rooms_per_hour")?,
        rooms_per_person: rate("limits.rooms_per_person")?,
        bytes_a_day: rate("limits.megabytes_a_day")?.saturating_mul(MEGABYTE),
        file_bytes_max: layers.read("limits.file_megabytes", |typed| whole(typed, 0))?.saturating_mul(MEGABYTE),
        file_bytes_a_day: rate("limits.file_megabytes_a_day")?.saturating_mul(MEGABYTE),
        files_bytes_max: rate("limits.files_megabytes")?.saturating_mul(MEGABYTE),
        disk_reserve_bytes: layers.read("limits.disk_reserve_megabytes", |typed| whole(typed, 0))?.saturating_mul(MEGABYTE),
    };
    Ok(Rules { registration, profiles, retention, rates })
}

/// An age. `30m` for thirty months would delete nearly everything, so minutes are written out.
fn retention_age(typed: &str) -> Result<Duration, String> {
    let length: Length = typed.parse().map_err(|error| format!("{error} Or write forever."))?;
    let age = Duration::from(length);
    let bare_minutes =
        typed.trim().to_lowercase().strip_suffix('m').is_some_and(|before| before.trim_end().ends_with(|c: char| c.is_ascii_digit()));
    if bare_minutes && age < KEPT_UNASKED_MIN {
        return Err(format!(
            "That is {0}. Months are written as days, such as 900d; if {0} are meant, write min instead of m.",
            spelled(age)
        ));
    }
    Ok(age)
}

fn whole(typed: &str, least: u64) -> Result<u64, String> {
    let number = typed.parse().ok().filter(|&number| number >= least && number <= 1_000_000_000);
    number.ok_or_else(|| format!("Give a whole number from {least} to 1000000000."))
}

fn socket_address(typed: &str) -> Result<SocketAddr, String> {
    let typed = typed.trim();
    let natural = |address: SocketAddr| match address.ip().to_canonical() {
        ip @ IpAddr::V4(_) => SocketAddr::new(ip, address.port()),
        IpAddr::V6(_) => address,
    };
    typed.parse().map(natural).map_err(|_| "Give an IP address and a port, such as [::]:7411 or 0.0.0.0:7411.".to_owned())
}

/// Metrics are for this computer: who may read them elsewhere is a matter for something that can check it.
fn loopback(typed: &str) -> Result<SocketAddr, &'static str> {
    let address = socket_address(typed).ok().filter(|address| address.ip().is_loopback());
    address.ok_or("Give a loopback address with a port, such as 127.0.0.1:9411.")
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::super::layers::DEFAULTS;
    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        args: ServeArgs,
    }

    fn typed(flags: &[&str]) -> ServeArgs {
        Line::parse_from(["serve"].iter().chain(flags)).args
    }

    fn with_file(content: &str, flags: &[&str]) -> Outcome<Serve> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("belfry.toml");
        std::fs::write(&path, content).unwrap();
        ServeArgs { config: Some(path), ..typed(flags) }.understand()
    }

    fn sentence(outcome: Outcome<Serve>) -> String {
        outcome.unwrap_err().sentence.unwrap()
    }

    #[test]
    fn what_print_config_prints_is_accepted_and_changes_nothing() {
        assert_eq!(with_file(DEFAULTS, &[]).unwrap(), typed(&[]).understand().unwrap());
    }

    #[test]
    fn the_defaults_are_those_of_the_server() {
        let serve = typed(&[]).understand().unwrap();
        assert_eq!(serve.rules, Rules::with_registration(Registration::Open));
        assert_eq!((serve.listen, serve.metrics, serve.discovery), (vec!["[::]:7411".parse().unwrap()], None, true));
    }

    #[test]
    fn every_key_has_its_flag_and_its_variable() {
        let layers = Layers::new(BTreeMap::new(), None).unwrap();
        let command = <Line as clap::CommandFactory>::command();
        for name in layers.names() {
            let word = name.rsplit('.').next().unwrap();
            let flag = command.get_arguments().find(|argument| argument.get_long() == Some(&word.replace('_', "-"))).unwrap();
            assert_eq!(flag.get_env().unwrap().to_str(), Some(format!("BELFRY_{}", word.to_uppercase()).as_str()));
        }
    }

    #[test]
    fn every_key_of_the_file_is_understood() {
        let serve = with_file(
            "listen = [\"127.0.0.1:1\", \"[::1]:2\"]\ndata = \"there\"\nregistration = \"closed\"\nprofiles = \"closed\"\nlog = \"debug\"\nlog_format = \"json\"\n\
             metrics = \"127.0.0.1:9411\"\ndiscovery = false\nfile_scanner = \"there/scan\"\n[retention]\nmessage_age = \"30d\"\nmessages_per_conversation = 7\n\
             notice_age = \"60d\"\naudit_age = \"90d\"\n[limits]\nposts_per_second = 1\nreads_per_second = 2\nacts_per_second = 3\n\
             sign_in_failures_per_minute = 4\nregistrations_per_hour = 5\nrooms_per_hour = 6\nrooms_per_person = 7\nmegabytes_a_day = 8\n\
             file_megabytes = 0\nfile_megabytes_a_day = 9\nfiles_megabytes = 10\ndisk_reserve_megabytes = 0\n",
            &[],
        );
        let days = |days: u64| Some(std::time::Duration::from_secs(days * 86_400));
        let expected = Serve {
            listen: vec!["127.0.0.1:1".parse().unwrap(), "[::1]:2".parse().unwrap()],
            data: "there".into(),
            rules: Rules {
                registration: Registration::Closed,
                profiles: Profiles::Closed,
                retention: Retention {
                    message_age: days(30),
                    messages_per_conversation: Some(7),
                    notice_age: days(60),
                    audit_age: days(90),
                },
                rates: Rates {
                    posts_per_second: 1,
                    reads_per_second: 2,
                    acts_per_second: 3,
                    sign_in_failures_per_address: 4,
                    registrations_per_hour: 5,
                    rooms_per_hour: 6,
                    rooms_per_person: 7,
                    bytes_a_day: 8 * MEGABYTE,
                    file_bytes_max: 0,
                    file_bytes_a_day: 9 * MEGABYTE,
                    files_bytes_max: 10 * MEGABYTE,
                    disk_reserve_bytes: 0,
                },
            },
            log: "debug".into(),
            log_format: LogFormat::Json,
            metrics: Some("127.0.0.1:9411".parse().unwrap()),
            discovery: false,
            file_scanner: Some("there/scan".into()),
        };
        assert_eq!(serve.unwrap(), expected);
    }

    #[test]
    fn a_flag_goes_over_the_file() {
        let serve = with_file("registration = \"closed\"\n", &["--registration", "open"]).unwrap();
        assert_eq!(serve.rules.registration, Registration::Open);
    }

    #[test]
    fn a_wrong_value_is_named_with_where_it_comes_from() {
        let said = sentence(with_file("registration = \"opne\"\n", &[]));
        assert!(said.starts_with("registration in ") && said.ends_with(" cannot be \"opne\": give open or closed."), "{said}");
        let said = sentence(typed(&["--listen", "localhost"]).understand());
        assert!(said.starts_with("--listen or BELFRY_LISTEN cannot be \"localhost\": ") && said.contains("0.0.0.0:7411"), "{said}");
        let said = sentence(typed(&["--listen", "[::]:7411", "--listen", "b"]).understand());
        assert!(said.starts_with("--listen or BELFRY_LISTEN cannot be \"b\": "), "{said}");
        let said = sentence(typed(&["--metrics", "localhost:9411"]).understand());
        assert!(said.ends_with("give a loopback address with a port, such as 127.0.0.1:9411."), "{said}");
        let said = sentence(typed(&["--message-age", "99999999999999999999d"]).understand());
        assert!(said.ends_with("it is longer than can be counted. Or write forever."), "{said}");
    }

    #[test]
    fn what_is_empty_is_not_given() {
        let empty = typed(&["--config", "", "--data", "", "--listen", "", "--log", "", "--metrics", "", "--message-age", ""]);
        assert_eq!(empty.understand().unwrap(), typed(&[]).understand().unwrap());
    }

    #[test]
    fn notices_are_not_kept_for_less_than_messages() {
        assert!(sentence(typed(&["--message-age", "30d", "--notice-age", "29d"]).understand()).contains("at least as long"));
        assert!(sentence(typed(&["--notice-age", "29d"]).understand()).contains("at least as long"));
        assert!(typed(&["--message-age", "30d", "--notice-age", "30d"]).understand().is_ok());
    }

    #[test]
    fn minutes_that_may_be_months_are_written_out() {
        for months in ["30m", "6 m", "1h 30m"] {
            let said = sentence(typed(&["--message-age", months, "--notice-age", "forever"]).understand());
            assert!(said.contains("minutes. Months are written as days"), "{months}: {said}");
        }
        for (minutes, seconds) in [("30min", 1800), ("30 minutes", 1800), ("90s", 90), ("2d 30m", 174_600)] {
            let serve = typed(&["--message-age", minutes]).understand().unwrap();
            assert_eq!(serve.rules.retention.message_age, Some(Duration::from_secs(seconds)), "{minutes}");
        }
        let short = typed(&["--message-age", "90s", "--audit-age", "1d"]).understand().unwrap().kept_for_less_than_a_day();
        assert_eq!(short, [("retention.message_age", "1 minute 30 seconds".to_owned())]);
    }

    #[test]
    fn metrics_are_for_this_computer_only() {
        assert!(sentence(typed(&["--metrics", "0.0.0.0:9411"]).understand()).contains("a loopback address"));
    }

    #[test]
    fn a_mistyped_level_is_named_with_where_it_comes_from_and_the_nearest_word() {
        let said = sentence(with_file("log = \"warning\"\n", &[]));
        assert!(said.contains("belfry.toml") && said.contains("\"warn\""), "{said}");
        assert!(sentence(typed(&["--log", "inof"]).understand()).contains("\"info\""));
    }

    #[test]
    fn an_ipv4_address_in_ipv6_clothes_is_the_ipv4_address() {
        let serve = typed(&["--listen", "[::ffff:127.0.0.1]:1", "--metrics", "[::ffff:127.0.0.1]:2"]).understand().unwrap();
        assert_eq!((serve.listen, serve.metrics), (vec!["127.0.0.1:1".parse().unwrap()], Some("127.0.0.1:2".parse().unwrap())));
    }

    #[test]
    fn what_a_reload_cannot_change_is_named() {
        let (before, after) = (typed(&[]).understand().unwrap(), typed(&["--listen", "[::]:1", "--log", "warn"]).understand().unwrap());
        assert_eq!(before.needs_a_start(&after), ["listen"]);
    }
}
