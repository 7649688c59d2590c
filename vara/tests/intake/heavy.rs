//! The largest pictures that may come in, in the child's memory: 256 MiB at most (LIM-4).

use crate::pictures_of_tests::vara;
use intake::SUBCOMMAND;
use pictures::Unfit;
use pictures::reply::{self, Answer, HEAD_BYTES};
use std::io::{Read, Write};
use std::process::{Command, Stdio};

const RESIDENT_KIB_MAX: u64 = 256 * 1_024;

/// Has the program itself take a picture in; the upright size of it, and the most memory it held.
///
/// The answer is longer than a pipe is deep, so the child is still there when its first bytes are.
fn taken_in(original: &[u8]) -> (Answer, u64) {
    let mut child = Command::new(vara())
        .arg(SUBCOMMAND)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    input
        .write_all(&u32::try_from(original.len()).unwrap().to_le_bytes())
        .unwrap();
    input.write_all(original).unwrap();
    drop(input);
    let mut head = [0; HEAD_BYTES];
    let mut output = child.stdout.take().unwrap();
    output.read_exact(&mut head).unwrap();
    let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap();
    let line = status
        .lines()
        .find(|line| line.starts_with("VmHWM:"))
        .unwrap();
    let peak = line.split_whitespace().nth(1).unwrap().parse().unwrap();
    output.read_to_end(&mut Vec::new()).unwrap();
    assert!(child.wait().unwrap().success());
    (reply::read(&head).unwrap(), peak)
}

fn is_taken_within(what: &str, original: &[u8]) {
    let (answer, peak) = taken_in(original);
    println!("{what}: {} bytes, {peak} kB at most", original.len());
    assert!(matches!(answer, Answer::Taken(_)), "{what}: {answer:?}");
    assert!(peak <= RESIDENT_KIB_MAX, "{what}: {peak} kB");
}

/// One row, again and again: a test need not think of fifty million pixels.
fn rows(width: u32, height: u32, pixel: impl Fn(u32) -> [u8; 3]) -> Vec<u8> {
    (0..width)
        .flat_map(pixel)
        .collect::<Vec<u8>>()
        .repeat(height as usize)
}

/// As a telephone held upright stores it: lying, with the orientation beside it.
fn lying_jpeg(width: u16, height: u16) -> Vec<u8> {
    let rgb = rows(width.into(), height.into(), |x| {
        [(x / 9) as u8, (x / 5) as u8, (x / 3) as u8]
    });
    let mut bytes = Vec::new();
    let mut encoder = jpeg_encoder::Encoder::new(&mut bytes, 80);
    let orientation_6 = b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0";
    encoder.add_exif_metadata(orientation_6).unwrap();
    encoder
        .encode(&rgb, width, height, jpeg_encoder::ColorType::Rgb)
        .unwrap();
    bytes
}

/// All of it is held as numbers of its waves, two bytes each, until the last scan: as much as may come in so.
#[test]
fn thirty_seven_million_pixels_of_progressive_jpeg_are_taken_within_the_memory_of_a_child() {
    use jpeg_encoder::{ColorType, Encoder, SamplingFactor};
    for (sampling, width, height) in [
        (SamplingFactor::F_2_2, 7_088, 5_312),
        (SamplingFactor::F_1_1, 5_776, 4_336),
    ] {
        let rgb = rows(width.into(), height.into(), |x| [(x / 28) as u8, 5, 250]);
        let mut bytes = Vec::new();
        let mut encoder = Encoder::new(&mut bytes, 70);
        encoder.set_progressive(true);
        encoder.set_sampling_factor(sampling);
        encoder.encode(&rgb, width, height, ColorType::Rgb).unwrap();
        is_taken_within("a progressive JPEG", &bytes);
    }
}

#[test]
fn fifty_million_pixels_of_a_telephone_are_turned_within_the_memory_of_a_child() {
    // 49,939,200 and, with a width that is a prime, 49,989,840.
    is_taken_within("a JPEG that lies", &lying_jpeg(8_160, 6_120));
    is_taken_within("a JPEG of a prime width", &lying_jpeg(8_167, 6_121));
}

/// A PNG whose rows are all this one.
fn png_of_rows(
    (width, height): (u32, u32),
    colour: (png::ColorType, png::BitDepth),
    row: &[u8],
) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, width, height);
    encoder.set_color(colour.0);
    encoder.set_depth(colour.1);
    encoder.set_compression(png::Compression::Fast);
    let mut writer = encoder.write_header().unwrap();
    let mut stream = writer.stream_writer().unwrap();
    for _ in 0..height {
        stream.write_all(row).unwrap();
    }
    stream.finish().unwrap();
    writer.finish().unwrap();
    bytes
}

#[test]
fn fifty_million_pixels_of_sixteen_bits_and_alpha_are_taken_within_the_memory_of_a_child() {
    let (width, height) = (8_192, 6_100);
    let row: Vec<u8> = (0..width)
        .flat_map(|x| [(x / 32) as u8, 7, 9, 0, 200, 1, 255, 0])
        .collect();
    let colour = (png::ColorType::Rgba, png::BitDepth::Sixteen);
    is_taken_within(
        "a PNG of sixteen bits",
        &png_of_rows((width, height), colour, &row),
    );
}

#[test]
fn a_strip_is_hashed_within_the_memory_of_a_child_or_refused_before() {
    let strip = |width: u32, height: u32| {
        let row: Vec<u8> = (0..width).map(|x| (x / 999) as u8).collect();
        png_of_rows(
            (width, height),
            (png::ColorType::Grayscale, png::BitDepth::Eight),
            &row,
        )
    };
    is_taken_within("a strip of 280,000", &strip(280_000, 178));
    let (answer, _) = taken_in(&strip(600_000, 83));
    assert!(
        matches!(answer, Answer::Refused(Unfit::TooHeavy { .. })),
        "{answer:?}"
    );
}

#[test]
fn a_long_strip_that_stays_as_large_as_it_is_is_taken_within_the_memory_of_a_child() {
    is_taken_within("a strip", &lying_jpeg(65_500, 760));
}

#[test]
fn thirty_million_pixels_of_lossless_webp_are_taken_within_the_memory_of_a_child() {
    use image::ImageEncoder;
    let (width, height) = (6_400, 4_800);
    let rgb = rows(width, height, |x| [(x / 25) as u8, 3, (x / 50) as u8]);
    let mut bytes = Vec::new();
    let encoder = image::codecs::webp::WebPEncoder::new_lossless(&mut bytes);
    encoder
        .write_image(&rgb, width, height, image::ExtendedColorType::Rgb8)
        .unwrap();
    is_taken_within("a WebP without loss", &bytes);
}
