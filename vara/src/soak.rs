//! `vara soak`: the parts as processes, writers beside them, seeded faults, and one checker after every schedule.
//!
//! Everything is made for the run and broken in it: servers, folder, keys. A seed replays the faults, not the moments at which the
//! machine takes them up; a check that failed once therefore keeps its folder.

mod acks;
mod checker;
mod children;
mod deed;
mod ground;
mod members;
mod memory;
mod plan;
mod run;
mod slow_consumer;
mod strike;
mod tally;
mod verdict;
mod writer;

pub use writer::write;

use crate::cli::Soak;
use crate::{say, shutdown};
use anyhow::{Context, ensure};
use ground::{Ground, Place};
use run::Run;

/// Processes of writers.
const WRITERS: usize = 3;
/// Writers in each of them.
const LANES: u32 = 8;
const ALL_LANES: u64 = WRITERS as u64 * LANES as u64;
const SCHEDULES_MAX: u32 = 10_000;
/// About 8 GB on the disk.
const EVENTS_MAX: u64 = 10_000_000;

/// Runs schedules until one of them fails a check, or all are done.
pub async fn soak(ask: Soak) -> anyhow::Result<()> {
    let each = commands_each(&ask)?;
    // From now on, also while servers start: else Ctrl-C would end us without cleaning up.
    let asked = tokio::spawn(shutdown::asked());
    let seed = ask
        .seed
        .unwrap_or_else(|| fastrand::u64(..u64::from(u32::MAX)));
    let place = Place::open(ask.data_dir.as_deref(), seed)?;
    say::line(format!(
        "seed {seed}: {} schedules of {} commands, in {}",
        ask.schedules,
        each * ALL_LANES,
        place.path().display()
    ));
    let ground = match Ground::open(&place).await {
        Ok(ground) => ground,
        Err(fault) => {
            drop(place.remove());
            return Err(fault);
        }
    };
    let mut run = Run::new(&ask, seed, each, &ground, &place);
    let (ended, is_over) = tokio::select! {
        ended = run.all() => (ended, false),
        stopped = asked => (stopped?.and_then(|()| Err(anyhow::anyhow!("stopped before the end"))), true),
    };
    let failed = ended.is_err() && !is_over;
    let at = run.at;
    // Processes before servers, so that none of them complains.
    drop(run);
    ground.close().await?;
    if failed {
        let kept = place.path().display().to_string();
        let again = seed.wrapping_add(u64::from(at));
        return ended.with_context(|| {
            format!(
                "schedule {at} of seed {seed} failed; everything is kept in {kept}; the same faults again: vara soak \
                 --schedules 1 --events {} --seed {again}",
                each * ALL_LANES
            )
        });
    }
    place.remove()?;
    ended
}

/// Commands of each lane in one schedule.
fn commands_each(ask: &Soak) -> anyhow::Result<u64> {
    ensure!(
        (1..=SCHEDULES_MAX).contains(&ask.schedules),
        "--schedules must be from 1 to {SCHEDULES_MAX}, not {}",
        ask.schedules
    );
    let least = u64::from(ask.schedules) * ALL_LANES;
    ensure!(
        (least..=EVENTS_MAX).contains(&ask.events),
        "--events must be from {least} (one for each of {ALL_LANES} writers and each schedule) to {EVENTS_MAX}, not {}",
        ask.events
    );
    Ok((ask.events / u64::from(ask.schedules)).div_ceil(ALL_LANES))
}
