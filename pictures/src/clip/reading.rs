//! From the operator's file to a graph, and to the digest that its name is made of.

use std::fs::{self, File, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use rten::ModelOptions;
use sha2::{Digest, Sha256};

use super::{ClipFault, Weights};

/// SHA-256 of the file, and what stands in it.
pub(super) type Read = ([u8; 32], rten::Model);

/// Reads a file of one piece.
///
/// # Errors
/// [`ClipFault::Unopened`], also when the file changes meanwhile; [`ClipFault::Rejected`].
pub(super) fn read(path: &Path, weights: Weights) -> Result<Read, ClipFault> {
    let mut options = ModelOptions::with_all_ops();
    options.prepack_weights(weights == Weights::Prepacked);
    match stands_alone(path) {
        true => from_file(path, &options),
        false => from_memory(path, &options),
    }
}

/// Whether rten, told to read this file, reads no other one: it follows weights to names that end so, where the file really is.
fn stands_alone(path: &Path) -> bool {
    // By any other name it would not read it.
    if !ends(path, |end| end.eq_ignore_ascii_case("onnx")) {
        return false;
    }
    let Ok(real) = path.canonicalize() else {
        return false;
    };
    let Some(Ok(mut beside)) = real.parent().map(fs::read_dir) else {
        return false;
    };
    let is_weights = |end: &str| end.starts_with("data") || end.starts_with("onnx_data");
    beside.all(|entry| entry.is_ok_and(|entry| !ends(&entry.path(), is_weights)))
}

fn ends(path: &Path, is: impl Fn(&str) -> bool) -> bool {
    let end = path.extension().and_then(|end| end.to_str());
    end.is_some_and(is)
}

/// Read twice, piece by piece: for the name, and for the weights, which rten then takes as they come.
fn from_file(path: &Path, options: &ModelOptions) -> Result<Read, ClipFault> {
    let mut file = File::open(path)?;
    let before = state(&file.metadata()?);
    let mut digest = Sha256::new();
    io::copy(&mut file, &mut digest)?;
    let graph = options.load_file(path).map_err(rejected)?;
    if state(&fs::metadata(path)?) != before {
        return Err(io::Error::other("it was changed while it was read").into());
    }
    Ok((digest.finalize().into(), graph))
}

/// Which file it is, and when anything of it changed.
fn state(of: &Metadata) -> (u64, u64, u64, i64, i64) {
    (of.dev(), of.ino(), of.size(), of.ctime(), of.ctime_nsec())
}

/// rten copies the weights out of memory that it is given.
fn from_memory(path: &Path, options: &ModelOptions) -> Result<Read, ClipFault> {
    let bytes = fs::read(path)?;
    let digest = Sha256::new_with_prefix(&bytes);
    Ok((
        digest.finalize().into(),
        options.load(bytes).map_err(rejected)?,
    ))
}

fn rejected(fault: rten::LoadError) -> ClipFault {
    ClipFault::Rejected(fault.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_file_beside_no_weights_is_read_piece_by_piece() {
        let temporary = tempfile::tempdir().unwrap();
        let folder = temporary.path();
        let model = folder.join("model.onnx");
        for name in ["model.onnx", "MODEL.ONNX", "model"] {
            fs::write(folder.join(name), []).unwrap();
        }
        assert!(stands_alone(&model) && stands_alone(&folder.join("MODEL.ONNX")));
        assert!(!stands_alone(&folder.join("model")));
        assert!(!stands_alone(&folder.join("absent.onnx")));
        for (beside, alone) in [("other.onnx", true), ("model.onnx_data", false)] {
            fs::write(folder.join(beside), []).unwrap();
            assert_eq!(stands_alone(&model), alone, "{beside}");
        }
    }
}
