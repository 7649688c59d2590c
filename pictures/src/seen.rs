//! What a file seems to be that is none of the three kinds that are taken, and what she can do.
//!
//! Told from its first bytes only, and only to say it: nothing is decided by it but the words.

/// What a file seems to be instead of a still JPEG, PNG or WebP picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Seen {
    /// A PNG or WebP that moves.
    Animated,
    /// A picture that is a script, a document or an archive as well.
    Mixed,
    /// `GIF87a` or `GIF89a`.
    Gif,
    /// ISO media with the brand `avif` or `avis`.
    Avif,
    /// ISO media with a brand of HEIF, as telephones store photographs.
    Heic,
    /// ISO media with any other brand.
    Film,
    /// TIFF in either order of bytes, and raw photographs built on it.
    Tiff,
    /// A Windows bitmap.
    Bmp,
    /// JPEG 2000, in its box or bare.
    Jpeg2000,
    /// JPEG XL, in its box or bare.
    JpegXl,
    /// A drawing in XML.
    Svg,
    /// A document.
    Pdf,
    /// A web page.
    Html,
    /// A ZIP archive, as office documents are too.
    Archive,
    /// None of these.
    Unknown,
}

/// Brands of HEIF whose pictures are HEVC, and the general ones (ISO/IEC 23008-12, annex B).
const HEIF: [&[u8; 4]; 8] = [
    b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1",
];
/// A text is looked through so far.
const TEXT_WITHIN: usize = 1_024;

impl Seen {
    /// Every one, in the order of their numbers between processes: new ones go to the end.
    pub(crate) const ALL: [Self; 15] = [
        Self::Animated,
        Self::Mixed,
        Self::Gif,
        Self::Avif,
        Self::Heic,
        Self::Film,
        Self::Tiff,
        Self::Bmp,
        Self::Jpeg2000,
        Self::JpegXl,
        Self::Svg,
        Self::Pdf,
        Self::Html,
        Self::Archive,
        Self::Unknown,
    ];

    /// What the first bytes look like.
    pub fn of(bytes: &[u8]) -> Self {
        match bytes {
            [b'G', b'I', b'F', b'8', ..] => Self::Gif,
            [b'I', b'I', 42 | 43, 0, ..] | [b'M', b'M', 0, 42 | 43, ..] => Self::Tiff,
            [b'B', b'M', ..] if bytes.len() > 26 => Self::Bmp,
            [0xFF, 0x4F, 0xFF, 0x51, ..] => Self::Jpeg2000,
            [0, 0, 0, 12, b'j', b'P', b' ', b' ', ..] => Self::Jpeg2000,
            [0xFF, 0x0A, ..] | [0, 0, 0, 12, b'J', b'X', b'L', b' ', ..] => Self::JpegXl,
            [_, _, _, _, b'f', b't', b'y', b'p', brands @ ..] => Self::of_brands(brands),
            [b'P', b'K', 3 | 5, 4 | 6, ..] => Self::Archive,
            _ => Self::of_text(&bytes[..bytes.len().min(TEXT_WITHIN)]),
        }
    }

    /// The main brand, a version, and the brands that it is compatible with.
    fn of_brands(brands: &[u8]) -> Self {
        let mut named = brands.chunks_exact(4).take(16);
        if named
            .clone()
            .any(|brand| brand == b"avif" || brand == b"avis")
        {
            return Self::Avif;
        }
        match named.any(|brand| HEIF.iter().any(|heif| brand == *heif)) {
            true => Self::Heic,
            false => Self::Film,
        }
    }

    fn of_text(text: &[u8]) -> Self {
        let has = |sign: &[u8]| {
            let mut parts = text.windows(sign.len());
            parts.any(|part| part.eq_ignore_ascii_case(sign))
        };
        match () {
            () if has(b"%PDF-") => Self::Pdf,
            () if has(b"<svg") => Self::Svg,
            () if has(b"<html") || has(b"<!doctype html") || has(b"<script") => Self::Html,
            () => Self::Unknown,
        }
    }

    /// For programs: one word.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Animated => "ANIMATED",
            Self::Mixed => "MIXED",
            Self::Gif => "GIF",
            Self::Avif => "AVIF",
            Self::Heic => "HEIC",
            Self::Film => "VIDEO",
            Self::Tiff => "TIFF",
            Self::Bmp => "BMP",
            Self::Jpeg2000 => "JPEG_2000",
            Self::JpegXl => "JPEG_XL",
            Self::Svg => "SVG",
            Self::Pdf => "PDF",
            Self::Html => "HTML",
            Self::Archive => "ARCHIVE",
            Self::Unknown => "UNKNOWN",
        }
    }

    /// For people: what it seems to be, and what they can do.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Animated => {
                "This picture moves. A still one can be taken, such as a screenshot of it."
            }
            Self::Mixed => {
                "This file holds more than a picture. The picture can be taken when it is saved anew, or as a screenshot."
            }
            Self::Gif => {
                "This looks like a GIF. Saved as JPEG or PNG it can be taken; a screenshot works too."
            }
            Self::Avif => {
                "This looks like an AVIF picture. Saved as JPEG or PNG it can be taken; a screenshot works too."
            }
            Self::Heic => {
                "This looks like an HEIC picture, as iPhones store them. Exported as JPEG it can be taken; a screenshot works too."
            }
            Self::Film => "This looks like a video. A screenshot from it can be taken.",
            Self::Tiff => "This looks like a TIFF picture. Saved as JPEG or PNG it can be taken.",
            Self::Bmp => "This looks like a bitmap (BMP). Saved as JPEG or PNG it can be taken.",
            Self::Jpeg2000 => "This looks like JPEG 2000. Saved as JPEG or PNG it can be taken.",
            Self::JpegXl => {
                "This looks like a JPEG XL picture. Saved as JPEG or PNG it can be taken."
            }
            Self::Svg => "This looks like a drawing (SVG). Exported as PNG it can be taken.",
            Self::Pdf => "This looks like a PDF document. A screenshot of its page can be taken.",
            Self::Html => "This looks like a web page. The picture on it can be saved and taken.",
            Self::Archive => {
                "This looks like an archive. The pictures in it can be taken one by one."
            }
            Self::Unknown => "This is not a JPEG, PNG or WebP picture.",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // LIM-2: nothing of this is taken; the words must fit what was sent.
    #[test]
    fn a_file_is_called_by_its_kind() {
        for (bytes, seen) in [
            (&b"GIF89a\x01\0\x01\0"[..], Seen::Gif),
            (b"\0\0\0\x1Cftypmif1\0\0\0\0mif1avif", Seen::Avif),
            (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", Seen::Heic),
            (b"\0\0\0\x18ftypisom\0\0\x02\0isomavc1", Seen::Film),
            (b"II*\0\x08\0\0\0", Seen::Tiff),
            (b"MM\0*\0\0\0\x08", Seen::Tiff),
            (
                b"BM\0\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0\x01\0\0\0\x01\0\0\0\x01",
                Seen::Bmp,
            ),
            (b"\0\0\0\x0CjP  \r\n\x87\n", Seen::Jpeg2000),
            (b"\xFF\x4F\xFF\x51\0\x2F", Seen::Jpeg2000),
            (b"\0\0\0\x0CJXL \r\n\x87\n", Seen::JpegXl),
            (b"\xFF\x0A\xFA", Seen::JpegXl),
            (b"<?xml version='1.0'?>\n<svg xmlns='x'/>", Seen::Svg),
            (b"\n%PDF-1.7\n", Seen::Pdf),
            (b"<!DOCTYPE HTML><title>", Seen::Html),
            (b"PK\x03\x04\x14\0", Seen::Archive),
            (b"hello", Seen::Unknown),
            (b"BM", Seen::Unknown),
            (b"", Seen::Unknown),
        ] {
            assert_eq!(Seen::of(bytes), seen, "{bytes:?}");
        }
    }
}
