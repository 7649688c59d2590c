//! The published OpenAPI document is what the code says.

use crate::running::binary;
use std::path::Path;

#[test]
fn the_document_in_the_tree_is_the_one_the_code_makes() {
    let published = Path::new(env!("CARGO_MANIFEST_DIR")).join("../openapi/vara.json");
    let published = std::fs::read_to_string(published).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let made = folder.path().join("vara.json");
    let done = binary()
        .args(["openapi", "--out"])
        .arg(&made)
        .status()
        .unwrap();
    assert!(done.success(), "it needs no server");
    let made = std::fs::read_to_string(made).unwrap();
    assert!(
        made == published,
        "run `just openapi` and review the difference as a change of contract"
    );
}
