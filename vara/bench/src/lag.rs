//! How long it takes until a commit shows in every read model, at a steady rate of commands.

use crate::filled::{fill, join_all};
use crate::ground::Ground;
use crate::report::Report;
use crate::run::bar;
use crate::signed;
use crate::theirs;
use crate::timed::{Timed, rows};
use anyhow::ensure;
use domain::ids::UserId;
use domain::user::{ChangeConsent, Purpose, TextVersion, User, UserCommand};
use eventstore::bus::Bus;
use eventstore::edge::{fresh_id, now};
use eventstore::feed::Tail;
use eventstore::relay::Relay;
use eventstore::{Database, Store, Why, checkpoint};
use projections::READ_MODELS;
use std::time::{Duration, Instant};
use tokio::sync::watch;
use tokio::task::JoinSet;

/// Members whose commands are spread over the time.
pub(crate) const MEMBERS: usize = 200;
/// An address where nobody answers.
const NOWHERE: &str = "nats://nobody:nothing@127.0.0.1:9";
/// Events that are published anew after the bus was wiped.
const WIPED: u64 = 100_000;
/// Longest wait for the last event to be shown.
const PATIENCE: Duration = Duration::from_secs(60);
/// How the read models are looked at.
const SHOWN: Look = Look {
    found: "shown",
    every: Duration::from_millis(1),
    patience: PATIENCE,
};

/// How to measure it.
#[derive(Debug, Clone, Copy)]
pub struct Lags {
    /// Commands a second, of one event each.
    pub rate: u32,
    /// How long each time, in seconds.
    pub seconds: f64,
    /// How often each figure is taken.
    pub rounds: u32,
}

/// Measures the lag with the bus, and without any.
///
/// # Errors
/// When a server cannot be started, a command fails, or an event is never shown.
pub async fn lag(ground: &Ground, ask: Lags) -> anyhow::Result<Report> {
    ensure!(
        (1..=20_000).contains(&ask.rate),
        "--rate must be from 1 to 20000, not {}",
        ask.rate
    );
    ensure!(
        (0.5..=600.0).contains(&ask.seconds),
        "--seconds must be from 0.5 to 600, not {}",
        ask.seconds
    );
    ensure!(
        (1..=100).contains(&ask.rounds),
        "--rounds must be from 1 to 100, not {}",
        ask.rounds
    );
    let facts = ground.facts().await?;
    let bus = ground.bus().await?;
    let count = (f64::from(ask.rate) * ask.seconds) as u64;
    let visible = |variant| Timed::new("commit-to-visible", variant, ask.rate, count);
    let mut timed = ["postgres-es", "log-only", "vara"].map(visible);
    let mut wiped = Timed::new("bus-wiped", "vara", 1, WIPED);
    let mut proved = Timed::new("commit-to-signed", "vara", ask.rate, count);
    let bar = bar(ask.rounds as usize * timed.len())?;
    for round in 0..ask.rounds as usize {
        for turn in 0..timed.len() {
            let which = (turn + round) % timed.len();
            bar.set_message(timed[which].variant);
            let begun = Instant::now();
            let singly = match which {
                0 => theirs::once(ground, ask).await?,
                1 => once(ground, NOWHERE, ask).await?,
                _ => once(ground, bus.url(), ask).await?,
            };
            timed[which].singly.extend(singly);
            timed[which].runs.push(begun.elapsed());
            bar.inc(1);
        }
    }
    bar.set_message("checkpoints");
    for _ in 0..ask.rounds {
        let begun = Instant::now();
        proved.singly.extend(signed::once(ground, ask).await?);
        proved.runs.push(begun.elapsed());
    }
    bar.set_message("a wiped bus");
    for _ in 0..ask.rounds {
        wiped.runs.push(refilled(ground, bus.url()).await?);
    }
    bar.finish_and_clear();
    bus.stop().await?;
    Ok(Report {
        bench: "lag".to_owned(),
        rounds: ask.rounds,
        seconds: ask.seconds,
        facts,
        rows: rows(&[timed.to_vec(), vec![proved, wiped]].concat()),
    })
}

/// From an empty stream to one that holds the whole log again.
async fn refilled(ground: &Ground, nats_url: &str) -> anyhow::Result<Duration> {
    ground.clean().await?;
    fill(ground, WIPED).await?;
    let pool = ground.connect(4).await?;
    let bus = Bus::connect(nats_url).await?;
    bus.prepare().await?;
    bus.forget().await?;
    let begun = Instant::now();
    let (_, head) = watch::channel(0);
    let relay = tokio::spawn(Relay::new(pool.clone(), bus.clone(), head).run());
    while bus.last_position().await.unwrap_or_default() < i64::try_from(WIPED)? {
        ensure!(begun.elapsed() < PATIENCE, "the bus is not filled in time");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let took = begun.elapsed();
    relay.abort();
    pool.close().await;
    Ok(took)
}

/// For each event of one run, from the answer of its command to the moment when every read model shows it.
async fn once(ground: &Ground, nats_url: &str, ask: Lags) -> anyhow::Result<Vec<Duration>> {
    let pool = ground.connect(24).await?;
    let store = Store::open(pool.clone(), ground.vault(&pool)?);
    let bus = Bus::connect(nats_url).await?;
    let mut running = JoinSet::new();
    running.spawn(Relay::new(pool.clone(), bus.clone(), store.head()).run());
    let models = projections::run_all(&pool, &pool, store.vault(), &Tail::follow(bus));
    let members = join_all(&store, MEMBERS).await?;
    shown(&pool, *store.head().borrow()).await?;
    let (told, last) = watch::channel(None);
    let database = pool.clone();
    let watching = tokio::spawn(looks(SHOWN, last, move || {
        let database = database.clone();
        async move { Ok(checkpoint::least(&database, &READ_MODELS).await?) }
    }));
    let mut committed = paced(&store, &members, ask).await?;
    committed.sort_unstable();
    told.send_replace(committed.last().map(|(position, _)| *position));
    let seen = watching.await??;
    drop((models, running));
    checkpoint::release(&pool, eventstore::edge::this_process()).await?;
    pool.close().await;
    lags(committed, seen)
}

/// From each commit, in order of positions, to the first look that found it there.
pub(crate) fn lags(
    committed: Vec<(i64, Instant)>,
    looks: Vec<(i64, Instant)>,
) -> anyhow::Result<Vec<Duration>> {
    let mut looks = looks.into_iter().peekable();
    let mut lags = Vec::with_capacity(committed.len());
    for (position, at) in committed {
        while looks.peek().is_some_and(|(shown, _)| *shown < position) {
            looks.next();
        }
        let (_, when) = looks
            .peek()
            .ok_or_else(|| anyhow::anyhow!("position {position} was never shown"))?;
        lags.push(when.saturating_duration_since(at));
    }
    Ok(lags)
}

/// Commands at their times, however long earlier ones take; the position and moment of each commit.
pub(crate) async fn paced(
    store: &Store,
    members: &[UserId],
    ask: Lags,
) -> anyhow::Result<Vec<(i64, Instant)>> {
    let committed = at_their_times(ask, |n| {
        let (store, (member, change)) = (store.clone(), turn(members, n));
        async move {
            let why = Why::member(member, fresh_id(), fresh_id());
            let receipt = store.execute::<User>(member.0, change?, why).await?;
            Ok((!receipt.already_done).then(|| (receipt.position, Instant::now())))
        }
    });
    Ok(committed.await?.into_iter().flatten().collect())
}

/// The member whose turn it is, and what she says now, which is never what she said before.
pub(crate) fn turn(members: &[UserId], n: u32) -> (UserId, anyhow::Result<UserCommand>) {
    let member = members[n as usize % members.len()];
    let change = TextVersion::parse("settings-1").map(|text_version| {
        UserCommand::ChangeConsent(ChangeConsent {
            user_id: member,
            purpose: Purpose::FaceSearch,
            granted: (n as usize / members.len()).is_multiple_of(2),
            text_version,
            at: now(),
        })
    });
    (member, change.map_err(Into::into))
}

/// Starts each at its time, however long earlier ones take, and waits for all.
pub(crate) async fn at_their_times<T, F>(
    ask: Lags,
    start: impl Fn(u32) -> F,
) -> anyhow::Result<Vec<T>>
where
    T: Send + 'static,
    F: Future<Output = anyhow::Result<T>> + Send + 'static,
{
    let count = (f64::from(ask.rate) * ask.seconds) as u32;
    let (begun, mut running) = (tokio::time::Instant::now(), JoinSet::new());
    for n in 0..count {
        tokio::time::sleep_until(begun + Duration::from_secs(1) / ask.rate * n).await;
        running.spawn(start(n));
    }
    let mut done = Vec::with_capacity(count as usize);
    while let Some(one) = running.join_next().await {
        done.push(one??);
    }
    Ok(done)
}

/// How to look for the last event.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Look {
    /// What is said of an event that is found, as `shown`.
    pub found: &'static str,
    /// The time between two looks.
    pub every: Duration,
    /// Longest wait for the last event, once it is known which that is.
    pub patience: Duration,
}

/// Looks again and again how far something is, until it has come to the last event.
pub(crate) async fn looks<F>(
    look: Look,
    last: watch::Receiver<Option<i64>>,
    reached: impl Fn() -> F + Send,
) -> anyhow::Result<Vec<(i64, Instant)>>
where
    F: Future<Output = anyhow::Result<i64>> + Send,
{
    let mut looks = Vec::new();
    let mut known = None;
    loop {
        let position = reached().await?;
        looks.push((position, Instant::now()));
        if let Some(last) = *last.borrow() {
            let since = *known.get_or_insert_with(Instant::now);
            if position >= last {
                return Ok(looks);
            }
            let found = look.found;
            ensure!(
                since.elapsed() < look.patience,
                "position {last} is not {found} in time"
            );
        }
        tokio::time::sleep(look.every).await;
    }
}

async fn shown(pool: &Database, position: i64) -> anyhow::Result<()> {
    let begun = Instant::now();
    while checkpoint::least(pool, &READ_MODELS).await? < position {
        ensure!(
            begun.elapsed() < PATIENCE,
            "the read models do not come as far as position {position}"
        );
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    Ok(())
}
