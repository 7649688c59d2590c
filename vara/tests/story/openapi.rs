//! The published OpenAPI and AsyncAPI documents are what the code says.

use crate::running::binary;
use std::path::Path;

/// Holds a document of the tree against the one that the program writes.
fn is_what_the_code_says(name: &str) {
    let published = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../openapi")
        .join(name);
    let published = std::fs::read_to_string(published).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let done = binary()
        .args(["openapi", "--out"])
        .arg(folder.path().join("vara.json"))
        .status()
        .unwrap();
    assert!(done.success(), "it needs no server");
    let made = std::fs::read_to_string(folder.path().join(name)).unwrap();
    assert!(
        made == published,
        "{name}: run `just openapi` and review the difference as a change of contract"
    );
}

#[test]
fn the_document_in_the_tree_is_the_one_the_code_makes() {
    is_what_the_code_says("vara.json");
}

#[test]
fn the_document_of_the_bus_in_the_tree_is_the_one_the_code_makes() {
    is_what_the_code_says("events.asyncapi.json");
}

#[test]
fn the_two_documents_never_take_each_others_place() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("events.asyncapi.json");
    let done = binary()
        .args(["openapi", "--out"])
        .arg(&out)
        .output()
        .unwrap();
    assert!(!done.status.success());
    let told = String::from_utf8_lossy(&done.stderr).into_owned();
    assert!(told.contains("another name"), "{told}");
    assert!(!out.exists(), "nothing was written");
}
