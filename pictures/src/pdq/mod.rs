//! PDQ, the perceptual hash of Meta's ThreatExchange: 256 bits that near copies share (HSH-1).
//!
//! A port of `pdq/cpp` of <https://github.com/facebook/ThreatExchange>, Copyright (c) Meta
//! Platforms, Inc. and affiliates, BSD licence: see the file NOTICE of this crate. Bit for bit the
//! same hash and quality come out for the same pixels of eight bits as from the Python binding of
//! that program (`pdqhash` 0.2.8), whose luminance is taken as well. It is not rounded to eight bits
//! again: that changed two bits in one of six pictures of the tests.
//!
//! Say "near copies", never "all copies": recompression, blur, grey and thumbnails are found, a
//! crop of two percent or a tilt of two degrees is not.

mod boxes;
mod columns;
mod hash;
mod shrink;
mod spectrum;

pub use hash::{Hash, NotAHash};

use crate::Picture;
use crate::area::Area;
use crate::turn::Turn;

/// The most differing bits of a near copy (HSH-1; Meta's own recommendation).
pub const DISTANCE_MAX: u16 = 31;

/// A hash of less quality is never compared (HSH-1): flat pictures have much the same hash.
pub const QUALITY_MIN: u8 = 50;

/// The smallest side that is hashed; Meta tested nothing smaller.
const SIDE_MIN: usize = 5;

/// What PDQ says of one picture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fingerprint {
    /// The hash of the picture as it stands.
    pub hash: Hash,
    /// How much there is to recognise, 0 to 100.
    pub quality: u8,
    /// As it stands, turned left by 90, 180 and 270 degrees, then flipped top to bottom, left to
    /// right, and along both diagonals; all from one transform. The first is [`Fingerprint::hash`].
    pub turns: [Hash; 8],
}

impl Fingerprint {
    /// Whether HSH-1 allows it to be compared at all.
    pub fn is_comparable(&self) -> bool {
        self.quality >= QUALITY_MIN
    }
}

/// The hash of what lies between the letterbox bars of `picture` (PIP-3), at full size.
///
/// `None` below 5 x 5 pixels. Without bars this is [`fingerprint_with_bars`], bit for bit; bars that
/// would leave less than 5 x 5 pixels are none.
pub fn fingerprint(picture: &Picture) -> Option<Fingerprint> {
    fingerprint_turned(picture, Turn::NONE)
}

/// The same of a picture that is still to be turned: bit for bit [`fingerprint`] of the turned one, which is never made.
pub(crate) fn fingerprint_turned(picture: &Picture, turn: Turn) -> Option<Fingerprint> {
    fingerprint_of(picture, Area::between_bars(picture, turn), turn)
        .or_else(|| fingerprint_of(picture, Area::whole(picture), turn))
}

/// The hash of the whole picture, bars and all, as other PDQ programs make it.
///
/// `None` below 5 x 5 pixels. For comparing with what others publish, not for PIP-3.
pub fn fingerprint_with_bars(picture: &Picture) -> Option<Fingerprint> {
    fingerprint_of(picture, Area::whole(picture), Turn::NONE)
}

/// The least distance of `candidate` to any of the eight turns of `query` (HSH-1): 0 to 256 bits.
///
/// The caller sees to [`Fingerprint::is_comparable`] on both sides.
pub fn nearest(query: &Fingerprint, candidate: &Hash) -> u16 {
    let distances = query.turns.iter().map(|turn| turn.distance(candidate));
    distances.fold(Hash::BITS, u16::min)
}

fn fingerprint_of(picture: &Picture, area: Area, turn: Turn) -> Option<Fingerprint> {
    if area.width.min(area.height) < SIDE_MIN {
        return None;
    }
    let small = shrink::to_64_by_64(picture, area, turn);
    let turns = spectrum::hashes(&small);
    Some(Fingerprint {
        hash: turns[0],
        quality: spectrum::quality(&small),
        turns,
    })
}
