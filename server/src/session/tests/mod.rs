//! What clients can rely on, told to real sessions, a real hub and a real store in memory, at a clock that only the test moves.

mod acknowledged;
mod admins;
mod authorisation;
mod backpressure;
mod clocks;
mod devices;
mod files;
mod groups;
mod guessing;
mod limits;
mod lists;
mod messages;
mod notice_life;
mod notices;
mod people;
mod profiles;
mod quotas;
mod records;
mod rooms;
mod schedules;
mod screens;
mod sign_in;
mod talk;
mod world;
