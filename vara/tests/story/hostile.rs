//! Files that mean harm, sent as anybody sends a picture: each gets its code, nothing is kept, and nobody else notices.

use crate::member::{Answer, Member, sent};
use crate::running::{Vara, shared};
use serde_json::json;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// So much may the program grow while bombs are sent.
const GROWTH_KIB_MAX: u64 = 50 * 1_024;

fn kept(name: &str) -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../pictures/testdata/images");
    std::fs::read(folder.join(name)).unwrap()
}

fn declared(bytes: &[u8]) -> &'static str {
    pictures::Format::of(bytes).map_or("image/jpeg", pictures::Format::media_type)
}

#[test]
fn a_file_of_another_kind_is_called_by_its_kind_and_nothing_is_kept() {
    // LIM-2
    let member = Member::joins(&shared().api);
    for (name, seen) in [
        ("still.heic", "HEIC"),
        ("still.avif", "AVIF"),
        ("still.tiff", "TIFF"),
        ("still.bmp", "BMP"),
        ("still.jp2", "JPEG_2000"),
        ("script.svg", "SVG"),
        ("animated.gif", "GIF"),
        ("animated.png", "ANIMATED"),
        ("animated.webp", "ANIMATED"),
        ("html_named_jpg.jpg", "HTML"),
    ] {
        let bytes = kept(name);
        let refused = member.sends(&bytes, declared(&bytes));
        assert_eq!(
            (refused.status, refused.code()),
            (400, "INVALID_FILE_TYPE"),
            "{name}: {refused:?}"
        );
        let details = &refused.body["error"]["details"];
        assert_eq!(details["seen"], seen, "{name}");
        assert_eq!(
            details["allowed"],
            json!(["image/jpeg", "image/png", "image/webp"])
        );
    }
    assert_eq!(member.get("/images").body["meta"]["pagination"]["total"], 0);
}

#[test]
fn a_picture_that_carries_a_script_or_cannot_be_decoded_is_refused() {
    let member = Member::joins(&shared().api);
    let scene = kept("scene.jpg");
    let mixed = [scene.as_slice(), b"<?php phpinfo();"].concat();
    let refused = member.sends(&mixed, "image/jpeg");
    assert_eq!((refused.status, refused.code()), (400, "INVALID_FILE_TYPE"));
    assert_eq!(refused.body["error"]["details"]["seen"], "MIXED");
    for name in ["bad_crc.png", "truncated.webp", "header_only.jpg"] {
        let bytes = kept(name);
        let refused = member.sends(&bytes, declared(&bytes));
        assert_eq!(
            (refused.status, refused.code()),
            (422, "IMAGE_UNREADABLE"),
            "{name}"
        );
    }
    assert_eq!(member.get("/images").body["meta"]["pagination"]["total"], 0);
}

#[test]
fn the_name_of_a_file_leads_nowhere_and_is_told_to_nobody() {
    use reqwest::blocking::multipart::{Form, Part};
    let member = Member::joins(&shared().api);
    for (name, picture) in [
        ("../../../../etc/passwd.jpg", "scene.jpg"),
        ("a\u{202E}gpj.exe", "near_half.jpg"),
        ("x\0.jpg", "near_gray.jpg"),
        ("<script>.jpg", "near_blur.jpg"),
    ] {
        let part = Part::bytes(kept(picture))
            .file_name(name)
            .mime_str("image/jpeg")
            .unwrap();
        let request = member.http().post(member.url("/images/upload"));
        let request = request
            .multipart(Form::new().part("file", part))
            .bearer_auth(&member.token);
        let answer = sent(request);
        assert!(matches!(answer.status, 201 | 400), "{name:?}: {answer:?}");
        let text = answer.body.to_string();
        for part in ["passwd", "exe", "<script>"] {
            assert!(!text.contains(part), "{name:?}: {text}");
        }
    }
}

/// 49 million white pixels in some kilobytes, found to be damaged when the last of them has been decoded: by then a
/// decoder has filled 147 million bytes.
fn damaged_at_its_end() -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, 7_000, 7_000);
    encoder.set_color(png::ColorType::Grayscale);
    let mut writer = encoder.write_header().unwrap();
    writer.write_image_data(&vec![255; 49_000_000]).unwrap();
    writer.finish().unwrap();
    // The last check sum of the pixels stands before the twelve bytes of the end.
    let sum = bytes.len() - 14;
    bytes[sum] ^= 1;
    bytes
}

/// The most memory that the program held while this ran, over what it held before; in kB.
fn growth_while<T>(vara: &Vara, work: impl FnOnce() -> T) -> (T, u64) {
    let before = vara.resident_kib();
    let (over, most) = (
        AtomicBool::new(false),
        std::sync::atomic::AtomicU64::new(before),
    );
    let done = std::thread::scope(|scope| {
        scope.spawn(|| {
            while !over.load(Ordering::Relaxed) {
                most.fetch_max(vara.resident_kib(), Ordering::Relaxed);
                std::thread::sleep(Duration::from_millis(2));
            }
        });
        let done = work();
        over.store(true, Ordering::Relaxed);
        done
    });
    (done, most.into_inner() - before)
}

#[test]
fn twenty_bombs_at_once_take_no_memory_of_the_program_and_keep_nobody_waiting() {
    let vara = Vara::start();
    let (member, other) = (Member::joins(&vara.api), Member::joins(&vara.api));
    // Warm: the first picture of a program also loads what all others use.
    other.uploads(&kept("scene.jpg"));
    let mut bombs: Vec<Vec<u8>> = [
        "bomb_30000x30000_1bit.png",
        "bomb_header_65535.png",
        "bomb_header_max.png",
        "bomb_webp_16383.webp",
        "bomb_iccp.png",
    ]
    .map(kept)
    .to_vec();
    bombs.extend(std::iter::repeat_n(damaged_at_its_end(), 15));
    let slowest = std::sync::Mutex::new(Duration::ZERO);
    let (answers, growth) = growth_while(&vara, || {
        std::thread::scope(|scope| {
            let sending: Vec<_> = bombs
                .iter()
                .map(|bomb| scope.spawn(|| member.sends(bomb, declared(bomb))))
                .collect();
            while sending.iter().any(|one| !one.is_finished()) {
                let begun = Instant::now();
                assert_eq!(other.get("/images").status, 200);
                let mut slowest = slowest.lock().unwrap();
                *slowest = begun.elapsed().max(*slowest);
            }
            sending
                .into_iter()
                .map(|one| one.join().unwrap())
                .collect::<Vec<Answer>>()
        })
    });
    println!(
        "grew by {growth} kB; slowest other request {:?}",
        slowest.lock().unwrap()
    );
    for answer in &answers {
        let code = (answer.status, answer.code().to_owned());
        // Who finds the queue too long is told to come again.
        let busy = (502, "STORAGE_UNAVAILABLE".to_owned());
        assert!(
            code == (422, "IMAGE_UNREADABLE".to_owned()) || code == busy,
            "{answer:?}"
        );
    }
    assert!(answers.iter().filter(|answer| answer.status == 422).count() >= 9);
    assert!(growth <= GROWTH_KIB_MAX, "it grew by {growth} kB");
    assert_eq!(member.get("/images").body["meta"]["pagination"]["total"], 0);
    member.uploads(&kept("near_half.jpg"));
}
