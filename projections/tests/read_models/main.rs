//! Read models on a real PostgreSQL with pgvector: given events, then rows; and how they are asked for.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod alerts;
mod alike;
mod as_of;
mod check;
mod erased;
mod fresh;
mod generations;
mod golden;
mod hash_cases;
mod images;
mod known_hashes;
mod known_vectors;
mod library;
mod likeness;
mod matches;
mod models;
mod once;
mod owners;
mod plan;
mod poison;
mod purged;
mod rebuilt;
mod scans;
mod story;
mod support;
mod users;
