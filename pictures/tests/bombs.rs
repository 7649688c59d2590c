//! Decompression bombs are refused from their headers, at once and without memory (LIM-4).
//!
//! One test alone in its program: it reads the peak memory of the whole process.

use std::path::Path;
use std::time::{Duration, Instant};

use pictures::{Unfit, decode};

fn kept(name: &str) -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/images");
    std::fs::read(folder.join(name)).expect("the file is kept with this crate")
}

/// A file of 32 x 32 pixels by its canvas, whose frame is 16,383 x 16,383.
fn webp_with_a_frame_beyond_its_canvas() -> Vec<u8> {
    let chunk = |name: &[u8; 4], body: &[u8]| {
        let length = (body.len() as u32).to_le_bytes();
        [name.as_slice(), &length, body].concat()
    };
    let canvas = chunk(b"VP8X", &[0, 0, 0, 0, 31, 0, 0, 31, 0, 0]);
    let key_frame = [0x10, 0, 0, 0x9D, 0x01, 0x2A, 0xFF, 0x3F, 0xFF, 0x3F];
    let frame = chunk(b"VP8 ", &[key_frame.as_slice(), &[0; 4_096]].concat());
    let body = [b"WEBP".as_slice(), &canvas, &frame].concat();
    chunk(b"RIFF", &body)
}

/// A good picture with the chunk `name` of a bomb of one pixel put behind its header.
fn picture_with_chunk_of(bomb: &str, name: &[u8; 4]) -> Vec<u8> {
    let bomb = kept(bomb);
    let start = bomb
        .windows(4)
        .position(|at| at == name)
        .expect("it has that chunk")
        - 4;
    let length = bomb[start..].first_chunk().copied().map(u32::from_be_bytes);
    let length = length.expect("a chunk begins with its length") as usize;
    let mut bytes = kept("scene.png");
    bytes.splice(33..33, bomb[start..start + length + 12].iter().copied());
    bytes
}

/// A JPEG that is 65,535 x 65,535 by its header and nothing else.
fn jpeg_of_a_header() -> Vec<u8> {
    let frame = [0xFF, 0xC0, 0, 11, 8, 0xFF, 0xFF, 0xFF, 0xFF, 1, 1, 0x11, 0];
    [[0xFF, 0xD8].as_slice(), &frame, &[0xFF, 0xD9]].concat()
}

/// The most memory this process ever held, in kB; nothing where the system does not say.
fn peak_kb() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

// LIM-4
#[test]
fn bombs_are_refused_from_the_header_without_memory() {
    let before = peak_kb();
    let names = [
        "bomb_30000x30000_1bit.png",
        "bomb_header_65535.png",
        "bomb_header_max.png",
        "bomb_webp_16383.webp",
    ];
    let files = names.map(kept);
    let made = [webp_with_a_frame_beyond_its_canvas(), jpeg_of_a_header()];
    let started = Instant::now();
    for bytes in files.iter().chain(&made) {
        let answer = decode(bytes);
        assert!(
            matches!(answer, Err(Unfit::TooManyPixels { .. })),
            "{answer:?}"
        );
    }
    assert!(
        started.elapsed() < Duration::from_millis(100),
        "{:?}",
        started.elapsed()
    );

    // Fifty million bytes of text or colour profile in a small picture: it is taken without them.
    assert!(decode(&picture_with_chunk_of("bomb_text_chunk.png", b"zTXt")).is_ok());
    assert!(decode(&picture_with_chunk_of("bomb_iccp.png", b"iCCP")).is_ok());
    if let (Some(before), Some(after)) = (before, peak_kb()) {
        println!("peak before {before} kB, after {after} kB");
        assert!(
            after - before < 48 * 1024,
            "{} kB were taken",
            after - before
        );
    }
}
