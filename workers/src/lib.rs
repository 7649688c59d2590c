//! What reaches the outside world, and what follows from what happened: scans, providers, policies, and letting go of pictures.
//!
//! Everything here may run twice: ids of what is caused are computed from the cause, so a second run
//! finds the work done.

pub mod embedding;
pub mod faces;
pub mod fetching;
pub mod image_scan;
mod obstacles;
pub mod policies;
pub mod providers;
pub mod purge;
pub mod sharing;
pub mod sweep;
