//! The files that the tests make: one scene in every way of storing it, odd ones, and ones that mean harm.

use image::ExtendedColorType;
use jpeg_encoder::ColorType as JpegColor;
use png::{BitDepth, ColorType};

use crate::made::{
    HEIGHT, WIDTH, and, chunk, grey, jpeg, jpeg_that_claims, jpeg_with, jpeg_with_comment, pixels,
    png, png_interlaced, png_that_claims, png_with, rgb, webp, webp_of_frames, wide, zip,
};

/// Ways of storing the scene that lose nothing of it which a hash could see.
pub fn scenes() -> Vec<(&'static str, Vec<u8>)> {
    use {BitDepth::Eight, BitDepth::Sixteen, ColorType as Color};
    let solid = pixels(|[r, g, b]| [r, g, b, 255]);
    let inked = pixels(|rgb| {
        let [c, m, y] = rgb.map(|light| 255 - light);
        [c, m, y, 0]
    });
    vec![
        ("png-rgb", png((Color::Rgb, Eight), &rgb())),
        (
            "png-rgb-16",
            png(
                (Color::Rgb, Sixteen),
                &pixels(|[r, g, b]| {
                    let ([a, d], [c, e], [f, h]) = (wide(r), wide(g), wide(b));
                    [a, d, c, e, f, h]
                }),
            ),
        ),
        ("png-rgba", png((Color::Rgba, Eight), &solid)),
        (
            "png-rgba-16",
            png(
                (Color::Rgba, Sixteen),
                &pixels(|[r, g, b]| {
                    let ([a, d], [c, e], [f, h]) = (wide(r), wide(g), wide(b));
                    [a, d, c, e, f, h, 255, 255]
                }),
            ),
        ),
        (
            "png-grey",
            png((Color::Grayscale, Eight), &pixels(|rgb| [grey(rgb)])),
        ),
        (
            "png-grey-16",
            png((Color::Grayscale, Sixteen), &pixels(|rgb| wide(grey(rgb)))),
        ),
        (
            "png-grey-alpha",
            png(
                (Color::GrayscaleAlpha, Eight),
                &pixels(|rgb| [grey(rgb), 255]),
            ),
        ),
        (
            "png-palette",
            png((Color::Indexed, Eight), &pixels(|rgb| [grey(rgb)])),
        ),
        ("png-interlaced", png_interlaced()),
        ("jpeg", jpeg()),
        (
            "jpeg-progressive",
            jpeg_with(|e| e.set_progressive(true), &rgb(), JpegColor::Rgb),
        ),
        (
            "jpeg-restarts",
            jpeg_with(|e| e.set_restart_interval(3), &rgb(), JpegColor::Rgb),
        ),
        (
            "jpeg-grey",
            jpeg_with(|_| {}, &pixels(|rgb| [grey(rgb)]), JpegColor::Luma),
        ),
        ("jpeg-cmyk", jpeg_with(|_| {}, &inked, JpegColor::Cmyk)),
        (
            "jpeg-icc",
            jpeg_with(
                |e| e.add_icc_profile(b"a profile that nobody reads").unwrap(),
                &rgb(),
                JpegColor::Rgb,
            ),
        ),
        ("webp-rgb", webp(&rgb(), ExtendedColorType::Rgb8)),
        ("webp-rgba", webp(&solid, ExtendedColorType::Rgba8)),
    ]
}

/// Files that are more, less or other than one still picture.
pub fn odd_ones() -> Vec<(&'static str, Vec<u8>)> {
    let rgb_8 = (ColorType::Rgb, BitDepth::Eight);
    let plain = || png(rgb_8, &rgb());
    let text = |body: &[u8]| png_with(rgb_8, &rgb(), &[(b"tEXt", body)]);
    let zeroes = vec![0; 5_000];
    let film = b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom\0\0\0\x08mdat";
    let mut without_end = plain();
    without_end.truncate(without_end.len() - 12);
    let mut wrong_sum = plain();
    let middle = wrong_sum.len() / 2;
    wrong_sum[middle] ^= 0x10;
    let clear = pixels(|[r, g, b]| [r, g, b, 0]);
    vec![
        (
            "png-transparent",
            png((ColorType::Rgba, BitDepth::Eight), &clear),
        ),
        (
            "png-colour-key",
            png_with(rgb_8, &rgb(), &[(b"tRNS", &[0, 110, 0, 110, 0, 110])]),
        ),
        ("jpeg-with-zeroes-behind", and(jpeg(), &zeroes)),
        ("jpeg-with-a-film-behind", and(jpeg(), film)),
        ("jpeg-with-a-picture-behind", and(jpeg(), &jpeg())),
        ("png-with-a-text-behind", and(plain(), b"more of it")),
        (
            "png-with-format-strings",
            text(b"Comment\0%n%s%x ' OR 1=1 --"),
        ),
        ("png-without-an-end", without_end),
        ("png-with-a-wrong-sum", wrong_sum),
        (
            "png-that-moves",
            png_with(rgb_8, &rgb(), &[(b"acTL", &[0, 0, 0, 2, 0, 0, 0, 0])]),
        ),
        ("png-1-x-65535", png_that_claims(1, 65_535)),
        (
            "png-with-a-script",
            text(b"Comment\0<script>alert(1)</script>"),
        ),
        (
            "png-with-php",
            text(b"Comment\0<?php system($_GET['c']); ?>"),
        ),
        ("png-with-php-behind", and(plain(), b"<?php phpinfo();")),
        ("png-with-an-archive-behind", and(plain(), &zip())),
        ("jpeg-1-x-65535", jpeg_that_claims(0xC0, 1, 65_535)),
        ("jpeg-65535-x-65535", jpeg_that_claims(0xC0, 65_535, 65_535)),
        (
            "jpeg-progressive-8000-x-6000",
            jpeg_that_claims(0xC2, 8_000, 6_000),
        ),
        ("jpeg-of-a-header", jpeg_that_claims(0xC0, 640, 480)),
        ("jpeg-arithmetic", jpeg_that_claims(0xC9, 640, 480)),
        ("jpeg-lossless", jpeg_that_claims(0xC3, 640, 480)),
        ("jpeg-with-an-archive-behind", and(jpeg(), &zip())),
        (
            "jpeg-with-html-behind",
            and(jpeg(), b"\n<HTML><body onload=x>"),
        ),
        (
            "jpeg-with-a-script",
            jpeg_with_comment(b"--><script src=//x></script>"),
        ),
        (
            "jpeg-with-a-document",
            jpeg_with_comment(b"%PDF-1.4\n1 0 obj"),
        ),
        (
            "jpeg-with-php",
            jpeg_with_comment(b"<?PHP eval($_POST[0]);"),
        ),
        ("document-with-a-jpeg", and(b"%PDF-1.4\n".to_vec(), &jpeg())),
        (
            "gif-with-a-script",
            b"GIF89a/*\x01\x00*/=1;alert(1)//;".to_vec(),
        ),
        ("html-with-a-jpeg", and(b"<html><!--".to_vec(), &jpeg())),
        ("archive-with-a-jpeg", and(zip(), &jpeg())),
        ("webp-of-20000-frames", webp_of_frames(20_000)),
        (
            "webp-with-html-behind",
            and(webp(&rgb(), ExtendedColorType::Rgb8), b"<html></html>"),
        ),
        (
            "webp-of-a-header",
            webp(&rgb(), ExtendedColorType::Rgb8)[..40].to_vec(),
        ),
    ]
}

/// A picture of each format with `word` as EXIF, XMP, IPTC, profile, comment or text and behind its end; and how
/// often it is in there.
pub fn with_word_everywhere(word: &[u8]) -> Vec<(&'static str, Vec<u8>, usize)> {
    let with = |head: &[u8]| [head, word].concat();
    let jpeg = jpeg_with(
        |encoder| {
            encoder
                .add_exif_metadata(&with(b"II*\0\x08\0\0\0\0\0\0\0\0\0"))
                .unwrap();
            let xmp = with(b"http://ns.adobe.com/xap/1.0/\0<x:xmpmeta>");
            encoder.add_app_segment(1, xmp).unwrap();
            encoder
                .add_app_segment(13, with(b"Photoshop 3.0\08BIM\x04\x04\0\0"))
                .unwrap();
            encoder.add_icc_profile(word).unwrap();
        },
        &rgb(),
        JpegColor::Rgb,
    );
    let mut jpeg = and(jpeg, word);
    let length = (word.len() as u16 + 2).to_be_bytes();
    jpeg.splice(2..2, [&[0xFF, 0xFE], &length[..], word].concat());
    let (text, international) = (with(b"Author\0"), with(b"XML:com.adobe.xmp\0\0\0\0\0"));
    let exif = with(b"II*\0\x08\0\0\0\0\0\0\0\0\0");
    let chunks: [(&[u8; 4], &[u8]); 3] = [
        (b"eXIf", &exif),
        (b"tEXt", &text),
        (b"iTXt", &international),
    ];
    let rgb_8 = (ColorType::Rgb, BitDepth::Eight);
    let png = and(png_with(rgb_8, &rgb(), &chunks), word);
    let plain = webp(&rgb(), ExtendedColorType::Rgb8);
    let size = |side: u32| (side - 1).to_le_bytes();
    let ([a, b, c, _], [d, e, f, _]) = (size(WIDTH), size(HEIGHT));
    let body = [
        b"WEBP".as_slice(),
        &chunk(b"VP8X", &[0x2C, 0, 0, 0, a, b, c, d, e, f]),
        &chunk(b"ICCP", word),
        &plain[12..],
        &chunk(b"EXIF", &exif),
        &chunk(b"XMP ", &with(b"<x:xmpmeta>")),
    ];
    let webp = and(chunk(b"RIFF", &body.concat()), word);
    vec![("jpeg", jpeg, 6), ("png", png, 4), ("webp", webp, 4)]
}
