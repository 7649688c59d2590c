//! The oracle: the unmodified postgres-es on the same table says what our append must be equal to.

use crate::support::{Record, by, joins, says, sees};
use cqrs_es::persist::{PersistedEventRepository, PersistedEventStore};
use cqrs_es::{AggregateContext, AggregateError, CqrsFramework, EventStore};
use domain::ids::UserId;
use domain::matches::Match;
use domain::user::{ChangeConsent, Purpose, RegisterUser, User, UserCommand};
use eventstore::edge::fresh_id;
use postgres_es::PostgresEventRepository;
use sqlx::PgPool;
use std::collections::HashMap;
use std::sync::Arc;
use tokio::task::JoinSet;

type Oracle = CqrsFramework<User, PersistedEventStore<PostgresEventRepository, User>>;

fn events_of(pool: &PgPool) -> PersistedEventStore<PostgresEventRepository, User> {
    PersistedEventStore::new_event_store(PostgresEventRepository::new(pool.clone()))
}

fn oracle(pool: &PgPool) -> Oracle {
    CqrsFramework::new(events_of(pool), vec![], ())
}

fn register(member: UserId) -> UserCommand {
    UserCommand::Register(RegisterUser {
        user_id: member,
        email: "ana@example.test".to_owned().into(),
        registered_at: chrono::DateTime::UNIX_EPOCH,
    })
}

fn agree(member: UserId, purpose: Purpose) -> UserCommand {
    UserCommand::ChangeConsent(ChangeConsent {
        user_id: member,
        purpose,
        granted: true,
        text_version: domain::user::TextVersion::parse("face-1").unwrap(),
        at: chrono::DateTime::UNIX_EPOCH,
    })
}

/// The circumstances as the framework carries them, so that our reader can read what the oracle wrote.
fn circumstances(member: UserId) -> HashMap<String, String> {
    let why = serde_json::to_value(by(member, fresh_id())).unwrap();
    serde_json::from_value(why).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_unmodified_repository_writes_and_reads_on_our_table() {
    let record = Record::fresh().await;
    let member = UserId(fresh_id());
    let oracle = oracle(&record.pool);
    let id = member.to_string();
    oracle.execute(&id, register(member)).await.unwrap();
    let asked = agree(member, Purpose::FaceSearch);
    oracle.execute(&id, asked).await.unwrap();
    assert_eq!(record.is_whole().await, 4);
    // Both fold the stream to the same state.
    let ours: User = record.store.load(member.0).await.unwrap();
    let mut theirs = events_of(&record.pool).load_aggregate(&id).await.unwrap();
    assert_eq!(&ours, theirs.aggregate());
    assert!(ours.agrees_to(Purpose::FaceSearch));
}

#[tokio::test(flavor = "multi_thread")]
async fn one_stream_may_be_written_by_both_in_turn() {
    let record = Record::fresh().await;
    let member = UserId(fresh_id());
    let (oracle, id) = (oracle(&record.pool), member.to_string());
    let (said, theirs) = (Purpose::AccountMonitoring, circumstances(member));
    oracle
        .execute_with_metadata(&id, register(member), theirs)
        .await
        .unwrap();
    says(&record.store, member, said, true, fresh_id())
        .await
        .unwrap();
    let asked = agree(member, Purpose::FaceSearch);
    oracle.execute(&id, asked).await.unwrap();
    let ours: User = record.store.load(member.0).await.unwrap();
    assert!(Purpose::ALL.iter().all(|purpose| ours.agrees_to(*purpose)));
    assert_eq!(record.is_whole().await, 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn both_kinds_of_append_interleave_without_a_gap() {
    let record = Record::fresh().await;
    let mut writers = JoinSet::new();
    for n in 0..24 {
        let (pool, store) = (record.pool.clone(), record.store.clone());
        writers.spawn(async move {
            let member = UserId(fresh_id());
            if n % 2 == 0 {
                let (oracle, id) = (oracle(&pool), member.to_string());
                let asked = register(member);
                let asked = oracle.execute_with_metadata(&id, asked, circumstances(member));
                asked.await.unwrap();
            } else {
                let asked = joins(&store, member, "eva@example.test", fresh_id());
                asked.await.unwrap();
                for _ in 0..3 {
                    sees(&store, member, fresh_id().into(), fresh_id())
                        .await
                        .unwrap();
                }
            }
        });
    }
    writers.join_all().await;
    assert_eq!(record.is_whole().await, 12 * 3 + 12 * 6);
    // Our reader reads what either wrote.
    let events = record.log().read_after(0, 1_000).await.unwrap();
    for event in events {
        event.open(record.store.vault()).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_collides_for_the_oracle_collides_without_leaving_a_gap() {
    let record = Record::fresh().await;
    let member = UserId(fresh_id());
    let oracle = Arc::new(oracle(&record.pool));
    let mut tries = JoinSet::new();
    for _ in 0..8 {
        let oracle = Arc::clone(&oracle);
        tries.spawn(async move { oracle.execute(&member.to_string(), register(member)).await });
    }
    for answer in tries.join_all().await {
        assert!(matches!(
            answer,
            Ok(()) | Err(AggregateError::AggregateConflict)
        ));
    }
    record.holds(1).await;
    assert_eq!(record.is_whole().await, 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_oracle_sees_our_events_under_its_own_seven_columns() {
    let record = Record::fresh().await;
    let (owner, page) = (UserId(fresh_id()), fresh_id());
    for _ in 0..3 {
        sees(&record.store, owner, page.into(), fresh_id())
            .await
            .unwrap();
    }
    let repository = PostgresEventRepository::new(record.pool.clone());
    let theirs = repository
        .get_events::<Match>(&page.to_string())
        .await
        .unwrap();
    let told: Vec<_> = theirs
        .iter()
        .map(|e| (e.sequence, e.event_type.as_str(), e.event_version.as_str()))
        .collect();
    let expected = [
        (1, "MatchFound", "1"),
        (2, "MatchSeenAgain", "1"),
        (3, "MatchSeenAgain", "1"),
    ];
    assert_eq!(told, expected);
    assert!(theirs[0].payload.to_string().contains("$sealed"));
}
