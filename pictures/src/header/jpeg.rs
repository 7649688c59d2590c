//! The segments of a JPEG (ITU-T T.81, annex B), up to its end.

use super::{Claim, alone, array_at, foreign};
use crate::{Seen, Unfit, size};

/// Components of a picture at most (CMYK).
const COMPONENTS_MAX: usize = 4;

/// A file without an end-of-image marker was cut short. What follows the end is no part of the picture: a motion photo's film, a
/// second view, padding.
pub(super) fn claim(bytes: &[u8]) -> Result<Claim, Unfit> {
    let walked = walk(bytes)?;
    let claim = walked.frame.claim(walked.scans.in_parts);
    alone(claim, bytes, walked.end + 2)
}

/// Where the picture's own data lie in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Data {
    /// Where the marker of the end stands, before a film or a second view.
    pub end: usize,
    /// Whether it comes coarse first, and finer with each scan.
    pub progressive: bool,
}

/// The same walk, for whoever decodes. Nothing for a progressive picture that ends before each component was told more than its
/// rough shape: it was cut short.
pub(crate) fn data(bytes: &[u8]) -> Option<Data> {
    let Walked { frame, scans, end } = walk(bytes).ok()?;
    let progressive = frame.progressive;
    let rough = progressive && scans.finer.count_ones() < u32::from(frame.components);
    (!rough).then_some(Data { end, progressive })
}

/// What a file consists of up to its end.
struct Walked {
    frame: Frame,
    scans: Scans,
    end: usize,
}

fn walk(bytes: &[u8]) -> Result<Walked, Unfit> {
    let mut frame: Option<Frame> = None;
    let mut scans = Scans::default();
    let mut at = 2;
    while let Some((marker, after)) = next_marker(bytes, at) {
        at = match marker {
            0xD9 => {
                let frame = frame.ok_or(Unfit::Unreadable)?;
                let end = after - 2;
                return Ok(Walked { frame, scans, end });
            }
            // No length follows: TEM, RST0 to RST7, and a second start of image.
            0x01 | 0xD0..=0xD8 => after,
            _ => {
                let length = array_at(bytes, after).map(u16::from_be_bytes);
                let end = after + usize::from(length.ok_or(Unfit::Unreadable)?);
                let body = bytes.get(after..end).unwrap_or_default();
                match marker {
                    // SOF0 to SOF15, without the tables that share their range (DHT, JPG, DAC).
                    0xC0..=0xCF if !matches!(marker, 0xC4 | 0xC8 | 0xCC) && frame.is_none() => {
                        frame = Some(Frame::read(marker, body)?);
                    }
                    0xDA => scans.add(body, frame.as_ref()),
                    // APP0 to APP15 and comments.
                    0xE0..=0xEF | 0xFE if foreign::speaks(body) => {
                        return Err(Unfit::NotAPicture(Seen::Mixed));
                    }
                    _ => {}
                }
                end
            }
        };
    }
    Err(Unfit::Unreadable)
}

/// What starts of scans say.
#[derive(Default)]
struct Scans {
    /// A scan of fewer components than there are: the decoder must wait for the rest.
    in_parts: bool,
    /// Components whose finer parts came, each as the bit of its name modulo 128.
    finer: u128,
}

impl Scans {
    /// Length, number of components; of each its name and tables; first and last frequency.
    fn add(&mut self, body: &[u8], frame: Option<&Frame>) {
        self.in_parts |= body.get(2) != frame.map(|frame| &frame.components);
        if let [_, _, 1, name, _, _, 1..=63, ..] = body {
            self.finer |= 1 << (name % 128);
        }
    }
}

/// What a start of frame says.
struct Frame {
    size: (u32, u32),
    progressive: bool,
    components: u8,
    /// Values kept for each pixel, in quarters: colour is mostly stored at a quarter of the points.
    quarter_values: u64,
}

impl Frame {
    /// Length, depth, height, width, number of components; of each its name, sampling and table.
    fn read(marker: u8, body: &[u8]) -> Result<Self, Unfit> {
        let side = |at| array_at(body, at).map(|pair| u16::from_be_bytes(pair).into());
        let size = side(5).zip(side(3)).ok_or(Unfit::Unreadable)?;
        size::check(size)?;
        let components = *body.get(7).ok_or(Unfit::Unreadable)?;
        let samplings = body.get(9..).unwrap_or_default().iter().step_by(3);
        let points: Vec<u64> = samplings
            .take(usize::from(components).min(COMPONENTS_MAX))
            .map(|sampling| u64::from(sampling >> 4) * u64::from(sampling & 15))
            .collect();
        let most = points.iter().max().copied().unwrap_or(1).max(1);
        Ok(Self {
            size,
            progressive: matches!(marker, 0xC2 | 0xC6 | 0xCA | 0xCE),
            components,
            quarter_values: (points.iter().sum::<u64>() * 4).div_ceil(most),
        })
    }

    /// Three bytes for the pixels, one more for grey until it is spread; and where a picture comes in
    /// several scans two bytes for every value, all of them held until the last one.
    fn claim(&self, in_parts: bool) -> Claim {
        let pixels = if self.components == 1 { 8 } else { 6 };
        let waiting = if self.progressive || in_parts {
            self.quarter_values
        } else {
            0
        };
        Claim {
            size: self.size,
            half_bytes: pixels + waiting,
        }
    }
}

/// The next marker from `at` on, and where what belongs to it begins. Skips entropy-coded data
/// (`FF 00` stands for a plain `FF`) and fill bytes.
pub(crate) fn next_marker(bytes: &[u8], mut at: usize) -> Option<(u8, usize)> {
    loop {
        at += memchr::memchr(0xFF, bytes.get(at..)?)?;
        match bytes.get(at + 1)? {
            0x00 | 0xFF => at += 1,
            marker => return Some((*marker, at + 2)),
        }
    }
}
