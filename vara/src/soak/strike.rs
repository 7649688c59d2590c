//! Carries out what a plan says, and counts what was really done.

use super::children::Children;
use super::children::signal;
use super::ground::Ground;
use super::plan::Fault;
use super::slow_consumer::SlowConsumer;
use crate::kit::Kit;
use embedded::Service;
use eventstore::Log;
use eventstore::partitions::Partitions;
use std::collections::BTreeMap;
use std::io::Write;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};
use tokio::task::JoinSet;

/// Deaths of one server within a minute, beyond which its supervisor rightly tries rarely.
const DEATHS_MAX: usize = 5;
/// For how long a death counts, and some more.
const DEATHS_COUNT_FOR: Duration = Duration::from_secs(63);
/// Somebody else's table.
const OTHER_TABLE: &str =
    "CREATE TABLE IF NOT EXISTS soak_other (n int); BEGIN; INSERT INTO soak_other VALUES (1);\n";

/// What went wrong so far, by kind.
pub type Counts = BTreeMap<String, u64>;

/// Who makes things go wrong.
#[derive(Default)]
pub struct Striker {
    pub counts: Counts,
    deaths: [Vec<Instant>; 2],
    transaction: Option<Child>,
    /// Faults that are under way, with their name where they came to be.
    under_way: JoinSet<Option<String>>,
    listener: Option<SlowConsumer>,
    /// A server that stands still, and when it goes on.
    goes_on: Option<(u32, Instant)>,
}

impl Striker {
    /// How long to wait until a server may die once more.
    pub fn wait_for(&mut self, server: Service) -> Option<Duration> {
        let deaths = &mut self.deaths[index(server)];
        deaths.retain(|death| death.elapsed() < DEATHS_COUNT_FOR);
        let oldest = deaths.first().filter(|_| deaths.len() >= DEATHS_MAX)?;
        Some(DEATHS_COUNT_FOR.saturating_sub(oldest.elapsed()))
    }

    /// Makes one thing go wrong.
    ///
    /// # Errors
    /// When that does not work, for another reason than that it is away already.
    pub fn strike(
        &mut self,
        fault: Fault,
        ground: &Ground,
        children: &mut Children,
    ) -> anyhow::Result<()> {
        let struck = match fault {
            Fault::Kill(role, away) => children.kill(role, away)?,
            Fault::Pause(role, pause) => children.pause(role, pause)?,
            Fault::KillNats => self.died(Service::Nats, ground.kill(Service::Nats)?),
            Fault::WipeNats => self.died(Service::Nats, ground.wipe()?),
            Fault::KillPostgres => self.died(Service::Postgres, ground.kill(Service::Postgres)?),
            Fault::DeleteStream => {
                let bus = ground.kit.bus.clone();
                self.set_out(fault, async move { bus.forget().await.is_ok() })
            }
            Fault::PurgeStream => {
                let bus = ground.kit.bus.clone();
                self.set_out(fault, async move { bus.purge().await.is_ok() })
            }
            Fault::Repeat(events) => {
                let kit = ground.kit.clone();
                self.set_out(fault, async move { repeat(&kit, events).await.is_ok() })
            }
            Fault::SlowConsumer => {
                self.listener = SlowConsumer::begin(&ground.kit.servers.nats_url);
                self.listener.is_some()
            }
            Fault::PauseNats(pause) => {
                let paused = ground.pause(Service::Nats)?;
                self.goes_on = paused.map(|pid| (pid, Instant::now() + pause));
                paused.is_some()
            }
            Fault::CutConnections(percent) => cut(ground, percent)?,
            Fault::OpenTransaction => self.open(ground)?,
        };
        if struck {
            *self.counts.entry(fault.name()).or_default() += 1;
        }
        Ok(())
    }

    /// Begins what takes its time; it is counted when it is known to have happened.
    fn set_out(
        &mut self,
        fault: Fault,
        doing: impl Future<Output = bool> + Send + 'static,
    ) -> bool {
        self.under_way
            .spawn(async move { doing.await.then(|| fault.name()) });
        false
    }

    /// Lets a server go on that stood still long enough; whether none stands still any more.
    pub fn look_after(&mut self) -> anyhow::Result<bool> {
        if let Some((pid, _)) = self.goes_on.take_if(|(_, at)| Instant::now() >= *at) {
            signal(pid, "-CONT")?;
        }
        Ok(self.goes_on.is_none())
    }

    fn died(&mut self, server: Service, struck: bool) -> bool {
        if struck {
            self.deaths[index(server)].push(Instant::now());
        }
        struck
    }

    fn open(&mut self, ground: &Ground) -> anyhow::Result<bool> {
        let mut psql = ground
            .psql()?
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        let told = psql
            .stdin
            .as_mut()
            .is_some_and(|input| input.write_all(OTHER_TABLE.as_bytes()).is_ok());
        self.transaction = Some(psql);
        Ok(told)
    }

    /// The schedule is over: whoever held a transaction lets go of it, and what was under way ends.
    pub async fn let_go(&mut self) -> anyhow::Result<()> {
        if let Some(mut psql) = self.transaction.take() {
            // The end of its input is the end of its session; its writing is rolled back.
            drop(psql.stdin.take());
            let begun = Instant::now();
            while psql.try_wait()?.is_none() {
                if begun.elapsed() > Duration::from_secs(5) {
                    psql.kill()?;
                }
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        }
        self.listener = None;
        while let Some(happened) = self.under_way.join_next().await {
            if let Some(name) = happened? {
                *self.counts.entry(name).or_default() += 1;
            }
        }
        Ok(())
    }
}

impl Drop for Striker {
    fn drop(&mut self) {
        if let Some(psql) = &mut self.transaction {
            drop(psql.kill());
            drop(psql.wait());
        }
    }
}

/// Publishes old events again, chosen by lot, the newest of them first: to readers they are duplicates in wrong order.
async fn repeat(kit: &Kit, events: u32) -> anyhow::Result<()> {
    let log = Log::new(kit.store.database().clone());
    let head = log.head().await?;
    let mut positions: Vec<_> = (0..events).map(|_| fastrand::i64(0..head.max(1))).collect();
    positions.sort_unstable_by(|one, other| other.cmp(one));
    for before in positions {
        let partitions = Partitions::after(&log, before).await?;
        for event in log.read_after(before, 1).await? {
            kit.bus.publish_again(&event, partitions.clone()).await?;
        }
    }
    Ok(())
}

const fn index(server: Service) -> usize {
    match server {
        Service::Postgres => 0,
        Service::Nats => 1,
    }
}

/// Cuts some of the connections that clients hold; whether somebody was there to do it.
fn cut(ground: &Ground, percent: u32) -> anyhow::Result<bool> {
    let ask = format!(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
          WHERE backend_type = 'client backend' AND pid <> pg_backend_pid() AND random() * 100 < {percent}"
    );
    let mut psql = ground.psql()?;
    psql.args(["--command", &ask])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    // A server that is away refuses it, which is no fault of the run.
    Ok(psql.status()?.success())
}
