//! Files that are a picture and something else at once: a script, a document, an archive.
//!
//! No decoder of ours looks at such parts and no copy of ours carries them. But the original is kept
//! for evidence, and she may hand it on: then it must be a picture to every program that opens it.
//! What rides behind a picture and is none of these (a motion photo's film, a second view, padding)
//! is left alone.

/// What another program would take the file for, wherever in it this stands. None is shorter than five
/// bytes: in a film of eight million a chance hit is then rarer than one in ten thousand.
const SIGNS: [&[u8]; 5] = [b"<?php", b"<script", b"<html", b"<svg ", b"%PDF-"];

/// Programs that open documents look for their sign up to here, whatever stands before it.
const DOCUMENT_WITHIN: usize = 1_024;

/// A ZIP is found from its end: this record of 22 bytes, and at most so many bytes of comment (APPNOTE, 4.3.16).
const ZIP_END: &[u8] = b"PK\x05\x06";
const ZIP_END_BYTES: usize = 22;
const ZIP_COMMENT_MAX: usize = 65_535;

/// Whether a comment or a block of text or metadata holds another kind of file.
pub(super) fn speaks(text: &[u8]) -> bool {
    (0..text.len()).any(|at| {
        matches!(text[at], b'<' | b'%') && SIGNS.iter().any(|sign| begins(&text[at..], sign))
    })
}

/// Whether the whole file is a document or an archive too, in whatever part of it that may stand.
pub(super) fn shares(file: &[u8]) -> bool {
    let tail = &file[file.len().saturating_sub(ZIP_END_BYTES + ZIP_COMMENT_MAX)..];
    speaks(&file[..file.len().min(DOCUMENT_WITHIN)])
        || tail.windows(ZIP_END_BYTES).any(ends_an_archive)
}

/// An archive of one part, with as many entries in this part as in all: chance does not say so in a picture's data.
fn ends_an_archive(record: &[u8]) -> bool {
    record.starts_with(ZIP_END) && record[4..8] == [0; 4] && record[8..10] == record[10..12]
}

fn begins(text: &[u8], sign: &[u8]) -> bool {
    text.get(..sign.len())
        .is_some_and(|start| start.eq_ignore_ascii_case(sign))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_another_program_would_run_or_open_is_seen_in_any_case_of_letters() {
        for text in [&b"x<?PHP echo 1;"[..], b"<Script>", b"ab%PDF-1.7", b"<SVG "] {
            assert!(speaks(text), "{text:?}");
        }
    }

    #[test]
    fn ordinary_metadata_says_nothing_of_the_kind() {
        for text in [
            &b"<?xpacket begin='' id='W5M0'?><x:xmpmeta xmlns:x='adobe:ns:meta/'>"[..],
            b"100 % <b>",
            b"%PDF",
            b"",
            b"<?ph",
        ] {
            assert!(!speaks(text), "{text:?}");
        }
    }

    #[test]
    fn an_archive_is_found_by_its_end_and_only_there() {
        let mut zip = b"PK\x05\x06".to_vec();
        zip.resize(22, 0);
        assert!(shares(&zip));
        zip.resize(22 + 65_535, b'.');
        assert!(shares(&zip));
        zip.resize(22 + 65_536, b'.');
        assert!(!shares(&zip));
        let one_of_several_parts = [&b"PK\x05\x06"[..], &[1; 18]].concat();
        assert!(!shares(&one_of_several_parts));
    }
}
