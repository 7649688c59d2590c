//! Any bytes, taken in as the child does it: refused, or copies that the parent believes. What a decoder trips over is caught
//! within, and is a refusal too.
//!
//! Most are only decoded: what follows works on pixels of our own, and the copies of a picture of 32 pixels, which are enlarged,
//! take fifty times as long as reading it.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pictures::reply::{self, Answer, HEAD_BYTES};
use pictures::{decode, look, take_in};

/// Pixels above which a picture is only looked at: clearing room for them would be most of the work.
const PIXELS_DECODED: u64 = 20_000;
/// Of those that are decoded, one in so many is taken in whole.
const WHOLE_ONE_IN: usize = 64;

fuzz_target!(
    init: {
        // Else libFuzzer would end at a panic that `decode` catches.
        std::panic::set_hook(Box::new(|_| {}));
    },
    |bytes: &[u8]| {
        if let Ok(look) = look(bytes) {
            let (width, height) = look.stored_size;
            if u64::from(width) * u64::from(height) > PIXELS_DECODED {
                return;
            }
            if bytes.len() % WHOLE_ONE_IN != 0 {
                let _ = decode(bytes);
                return;
            }
        }
        let taken = take_in(bytes);
        let mut said = Vec::new();
        reply::write(&taken, &mut said).expect("a vector takes everything");
        let head: &[u8; HEAD_BYTES] = said.first_chunk().expect("a head");
        match (reply::read(head).expect("our own answer"), taken) {
            (Answer::Refused(unfit), Err(said)) => assert_eq!(unfit, said),
            (Answer::Taken(announced), Ok(taken)) => {
                let mut rest = &said[HEAD_BYTES..];
                let parts = announced.lengths().map(|length| {
                    let (part, behind) = rest.split_at(length);
                    rest = behind;
                    part.to_vec()
                });
                assert!(rest.is_empty());
                let whole = announced.complete(parts).expect("bare copies of the right size");
                assert!(whole == taken);
            }
            (Answer::Refused(_), Ok(_)) | (Answer::Taken(_), Err(_)) => panic!("another answer"),
        }
    }
);
