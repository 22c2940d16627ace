//! What clients can rely on, told to real sessions, a real hub and a real store in memory, at a clock that only the test moves.

mod admins;
mod authorisation;
mod clocks;
mod devices;
mod door;
mod groups;
mod guessing;
mod limits;
mod messages;
mod notice_life;
mod notices;
mod people;
mod records;
mod room_for_answers;
mod rooms;
mod schedules;
mod shares;
mod talk;
mod world;
