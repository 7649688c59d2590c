//! Pictures made by the tests: one scene in every way of storing it, and files that mean harm.

use image::codecs::webp::WebPEncoder;
use image::{ExtendedColorType, ImageEncoder};
use jpeg_encoder::{ColorType as JpegColor, Encoder as Jpeg};
use png::chunk::{ChunkType, IDAT};
use png::{BitDepth, ColorType, Encoder, Info};

pub const WIDTH: u32 = 160;
pub const HEIGHT: u32 = 112;

/// The scene: waves of four periods, so that every hash has much to see.
pub fn light(x: u32, y: u32) -> [u8; 3] {
    let wave = |a: u32, b: u32, period: u32| {
        let at = f64::from((a * x + b * y) % period) / f64::from(period);
        (110.0 + 90.0 * (at * std::f64::consts::TAU).sin()) as u8
    };
    [wave(3, 1, 97), wave(1, 4, 131), wave(2, 3, 71)]
}

pub fn pixels<const N: usize>(of: impl Fn([u8; 3]) -> [u8; N]) -> Vec<u8> {
    let places = (0..HEIGHT).flat_map(|y| (0..WIDTH).map(move |x| (x, y)));
    places.flat_map(|(x, y)| of(light(x, y))).collect()
}

pub fn rgb() -> Vec<u8> {
    pixels(|rgb| rgb)
}

pub fn grey([r, g, b]: [u8; 3]) -> u8 {
    ((u32::from(r) * 299 + u32::from(g) * 587 + u32::from(b) * 114) / 1_000) as u8
}

/// Eight bits stretched over sixteen, with a low byte that cutting off and clipping would show.
pub fn wide(value: u8) -> [u8; 2] {
    (u16::from(value) * 257).to_be_bytes()
}

/// A PNG of `data`, with chunks of its own before its pixels.
pub fn png_with(
    (color, depth): (ColorType, BitDepth),
    data: &[u8],
    chunks: &[(&[u8; 4], &[u8])],
) -> Vec<u8> {
    let mut info = Info::with_size(WIDTH, HEIGHT);
    (info.color_type, info.bit_depth) = (color, depth);
    if color == ColorType::Indexed {
        info.palette = Some(
            (0..=255)
                .flat_map(|value| [value; 3])
                .collect::<Vec<u8>>()
                .into(),
        );
    }
    let mut bytes = Vec::new();
    let mut writer = Encoder::with_info(&mut bytes, info)
        .unwrap()
        .write_header()
        .unwrap();
    for (name, body) in chunks {
        writer.write_chunk(ChunkType(**name), body).unwrap();
    }
    writer.write_image_data(data).unwrap();
    writer.finish().unwrap();
    bytes
}

pub fn png(kind: (ColorType, BitDepth), data: &[u8]) -> Vec<u8> {
    png_with(kind, data, &[])
}

/// A PNG in seven passes (PNG, third edition, 8.2), stored without compression.
pub fn png_interlaced() -> Vec<u8> {
    let mut info = Info::with_size(WIDTH, HEIGHT);
    (info.color_type, info.bit_depth, info.interlaced) = (ColorType::Rgb, BitDepth::Eight, true);
    let passes = [
        (0, 0, 8, 8),
        (4, 0, 8, 8),
        (0, 4, 4, 8),
        (2, 0, 4, 4),
        (0, 2, 2, 4),
        (1, 0, 2, 2),
        (0, 1, 1, 2),
    ];
    let mut rows = Vec::new();
    for (left, top, right, down) in passes {
        for y in (top..HEIGHT).step_by(down) {
            rows.push(0);
            rows.extend((left..WIDTH).step_by(right).flat_map(|x| light(x, y)));
        }
    }
    let mut bytes = Vec::new();
    let mut writer = Encoder::with_info(&mut bytes, info)
        .unwrap()
        .write_header()
        .unwrap();
    writer.write_chunk(IDAT, &stored(&rows)).unwrap();
    drop(writer);
    bytes
}

/// A zlib stream of stored blocks (RFC 1950, RFC 1951 3.2.4).
pub fn stored(data: &[u8]) -> Vec<u8> {
    let mut out = vec![0x78, 0x01];
    let blocks: Vec<_> = data.chunks(65_535).collect();
    for (at, block) in blocks.iter().enumerate() {
        let length = block.len() as u16;
        out.push(u8::from(at + 1 == blocks.len()));
        out.extend(length.to_le_bytes());
        out.extend((!length).to_le_bytes());
        out.extend(*block);
    }
    let (a, b) = data.iter().fold((1_u32, 0_u32), |(a, b), byte| {
        let a = (a + u32::from(*byte)) % 65_521;
        (a, (a + b) % 65_521)
    });
    out.extend((b << 16 | a).to_be_bytes());
    out
}

pub fn jpeg_with(
    adjust: impl FnOnce(&mut Jpeg<&mut Vec<u8>>),
    data: &[u8],
    color: JpegColor,
) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = Jpeg::new(&mut bytes, 92);
    adjust(&mut encoder);
    encoder
        .encode(data, WIDTH as u16, HEIGHT as u16, color)
        .unwrap();
    bytes
}

pub fn jpeg() -> Vec<u8> {
    jpeg_with(|_| {}, &rgb(), JpegColor::Rgb)
}

pub fn webp(data: &[u8], color: ExtendedColorType) -> Vec<u8> {
    let mut bytes = Vec::new();
    let encoder = WebPEncoder::new_lossless(&mut bytes);
    encoder.write_image(data, WIDTH, HEIGHT, color).unwrap();
    bytes
}

pub fn chunk(name: &[u8; 4], body: &[u8]) -> Vec<u8> {
    let length = (body.len() as u32).to_le_bytes();
    [name.as_slice(), &length, body, &vec![0; body.len() % 2]].concat()
}

/// A WebP that moves: as many frames of one pixel each as asked for.
pub fn webp_of_frames(count: usize) -> Vec<u8> {
    let canvas = chunk(b"VP8X", &[2, 0, 0, 0, 63, 0, 0, 63, 0, 0]);
    let head = chunk(b"ANIM", &[0; 6]);
    let frame = chunk(
        b"ANMF",
        &[[0; 16].as_slice(), &chunk(b"VP8L", &[0x2F, 0, 0, 0, 0, 7])].concat(),
    );
    let body = [b"WEBP".as_slice(), &canvas, &head, &frame.repeat(count)].concat();
    chunk(b"RIFF", &body)
}

/// A JPEG that is a header and an end: a frame of this kind and size with three components.
pub fn jpeg_that_claims(frame: u8, width: u16, height: u16) -> Vec<u8> {
    let ([w, x], [h, y]) = (width.to_be_bytes(), height.to_be_bytes());
    let body = [8, h, y, w, x, 3, 1, 0x22, 0, 2, 0x11, 0, 3, 0x11, 0];
    [
        &[0xFF, 0xD8, 0xFF, frame, 0, 17],
        body.as_slice(),
        &[0xFF, 0xD9],
    ]
    .concat()
}

pub fn jpeg_with_comment(text: &[u8]) -> Vec<u8> {
    let mut bytes = jpeg();
    let length = (text.len() as u16 + 2).to_be_bytes();
    bytes.splice(2..2, [&[0xFF, 0xFE], &length[..], text].concat());
    bytes
}

/// A JPEG up to there, with the mark of the end.
pub fn closed_at(jpeg: &[u8], end: usize) -> Vec<u8> {
    [&jpeg[..end], &[0xFF, 0xD9]].concat()
}

/// Where the data of the `count`th scan begin: behind the segment that starts it.
pub fn scan_of(jpeg: &[u8], count: usize) -> usize {
    let starts = (0..jpeg.len()).filter(|at| jpeg[*at..].starts_with(&[0xFF, 0xDA]));
    let start = starts.take(count).last().unwrap();
    start + 2 + usize::from(u16::from_be_bytes([jpeg[start + 2], jpeg[start + 3]]))
}

/// An empty archive, as it ends.
pub fn zip() -> Vec<u8> {
    [b"PK\x03\x04".as_slice(), &[0; 40], b"PK\x05\x06", &[0; 18]].concat()
}

pub fn and(picture: Vec<u8>, behind: &[u8]) -> Vec<u8> {
    [picture.as_slice(), behind].concat()
}

/// A PNG whose header claims a size, with nothing behind it.
pub fn png_that_claims(width: u32, height: u32) -> Vec<u8> {
    let mut info = Info::with_size(width, height);
    (info.color_type, info.bit_depth) = (ColorType::Rgb, BitDepth::Eight);
    let mut bytes = Vec::new();
    let writer = Encoder::with_info(&mut bytes, info).unwrap().write_header();
    drop(writer.unwrap());
    bytes
}
