//! The whole story, told to a real `vara` over HTTP, and what must not happen on the way.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot go on has failed"
)]

mod at_rest;
mod away;
mod bad_input;
mod canaries;
mod engine_faults;
mod erased;
mod faces;
mod hash_cases;
mod hostile;
mod idempotency;
mod identity;
mod kill_points;
mod kills;
mod member;
mod moments;
mod nobody_else;
mod openapi;
mod operators;
mod parked;
mod pieces;
mod proven;
mod put_away;
mod resets;
mod restored;
mod restored_pictures;
mod running;
mod sharing;
mod soak;
mod the_whole_story;
mod vectors;
mod views;
mod wiped_bus;
