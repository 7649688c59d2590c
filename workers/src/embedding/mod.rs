//! Pictures become vectors: by a model in this process, and for every picture that has none of today's model yet.

mod following;
mod in_process;
#[cfg(test)]
mod tests;

pub use following::{READERS, Vectors, run};
pub use in_process::InProcess;
