//! `bench append`: how many events a second go in, and how long a caller waits.

use crate::cell::{Cell, Variant, Work};
use crate::ground::Ground;
use crate::note::{Note, NoteEvent, Notes};
use crate::pgbench::{self, Load};
use crate::plan::Plan;
use crate::statistics::{Call, Sample};
use crate::writers::drive;
use anyhow::{Context, ensure};
use cqrs_es::persist::PersistedEventStore;
use cqrs_es::{Aggregate, CqrsFramework};
use domain::ids::{MatchId, UserId};
use domain::matches::{
    Disposition, Match, MatchCommand, MatchType, PageAddress, RecordMatch, Tier, Verdict,
};
use domain::share::Share;
use eventstore::edge::{fresh_id, now};
use eventstore::lane::{Append, Lane, NewEvent, Outcome};
use eventstore::{Database, Receipt, Store, Why};
use postgres_es::PostgresEventRepository;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::sync::watch;
use uuid::Uuid;

/// Connections of a pool, as many as one process of the program has.
const CONNECTIONS: u32 = 24;
/// Our log.
const OURS: &str = "events";
/// What pgbench writes to.
const PLAIN: &str = "bench_rows";
/// The table that postgres-es asks for.
const THEIRS: &str = "bench_theirs";
/// Streams that hold an event before commands on known streams begin; more than there are writers, so that none collide.
const KNOWN: usize = 1_024;
/// The function of `sql/shape.sql` that gives no order.
const UNORDERED: &str = "append_unordered";

/// Measures one cell once, on empty tables, and checks that the log holds what was counted.
///
/// # Errors
/// When a call fails, or the log holds something else.
pub async fn measure(ground: &Ground, plan: &Plan, cell: Cell) -> anyhow::Result<Sample> {
    ground.clean().await?;
    let (calls, table) = match (cell.variant, cell.work) {
        (Variant::Pgbench, work) => (inserts(ground, plan, cell, work).await?, PLAIN),
        (Variant::PostgresEs, _) => (by_postgres_es(ground, plan, cell, THEIRS).await?, THEIRS),
        (Variant::PostgresEsOrdered, _) => (by_postgres_es(ground, plan, cell, OURS).await?, OURS),
        (Variant::Vara, Work::Execute1 | Work::Execute10) => {
            (by_vara(ground, plan, cell).await?, OURS)
        }
        (Variant::Vara, Work::ExecuteKnown) => (by_vara_on_known(ground, plan, cell).await?, OURS),
        (Variant::Vara, Work::AppendOnly | Work::AppendUnordered) => {
            (by_lane(ground, plan, cell, Lane::start).await?, OURS)
        }
        (Variant::Unordered, _) => {
            let lane = |pool: &Database, head| Lane::with_function(pool, head, UNORDERED);
            (by_lane(ground, plan, cell, lane).await?, OURS)
        }
    };
    let before = match (cell.variant, cell.work) {
        (Variant::Vara, Work::ExecuteKnown) => KNOWN as u64,
        _ => 0,
    };
    let events = before + calls.len() as u64 * u64::from(cell.work.events());
    ground
        .holds(table, events)
        .await
        .with_context(|| format!("{cell}"))?;
    Sample::of(&calls, plan.span()).with_context(|| cell.to_string())
}

async fn inserts(
    ground: &Ground,
    plan: &Plan,
    cell: Cell,
    work: Work,
) -> anyhow::Result<Vec<Call>> {
    let (payload, metadata) = (payload()?, metadata(&why(UserId(fresh_id())), fresh_id())?);
    let load = Load {
        clients: cell.writers,
        rows: work.events(),
        payload: &payload,
        metadata: &metadata,
        span: plan.span(),
    };
    pgbench::run(ground, load).await
}

async fn by_postgres_es(
    ground: &Ground,
    plan: &Plan,
    cell: Cell,
    table: &str,
) -> anyhow::Result<Vec<Call>> {
    let pool = ground.connect(CONNECTIONS).await?;
    let repository = PostgresEventRepository::new(pool.clone()).with_tables(table, "unused");
    let events = PersistedEventStore::<_, Notes>::new_event_store(repository);
    let framework = Arc::new(CqrsFramework::new(events, vec![], ()));
    let (ask, subject) = (
        Note {
            events: cell.work.events(),
        },
        UserId(fresh_id()),
    );
    let calls = drive(cell.writers, plan.span(), move || {
        let framework = Arc::clone(&framework);
        async move {
            let (stream, circumstances) =
                (fresh_id().to_string(), as_map(&why(subject), fresh_id()));
            let done = framework.execute_with_metadata(&stream, ask, circumstances);
            Ok(done.await?)
        }
    });
    let calls = calls.await;
    pool.close().await;
    calls
}

async fn by_vara(ground: &Ground, plan: &Plan, cell: Cell) -> anyhow::Result<Vec<Call>> {
    let pool = ground.connect(CONNECTIONS).await?;
    let store = Store::open(pool.clone(), ground.vault(&pool)?);
    let (ask, subject) = (
        Note {
            events: cell.work.events(),
        },
        UserId(fresh_id()),
    );
    let calls = drive(cell.writers, plan.span(), move || {
        let store = store.clone();
        async move {
            let done = store.execute::<Notes>(fresh_id(), ask, why(subject));
            is_new(done.await?)
        }
    });
    let calls = calls.await;
    pool.close().await;
    calls
}

/// Pages that were found before are seen again, one after another.
async fn by_vara_on_known(ground: &Ground, plan: &Plan, cell: Cell) -> anyhow::Result<Vec<Call>> {
    let pool = ground.connect(CONNECTIONS).await?;
    let store = Store::open(pool.clone(), ground.vault(&pool)?);
    let owner = UserId(fresh_id());
    let known: Arc<[MatchId]> = (0..KNOWN).map(|_| MatchId(fresh_id())).collect();
    for page in known.iter() {
        let done = store.execute::<Match>(page.0, seen(owner, *page)?, why(owner));
        is_new(done.await?)?;
    }
    let turn = Arc::new(AtomicUsize::new(0));
    let calls = drive(cell.writers, plan.span(), move || {
        let page = known[turn.fetch_add(1, Ordering::Relaxed) % KNOWN];
        let store = store.clone();
        async move {
            let done = store.execute::<Match>(page.0, seen(owner, page)?, why(owner));
            is_new(done.await?)
        }
    });
    let calls = calls.await;
    pool.close().await;
    calls
}

fn is_new(receipt: Receipt) -> anyhow::Result<()> {
    ensure!(
        !receipt.already_done,
        "a fresh command was taken for one that was done"
    );
    Ok(())
}

/// A fresh scan sees this page.
fn seen(owner: UserId, match_id: MatchId) -> anyhow::Result<MatchCommand> {
    Ok(MatchCommand::Record(Box::new(RecordMatch {
        owner,
        match_id,
        image_id: fresh_id().into(),
        scan_id: fresh_id().into(),
        page: PageAddress::parse(&format!("https://gallery.example.test/{match_id}"))?,
        picture: None,
        engine: "tineye".to_owned(),
        similarity: Share::percent(97),
        verdict: Verdict {
            match_type: MatchType::Exact,
            tier: Tier::High,
            disposition: Disposition::Alert,
        },
        is_mock: true,
        detected_at: now(),
    })))
}

async fn by_lane(
    ground: &Ground,
    plan: &Plan,
    cell: Cell,
    start: impl FnOnce(&Database, watch::Sender<i64>) -> Lane,
) -> anyhow::Result<Vec<Call>> {
    // The lane opens connections of its own to the same database.
    let pool = ground.connect(1).await?;
    let lane = start(&pool, watch::channel(0).0);
    let (subject, payload) = (UserId(fresh_id()), payload()?);
    let calls = drive(cell.writers, plan.span(), move || {
        let (lane, payload) = (lane.clone(), payload.clone());
        async move {
            let outcome = lane.append(one_event(subject, payload)?).await?;
            ensure!(
                matches!(outcome, Outcome::Appended(_)),
                "a fresh stream met {outcome:?}"
            );
            Ok(())
        }
    });
    let calls = calls.await;
    pool.close().await;
    calls
}

/// One sealed event on a fresh stream.
fn one_event(subject: UserId, payload: String) -> anyhow::Result<Append> {
    let (why, event_id) = (why(subject), fresh_id());
    let event = NewEvent {
        event_id,
        sequence: 1,
        event_type: "Noted".to_owned(),
        event_version: "1".to_owned(),
        payload,
        metadata: metadata(&why, event_id)?,
    };
    Ok(Append {
        command_id: why.command_id,
        noun: Notes::TYPE.to_owned(),
        stream: fresh_id().to_string(),
        events: vec![event],
    })
}

fn why(subject: UserId) -> Why {
    Why::member(subject, fresh_id(), fresh_id())
}

/// A payload as it stands in the log: its personal value is ciphertext, which no longer than this one ever is.
fn payload() -> anyhow::Result<String> {
    let mut payload = serde_json::to_value(NoteEvent::noted())?;
    payload["Noted"]["page"] = serde_json::json!({ "$sealed": format!("1.{}", "A".repeat(114)) });
    Ok(payload.to_string())
}

/// Circumstances as they stand in the log, in the string map that cqrs-es carries.
fn as_map(why: &Why, event_id: Uuid) -> HashMap<String, String> {
    HashMap::from([
        ("subject".to_owned(), why.subject.to_string()),
        ("actor".to_owned(), why.actor.clone()),
        ("request_id".to_owned(), why.request_id.to_string()),
        ("cause_id".to_owned(), why.cause_id.to_string()),
        ("correlation_id".to_owned(), why.correlation_id.to_string()),
        ("command_id".to_owned(), why.command_id.to_string()),
        ("event_id".to_owned(), event_id.to_string()),
    ])
}

fn metadata(why: &Why, event_id: Uuid) -> anyhow::Result<String> {
    Ok(serde_json::to_string(&as_map(why, event_id))?)
}
