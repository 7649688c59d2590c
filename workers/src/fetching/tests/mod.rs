//! The fetcher against servers of our own, hostile and kind, and a canary that nobody may ever reach.

mod bodies;
mod hostile;
mod hostile_numbers;
mod hostile_words;
mod public;
mod rebinding;
mod secure;
mod silence;
mod welcome;
mod world;
