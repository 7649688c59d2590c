//! Measurements that a reader can repeat: ours beside other people's, the unmodified postgres-es, pgbench, sharp and the
//! reference of PDQ, on one machine, in turns.

mod append;
pub mod cell;
pub mod facts;
mod filled;
pub mod folder;
pub mod ground;
pub mod images;
pub mod lag;
mod note;
mod pgbench;
pub mod plan;
mod plot;
pub mod read;
pub mod rebuild;
pub mod report;
mod run;
mod signed;
pub mod statistics;
pub mod table;
pub mod target;
mod theirs;
mod timed;
mod writers;

pub use cell::{Cell, Variant, Work};
pub use folder::{Folder, Told};
pub use ground::Ground;
pub use images::{ImageReport, Images, images};
pub use lag::{Lags, lag};
pub use plan::{BadPlan, Plan};
pub use read::{Reads, read};
pub use rebuild::{Rebuilds, rebuild};
pub use report::{Report, Row};
pub use run::append;
