//! Carries out what a plan says, and counts what was really done.

use super::children::Children;
use super::ground::Ground;
use super::plan::Fault;
use embedded::Service;
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
    deleting: JoinSet<bool>,
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
                self.deleting
                    .spawn(async move { bus.forget().await.is_ok() });
                // Counted when it is known.
                false
            }
            Fault::CutConnections(percent) => cut(ground, percent)?,
            Fault::OpenTransaction => self.open(ground)?,
        };
        if struck {
            *self.counts.entry(fault.name()).or_default() += 1;
        }
        Ok(())
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
        while let Some(deleted) = self.deleting.join_next().await {
            if deleted? {
                *self.counts.entry(Fault::DeleteStream.name()).or_default() += 1;
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
