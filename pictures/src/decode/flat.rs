//! From what a decoder yields to a picture without an alpha channel.

use crate::Picture;
use crate::picture::{CHANNELS, over_white};
use image::DynamicImage;

impl Picture {
    /// The same picture without its alpha channel: what was transparent becomes white.
    pub(super) fn flattened(image: DynamicImage) -> Option<Self> {
        let (width, height) = (image.width(), image.height());
        let rgb = if image.color().has_alpha() {
            on_white(image.into_rgba8().into_raw())
        } else {
            image.into_rgb8().into_raw()
        };
        Self::from_rgb(width, height, rgb)
    }
}

/// Moves four-byte pixels together to three-byte ones in place: a second buffer would cost 150 MB.
fn on_white(mut bytes: Vec<u8>) -> Vec<u8> {
    let pixels = bytes.len() / 4;
    for pixel in 0..pixels {
        let alpha = bytes[pixel * 4 + 3];
        for channel in 0..CHANNELS {
            bytes[pixel * CHANNELS + channel] = over_white(bytes[pixel * 4 + channel], alpha);
        }
    }
    bytes.truncate(pixels * CHANNELS);
    bytes.shrink_to_fit();
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn transparency_becomes_white() {
        let pixels = vec![10, 20, 30, 0, 10, 20, 30, 255, 0, 0, 0, 128];
        assert_eq!(on_white(pixels), [255, 255, 255, 10, 20, 30, 127, 127, 127]);
    }
}
