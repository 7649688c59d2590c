//! Turning a picture upright, the way its EXIF orientation says (PIP-2).

use image::metadata::Orientation;

use crate::Picture;
use crate::picture::CHANNELS;

/// Pixels are moved in squares of this side, so that both pictures stay in the processor's cache.
const TILE: usize = 32;

/// Where the pixels of the turned picture are found in the stored one.
struct Walk {
    /// Pixel of the stored picture that becomes the top left one.
    start: isize,
    /// Step in the stored picture for one pixel to the right.
    right: isize,
    /// Step in the stored picture for one pixel down.
    down: isize,
    /// Width and height change places.
    lies: bool,
}

impl Walk {
    fn of(orientation: Orientation, width: isize, height: isize) -> Self {
        let last = width * height - 1;
        let bottom = last - (width - 1);
        let (start, right, down, lies) = match orientation {
            Orientation::NoTransforms => (0, 1, width, false),
            Orientation::FlipHorizontal => (width - 1, -1, width, false),
            Orientation::Rotate180 => (last, -1, -width, false),
            Orientation::FlipVertical => (bottom, 1, -width, false),
            Orientation::Rotate90FlipH => (0, width, 1, true),
            Orientation::Rotate90 => (bottom, -width, 1, true),
            Orientation::Rotate270FlipH => (last, -width, -1, true),
            Orientation::Rotate270 => (width - 1, width, -1, true),
        };
        Self {
            start,
            right,
            down,
            lies,
        }
    }
}

impl Picture {
    /// The picture as it is meant to be seen.
    pub(crate) fn turned(self, orientation: Orientation) -> Self {
        if orientation == Orientation::NoTransforms {
            return self;
        }
        let (width, height) = self.size();
        let walk = Walk::of(orientation, width as isize, height as isize);
        let (across, down) = if walk.lies {
            (height, width)
        } else {
            (width, height)
        };
        let rgb = moved(self.rgb(), &walk, across as usize, down as usize);
        // As many pixels as before, so this is the turned picture in every case.
        Self::from_rgb(across, down, rgb).unwrap_or(self)
    }
}

fn moved(from: &[u8], walk: &Walk, across: usize, down: usize) -> Vec<u8> {
    let mut to = vec![0; from.len()];
    for top in (0..down).step_by(TILE) {
        for left in (0..across).step_by(TILE) {
            for y in top..(top + TILE).min(down) {
                let mut source = walk.start + y as isize * walk.down + left as isize * walk.right;
                let row = (y * across + left) * CHANNELS;
                let width = TILE.min(across - left) * CHANNELS;
                for pixel in to[row..row + width].chunks_exact_mut(CHANNELS) {
                    let at = source as usize * CHANNELS;
                    pixel.copy_from_slice(&from[at..at + CHANNELS]);
                    source += walk.right;
                }
            }
        }
    }
    to
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::{DynamicImage, RgbImage};

    // PIP-2: the eight turns are those of the image library, which are those of EXIF.
    #[test]
    fn every_orientation_turns_like_the_reference() {
        for (width, height) in [(3_u32, 2_u32), (70, 33), (1, 5)] {
            let rgb: Vec<u8> = (0..width * height * 3)
                .map(|byte| (byte % 251) as u8)
                .collect();
            for orientation in (1..=8).filter_map(Orientation::from_exif) {
                let buffer = RgbImage::from_raw(width, height, rgb.clone()).unwrap();
                let mut reference = DynamicImage::from(buffer);
                reference.apply_orientation(orientation);
                let picture = Picture::from_rgb(width, height, rgb.clone()).unwrap();
                let turned = picture.turned(orientation);
                assert_eq!(turned.size(), (reference.width(), reference.height()));
                assert_eq!(turned.rgb(), reference.as_bytes(), "{orientation:?}");
            }
        }
    }
}
