//! What this crate promises, tried on files: one program, so that it is linked once.

#[cfg(test)]
mod conformance;
#[cfg(test)]
mod faces;
#[cfg(test)]
mod hashing;
#[cfg(test)]
mod kinds;
#[cfg(test)]
mod known;
#[cfg(test)]
mod laws;
#[cfg(test)]
mod made;
#[cfg(test)]
mod nothing_survives;
#[cfg(test)]
mod onnx;
#[cfg(test)]
#[cfg(test)]
mod refusals;
#[cfg(test)]
mod reply;
#[cfg(test)]
mod scenes;
#[cfg(test)]
mod shelf;
#[cfg(test)]
mod tiny_model;
#[cfg(test)]
mod upright;
#[cfg(test)]
mod verdicts;
