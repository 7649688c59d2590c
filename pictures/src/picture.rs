//! A decoded picture: upright, opaque, eight bits of red, green and blue.

use std::fmt;

/// Bytes per pixel of [`Picture::rgb`].
pub(crate) const CHANNELS: usize = 3;

/// A decoded picture, the right way up, without transparency, without metadata.
///
/// Colours are taken as they stand; an embedded colour profile is not applied.
#[derive(Clone, PartialEq, Eq)]
pub struct Picture {
    width: u32,
    height: u32,
    rgb: Vec<u8>,
}

impl Picture {
    /// A picture of `rgb`, three bytes a pixel, row by row from the top left.
    ///
    /// `None` when there are no pixels or their number does not fit the size.
    pub fn from_rgb(width: u32, height: u32, rgb: Vec<u8>) -> Option<Self> {
        let pixels = usize::try_from(u64::from(width) * u64::from(height)).ok()?;
        let fits = pixels.checked_mul(CHANNELS) == Some(rgb.len());
        (pixels > 0 && fits).then_some(Self { width, height, rgb })
    }

    /// Pixels across.
    pub fn width(&self) -> u32 {
        self.width
    }

    /// Pixels down.
    pub fn height(&self) -> u32 {
        self.height
    }

    /// Three bytes a pixel, row by row from the top left.
    pub fn rgb(&self) -> &[u8] {
        &self.rgb
    }

    /// The pixels of a picture that is taken apart; put together again by [`Self::known`].
    pub(crate) fn into_rgb(self) -> Vec<u8> {
        self.rgb
    }

    /// A picture of which it is known that it has as many pixels as it says.
    pub(crate) fn known(width: u32, height: u32, rgb: Vec<u8>) -> Self {
        debug_assert_eq!(rgb.len(), width as usize * height as usize * CHANNELS);
        Self { width, height, rgb }
    }

    pub(crate) fn size(&self) -> (u32, u32) {
        (self.width, self.height)
    }
}

impl fmt::Debug for Picture {
    // The pixels are hers: only the size may end in a log.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Picture({} x {})", self.width, self.height)
    }
}

/// A channel of which `alpha` in 255 is seen, before white; rounded to the nearest.
pub(crate) fn over_white(colour: u8, alpha: u8) -> u8 {
    let (colour, alpha) = (u32::from(colour), u32::from(alpha));
    ((colour * alpha + 255 * (255 - alpha) + 127) / 255) as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_half_seen_is_half_white() {
        for (alpha, seen) in [(0, 255), (128, 127), (255, 0)] {
            assert_eq!(over_white(0, alpha), seen);
        }
        assert_eq!(over_white(255, 77), 255);
    }

    #[test]
    fn a_picture_has_as_many_pixels_as_it_says() {
        assert!(Picture::from_rgb(2, 2, vec![0; 12]).is_some());
        assert!(Picture::from_rgb(2, 2, vec![0; 11]).is_none());
        assert!(Picture::from_rgb(0, 2, Vec::new()).is_none());
    }

    #[test]
    fn the_debug_form_shows_no_pixel() {
        let picture = Picture::from_rgb(1, 1, vec![201, 202, 203]).unwrap();
        assert_eq!(format!("{picture:?}"), "Picture(1 x 1)");
    }
}
