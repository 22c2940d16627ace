//! The fault tables by which others measure themselves, as named scenarios with the line that each must pass.

mod connections;
mod transfer;
