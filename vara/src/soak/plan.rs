//! What goes wrong in one schedule, and when: a pure function of its seed, so that a seed replays it.

use std::fmt;
use std::time::Duration;

/// Longest time for which a process stands still: longer than a lease (3 s), so that its work is taken over.
const PAUSE_MAX_MS: u64 = 5_000;
/// Longest time until a killed process is started again.
const AWAY_MAX_MS: u64 = 800;
/// For how long NATS stands still: longer than publications, pings and questions wait for it.
const LONG_MS: std::ops::RangeInclusive<u64> = 20_000..=25_000;
/// Most faults of one schedule.
const FAULTS_MAX: u64 = 8;

/// One of the processes of a run, by its kind and number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Role {
    pub part: Part,
    pub number: usize,
}

/// The kinds of processes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    Writer,
    Relay,
    Projections,
    /// Image scans and policies.
    Workers,
    Api,
    /// The stand-in of the search engine.
    Engine,
}

impl Part {
    pub const ALL: [Self; 6] = [
        Self::Writer,
        Self::Relay,
        Self::Projections,
        Self::Workers,
        Self::Api,
        Self::Engine,
    ];

    /// How many run at once.
    pub const fn count(self) -> usize {
        match self {
            Self::Writer => super::WRITERS,
            Self::Relay | Self::Projections | Self::Workers => 2,
            // Each has one port, at which everybody looks for it.
            Self::Api | Self::Engine => 1,
        }
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Writer => "writer",
            Self::Relay => "relay",
            Self::Projections => "projections",
            Self::Workers => "workers",
            Self::Api => "api",
            Self::Engine => "engine",
        })
    }
}

/// Something that goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// SIGKILL; started again after a while.
    Kill(Role, Duration),
    /// SIGSTOP, and SIGCONT after a while.
    Pause(Role, Duration),
    KillNats,
    /// Killed, and its store deleted before it comes back.
    WipeNats,
    /// The stream is deleted while everybody uses it.
    DeleteStream,
    /// All its messages are deleted while it stays, and remembers their ids.
    PurgeStream,
    /// So many old events are published again, the newest of them first.
    Repeat(u32),
    /// Somebody listens to everything and takes nothing from the wire, until the schedule ends.
    SlowConsumer,
    /// SIGSTOP of NATS, and SIGCONT after long.
    PauseNats(Duration),
    /// SIGKILL of the postmaster.
    KillPostgres,
    /// Of a hundred connections to the database, how many are cut.
    CutConnections(u32),
    /// Somebody else's writing transaction, open until the schedule ends.
    OpenTransaction,
}

impl Fault {
    /// What it is called where faults are counted.
    pub fn name(&self) -> String {
        match self {
            Self::Kill(role, _) => format!("kill -9 {}", role.part),
            Self::Pause(role, _) => format!("stop and continue {}", role.part),
            Self::KillNats => "kill -9 NATS".to_owned(),
            Self::WipeNats => "NATS store wiped".to_owned(),
            Self::DeleteStream => "stream deleted".to_owned(),
            Self::PurgeStream => "stream purged".to_owned(),
            Self::Repeat(_) => "events published again in wrong order".to_owned(),
            Self::SlowConsumer => "slow consumer".to_owned(),
            Self::PauseNats(_) => "NATS stands still for long".to_owned(),
            Self::KillPostgres => "kill -9 PostgreSQL".to_owned(),
            Self::CutConnections(_) => "connections cut".to_owned(),
            Self::OpenTransaction => "open transaction".to_owned(),
        }
    }
}

/// The faults of one schedule, in the order of their moments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    pub faults: Vec<(Duration, Fault)>,
    /// Of a hundred commands, how many lose their client on the way.
    pub drops: u32,
}

impl Plan {
    /// The plan of this seed; its faults begin within `span`.
    pub fn of(seed: u64, span: Duration) -> Self {
        let mut rng = fastrand::Rng::with_seed(seed);
        let span = u64::try_from(span.as_millis()).unwrap_or(u64::MAX);
        let mut faults: Vec<_> = (0..rng.u64(1..=FAULTS_MAX))
            .map(|_| (Duration::from_millis(rng.u64(0..=span)), one(&mut rng)))
            .collect();
        faults.sort_by_key(|(at, _)| *at);
        // One of each server: after seven deaths in a minute a supervisor rightly tries rarely.
        let mut seen = Vec::new();
        faults.retain(|(_, fault)| {
            let once = match fault {
                Fault::KillNats | Fault::WipeNats | Fault::PauseNats(_) => "NATS",
                Fault::KillPostgres => "PostgreSQL",
                Fault::OpenTransaction => "transaction",
                Fault::SlowConsumer => "consumer",
                Fault::Kill(..)
                | Fault::Pause(..)
                | Fault::DeleteStream
                | Fault::PurgeStream
                | Fault::Repeat(_)
                | Fault::CutConnections(_) => {
                    return true;
                }
            };
            let first = !seen.contains(&once);
            seen.push(once);
            first
        });
        Self {
            faults,
            drops: rng.u32(0..=20),
        }
    }

    /// Whether a server dies in it.
    pub fn kills(&self, server: embedded::Service) -> bool {
        self.faults.iter().any(|(_, fault)| match fault {
            Fault::KillNats | Fault::WipeNats => server == embedded::Service::Nats,
            Fault::KillPostgres => server == embedded::Service::Postgres,
            Fault::Kill(..)
            | Fault::Pause(..)
            | Fault::DeleteStream
            | Fault::PurgeStream
            | Fault::Repeat(_)
            | Fault::SlowConsumer
            | Fault::PauseNats(_)
            | Fault::CutConnections(_)
            | Fault::OpenTransaction => false,
        })
    }
}

fn one(rng: &mut fastrand::Rng) -> Fault {
    let weight = rng.u32(0..200);
    let part = Part::ALL[rng.usize(..Part::ALL.len())];
    let role = Role {
        part,
        number: rng.usize(..part.count()),
    };
    let away = Duration::from_millis(rng.u64(0..=AWAY_MAX_MS));
    let pause = Duration::from_millis(rng.u64(50..=PAUSE_MAX_MS));
    // What makes the bus forget costs the most, since all of it is published again: one fault in ten.
    match weight {
        0..=95 => Fault::Kill(role, away),
        96..=117 => Fault::Pause(role, pause),
        118..=131 => Fault::KillNats,
        132..=139 => Fault::WipeNats,
        140..=145 => Fault::DeleteStream,
        146..=151 => Fault::PurgeStream,
        152..=165 => Fault::KillPostgres,
        166..=181 => Fault::CutConnections(rng.u32(10..=100)),
        182..=189 => Fault::OpenTransaction,
        190..=194 => Fault::Repeat(rng.u32(5..=40)),
        195..=198 => Fault::SlowConsumer,
        199.. => Fault::PauseNats(Duration::from_millis(rng.u64(LONG_MS))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    const SPAN: Duration = Duration::from_secs(2);

    #[test]
    fn a_seed_replays_its_schedule_and_another_one_is_another() {
        assert_eq!(Plan::of(42, SPAN), Plan::of(42, SPAN));
        assert_ne!(Plan::of(42, SPAN), Plan::of(43, SPAN));
    }

    #[test]
    fn moments_rise_within_the_span_and_every_kind_comes_up() {
        let mut kinds = HashSet::new();
        for seed in 0..2_000 {
            let plan = Plan::of(seed, SPAN);
            assert!(plan.faults.is_sorted_by_key(|(at, _)| *at) && !plan.faults.is_empty());
            assert!(plan.faults.iter().all(|(at, _)| *at <= SPAN));
            kinds.extend(plan.faults.iter().map(|(_, fault)| fault.name()));
        }
        // Six parts are killed and stopped, and ten other things happen.
        assert_eq!(kinds.len(), 2 * Part::ALL.len() + 10, "{kinds:?}");
    }

    #[test]
    fn no_server_dies_twice_in_one_schedule() {
        for seed in 0..500 {
            let plan = Plan::of(seed, SPAN);
            let count =
                |dies: fn(&Fault) -> bool| plan.faults.iter().filter(|(_, f)| dies(f)).count();
            assert!(count(|f| matches!(f, Fault::KillPostgres)) <= 1);
            assert!(count(|f| matches!(f, Fault::KillNats | Fault::WipeNats)) <= 1);
        }
    }
}
