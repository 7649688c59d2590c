//! Carries out a plan: every cell in every round, in turns.

use crate::append::measure;
use crate::cell::Cell;
use crate::ground::Ground;
use crate::plan::Plan;
use crate::report::Report;
use crate::statistics::{Figures, Sample};
use indicatif::{ProgressBar, ProgressStyle};
use std::collections::HashMap;

/// Measures how fast events go in.
///
/// # Errors
/// The first measurement that fails ends the run.
pub async fn append(ground: &Ground, plan: &Plan) -> anyhow::Result<Report> {
    let facts = ground.facts().await?;
    let turns = plan.turns();
    let bar = bar(turns.len())?;
    let mut samples: HashMap<Cell, Vec<Sample>> = HashMap::new();
    for cell in turns {
        bar.set_message(cell.to_string());
        let sample = measure(ground, plan, cell).await?;
        samples.entry(cell).or_default().push(sample);
        bar.inc(1);
    }
    bar.finish_and_clear();
    let figures = samples
        .into_iter()
        .map(|(cell, samples)| (cell, Figures::of(&samples)));
    Ok(Report::new("append", plan, facts, &figures.collect()))
}

/// On standard error, and only where somebody looks at it.
pub(crate) fn bar(steps: usize) -> anyhow::Result<ProgressBar> {
    let style = ProgressStyle::with_template("{bar:30} {pos}/{len}  {msg}  (about {eta} left)")?;
    Ok(ProgressBar::new(steps as u64).with_style(style))
}
