//! The real program: servers and commands as processes, with the chaos relay between them where the network is the subject.
//!
//! One program of all these tests, so that the one that waits for the heartbeat waits beside the others.
#![cfg(unix)]

mod absence;
mod accounts;
mod crash;
mod day;
mod day_records;
mod desk;
mod examples;
mod files;
mod host;
mod house_of_0_1_0;
mod interop;
mod leaving;
mod logs;
mod looking_after;
mod notices;
mod piped;
mod refusals;
mod restored;
mod rooms;
mod schema;
mod starting;
mod storm;
mod story;
mod terminal;
mod unstartable;
