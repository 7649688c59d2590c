//! Any bytes, taken in as the child does it: refused, or copies that the parent believes. What a decoder trips over is caught
//! within, and is a refusal too.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pictures::reply::{self, Answer, HEAD_BYTES};
use pictures::take_in;

fuzz_target!(
    init: {
        // Else libFuzzer would end at a panic that `decode` catches.
        std::panic::set_hook(Box::new(|_| {}));
    },
    |bytes: &[u8]| {
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
