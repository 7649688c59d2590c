//! Resampling, with the filters that the derived copies and the model ask for.

use std::borrow::Cow;

use fast_image_resize::images::{Image, ImageRef};
use fast_image_resize::{FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer};

use crate::Picture;

/// The picture at another size, sharp (Lanczos, three lobes). The same size costs nothing.
pub(crate) fn to_size(picture: &Picture, size: (u32, u32)) -> Option<Cow<'_, Picture>> {
    if picture.size() == size {
        return Some(Cow::Borrowed(picture));
    }
    let sharp = ResizeOptions::new().resize_alg(ResizeAlg::Convolution(FilterType::Lanczos3));
    resampled(picture, size, &sharp).map(Cow::Owned)
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
