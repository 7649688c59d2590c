//! The figures as a picture: for each work a bar for everybody, as long as what they do in a second.

use super::report::{ImageReport, ImageRow};
use crate::plot::{FONT, GREY, INK, colour, fault, short};
use plotters::coord::Shift;
use plotters::prelude::*;

const WIDTH: i32 = 960;
const HEAD: i32 = 76;
const TITLE: i32 = 34;
const BAR: i32 = 26;
/// Where bars begin, and the longest one ends.
const SPAN: (i32, i32) = (170, 560);

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;

/// The whole report as one SVG document.
///
/// # Errors
/// When the drawing library fails, which it does only for figures that are none.
pub fn svg(report: &ImageReport) -> anyhow::Result<String> {
    let works: Vec<&[ImageRow]> = report.rows.chunk_by(|a, b| a.work == b.work).collect();
    let bars = i32::try_from(report.rows.len())? * BAR;
    let height = HEAD + bars + i32::try_from(works.len())? * TITLE + 20;
    let mut svg = String::new();
    {
        let size = (u32::try_from(WIDTH)?, u32::try_from(height)?);
        let area = SVGBackend::with_string(&mut svg, size).into_drawing_area();
        area.fill(&WHITE).map_err(fault)?;
        text(&area, "vara bench images", (24, 14), 22, INK)?;
        let facts = &report.facts;
        let about = format!(
            "{} cores, {} rounds, {}",
            facts.cores,
            report.rounds,
            facts.at.format("%Y-%m-%d")
        );
        text(&area, &about, (24, 46), 14, GREY)?;
        let mut top = HEAD;
        for rows in works {
            work(&area, rows, top)?;
            top += TITLE + i32::try_from(rows.len())? * BAR;
        }
        area.present().map_err(fault)?;
    }
    Ok(svg)
}

fn work(area: &Area<'_>, rows: &[ImageRow], top: i32) -> anyhow::Result<()> {
    let Some(first) = rows.first() else {
        return Ok(());
    };
    text(
        area,
        &format!("{}: how many a second", first.work),
        (24, top + 8),
        16,
        INK,
    )?;
    let most = rows
        .iter()
        .map(|row| row.per_s)
        .fold(f64::MIN_POSITIVE, f64::max);
    for (row, top) in rows.iter().zip((top + TITLE..).step_by(BAR as usize)) {
        text(area, &row.variant, (24, top + 4), 14, GREY)?;
        let end = SPAN.0 + (f64::from(SPAN.1 - SPAN.0) * row.per_s / most) as i32;
        let bar = Rectangle::new(
            [(SPAN.0, top), (end, top + BAR - 6)],
            colour(&row.variant).filled(),
        );
        area.draw(&bar).map_err(fault)?;
        let memory = row
            .peak_mb
            .map(|mb| format!(", {} MB", short(mb)))
            .unwrap_or_default();
        let (half, most) = (short(row.p50_ms), short(row.p99_ms));
        let words = format!(
            "{}/s, {half} ms, {most} ms at 99 %{memory}",
            short(row.per_s)
        );
        text(area, &words, (end + 8, top + 4), 14, INK)?;
    }
    Ok(())
}

fn text(
    area: &Area<'_>,
    words: &str,
    at: (i32, i32),
    size: u32,
    ink: RGBColor,
) -> anyhow::Result<()> {
    let style = (FONT, size).into_font().color(&ink);
    area.draw(&Text::new(words.to_owned(), at, style))
        .map_err(fault)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::images::report::tests::a_report;

    #[test]
    fn everybody_has_a_bar_in_each_work_and_the_fastest_the_longest() {
        let report = a_report();
        let svg = svg(&report).unwrap();
        for row in &report.rows {
            assert!(
                svg.contains(&row.variant) && svg.contains(&row.work),
                "{}",
                row.variant
            );
        }
        let longest = format!("width=\"{}\"", SPAN.1 - SPAN.0);
        assert_eq!(svg.matches(&longest).count(), 2, "one for each work: {svg}");
    }
}
