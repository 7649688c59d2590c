//! The three kinds of picture that are taken, told apart by their first bytes (LIM-2).

/// A kind of picture file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Format {
    /// JPEG, begins with `FF D8 FF`.
    Jpeg,
    /// PNG, begins with `89 50 4E 47 0D 0A 1A 0A`.
    Png,
    /// WebP, begins with `RIFF`, four bytes of length, `WEBP`.
    Webp,
}

impl Format {
    /// The media type to declare when such a file is sent.
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Jpeg => "image/jpeg",
            Self::Png => "image/png",
            Self::Webp => "image/webp",
        }
    }

    /// What the first bytes say (LIM-2). Names and declared types have no say here.
    pub fn of(bytes: &[u8]) -> Option<Self> {
        match bytes {
            [0xFF, 0xD8, 0xFF, ..] => Some(Self::Jpeg),
            [0x89, b'P', b'N', b'G', 0x0D, 0x0A, 0x1A, 0x0A, ..] => Some(Self::Png),
            [
                b'R',
                b'I',
                b'F',
                b'F',
                _,
                _,
                _,
                _,
                b'W',
                b'E',
                b'B',
                b'P',
                ..,
            ] => Some(Self::Webp),
            _ => None,
        }
    }

    /// What a declared media type says; letter case and parameters (`; charset=…`) are ignored.
    ///
    /// LIM-3: refuse when it differs from [`Format::of`] the bytes.
    pub fn of_media_type(declared: &str) -> Option<Self> {
        let name = declared.split(';').next()?.trim();
        [Self::Jpeg, Self::Png, Self::Webp]
            .into_iter()
            .find(|format| format.media_type().eq_ignore_ascii_case(name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // LIM-2
    #[test]
    fn the_first_bytes_decide() {
        assert_eq!(Format::of(b"\xFF\xD8\xFF\xE0"), Some(Format::Jpeg));
        assert_eq!(Format::of(b"\x89PNG\r\n\x1A\n"), Some(Format::Png));
        assert_eq!(Format::of(b"RIFF\0\0\0\0WEBPVP8 "), Some(Format::Webp));
        for other in [
            &b"GIF89a"[..],
            b"\xFF\xD8",
            b"RIFF\0\0\0\0WAVE",
            b"<html>",
            b"\x89PNG",
        ] {
            assert_eq!(Format::of(other), None);
        }
    }

    // LIM-3
    #[test]
    fn a_declared_type_is_read_without_its_parameters() {
        for format in [Format::Jpeg, Format::Png, Format::Webp] {
            assert_eq!(Format::of_media_type(format.media_type()), Some(format));
        }
        assert_eq!(Format::of_media_type("IMAGE/PNG; q=1"), Some(Format::Png));
        assert_eq!(Format::of_media_type("image/svg+xml"), None);
        assert_eq!(Format::of_media_type(""), None);
    }
}
