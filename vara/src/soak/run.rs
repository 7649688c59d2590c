//! One run: the parts start, schedule follows schedule, each one is checked, and the figures are told.

use super::checker::{OnBus, Seen};
use super::children::Children;
use super::ground::{Ground, Place, Ports};
use super::members::{self, Members};
use super::memory::Memory;
use super::plan::{Part, Plan, Role};
use super::strike::Striker;
use super::tally::Tally;
use super::{ALL_LANES, LANES, WRITERS, verdict};
use crate::cli::Soak;
use crate::say;
use anyhow::{Context, ensure};
use embedded::Service;
use indicatif::{ProgressBar, ProgressStyle};
use projections::check::Follow;
use std::fs::OpenOptions;
use std::io::Write;
use std::time::{Duration, Instant};

/// Everything is compared from zero after so many schedules, and in the end.
const FULL_EVERY: u32 = 10;
const LOOK_EVERY: Duration = Duration::from_millis(10);
/// Longest time after the last request until its memory is given back.
const GIVEN_BACK_WITHIN: Duration = Duration::from_secs(10);

/// A run on its ground. Dropping it ends all its processes.
pub struct Run<'a> {
    ground: &'a Ground,
    place: &'a Place,
    children: Children,
    striker: Striker,
    seen: Seen,
    on_bus: OnBus,
    followers: Vec<Box<dyn Follow>>,
    memory: Memory,
    members: Members,
    tally: Tally,
    bar: ProgressBar,
    schedules: u32,
    seed: u64,
    /// Commands of each lane in one schedule.
    each: u64,
    /// The schedule that runs, from 0.
    pub at: u32,
}

impl<'a> Run<'a> {
    pub fn new(ask: &Soak, seed: u64, each: u64, ground: &'a Ground, place: &'a Place) -> Self {
        let bar = ProgressBar::new(u64::from(ask.schedules));
        if let Ok(style) =
            ProgressStyle::with_template("{msg} [{wide_bar}] {pos}/{len} {elapsed} {eta}")
        {
            bar.set_style(style);
        }
        Self {
            ground,
            place,
            children: Children::new(ground.home.clone()),
            striker: Striker::default(),
            seen: Seen::default(),
            on_bus: OnBus::default(),
            followers: Vec::new(),
            memory: Memory::default(),
            members: Members::new(format!("http://127.0.0.1:{}", ground.ports.api), seed),
            tally: Tally::default(),
            bar,
            schedules: ask.schedules,
            seed,
            each,
            at: 0,
        }
    }

    /// All schedules, then the table.
    pub async fn all(&mut self) -> anyhow::Result<()> {
        let begun = Instant::now();
        self.followers = verdict::followers().await?;
        members::hang_pages(self.ground, self.seed)?;
        for part in Part::ALL {
            if let Some(arguments) = arguments_of(part, self.ground.ports) {
                for number in 0..part.count() {
                    self.children.keep(Role { part, number }, arguments.clone());
                }
            }
        }
        for at in 0..self.schedules {
            self.at = at;
            let plan = Plan::of(self.seed.wrapping_add(u64::from(at)), self.span());
            self.one(&plan)
                .await
                .with_context(|| format!("the faults were {:?}", plan.faults))?;
            self.bar.inc(1);
            self.bar
                .set_message(format!("{} events", self.seen.position));
        }
        // Once more with nothing remembered.
        self.seen = Seen::among(self.members.ids.clone());
        verdict::log_is_whole(self.ground, self.place, &mut self.seen, &self.members).await?;
        self.members.saw_their_own()?;
        self.bar.finish_and_clear();
        self.tally.took = begun.elapsed();
        self.tell()
    }

    /// For how long faults begin: about as long as the writers are busy.
    fn span(&self) -> Duration {
        Duration::from_millis((self.each * ALL_LANES).clamp(400, 4_000))
    }

    async fn one(&mut self, plan: &Plan) -> anyhow::Result<()> {
        self.hold_back(plan).await?;
        self.members_join().await?;
        self.set_writers(plan);
        let seed = self.seed.wrapping_add(u64::from(self.at));
        self.members.begin(seed);
        let (begun, mut left) = (Instant::now(), plan.faults.iter().peekable());
        let most = Duration::from_secs(90)
            + Duration::from_millis(10) * u32::try_from(self.each * ALL_LANES)?;
        loop {
            self.children.look_after()?;
            while let Some((_, fault)) = left.next_if(|(at, _)| begun.elapsed() >= *at) {
                self.striker
                    .strike(*fault, self.ground, &mut self.children)?;
            }
            let goes_on = self.striker.look_after()?;
            let is_calm = left.peek().is_none() && goes_on && self.children.are_well();
            if is_calm && self.children.have_written() && self.ground.is_well() {
                break;
            }
            ensure!(
                begun.elapsed() < most,
                "I11: the writers did not come to their end within {most:?}"
            );
            tokio::time::sleep(LOOK_EVERY).await;
        }
        self.striker.let_go().await?;
        let loaded = begun.elapsed();
        self.children.kept_during(self.members.end()).await?;
        let (recovered, bus) = self.check().await?;
        self.note(&format!(
            "loaded {loaded:.1?}, recovered {recovered:.1?}, the bus {bus:.1?}, {plan:?}"
        ))
    }

    /// One line about a schedule, for whoever reads the folder afterwards.
    fn note(&self, line: &str) -> anyhow::Result<()> {
        let path = self.place.logs().join("schedules");
        let mut file = OpenOptions::new().create(true).append(true).open(path)?;
        Ok(writeln!(file, "{}: {line}", self.at)?)
    }

    /// Whoever is missing joins, while nothing goes wrong.
    async fn members_join(&mut self) -> anyhow::Result<()> {
        self.children.kept_during(self.members.be_there()).await?;
        self.seen.knows(&self.members.ids);
        Ok(())
    }

    /// How long readers and bus took.
    async fn check(&mut self) -> anyhow::Result<(Duration, Duration)> {
        let (ground, seen, on_bus) = (self.ground, &mut self.seen, &mut self.on_bus);
        let followers = &mut self.followers;
        let calm = async {
            let recovered = verdict::arrive(ground).await?;
            let scans = verdict::scans_end(ground, seen).await?;
            // What the last scans recorded is read too.
            verdict::arrive(ground).await?;
            let bus = verdict::bus_is_whole(ground, seen, on_bus).await?;
            verdict::readers_know_the_log(ground).await?;
            verdict::digests_are_right(ground, followers).await?;
            verdict::nothing_stays_open(ground).await?;
            anyhow::Ok((recovered, scans, bus))
        };
        let (recovered, scans, bus) = self.children.kept_during(calm).await?;
        self.memory_comes_back().await?;
        let acknowledged =
            verdict::log_is_whole(self.ground, self.place, &mut self.seen, &self.members).await?;
        if (self.at + 1).is_multiple_of(FULL_EVERY) || self.at + 1 == self.schedules {
            verdict::rows_are_right(self.ground).await?;
            verdict::record_is_signed(self.ground).await?;
        }
        let tally = &mut self.tally;
        tally.schedules += 1;
        (tally.events, tally.acknowledged) = (self.seen.position, acknowledged);
        tally.longest_recovery = tally.longest_recovery.max(recovered);
        tally.longest_bus = tally.longest_bus.max(bus);
        tally.longest_scans = tally.longest_scans.max(recovered + scans);
        tally.started_again = self.children.ended_by_themselves;
        Ok((recovered, bus))
    }

    /// I11: what a request needs while it is answered is given back soon after it.
    async fn memory_comes_back(&mut self) -> anyhow::Result<()> {
        let begun = Instant::now();
        while let Err(more) = self.memory.look(&self.children.memory()) {
            if begun.elapsed() > GIVEN_BACK_WITHIN {
                return Err(more.into());
            }
            self.children.kept_during(rest(LOOK_EVERY)).await?;
        }
        Ok(())
    }

    /// Waits until the servers may die once more.
    async fn hold_back(&mut self, plan: &Plan) -> anyhow::Result<()> {
        for server in [Service::Postgres, Service::Nats] {
            let wait = self.striker.wait_for(server).filter(|_| plan.kills(server));
            let rest = rest(wait.unwrap_or_default());
            self.children.kept_during(rest).await?;
        }
        Ok(())
    }

    fn set_writers(&mut self, plan: &Plan) {
        for number in 0..WRITERS {
            let option = |name: &str, value: String| [format!("--{name}"), value];
            let mut arguments = vec!["soak-writer".to_owned()];
            arguments.extend(option("data-dir", self.place.data().display().to_string()));
            arguments.extend(option("seed", self.seed.to_string()));
            arguments.extend(option("lane", (number as u32 * LANES).to_string()));
            arguments.extend(option("lanes", LANES.to_string()));
            arguments.extend(option(
                "until",
                (self.each * u64::from(self.at + 1)).to_string(),
            ));
            arguments.extend(option("drops", plan.drops.to_string()));
            arguments.extend(option(
                "acks",
                verdict::acks_of(self.place, number).display().to_string(),
            ));
            self.children.keep(
                Role {
                    part: Part::Writer,
                    number,
                },
                arguments,
            );
        }
    }

    fn tell(&mut self) -> anyhow::Result<()> {
        self.tally.faults = self.striker.counts.clone();
        self.tally.most_memory_kib = self.memory.most_kib;
        self.tally.scans = self.seen.ended_scans();
        self.tally.answers = self.members.heard.answers.clone();
        self.tally.again = self.members.heard.again;
        let dropped = verdict::told(self.place)?.dropped;
        if dropped > 0 {
            self.tally
                .faults
                .insert("command dropped on its way".to_owned(), dropped);
        }
        say::line(self.tally.table().to_string());
        Ok(())
    }
}

async fn rest(time: Duration) -> anyhow::Result<()> {
    tokio::time::sleep(time).await;
    Ok(())
}

/// How a part is started; nothing for writers, whose task is another one in each schedule.
fn arguments_of(part: Part, ports: Ports) -> Option<Vec<String>> {
    let served =
        |name: &str, port: u16| Some(vec![name.to_owned(), "--port".to_owned(), port.to_string()]);
    match part {
        Part::Writer => None,
        Part::Relay | Part::Projections | Part::Workers => Some(vec![part.to_string()]),
        Part::Api => served("api", ports.api),
        Part::Engine => served("sandbox", ports.engine),
    }
}
