//! The compiled module: built anew where that is possible, else the one that lies beside the page.

use crate::room;
use sha2::{Digest, Sha256};
use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::Command;

const TARGET: &str = "wasm32-unknown-unknown";
/// Everything that the module is made of, relative to this crate.
const SOURCES: [&str; 11] = [
    "Cargo.toml",
    "src/lib.rs",
    "../src/area.rs",
    "../src/picture.rs",
    "../src/turn.rs",
    "../src/pdq/boxes.rs",
    "../src/pdq/columns.rs",
    "../src/pdq/hash.rs",
    "../src/pdq/mod.rs",
    "../src/pdq/shrink.rs",
    "../src/pdq/spectrum.rs",
];

/// The module.
pub fn bytes() -> Vec<u8> {
    let made = if is_installed() {
        built()
    } else {
        eprintln!("{TARGET} is not installed (rustup target add {TARGET}): page/pdq.wasm is taken");
        room().join("page/pdq.wasm")
    };
    std::fs::read(made).unwrap()
}

fn is_installed() -> bool {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let asked = Command::new(rustc)
        .args(["--print", "target-libdir", "--target", TARGET])
        .output();
    asked.is_ok_and(|told| {
        let folder = PathBuf::from(String::from_utf8_lossy(&told.stdout).trim());
        told.status.success() && folder.is_dir()
    })
}

fn built() -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("wasm");
    let built = Command::new(env!("CARGO"))
        .args(["build", "--locked", "--package", "pdq-wasm", "--lib"])
        .args(["--profile", "wasm", "--target", TARGET])
        .arg("--target-dir")
        .arg(&folder)
        .current_dir(room())
        .status()
        .unwrap();
    assert!(built.success());
    folder.join(TARGET).join("wasm/pdq_wasm.wasm")
}

/// The sums of all sources, in the format of sha256sum(1), to be held against [`noted`].
pub fn sources() -> String {
    let mut sums = String::new();
    for source in SOURCES {
        let sum = Sha256::digest(std::fs::read(room().join(source)).unwrap());
        for byte in sum {
            write!(sums, "{byte:02x}").unwrap();
        }
        writeln!(sums, "  {source}").unwrap();
    }
    sums
}

/// The sums of the sources that the module beside the page was made of.
pub fn noted() -> String {
    std::fs::read_to_string(room().join("page/pdq.wasm.sources")).unwrap()
}
