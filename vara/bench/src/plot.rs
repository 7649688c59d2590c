//! The figures as a picture: a row of two charts for each work, events a second and latencies.

use crate::cell::Work;
use crate::report::{Report, Row};
use anyhow::anyhow;
use plotters::coord::types::RangedCoordf64;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

const WIDTH: u32 = 1_120;
const HEAD: u32 = 76;
const CHART: u32 = 330;
pub(crate) const FONT: &str = "sans-serif";
pub(crate) const INK: RGBColor = RGBColor(31, 41, 55);
const PALE: RGBColor = RGBColor(226, 232, 240);
pub(crate) const GREY: RGBColor = RGBColor(100, 116, 139);

type Area<'a, 'b> = DrawingArea<SVGBackend<'a>, plotters::coord::Shift>;
type Chart<'a, 'b, Y> = ChartContext<'a, SVGBackend<'b>, Cartesian2d<RangedCoordf64, Y>>;

/// The whole report as one SVG document.
///
/// # Errors
/// When the drawing library fails, which it does only for figures that are none.
pub fn svg(report: &Report) -> anyhow::Result<String> {
    let works = works(report);
    let mut svg = String::new();
    {
        let height = HEAD + CHART * u32::try_from(works.len())?;
        let root = SVGBackend::with_string(&mut svg, (WIDTH, height)).into_drawing_area();
        root.fill(&WHITE).map_err(fault)?;
        let (head, body) = root.split_vertically(HEAD);
        legend(&head, report)?;
        for (area, work) in body.split_evenly((works.len(), 1)).iter().zip(&works) {
            let rows: Vec<&Row> = report.rows.iter().filter(|row| row.work == *work).collect();
            let (left, right) = area.split_horizontally(WIDTH / 2);
            rates(&left, work, &rows)?;
            latencies(&right, &rows)?;
        }
        root.present().map_err(fault)?;
    }
    Ok(svg)
}

fn works(report: &Report) -> Vec<String> {
    let mut works: Vec<String> = report.rows.iter().map(|row| row.work.clone()).collect();
    works.dedup();
    works
}

/// Each once, in the order of the rows, ours last.
fn variants(report: &Report) -> Vec<&str> {
    let mut variants: Vec<&str> = Vec::new();
    for row in &report.rows {
        if !variants.contains(&row.variant.as_str()) {
            variants.push(&row.variant);
        }
    }
    variants.sort_by_key(|variant| *variant == "vara");
    variants
}

/// Told apart by lightness as well as by colour.
pub(crate) fn colour(variant: &str) -> RGBColor {
    match variant {
        "vara" => RGBColor(15, 118, 110),
        "vara-postgres" => RGBColor(94, 172, 165),
        "pgbench" | "compare-with-each" | "sharp" => RGBColor(148, 163, 184),
        "postgres-es" | "pdqhash-c++" => RGBColor(217, 119, 6),
        "unordered" | "sharp-2-threads" => RGBColor(99, 102, 241),
        _ => RGBColor(190, 24, 93),
    }
}

fn legend(area: &Area<'_, '_>, report: &Report) -> anyhow::Result<()> {
    let text = |words: &str, at, size, ink: RGBColor| {
        area.draw(&Text::new(
            words.to_owned(),
            at,
            (FONT, size).into_font().color(&ink),
        ))
        .map_err(fault)
    };
    let facts = &report.facts;
    text(&format!("vara bench {}", report.bench), (24, 14), 22, INK)?;
    let method = format!(
        "{} cores, PostgreSQL {}, {} rounds of {} s, {}",
        facts.cores,
        facts.postgres,
        report.rounds,
        report.seconds,
        facts.at.format("%Y-%m-%d")
    );
    text(&method, (24, 46), 14, GREY)?;
    let mut right = i32::try_from(WIDTH)? - 24;
    for variant in variants(report).iter().rev() {
        let width = 8 * i32::try_from(variant.len())?;
        text(variant, (right - width, 16), 15, INK)?;
        let mark = [(right - width - 18, 18), (right - width - 6, 30)];
        area.draw(&Rectangle::new(mark, colour(variant).filled()))
            .map_err(fault)?;
        right -= width + 42;
    }
    Ok(())
}

fn rates(area: &Area<'_, '_>, work: &str, rows: &[&Row]) -> anyhow::Result<()> {
    let title = work.parse().map_or(work, |work: Work| work.title());
    let top = rows.iter().map(|row| row.events_per_s).fold(1.0, f64::max) * 1.15;
    let groups = groups(rows);
    let mut chart = framed(area, &format!("{title}: events a second"))
        .build_cartesian_2d(0.0..groups.len() as f64, 0.0..top)
        .map_err(fault)?;
    mesh(&mut chart, &|y| tidy(*y))?;
    for (row, from, to) in placed(&groups) {
        let bar = Rectangle::new(
            [(from, 0.0), (to, row.events_per_s)],
            colour(&row.variant).filled(),
        );
        chart.draw_series([bar]).map_err(fault)?;
        let at = chart.backend_coord(&(f64::midpoint(from, to), row.events_per_s));
        label(
            area,
            &short(row.events_per_s),
            (at.0, at.1 - 3),
            VPos::Bottom,
            INK,
        )?;
    }
    name_groups(area, &chart, &groups, 0.0)
}

fn latencies(area: &Area<'_, '_>, rows: &[&Row]) -> anyhow::Result<()> {
    let least = rows
        .iter()
        .map(|row| row.p50_ms)
        .fold(f64::INFINITY, f64::min)
        .max(0.001);
    let most = rows.iter().map(|row| row.p99_ms).fold(least, f64::max);
    let (bottom, top) = (least / 2.0, most * 2.0);
    let groups = groups(rows);
    let mut chart = framed(
        area,
        "Latency in milliseconds, from the median to the 99th percentile",
    )
    .build_cartesian_2d(0.0..groups.len() as f64, (bottom..top).log_scale())
    .map_err(fault)?;
    mesh(&mut chart, &|y| tidy(*y))?;
    for (row, from, to) in placed(&groups) {
        let (x, ink) = (f64::midpoint(from, to), colour(&row.variant));
        let (low, high) = (row.p50_ms.max(bottom), row.p99_ms.max(bottom));
        let stem = PathElement::new(vec![(x, low), (x, high)], ink.stroke_width(3));
        chart.draw_series([stem]).map_err(fault)?;
        chart
            .draw_series([Circle::new((x, low), 5, ink.filled())])
            .map_err(fault)?;
        let tick = (to - from) / 4.0;
        let end = PathElement::new(
            vec![(x - tick, high), (x + tick, high)],
            ink.stroke_width(3),
        );
        chart.draw_series([end]).map_err(fault)?;
        let at = chart.backend_coord(&(x, high));
        label(area, &short(high), (at.0, at.1 - 5), VPos::Bottom, INK)?;
        let at = chart.backend_coord(&(x, low));
        label(area, &short(low), (at.0, at.1 + 8), VPos::Top, GREY)?;
    }
    name_groups(area, &chart, &groups, bottom)
}

fn framed<'a, 'b>(area: &'a Area<'b, '_>, title: &str) -> ChartBuilder<'a, 'b, SVGBackend<'b>> {
    let mut builder = ChartBuilder::on(area);
    builder
        .margin(18)
        .set_label_area_size(LabelAreaPosition::Left, 54)
        .set_label_area_size(LabelAreaPosition::Bottom, 28)
        .caption(title, (FONT, 16).into_font().color(&INK));
    builder
}

/// Faint lines across, none upright; the numbers to the left.
fn mesh<Y>(chart: &mut Chart<'_, '_, Y>, number: &dyn Fn(&f64) -> String) -> anyhow::Result<()>
where
    Y: plotters::coord::ranged1d::Ranged<ValueType = f64>
        + plotters::coord::ranged1d::ValueFormatter<f64>,
{
    chart
        .configure_mesh()
        .disable_x_mesh()
        .x_labels(0)
        .y_labels(6)
        .y_label_formatter(number)
        .light_line_style(TRANSPARENT)
        .bold_line_style(PALE)
        .axis_style(PALE)
        .label_style((FONT, 13).into_font().color(&GREY))
        .draw()
        .map_err(fault)
}

/// The rows of one work, together by their number of writers.
fn groups<'a>(rows: &[&'a Row]) -> Vec<Vec<&'a Row>> {
    rows.chunk_by(|a, b| a.writers == b.writers)
        .map(<[&Row]>::to_vec)
        .collect()
}

/// Each row with the left and right end of its place on the axis.
fn placed<'a>(groups: &[Vec<&'a Row>]) -> Vec<(&'a Row, f64, f64)> {
    let mut placed = Vec::new();
    for (left, group) in (0_u32..).zip(groups) {
        let width = 0.8 / group.len() as f64;
        for (at, row) in (0_u32..).zip(group) {
            let from = f64::from(left) + 0.1 + f64::from(at) * width;
            placed.push((*row, from + width * 0.06, from + width * 0.94));
        }
    }
    placed
}

fn name_groups<Y>(
    area: &Area<'_, '_>,
    chart: &Chart<'_, '_, Y>,
    groups: &[Vec<&Row>],
    bottom: f64,
) -> anyhow::Result<()>
where
    Y: plotters::coord::ranged1d::Ranged<ValueType = f64>,
{
    for (left, group) in (0_u32..).zip(groups) {
        let writers = group.first().map_or(0, |row| row.writers);
        let words = if writers == 1 {
            "1 writer".to_owned()
        } else {
            format!("{writers} writers")
        };
        let at = chart.backend_coord(&(f64::from(left) + 0.5, bottom));
        label(area, &words, (at.0, at.1 + 8), VPos::Top, INK)?;
    }
    Ok(())
}

/// A text around a place of the whole picture.
fn label(
    area: &Area<'_, '_>,
    words: &str,
    at: (i32, i32),
    vertical: VPos,
    ink: RGBColor,
) -> anyhow::Result<()> {
    let (left, top) = area.get_base_pixel();
    let style = (FONT, 12)
        .into_font()
        .color(&ink)
        .pos(Pos::new(HPos::Center, vertical));
    area.draw(&Text::new(
        words.to_owned(),
        (at.0 - left, at.1 - top),
        style,
    ))
    .map_err(fault)
}

/// Three digits that matter: `0.35`, `7.78`, `132`, `12.3k`.
pub(crate) fn short(number: f64) -> String {
    match number {
        n if n >= 9_950.0 => format!("{:.1}k", n / 1_000.0),
        n if n >= 995.0 => format!("{:.2}k", n / 1_000.0),
        n if n >= 99.5 => format!("{n:.0}"),
        n if n >= 9.95 => format!("{n:.1}"),
        n => format!("{n:.2}"),
    }
}

/// A round number as it stands at an axis: `0`, `0.1`, `10`, `6k`.
fn tidy(number: f64) -> String {
    if number >= 1_000.0 {
        format!("{}k", number / 1_000.0)
    } else {
        format!("{number}")
    }
}

pub(crate) fn fault(cause: impl std::fmt::Display) -> anyhow::Error {
    anyhow!("the picture could not be drawn: {cause}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::tests::a_report;

    #[test]
    fn numbers_are_short_and_keep_what_matters() {
        let told = [0.347, 9.96, 99.5, 994.0, 999.0, 12_345.0].map(short);
        assert_eq!(told, ["0.35", "10.0", "100", "994", "1.00k", "12.3k"]);
        assert_eq!(
            [0.0, 0.1, 10.0, 2_500.0].map(tidy),
            ["0", "0.1", "10", "2.5k"]
        );
    }

    #[test]
    fn the_picture_is_one_well_formed_document_that_names_everything_in_it() {
        let report = a_report();
        let svg = svg(&report).unwrap();
        let mut open = Vec::new();
        for tag in svg.split('<').skip(1) {
            let (tag, _) = tag.split_once('>').unwrap();
            let name = tag
                .trim_start_matches('/')
                .split([' ', '/'])
                .next()
                .unwrap()
                .to_owned();
            if tag.starts_with('/') {
                assert_eq!(open.pop(), Some(name));
            } else if !tag.ends_with('/') {
                open.push(name);
            }
        }
        assert!(open.is_empty(), "{open:?}");
        let mut words = vec![
            "vara bench append",
            "1 writer",
            "32 writers",
            "PostgreSQL 18.4",
        ];
        words.extend(Work::APPEND.map(Work::title));
        words.extend(report.rows.iter().map(|row| row.variant.as_str()));
        for word in words {
            assert!(svg.contains(word), "{word}");
        }
    }

    #[test]
    fn places_of_one_work_do_not_overlap_and_stay_within_their_group() {
        let report = a_report();
        let rows: Vec<&Row> = report
            .rows
            .iter()
            .filter(|row| row.work == "execute-1")
            .collect();
        let placed = placed(&groups(&rows));
        assert_eq!(placed.len(), rows.len());
        assert!(placed.windows(2).all(|pair| pair[0].2 <= pair[1].1));
        assert!(
            placed
                .iter()
                .all(|(_, from, to)| from < to && from.floor() == to.floor())
        );
    }
}
