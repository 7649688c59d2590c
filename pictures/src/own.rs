//! Reading back a copy that [`crate::take_in`] made. LIM-1 is for what strangers send: a copy may be larger than the file
//! that it came from, as that of a wide strip is, which PIP-2 leaves at its size.

use crate::taken::COPY_BYTES_MAX;
use crate::{Format, Look, Picture, Unfit, decode, header};

/// The size of a copy, from its header.
///
/// # Errors
/// [`Unfit::TooManyBytes`] above 24 MiB, which no copy has; else those of [`crate::look`] for a JPEG.
pub fn copy_size(jpeg: &[u8]) -> Result<(u32, u32), Unfit> {
    if jpeg.len() > COPY_BYTES_MAX {
        return Err(Unfit::TooManyBytes);
    }
    header::size_within_limits(Format::Jpeg, jpeg)
}

/// The pixels of a copy, which stands upright already.
///
/// Blocking and bound to the processor, as [`crate::decode`] is.
///
/// # Errors
/// Those of [`copy_size`]; then [`Unfit::Unreadable`] when it is damaged.
pub fn decode_copy(jpeg: &[u8]) -> Result<Picture, Unfit> {
    let look = Look {
        format: Format::Jpeg,
        stored_size: copy_size(jpeg)?,
    };
    Ok(decode::stored_as(look, jpeg)?.picture)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{BYTES_MAX, jpeg, look, take_in};

    /// A strip in which no two pixels are alike, so that hardly anything of it can be left out.
    fn strip(width: u32, height: u32) -> Picture {
        let mut state = 1_u32;
        let noise = std::iter::repeat_with(|| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            state.to_be_bytes()[0]
        });
        let rgb = noise.take((width * height * 3) as usize).collect();
        Picture::from_rgb(width, height, rgb).unwrap()
    }

    // PIP-2, PIP-4, LIM-1
    #[test]
    fn a_copy_may_be_larger_than_what_a_stranger_may_send() {
        let (width, height) = (9_000, 1_900);
        let original = jpeg::encode(&strip(width, height), 60).unwrap();
        assert!(original.len() <= BYTES_MAX, "{}", original.len());
        let copy = take_in(&original).unwrap().working;
        assert!(copy.len() > BYTES_MAX, "{}", copy.len());
        assert_eq!(look(&copy), Err(Unfit::TooManyBytes));
        assert_eq!(copy_size(&copy), Ok((width, height)));
        assert_eq!(decode_copy(&copy).unwrap().size(), (width, height));
    }

    #[test]
    fn what_is_no_copy_of_ours_is_refused() {
        let copy = jpeg::encode(&strip(64, 48), 90).unwrap();
        assert_eq!(copy_size(&copy), Ok((64, 48)));
        assert_eq!(copy_size(&[]), Err(Unfit::Unreadable));
        assert!(decode_copy(&copy[..copy.len() / 2]).is_err());
        let endless = [copy, vec![0; COPY_BYTES_MAX]].concat();
        assert_eq!(decode_copy(&endless), Err(Unfit::TooManyBytes));
    }
}
