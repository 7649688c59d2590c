//! The pictures that are taken in: made here, with detail everywhere, the same in every run.

use anyhow::Context;
use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use image::codecs::webp::WebPEncoder;
use image::{ExtendedColorType, ImageEncoder};
use jpeg_encoder::{ColorType, Encoder, SamplingFactor};
use std::path::{Path, PathBuf};

/// TIFF, little-endian, with one entry: orientation 6, as a telephone held upright writes it (EXIF 2.3, 4.6.4).
const LYING: &[u8] = b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0";

/// A kind of file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Twelve million pixels, quality 90, 4:2:0, lying on its side.
    Jpeg,
    /// Three million pixels.
    Png,
    /// Three million pixels, quality 85. Nothing in Rust writes it, so sharp has to be there.
    Webp,
    /// Three million pixels without loss.
    WebpLossless,
}

/// All kinds.
pub const KINDS: [Kind; 4] = [Kind::Jpeg, Kind::Png, Kind::Webp, Kind::WebpLossless];

impl Kind {
    /// The work of taking such a file in.
    pub const fn work(self) -> &'static str {
        match self {
            Self::Jpeg => "intake-jpeg",
            Self::Png => "intake-png",
            Self::Webp => "intake-webp",
            Self::WebpLossless => "intake-webp-lossless",
        }
    }

    const fn size(self) -> (u32, u32) {
        match self {
            Self::Jpeg => (4_000, 3_000),
            Self::Png | Self::Webp | Self::WebpLossless => (2_048, 1_536),
        }
    }

    /// Writes such a file into a folder; for a lossy WebP the PNG of which sharp is to make it.
    ///
    /// # Errors
    /// When the disk does not take it.
    pub fn write(self, folder: &Path) -> anyhow::Result<PathBuf> {
        let (width, height) = self.size();
        let rgb = scene(width, height);
        let mut bytes = Vec::new();
        match self {
            Self::Jpeg => {
                let mut encoder = Encoder::new(&mut bytes, 90);
                encoder.set_sampling_factor(SamplingFactor::F_2_2);
                encoder.add_exif_metadata(LYING)?;
                let (width, height) = (u16::try_from(width)?, u16::try_from(height)?);
                encoder.encode(&rgb, width, height, ColorType::Rgb)?;
            }
            Self::Png | Self::Webp => {
                PngEncoder::new_with_quality(
                    &mut bytes,
                    CompressionType::Default,
                    FilterType::Adaptive,
                )
                .write_image(&rgb, width, height, ExtendedColorType::Rgb8)?;
            }
            Self::WebpLossless => WebPEncoder::new_lossless(&mut bytes).write_image(
                &rgb,
                width,
                height,
                ExtendedColorType::Rgb8,
            )?,
        }
        let path = folder.join(self.work());
        std::fs::write(&path, bytes).context("a picture could not be written")?;
        Ok(path)
    }
}

/// Slow waves of light, edges, and grain as of a sensor: neither flat nor noise, so that files have the size of photographs.
pub fn scene(width: u32, height: u32) -> Vec<u8> {
    let mut rgb = Vec::with_capacity((width * height * 3) as usize);
    for (y, x) in (0..height).flat_map(|y| (0..width).map(move |x| (y, x))) {
        let (u, v) = (
            f64::from(x) / f64::from(width),
            f64::from(y) / f64::from(height),
        );
        let light = 110.0 + 70.0 * (5.0 * u + 3.0 * v * v).sin() * (4.0 * v - 2.0 * u).cos();
        let edge = if (x / 97 + y / 61) % 5 == 0 {
            30.0
        } else {
            0.0
        };
        let grain =
            (x.wrapping_mul(2_654_435_761) ^ y.wrapping_mul(2_246_822_519)).rotate_left(13) >> 29;
        for shade in [1.0, 0.85, 0.7] {
            rgb.push((light * shade + edge + f64::from(grain)).clamp(0.0, 255.0) as u8);
        }
    }
    rgb
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_is_one_that_is_taken_in_with_the_size_it_should_have() {
        let folder = tempfile::tempdir().unwrap();
        for kind in KINDS {
            let bytes = std::fs::read(kind.write(folder.path()).unwrap()).unwrap();
            assert_eq!(pictures::look(&bytes).unwrap().stored_size, kind.size());
            assert!(
                (100_000..8_000_000).contains(&bytes.len()),
                "{kind:?}: {}",
                bytes.len()
            );
        }
    }
}
