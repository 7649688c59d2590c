//! Resampling, with the filters that the derived copies and the model ask for.

use std::borrow::Cow;

use fast_image_resize::images::{Image, ImageRef};
use fast_image_resize::{FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer};

use crate::Picture;
use crate::picture::CHANNELS;

/// The most bytes that lie between the two passes of a filter: a picture is made in bands of its rows, for a whole one of twelve
/// million pixels would hold eighteen million bytes more.
const BETWEEN_BYTES: usize = 8 * 1024 * 1024;
/// And the fewest rows of a band: the weights of its columns are made anew for each one.
const BAND_ROWS_MIN: usize = 64;

/// The picture at another size, sharp (Lanczos, three lobes). The same size costs nothing.
pub(crate) fn to_size(picture: &Picture, size: (u32, u32)) -> Option<Cow<'_, Picture>> {
    if picture.size() == size {
        return Some(Cow::Borrowed(picture));
    }
    let rows = BETWEEN_BYTES / (picture.width() as usize * CHANNELS);
    in_bands(picture, size, rows.max(BAND_ROWS_MIN)).map(Cow::Owned)
}

/// Each band sees the rows beyond its edges, so what comes out is that of one pass over the whole, within two of 255.
fn in_bands(picture: &Picture, (width, height): (u32, u32), band_rows: usize) -> Option<Picture> {
    let (wide, high) = picture.size();
    let from = ImageRef::new(wide, high, picture.rgb(), PixelType::U8x3).ok()?;
    let row_bytes = width as usize * CHANNELS;
    let mut rgb = vec![0; row_bytes * height as usize];
    let mut resizer = Resizer::new();
    let (mut top, ends) = (0, f64::from(high));
    let scale = ends / f64::from(height);
    for band in rgb.chunks_mut(row_bytes * band_rows) {
        let rows = u32::try_from(band.len() / row_bytes).ok()?;
        let begin = f64::from(top) * scale;
        let mut deep = f64::from(rows) * scale;
        // A rounding beyond the last row would be refused.
        while begin + deep > ends {
            deep = deep.next_down();
        }
        let sharp = ResizeOptions::new()
            .resize_alg(ResizeAlg::Convolution(FilterType::Lanczos3))
            .crop(0.0, begin, wide.into(), deep);
        let mut to = Image::from_slice_u8(width, rows, band, PixelType::U8x3).ok()?;
        resizer.resize(&from, &mut to, &sharp).ok()?;
        top += rows;
    }
    Picture::from_rgb(width, height, rgb)
}

/// The square in the middle of the picture at `side` pixels (bicubic, as CLIP was trained with).
pub(crate) fn to_square(picture: &Picture, side: u32) -> Option<Cow<'_, Picture>> {
    let (width, height) = picture.size();
    if (width, height) == (side, side) {
        return Some(Cow::Borrowed(picture));
    }
    let short = width.min(height);
    let margin = |whole: u32| f64::from(whole - short) / 2.0;
    let bicubic = ResizeOptions::new()
        .resize_alg(ResizeAlg::Convolution(FilterType::CatmullRom))
        .crop(margin(width), margin(height), short.into(), short.into());
    resampled(picture, (side, side), &bicubic).map(Cow::Owned)
}

/// `None` only if the library refuses, which it does for sizes that do not fit their buffers.
fn resampled(picture: &Picture, size: (u32, u32), options: &ResizeOptions) -> Option<Picture> {
    let (width, height) = picture.size();
    let from = ImageRef::new(width, height, picture.rgb(), PixelType::U8x3).ok()?;
    let mut to = Image::new(size.0, size.1, PixelType::U8x3);
    Resizer::new().resize(&from, &mut to, options).ok()?;
    Picture::from_rgb(size.0, size.1, to.into_vec())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn picture(width: u32, height: u32) -> Picture {
        let (wide, high) = (width as usize, height as usize);
        let at = (0..high).flat_map(|y| (0..wide).map(move |x| (x, y)));
        let rgb = at.flat_map(|(x, y)| {
            [x * 7 + y, x * y / 9, (x ^ y) * 3].map(|value| (value % 251) as u8)
        });
        Picture::from_rgb(width, height, rgb.collect()).unwrap()
    }

    fn at_once(picture: &Picture, size: (u32, u32)) -> Picture {
        let sharp = ResizeOptions::new().resize_alg(ResizeAlg::Convolution(FilterType::Lanczos3));
        resampled(picture, size, &sharp).unwrap()
    }

    #[test]
    fn bands_leave_no_seam() {
        for (from, to) in [
            ((600, 500), (411, 301)),
            ((64, 70), (480, 525)),
            ((33, 9_000), (31, 8_191)),
        ] {
            let picture = picture(from.0, from.1);
            let whole = at_once(&picture, to);
            for rows in [1, 7, 64, 300] {
                let banded = in_bands(&picture, to, rows).unwrap();
                let apart = banded
                    .rgb()
                    .iter()
                    .zip(whole.rgb())
                    .map(|(a, b)| a.abs_diff(*b));
                // The library's whole numbers are as fine as the weights of a band allow.
                assert!(apart.max() <= Some(2), "{from:?} by {rows}");
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(200))]

        // A crop that ends beyond the picture by a rounding is an error of the library's.
        #[test]
        fn every_size_can_be_made_of_every_other(
            (width, height) in (32_u32..40, 32_u32..4_000),
            to in (1_u32..40, 1_u32..4_000),
            rows in 1_usize..100,
        ) {
            let picture = Picture::from_rgb(width, height, vec![9; (width * height * 3) as usize]).unwrap();
            prop_assert_eq!(in_bands(&picture, to, rows).map(|made| made.size()), Some(to));
        }
    }
}
