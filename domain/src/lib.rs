//! What Vara knows and decides. No I/O, no clock, no chance: time and ids come in with the command.
//!
//! One folder per noun; in it `events.rs` (facts, for ever), `mod.rs` (state, refusals, glue) and one
//! file per decision. `policies` holds the system's own habits: when this happened, do that. `upcast` brings
//! facts of earlier releases to today's shape.

pub mod alert;
pub mod event;
pub mod hash_case;
pub mod ids;
pub mod image;
pub mod matches;
pub mod personal;
pub mod plan;
pub mod platform;
pub mod policies;
pub mod scan;
pub mod schema;
pub mod shape;
pub mod share;
pub mod upcast;
pub mod user;

pub use event::{Event, Undecodable};
pub use personal::Personal;
pub use share::Share;
