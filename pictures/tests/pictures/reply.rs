//! The answer between processes: it says the same on both sides, and no bytes make it say more.

use crate::shelf;
use pictures::reply::{self, Answer, Garbled, HEAD_BYTES};
use pictures::{Seen, Taken, Unfit, take_in};

fn written(answer: &Result<Taken, Unfit>) -> Vec<u8> {
    let mut bytes = Vec::new();
    reply::write(answer, &mut bytes).unwrap();
    bytes
}

/// Reads an answer as the parent does: the head, then each part by its length.
fn read(bytes: &[u8]) -> Result<Result<Taken, Unfit>, Garbled> {
    let (head, mut rest) = bytes.split_first_chunk::<HEAD_BYTES>().ok_or(Garbled)?;
    match reply::read(head)? {
        Answer::Refused(unfit) => Ok(Err(unfit)),
        Answer::Taken(announced) => {
            let mut parts: [Vec<u8>; reply::PARTS] = Default::default();
            for (part, length) in parts.iter_mut().zip(announced.lengths()) {
                *part = rest.split_off(..length).ok_or(Garbled)?.to_vec();
            }
            announced.complete(parts).map(Ok)
        }
    }
}

#[test]
fn a_picture_that_was_taken_arrives_whole() {
    for name in [
        "orientation_6.jpg",
        "scene.png",
        "near_thumb64.jpg",
        "flat_gray.png",
    ] {
        let taken = take_in(&shelf::bytes(name));
        assert!(read(&written(&taken)).unwrap() == taken, "{name}");
    }
}

#[test]
fn every_refusal_arrives_as_what_it_is() {
    let (width, height) = (31, 70_000);
    for unfit in [
        Unfit::Empty,
        Unfit::TooManyBytes,
        Unfit::NotAPicture(Seen::Animated),
        Unfit::NotAPicture(Seen::Mixed),
        Unfit::NotAPicture(Seen::Unknown),
        Unfit::Unreadable,
        Unfit::TooSmall { width, height },
        Unfit::TooManyPixels { width, height },
        Unfit::TooHeavy { width, height },
    ] {
        assert_eq!(
            read(&written(&Err(unfit.clone()))).unwrap().unwrap_err(),
            unfit
        );
    }
}

// Whoever wrote it decoded a stranger's file, and may have been made to write anything.
#[test]
fn an_answer_with_any_byte_of_its_head_changed_is_garbled_or_as_narrow_as_before() {
    let bytes = written(&take_in(&shelf::bytes("scene.png")));
    for at in 0..HEAD_BYTES {
        for value in [0x00, 0x01, 0x7F, 0xFF] {
            let mut changed = bytes.clone();
            changed[at] = value;
            if let Ok(Ok(taken)) = read(&changed) {
                assert!(taken.width >= 32 && taken.height >= 32);
                assert_eq!(
                    (
                        taken.picture_for_vector.width(),
                        taken.picture_for_vector.height()
                    ),
                    (224, 224)
                );
                assert!(taken.hash.is_none_or(|hash| hash.quality <= 100));
            }
        }
    }
}

#[test]
fn an_answer_that_is_cut_short_or_announces_too_much_is_garbled() {
    let bytes = written(&take_in(&shelf::bytes("scene.png")));
    for length in [0, 3, HEAD_BYTES - 1, HEAD_BYTES, bytes.len() - 1] {
        assert!(read(&bytes[..length]).is_err(), "{length}");
    }
    let mut too_much = bytes.clone();
    too_much[HEAD_BYTES - 12..HEAD_BYTES - 8].copy_from_slice(&25_165_825_u32.to_le_bytes());
    let head = too_much.first_chunk().unwrap();
    assert!(matches!(reply::read(head), Err(Garbled)));
}

// IMG-3: a copy with anything but a picture in it is none, whoever made it.
#[test]
fn a_copy_that_carries_more_than_a_picture_is_garbled() {
    let mut taken = take_in(&shelf::bytes("scene.png")).unwrap();
    let bare = taken.display.clone();
    taken.display.splice(2..2, *b"\xFF\xE1\0\x08Exif");
    assert!(read(&written(&Ok(taken.clone()))).is_err());
    taken.display = [bare.as_slice(), b"<script>"].concat();
    assert!(read(&written(&Ok(taken.clone()))).is_err());
    taken.display = shelf::bytes("near_half.jpg");
    assert!(
        read(&written(&Ok(taken.clone())))
            .is_ok_and(|answer| answer.is_ok_and(|taken| taken.display.len() > 17_000))
    );
    taken.display = shelf::bytes("scene.jpg");
    assert!(read(&written(&Ok(taken))).is_err());
}
