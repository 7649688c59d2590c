//! The files that the tests make: one scene in every way of storing it, odd ones, and ones that mean harm.

use image::ExtendedColorType;
use jpeg_encoder::{ColorType as JpegColor, Encoder as Jpeg};
use png::{BitDepth, ColorType};

use crate::made::{
    HEIGHT, WIDTH, and, chunk, closed_at, grey, jpeg, jpeg_that_claims, jpeg_with,
    jpeg_with_comment, pixels, png, png_interlaced, png_that_claims, png_with, rgb, scan_of, webp,
    webp_of_frames, wide, zip,
};

/// A file, by its name in the table of kinds.
pub type Made = (&'static str, Vec<u8>);

const RGB_8: (ColorType, BitDepth) = (ColorType::Rgb, BitDepth::Eight);

/// Ways of storing the scene that lose nothing of it which a hash could see.
pub fn scenes() -> Vec<Made> {
    let solid = pixels(|[r, g, b]| [r, g, b, 255]);
    let mut all = pngs(&solid);
    all.extend(jpegs());
    all.push(("webp-rgb", plain_webp()));
    all.push(("webp-rgba", webp(&solid, ExtendedColorType::Rgba8)));
    all
}

fn pngs(solid: &[u8]) -> Vec<Made> {
    use {BitDepth::Eight, BitDepth::Sixteen, ColorType as Color};
    let wide_rgb = pixels(|[r, g, b]| {
        let ([a, d], [c, e], [f, h]) = (wide(r), wide(g), wide(b));
        [a, d, c, e, f, h]
    });
    let wide_rgba = pixels(|[r, g, b]| {
        let ([a, d], [c, e], [f, h]) = (wide(r), wide(g), wide(b));
        [a, d, c, e, f, h, 255, 255]
    });
    let light = pixels(|rgb| [grey(rgb)]);
    vec![
        ("png-rgb", plain_png()),
        ("png-rgb-16", png((Color::Rgb, Sixteen), &wide_rgb)),
        ("png-rgba", png((Color::Rgba, Eight), solid)),
        ("png-rgba-16", png((Color::Rgba, Sixteen), &wide_rgba)),
        ("png-grey", png((Color::Grayscale, Eight), &light)),
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
        ("png-palette", png((Color::Indexed, Eight), &light)),
        ("png-interlaced", png_interlaced()),
    ]
}

fn jpegs() -> Vec<Made> {
    let of = |adjust: fn(&mut Jpeg<&mut Vec<u8>>)| jpeg_with(adjust, &rgb(), JpegColor::Rgb);
    let light = pixels(|rgb| [grey(rgb)]);
    let inked = pixels(|rgb| {
        let [c, m, y] = rgb.map(|light| 255 - light);
        [c, m, y, 0]
    });
    vec![
        ("jpeg", jpeg()),
        ("jpeg-progressive", of(|e| e.set_progressive(true))),
        ("jpeg-restarts", of(|e| e.set_restart_interval(3))),
        ("jpeg-grey", jpeg_with(|_| {}, &light, JpegColor::Luma)),
        ("jpeg-cmyk", jpeg_with(|_| {}, &inked, JpegColor::Cmyk)),
        (
            "jpeg-icc",
            of(|e| e.add_icc_profile(b"a profile that nobody reads").unwrap()),
        ),
    ]
}

/// Files that are more, less or other than one still picture.
pub fn odd_ones() -> Vec<Made> {
    [unusual(), claims(), cut_and_closed(), two_at_once()].concat()
}

/// Pictures with something to them, and ones that are not whole.
fn unusual() -> Vec<Made> {
    let zeroes = vec![0; 5_000];
    let film = b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom\0\0\0\x08mdat";
    let mut without_end = plain_png();
    without_end.truncate(without_end.len() - 12);
    let mut wrong_sum = plain_png();
    let middle = wrong_sum.len() / 2;
    wrong_sum[middle] ^= 0x10;
    let clear = pixels(|[r, g, b]| [r, g, b, 0]);
    let key = [0, 110, 0, 110, 0, 110];
    let mut between = jpeg();
    between.splice(20..20, [0; 9]);
    vec![
        (
            "png-transparent",
            png((ColorType::Rgba, BitDepth::Eight), &clear),
        ),
        (
            "png-colour-key",
            png_with(RGB_8, &rgb(), &[(b"tRNS", &key)]),
        ),
        ("jpeg-with-zeroes-behind", and(jpeg(), &zeroes)),
        ("jpeg-with-zeroes-between", between),
        ("jpeg-with-a-film-behind", and(jpeg(), film)),
        ("jpeg-with-a-picture-behind", and(jpeg(), &jpeg())),
        ("png-with-a-text-behind", and(plain_png(), b"more of it")),
        (
            "png-with-format-strings",
            png_beside(b"tEXt", b"Comment\0%n%s%x ' OR 1=1 --"),
        ),
        ("png-without-an-end", without_end),
        ("png-with-a-wrong-sum", wrong_sum),
        (
            "png-that-moves",
            png_beside(b"acTL", &[0, 0, 0, 2, 0, 0, 0, 0]),
        ),
        ("webp-of-20000-frames", webp_of_frames(20_000)),
        ("webp-of-a-header", plain_webp()[..40].to_vec()),
    ]
}

/// Headers that say more than there is.
fn claims() -> Vec<Made> {
    vec![
        ("png-1-x-65535", png_that_claims(1, 65_535)),
        ("jpeg-1-x-65535", jpeg_that_claims(0xC0, 1, 65_535)),
        ("jpeg-65535-x-65535", jpeg_that_claims(0xC0, 65_535, 65_535)),
        (
            "jpeg-progressive-8000-x-6000",
            jpeg_that_claims(0xC2, 8_000, 6_000),
        ),
        ("jpeg-of-a-header", jpeg_that_claims(0xC0, 640, 480)),
        ("jpeg-arithmetic", jpeg_that_claims(0xC9, 640, 480)),
        ("jpeg-lossless", jpeg_that_claims(0xC3, 640, 480)),
    ]
}

/// JPEGs of which a part is missing, with the mark of the end where they stop; and one that is grey there by itself.
fn cut_and_closed() -> Vec<Made> {
    let halved = |whole: Vec<u8>| closed_at(&whole, whole.len() / 2);
    let progressive = jpeg_with(|e| e.set_progressive(true), &rgb(), JpegColor::Rgb);
    let restarts = jpeg_with(|e| e.set_restart_interval(3), &rgb(), JpegColor::Rgb);
    let mut grey_below = rgb();
    grey_below[rgb().len() / 2..].fill(128);
    vec![
        ("jpeg-cut-and-closed", halved(jpeg())),
        ("jpeg-restarts-cut-and-closed", halved(restarts)),
        (
            "jpeg-progressive-cut-and-closed",
            closed_at(&progressive, scan_of(&progressive, 2)),
        ),
        (
            "jpeg-progressive-not-refined",
            closed_at(&progressive, progressive.len() - 40),
        ),
        ("jpeg-without-data", closed_at(&jpeg(), scan_of(&jpeg(), 1))),
        (
            "jpeg-that-ends-in-grey",
            jpeg_with(|_| {}, &grey_below, JpegColor::Rgb),
        ),
    ]
}

/// Files that another program would take for a script, a document or an archive.
fn two_at_once() -> Vec<Made> {
    let webp_beside = |body: &[u8]| {
        let whole = plain_webp();
        let chunks = [&whole[8..], &chunk(b"note", body)].concat();
        chunk(b"RIFF", &chunks)
    };
    vec![
        (
            "png-with-a-script",
            png_beside(b"tEXt", b"Comment\0<script>alert(1)</script>"),
        ),
        (
            "png-with-php",
            png_beside(b"tEXt", b"Comment\0<?php system($_GET['c']); ?>"),
        ),
        (
            "png-with-php-as-exif",
            png_beside(b"eXIf", b"II*\0<?php 1;"),
        ),
        (
            "png-with-a-document",
            png_beside(b"noTe", b"%PDF-1.4\n1 0 obj"),
        ),
        ("png-with-an-archive", png_beside(b"noTe", &zip())),
        ("png-with-php-behind", and(plain_png(), b"<?php phpinfo();")),
        ("png-with-an-archive-behind", and(plain_png(), &zip())),
        ("jpeg-with-an-archive", jpeg_with_comment(&zip())),
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
        ("webp-with-php", webp_beside(b"<?php phpinfo();")),
        ("webp-with-html-behind", and(plain_webp(), b"<html></html>")),
    ]
}

fn plain_png() -> Vec<u8> {
    png(RGB_8, &rgb())
}

fn png_beside(name: &[u8; 4], body: &[u8]) -> Vec<u8> {
    png_with(RGB_8, &rgb(), &[(name, body)])
}

fn plain_webp() -> Vec<u8> {
    webp(&rgb(), ExtendedColorType::Rgb8)
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
    let png = and(png_with(RGB_8, &rgb(), &chunks), word);
    let after = [chunk(b"EXIF", &exif), chunk(b"XMP ", &with(b"<x:xmpmeta>"))];
    let webp = webp_with(0x2C, &chunk(b"ICCP", word), &after.concat());
    let webp = and(webp, word);
    vec![("jpeg", jpeg, 6), ("png", png, 4), ("webp", webp, 4)]
}

/// The scene as a PNG and as a WebP without loss that say so to be oriented (EXIF 2.3, tag 0x0112).
pub fn with_orientation(orientation: u8) -> [Vec<u8>; 2] {
    let exif = [
        b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0".as_slice(),
        &[orientation, 0, 0, 0, 0, 0, 0, 0],
    ]
    .concat();
    [
        png_beside(b"eXIf", &exif),
        webp_with(0x08, &[], &chunk(b"EXIF", &exif)),
    ]
}

/// The scene as a WebP with parts before and after its pixels, which the bits of its first chunk name (RFC 9649, 2.7.1).
fn webp_with(flags: u8, before: &[u8], after: &[u8]) -> Vec<u8> {
    let size = |side: u32| (side - 1).to_le_bytes();
    let ([a, b, c, _], [d, e, f, _]) = (size(WIDTH), size(HEIGHT));
    let canvas = chunk(b"VP8X", &[flags, 0, 0, 0, a, b, c, d, e, f]);
    let pixels = plain_webp();
    chunk(
        b"RIFF",
        &[b"WEBP", canvas.as_slice(), before, &pixels[12..], after].concat(),
    )
}
