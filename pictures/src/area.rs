//! The part of a picture inside its letterbox bars (PIP-3).
//!
//! A hash of the whole picture is lost as soon as bars are put around it, and it is lost as well
//! when what was no bar is cut off. So bars are believed only when they come in pairs of one colour
//! and one width, when they end sharply, and when they leave at least half of each side. A caption
//! bar on one side, a night sky and a white page are therefore left alone.

use crate::Picture;
use crate::picture::CHANNELS;
use crate::turn::Turn;

/// How far a channel may be from the colour of the bar: the ringing of a strong JPEG compression.
const SPREAD_MAX: u8 = 32;
/// How far the colours of the two bars of a pair may be apart.
const PAIR_SPREAD_MAX: u8 = 16;
/// Share of a line, in percent, that has the colour of the bar; its last line rings the most.
const BAR_PERCENT_MIN: usize = 85;
/// Where a bar ends, this share of its last line, in percent, changes within two lines by more than
/// [`EDGE_STEP`]. Two, because a reduced picture has one line where bar and content mix.
const EDGE_PERCENT_MIN: usize = 30;
const EDGE_STEP: u8 = 16;
/// A bar is at least this part of the side: one cell of the 64 that PDQ sees.
const BAR_PART: usize = 64;

/// A rectangle of a picture, in pixels from the top left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Area {
    pub left: usize,
    pub top: usize,
    pub width: usize,
    pub height: usize,
}

impl Area {
    pub(crate) fn whole(picture: &Picture) -> Self {
        let (width, height) = picture.size();
        Self {
            left: 0,
            top: 0,
            width: width as usize,
            height: height as usize,
        }
    }

    /// What lies between the bars; the whole picture when there are none. Judged as by somebody who sees the picture
    /// turned, and told of it as it is stored.
    pub(crate) fn between_bars(picture: &Picture, turn: Turn) -> Self {
        let mut area = Self::whole(picture);
        // Above and below first: the bars at the sides are then judged without those corners.
        if turn.lies {
            area.lose_columns(picture, turn);
            area.lose_rows(picture, turn);
        } else {
            area.lose_rows(picture, turn);
            area.lose_columns(picture, turn);
        }
        area
    }

    fn lose_rows(&mut self, picture: &Picture, turn: Turn) {
        let area = *self;
        if let Some(bar) = pair(area.height, &|line| Line::row(picture, area, turn, line)) {
            self.top += bar.before;
            self.height -= bar.before + bar.after;
        }
    }

    fn lose_columns(&mut self, picture: &Picture, turn: Turn) {
        let area = *self;
        if let Some(bar) = pair(area.width, &|line| Line::column(picture, area, turn, line)) {
            self.left += bar.before;
            self.width -= bar.before + bar.after;
        }
    }

    /// The pixels of one row of the area.
    pub(crate) fn row<'a>(&self, picture: &'a Picture, row: usize) -> &'a [u8] {
        let start = ((self.top + row) * picture.width() as usize + self.left) * CHANNELS;
        &picture.rgb()[start..start + self.width * CHANNELS]
    }
}

/// The widths of two facing bars.
struct Pair {
    before: usize,
    after: usize,
}

/// Looks for bars at both ends of `count` lines.
fn pair<'a>(count: usize, line: &dyn Fn(usize) -> Line<'a>) -> Option<Pair> {
    let first = line(0).colour();
    let last = line(count - 1).colour();
    if !alike(first, last, PAIR_SPREAD_MAX) {
        return None;
    }
    let before = bar(count, first, &line)?;
    let after = bar(count, last, &|at| line(count - 1 - at))?;
    let equal = before.abs_diff(after) <= 2 + before.max(after) / 16;
    (equal && before + after <= count / 2).then_some(Pair { before, after })
}

/// The width of the bar of `colour` that begins at line 0, if it is one and ends sharply.
fn bar<'a>(count: usize, colour: Colour, line: &dyn Fn(usize) -> Line<'a>) -> Option<usize> {
    // A bar beyond the middle would leave less than half; so would a picture of one colour.
    let width = (0..=count / 2).find(|&at| line(at).percent_of(colour) < BAR_PERCENT_MIN)?;
    let wide_enough = width >= (count / BAR_PART).max(2);
    (wide_enough && line(width - 1).step_percent(&line(width + 1)) >= EDGE_PERCENT_MIN)
        .then_some(width)
}

type Colour = [u8; CHANNELS];

fn alike(one: Colour, other: Colour, spread: u8) -> bool {
    one.iter().zip(other).all(|(a, b)| a.abs_diff(b) <= spread)
}

/// A row or a column within an area.
struct Line<'a> {
    rgb: &'a [u8],
    step: usize,
    /// The pixel in the middle; of two, the one behind the middle for whoever sees the picture turned.
    middle: usize,
}

impl<'a> Line<'a> {
    fn row(picture: &'a Picture, area: Area, turn: Turn, row: usize) -> Self {
        Self {
            rgb: area.row(picture, row),
            step: CHANNELS,
            middle: middle(area.width, turn.reads_rows_backwards()),
        }
    }

    fn column(picture: &'a Picture, area: Area, turn: Turn, column: usize) -> Self {
        let step = picture.width() as usize * CHANNELS;
        let start = area.top * step + (area.left + column) * CHANNELS;
        let end = start + (area.height - 1) * step + CHANNELS;
        Self {
            rgb: &picture.rgb()[start..end],
            step,
            middle: middle(area.height, turn.reads_from_the_last_row()),
        }
    }

    fn pixels(&self) -> impl Iterator<Item = Colour> {
        self.rgb
            .chunks(self.step)
            .filter_map(|pixel| pixel.first_chunk().copied())
    }

    /// The pixel in the middle stands for the line; if it is an odd one out, there is no bar.
    fn colour(&self) -> Colour {
        let pixel = self.rgb.get(self.middle * self.step..);
        let pixel = pixel.and_then(|pixel| pixel.first_chunk().copied());
        pixel.unwrap_or_default()
    }

    fn percent_of(&self, colour: Colour) -> usize {
        percent(self.pixels().map(|pixel| alike(pixel, colour, SPREAD_MAX)))
    }

    fn step_percent(&self, next: &Self) -> usize {
        percent(
            self.pixels()
                .zip(next.pixels())
                .map(|(one, two)| !alike(one, two, EDGE_STEP)),
        )
    }
}

fn middle(pixels: usize, backwards: bool) -> usize {
    if backwards {
        (pixels - 1) / 2
    } else {
        pixels / 2
    }
}

/// The share of `answers` that are yes.
fn percent(answers: impl Iterator<Item = bool>) -> usize {
    let (mut yes, mut all) = (0, 0);
    for answer in answers {
        yes += usize::from(answer);
        all += 1;
    }
    yes * 100 / all.max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    const BLACK: Colour = [0; CHANNELS];

    /// A busy picture of 200 x 160 with bars of `colour`: left, right, top, bottom.
    fn with_bars(colour: Colour, [left, right, top, bottom]: [u32; 4]) -> Picture {
        let mut rgb = Vec::new();
        for (y, x) in (0..160_u32).flat_map(|y| (0..200_u32).map(move |x| (y, x))) {
            let inside = (left..200 - right).contains(&x) && (top..160 - bottom).contains(&y);
            let busy = [x * 7 + y * 3, x * 5, y * 11 + x].map(|value| 60 + (value % 180) as u8);
            rgb.extend(if inside { busy } else { colour });
        }
        Picture::from_rgb(200, 160, rgb).unwrap()
    }

    // PIP-3
    #[test]
    fn bars_in_pairs_are_left_out() {
        for colour in [BLACK, [255; CHANNELS], [12, 30, 90]] {
            let area = Area::between_bars(&with_bars(colour, [0, 0, 20, 20]), Turn::NONE);
            assert_eq!(
                area,
                Area {
                    left: 0,
                    top: 20,
                    width: 200,
                    height: 120
                }
            );
            let area = Area::between_bars(&with_bars(colour, [30, 31, 20, 21]), Turn::NONE);
            assert_eq!(
                area,
                Area {
                    left: 30,
                    top: 20,
                    width: 139,
                    height: 119
                }
            );
        }
    }

    // PIP-3: a caption bar on one side, unequal margins and hair lines belong to the picture.
    #[test]
    fn what_is_no_letterbox_is_left_alone() {
        for bars in [
            [0; 4],
            [0, 0, 0, 16],
            [0, 0, 8, 30],
            [1, 1, 1, 1],
            [60, 60, 0, 0],
            [0, 0, 45, 45],
        ] {
            let picture = with_bars(BLACK, bars);
            assert_eq!(
                Area::between_bars(&picture, Turn::NONE),
                Area::whole(&picture),
                "{bars:?}"
            );
        }
    }

    #[test]
    fn a_picture_of_one_colour_and_one_that_fades_are_left_alone() {
        let plain = Picture::from_rgb(100, 80, vec![9; 100 * 80 * 3]).unwrap();
        assert_eq!(Area::between_bars(&plain, Turn::NONE), Area::whole(&plain));
        let fading = |y: usize| vec![(y.min(99 - y) * 4) as u8; 100 * 3];
        let faded = Picture::from_rgb(100, 100, (0..100).flat_map(fading).collect()).unwrap();
        assert_eq!(Area::between_bars(&faded, Turn::NONE), Area::whole(&faded));
    }
}
