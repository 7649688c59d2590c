//! Where the pictures of the tests are found.

use std::path::{Path, PathBuf};

use pictures::Picture;

/// The bytes of a picture that is kept with this crate.
pub fn bytes(name: &str) -> Vec<u8> {
    let path = own().join(name);
    std::fs::read(&path).unwrap_or_else(|fault| panic!("{}: {fault}", path.display()))
}

/// The decoded picture of that name.
pub fn picture(name: &str) -> Picture {
    pictures::decode(&bytes(name)).unwrap_or_else(|unfit| panic!("{name}: {unfit}"))
}

/// The folder of the pictures that are kept with this crate.
pub fn own() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/images")
}

/// A folder of the shared test data, beside the workspace; says so and gives nothing when absent.
pub fn shared(folder: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../shared/testdata")
        .join(folder);
    if !path.is_dir() {
        println!("skipped: {} is not on this machine", path.display());
        return None;
    }
    Some(path)
}
