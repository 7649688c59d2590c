//! Read models as the unmodified postgres-es has them: one JSON view of each stream, written by whoever commits.

use crate::filled::joining;
use crate::ground::Ground;
use crate::lag::{Lags, MEMBERS, at_their_times, turn};
use anyhow::{Context, ensure};
use chrono::{DateTime, Utc};
use cqrs_es::event_sink::EventSink;
use cqrs_es::persist::{GenericQuery, PersistedEventStore, ViewRepository};
use cqrs_es::{
    Aggregate, AggregateContext, AggregateError, EventEnvelope, EventStore, Query, View,
};
use domain::ids::UserId;
use domain::user::{Purpose, User, UserCommand, UserEvent};
use eventstore::Database;
use postgres_es::{PostgresEventRepository, PostgresViewRepository};
use serde::{Deserialize, Serialize};
use sqlx::Executor;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::{Duration, Instant};
use uuid::Uuid;

/// The table of events, and that of views.
const EVENTS: &str = "bench_theirs";
const VIEWS: &str = "bench_views";

/// What one member was ever asked to agree to.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Choices {
    said: BTreeMap<Purpose, Said>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Said {
    granted: bool,
    text_version: String,
    changed_at: DateTime<Utc>,
}

impl View<User> for Choices {
    fn update(&mut self, event: &EventEnvelope<User>) {
        let (purpose, granted, text_version, changed_at) = match &event.payload {
            UserEvent::UserRegistered { .. } | UserEvent::SubjectErased { .. } => return,
            UserEvent::ConsentGranted {
                purpose,
                text_version,
                granted_at,
                ..
            } => (purpose, true, text_version, granted_at),
            UserEvent::ConsentWithdrawn {
                purpose,
                text_version,
                withdrawn_at,
                ..
            } => (purpose, false, text_version, withdrawn_at),
        };
        let said = Said {
            granted,
            text_version: text_version.clone(),
            changed_at: *changed_at,
        };
        self.said.insert(*purpose, said);
    }
}

type Views = PostgresViewRepository<Choices, User>;

/// The framework's parts, each called by itself, because only so the moment of the commit is seen.
struct Theirs {
    events: PersistedEventStore<PostgresEventRepository, User>,
    views: GenericQuery<Views, Choices, User>,
}

impl Theirs {
    fn on(pool: &Database) -> Self {
        let repository = PostgresEventRepository::new(pool.clone()).with_tables(EVENTS, "unused");
        let views = Arc::new(Views::new(VIEWS, pool.clone()));
        Self {
            events: PersistedEventStore::new_event_store(repository),
            views: GenericQuery::new(views),
        }
    }

    /// What `CqrsFramework::execute` does; from the commit until the view shows it.
    async fn execute(&self, member: UserId, command: UserCommand) -> anyhow::Result<Duration> {
        let stream = member.to_string();
        loop {
            let mut context = self.events.load_aggregate(&stream).await?;
            let sink = EventSink::default();
            let handled = context.aggregate().handle(command.clone(), &(), &sink);
            handled.await?;
            let facts = sink.collect().await;
            let committed = match self.events.commit(facts, context, HashMap::new()).await {
                // Left to the caller there.
                Err(AggregateError::AggregateConflict) => continue,
                committed => committed?,
            };
            let at = Instant::now();
            self.views.dispatch(&stream, &committed).await;
            return Ok(at.elapsed());
        }
    }
}

/// For each command of one run, from its commit to the moment when its view shows it.
pub(crate) async fn once(ground: &Ground, ask: Lags) -> anyhow::Result<Vec<Duration>> {
    let pool = ground.connect(24).await?;
    pool.execute("TRUNCATE bench_theirs, bench_views").await?;
    let theirs = Arc::new(Theirs::on(&pool));
    let mut members = Vec::with_capacity(MEMBERS);
    for n in 0..MEMBERS {
        let (member, register) = joining(n);
        theirs.execute(member, register).await?;
        members.push(member);
    }
    let lags = at_their_times(ask, |n| {
        let (theirs, (member, change)) = (Arc::clone(&theirs), turn(&members, n));
        async move { theirs.execute(member, change?).await }
    });
    let lags = lags.await;
    pool.close().await;
    lags
}

/// Fills the views with what [`projections::users::consents`] shows.
pub(crate) async fn copy(pool: &Database) -> anyhow::Result<()> {
    let filled = "INSERT INTO bench_views (view_id, version, payload)
         SELECT user_id::text, 1, json_build_object('said', json_object_agg(purpose,
                json_build_object('granted', granted, 'text_version', text_version, 'changed_at', changed_at)))
           FROM read_consents GROUP BY user_id";
    pool.execute(filled).await?;
    Ok(())
}

/// Reads one view after another; how long each took.
pub(crate) async fn read(
    pool: &Database,
    members: &[Uuid],
    questions: u32,
) -> anyhow::Result<Vec<Duration>> {
    let views = Views::new(VIEWS, pool.clone());
    let mut took = Vec::with_capacity(questions as usize);
    for member in members.iter().cycle().take(questions as usize) {
        let (begun, id) = (Instant::now(), member.to_string());
        let view = views.load(&id).await?.context("a member without a view")?;
        took.push(begun.elapsed());
        ensure!(!view.said.is_empty(), "a member without any choice");
    }
    Ok(took)
}
