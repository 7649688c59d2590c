//! A picture has the same hash in a browser as on the server, and does not leave it.
//!
//! Needs Chromium (Debian's package `chromium`, or its path in `VARA_CHROMIUM`); without it the test says so and passes.
//! The module is built anew where the target wasm32-unknown-unknown is installed, else the one that lies in `page/` is
//! taken, of which another test says that it was made of today's files.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod module;
mod server;

use server::Server;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// PNG of eight bits, opaque: a browser and our decoder give the very same pixels, so hash and quality are equal.
const EQUAL: [&str; 5] = [
    "scene.png",
    "flat_gray.png",
    "metadata_text.png",
    "metadata_gps.png",
    "one_bit.png",
];
/// Decoders of JPEG and WebP differ in the last bit of a channel, and canvases keep colours multiplied by alpha: near.
const NEAR: [&str; 8] = [
    "jpeg_named_png.png",
    "scene.jpg",
    "orientation_6.jpg",
    "progressive.jpg",
    "gray.jpg",
    "lossless.webp",
    "gray_alpha.png",
    "near_letterbox.jpg",
];
/// Most bits between two decoders of one file; the exchange's own measure of conformance.
const NEAR_BITS_MAX: u32 = 10;

fn room() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}

fn image(name: &str) -> Vec<u8> {
    std::fs::read(room().join("../testdata/images").join(name)).unwrap()
}

/// What the server says of a file: hash and quality.
fn of_the_server(name: &str) -> (String, u8) {
    let print = pictures::take_in(&image(name)).unwrap().hash.unwrap();
    (print.hash.hex(), print.quality)
}

fn chromium() -> Option<PathBuf> {
    let named = std::env::var_os("VARA_CHROMIUM").map(PathBuf::from);
    let usual = [
        "/usr/bin/chromium",
        "/usr/bin/chromium-browser",
        "/usr/bin/google-chrome",
    ];
    let mut places = named.into_iter().chain(usual.map(PathBuf::from));
    places.find(|place| place.is_file())
}

/// The document of a page once its work is done.
fn document(chromium: &Path, address: &str) -> String {
    let profile = tempfile::tempdir().unwrap();
    let done = Command::new(chromium)
        .args([
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
        ])
        .args([
            "--no-first-run",
            "--disable-background-networking",
            "--disable-sync",
        ])
        .args(["--disable-component-update", "--disable-dev-shm-usage"])
        .args(["--virtual-time-budget=60000", "--dump-dom"])
        .arg(format!("--user-data-dir={}", profile.path().display()))
        .arg(address)
        .stderr(Stdio::null())
        .output()
        .unwrap();
    assert!(done.status.success(), "{}", done.status);
    String::from_utf8_lossy(&done.stdout).into_owned()
}

/// Name of a picture, and what stands on its line.
fn lines(document: &str) -> BTreeMap<String, String> {
    let lines = document.split("<li data-name=\"").skip(1);
    lines
        .map(|line| {
            let (name, rest) = line.split_once("\">").unwrap();
            let (text, _) = rest.split_once("</li>").unwrap();
            (name.to_owned(), text.to_owned())
        })
        .collect()
}

fn differing(one: &str, two: &str) -> u32 {
    let digit = |c: char| c.to_digit(16).unwrap();
    let pairs = one.chars().zip(two.chars());
    pairs.map(|(a, b)| (digit(a) ^ digit(b)).count_ones()).sum()
}

#[test]
fn a_picture_has_the_same_hash_in_a_browser_as_on_the_server() {
    // PIP-3, HSH-1
    let Some(chromium) = chromium() else {
        eprintln!(
            "skipped: no Chromium here (apt-get install chromium, or name one in VARA_CHROMIUM)"
        );
        return;
    };
    let server = Server::of(module::bytes());
    let names = [EQUAL.as_slice(), NEAR.as_slice()].concat();
    let address = format!("{}/?pictures={}", server.address, names.join(","));
    let document = document(&chromium, &address);
    assert!(document.contains("<p id=\"state\">done</p>"), "{document}");
    let told = lines(&document);
    assert_eq!(told.len(), names.len(), "{told:?}");
    for name in EQUAL {
        let (pdq, quality) = of_the_server(name);
        assert_eq!(told[name], format!("{pdq} {quality}"), "{name}");
    }
    for name in NEAR {
        let (pdq, quality) = of_the_server(name);
        let (here, quality_here) = told[name].split_once(' ').unwrap();
        let bits = differing(here, &pdq);
        eprintln!("{name}: {bits} bits, quality {quality_here} and {quality}");
        assert!(bits <= NEAR_BITS_MAX, "{name}: {bits} bits");
    }
    // Nothing was sent: the page asked for itself and for the pictures that it was told to look at, in no other words.
    let page = format!("?pictures={}", names.join(","));
    let own = [&page, "pdq.js", "pdq.wasm", "held", "done", "favicon.ico"];
    let may: BTreeSet<String> = own
        .iter()
        .chain(&names)
        .map(|name| format!("GET /{name} HTTP/1.1"))
        .collect();
    let asked = server.asked();
    assert!(asked.iter().all(|line| may.contains(line)), "{asked:?}");
}

#[test]
fn the_module_that_lies_beside_the_page_was_made_of_todays_files() {
    assert_eq!(
        module::noted(),
        module::sources(),
        "run `just wasm` and commit page/pdq.wasm and page/pdq.wasm.sources with the change"
    );
}
