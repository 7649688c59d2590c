//! Where the pictures of the tests are found.

use std::path::{Path, PathBuf};

use pictures::Picture;
use pictures::pdq::Hash;

/// The bytes of a picture that is kept with this crate.
pub fn bytes(name: &str) -> Vec<u8> {
    let path = own().join(name);
    std::fs::read(&path).unwrap_or_else(|fault| panic!("{}: {fault}", path.display()))
}

/// The decoded picture of that name.
pub fn picture(name: &str) -> Picture {
    pictures::decode(&bytes(name)).unwrap_or_else(|unfit| panic!("{name}: {unfit}"))
}

/// The decoded picture in that file.
pub fn at(path: &Path) -> Picture {
    let bytes = std::fs::read(path).unwrap();
    pictures::decode(&bytes).unwrap_or_else(|unfit| panic!("{}: {unfit}", path.display()))
}

/// The published hashes to look for, and those to look among; nothing when they are absent.
pub fn needles_and_haystack() -> Option<(Vec<Hash>, Vec<Hash>)> {
    let folder = shared("pdq")?;
    let read = |name: &str| -> Vec<Hash> {
        let text = std::fs::read_to_string(folder.join(name)).unwrap();
        let hashes = text.lines().filter_map(|line| line.get(..64));
        hashes.map(|text| Hash::parse(text).unwrap()).collect()
    };
    let (needles, haystack) = (read("needles.txt"), read("haystack.txt"));
    assert_eq!((needles.len(), haystack.len()), (100, 1_350));
    Some((needles, haystack))
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
