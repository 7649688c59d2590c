//! A log to measure with: members who joined through the store, and their later choices, written by the server itself.

use crate::ground::Ground;
use anyhow::ensure;
use domain::ids::UserId;
use domain::user::{RegisterUser, User, UserCommand};
use eventstore::edge::{fresh_id, now};
use eventstore::{Store, Why};
use sqlx::Executor;
use tokio::task::JoinSet;

/// Members; each of them has events with a sealed address, and a share of all others.
pub const MEMBERS: usize = 1_000;
/// Fewest events that make a measurement.
pub const EVENTS_MIN: u64 = 10_000;
/// Most events of one run: about 8 GB on the disk.
pub const EVENTS_MAX: u64 = 10_000_000;

/// What the members chose, turn by turn. Ids of commands differ, so that each event has its own.
const CHOICES: &str = r#"
    INSERT INTO events (aggregate_type, aggregate_id, sequence, event_type, event_version, payload, metadata,
                        position, event_id, command_id)
    SELECT 'user', s.stream, s.sequence + (n - 1) / s.streams + 1, c.kind, '1',
           format('{"%s":{"user_id":"%s","purpose":"%s","text_version":"settings-1","%s":"2026-11-24T10:15:30.123Z"}}',
                  c.kind, s.stream, CASE n % 3 WHEN 0 THEN 'FACE_SEARCH' WHEN 1 THEN 'BREACH_LOOKUP' ELSE 'IMAGE_SCAN' END,
                  c.time)::json,
           format('{"subject":"%s","actor":"user:%s","request_id":"%s","cause_id":"%s","correlation_id":"%s","command_id":"%s","event_id":"%s"}',
                  s.stream, s.stream, i.command, i.command, i.command, i.command, i.event)::json,
           h.head + n, i.event, i.command
      FROM generate_series(1, $1::bigint) AS n
     CROSS JOIN (SELECT max(position) AS head FROM events) AS h
     CROSS JOIN LATERAL (SELECT gen_random_uuid() AS event, gen_random_uuid() AS command, n AS each) AS i
     CROSS JOIN LATERAL (SELECT CASE (n / 7) % 2 WHEN 0 THEN 'ConsentGranted' ELSE 'ConsentWithdrawn' END AS kind,
                                CASE (n / 7) % 2 WHEN 0 THEN 'granted_at' ELSE 'withdrawn_at' END AS time) AS c
      JOIN (SELECT aggregate_id AS stream, max(sequence) AS sequence, count(*) OVER () AS streams,
                   row_number() OVER (ORDER BY aggregate_id) - 1 AS place
              FROM events GROUP BY aggregate_id) AS s ON s.place = (n - 1) % s.streams
"#;

/// A member, and the command by which she is the n-th to join.
pub fn joining(n: usize) -> (UserId, UserCommand) {
    let member = UserId(fresh_id());
    let register = UserCommand::Register(RegisterUser {
        user_id: member,
        email: format!("member{n}@example.test").into(),
        registered_at: now(),
    });
    (member, register)
}

/// Registers the n-th member.
async fn join(store: &Store, n: usize) -> anyhow::Result<UserId> {
    let (member, register) = joining(n);
    let why = Why::member(member, fresh_id(), fresh_id());
    store.execute::<User>(member.0, register, why).await?;
    Ok(member)
}

/// Registers so many members, one after another.
///
/// # Errors
/// When one could not be recorded.
pub async fn join_all(store: &Store, count: usize) -> anyhow::Result<Vec<UserId>> {
    let mut members = Vec::with_capacity(count);
    for n in 0..count {
        members.push(join(store, n).await?);
    }
    Ok(members)
}

/// Fills the empty log with so many events.
///
/// # Errors
/// When the database does not answer, or holds something else in the end.
pub async fn fill(ground: &Ground, events: u64) -> anyhow::Result<()> {
    let pool = ground.connect(16).await?;
    let store = Store::open(pool.clone(), ground.vault(&pool)?);
    let mut joining = JoinSet::new();
    for n in 0..MEMBERS {
        let store = store.clone();
        joining.spawn(async move { join(&store, n).await });
    }
    while let Some(joined) = joining.join_next().await {
        joined??;
    }
    let head = eventstore::Log::new(pool.clone()).head().await?;
    let rest = i64::try_from(events)? - head;
    ensure!(rest > 0, "fewer than {head} events make no measurement");
    let mut tx = pool.begin().await?;
    tx.execute("SET LOCAL statement_timeout = 0").await?;
    sqlx::query(CHOICES).bind(rest).execute(&mut *tx).await?;
    tx.commit().await?;
    pool.execute("ANALYZE events").await?;
    pool.close().await;
    ground.is_gapless(events).await
}
