//! Measurements that a reader can repeat: ours, the unmodified postgres-es and pgbench, on one server, in turns.

mod append;
pub mod cell;
pub mod facts;
pub mod folder;
pub mod ground;
mod note;
mod pgbench;
pub mod plan;
mod plot;
pub mod report;
mod run;
pub mod statistics;
pub mod table;
pub mod target;
mod writers;

pub use cell::{Cell, Variant, Work};
pub use folder::Folder;
pub use ground::Ground;
pub use plan::{BadPlan, Plan};
pub use report::{Report, Row};
pub use run::append;
