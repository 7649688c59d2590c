//! Files that mean harm, sent as anybody sends a picture: each gets its code, nothing is kept, and nobody else notices.

use crate::member::{Answer, Member, sent};
use crate::running::{Vara, shared};
use pictures::Unfit;
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

/// What stands in the table of docs/pictures.md for each of them, asked as anybody asks.
#[test]
fn every_file_of_the_shelf_gets_over_http_the_verdict_that_it_gets_by_itself() {
    // A plan that costs nothing keeps ten pictures.
    let mut members = vec![Member::joins(&shared().api)];
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../pictures/testdata/images");
    let names = std::fs::read_dir(folder).unwrap().map(|entry| {
        let name = entry.unwrap().file_name();
        name.into_string().unwrap()
    });
    let (mut taken, mut refused) = (0_u64, 0);
    for name in names.filter(|name| !name.ends_with(".md") && !name.ends_with(".json")) {
        let bytes = kept(&name);
        let (status, code) = match pictures::take_in(&bytes) {
            Ok(_) => (201, ""),
            Err(Unfit::Empty) => (400, "NO_FILE_PROVIDED"),
            Err(Unfit::NotAPicture(_)) => (400, "INVALID_FILE_TYPE"),
            Err(Unfit::TooManyBytes) => (413, "FILE_TOO_LARGE"),
            Err(
                Unfit::TooSmall { .. }
                | Unfit::TooManyPixels { .. }
                | Unfit::TooHeavy { .. }
                | Unfit::Unreadable,
            ) => (422, "IMAGE_UNREADABLE"),
        };
        if status == 201 && taken > 0 && taken % 10 == 0 {
            members.push(Member::joins(&shared().api));
        }
        let answer = members[members.len() - 1].sends(&bytes, declared(&bytes));
        assert_eq!((answer.status, answer.code()), (status, code), "{name}");
        match status {
            201 => taken += 1,
            _ => refused += 1,
        }
    }
    assert!(taken > 40 && refused > 25, "{taken} and {refused}");
    let kept = members.iter().map(|member| {
        let listed = member.get("/images").body;
        listed["meta"]["pagination"]["total"].as_u64().unwrap()
    });
    assert_eq!(kept.sum::<u64>(), taken, "nothing else is kept");
}

/// As long as may be, of four members, and all of them damaged: their bytes are in memory, but not of all at once.
#[test]
fn long_files_wait_for_room() {
    let vara = Vara::start();
    let members: Vec<Member> = (0..4).map(|_| Member::joins(&vara.api)).collect();
    members[0].uploads(&kept("scene.jpg"));
    let mut long = damaged_at_its_end();
    long.resize(pictures::BYTES_MAX, 0);
    let send = |member: &Member| member.sends(&long, "image/png");
    let (answers, growth) = growth_while(&vara, || {
        std::thread::scope(|scope| {
            let twice = members.iter().chain(&members);
            let sending: Vec<_> = twice.map(|member| scope.spawn(|| send(member))).collect();
            let answers = sending.into_iter().map(|one| one.join().unwrap());
            answers.collect::<Vec<Answer>>()
        })
    });
    println!("grew by {growth} kB");
    for answer in &answers {
        let code = (answer.status, answer.code());
        assert!(
            [(422, "IMAGE_UNREADABLE"), (502, "STORAGE_UNAVAILABLE")].contains(&code),
            "{answer:?}"
        );
    }
    assert!(answers.iter().any(|answer| answer.status == 422));
    assert!(growth <= GROWTH_KIB_MAX, "it grew by {growth} kB");
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
