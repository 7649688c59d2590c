//! Rows that somebody else put into the log: their streams wait, everything else goes on, over the bus too.

use crate::bus::{heard, positions, relay};
use crate::subscription::{NAME, Notes, feed, noting};
use crate::support::{Record, nats, sees, until};
use domain::ids::UserId;
use eventstore::edge::fresh_id;
use eventstore::work::Attempt;
use eventstore::{Circumstances, checkpoint, parked, subscription};

/// What a program would write that knows postgres-es and not Vara.
async fn a_plain_row(record: &Record) {
    sqlx::query(
        "INSERT INTO events (aggregate_type, aggregate_id, sequence, event_type, event_version, payload, metadata)
         VALUES ('weather report', 'x', 1, 'Rain fell.', '1.0', '{}', '{}')",
    )
    .execute(&record.pool)
    .await
    .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_without_circumstances_waits_with_its_stream_until_the_row_is_right() {
    let (record, nats) = (Record::fresh().await, nats().await);
    let (owner, page) = (UserId(fresh_id()), fresh_id().into());
    record.holds(2).await;
    sees(&record.store, owner, page, fresh_id()).await.unwrap();
    a_plain_row(&record).await;
    sees(&record.store, owner, page, fresh_id()).await.unwrap();
    record.holds(1).await;
    let metadata = "SELECT metadata::text FROM events WHERE position = 3";
    let had: String = sqlx::query_scalar(metadata)
        .fetch_one(&record.pool)
        .await
        .unwrap();
    let set = |to: &str| format!("UPDATE events SET metadata = '{to}' WHERE position = 3");
    record.tampered(&set("{}")).await;
    let relay = relay(&record.store, &nats.url()).await;
    until("the relay passes all of it on", || async {
        positions(&nats.url()).await == (1..=6).collect::<Vec<_>>()
    })
    .await;
    let on_bus = heard(&nats.url()).await;
    let on_bus: Vec<_> = on_bus.into_iter().map(|heard| heard.event).collect();
    assert!(on_bus == record.log().read_after(0, 10).await.unwrap());
    assert_eq!(on_bus[2].why, Circumstances::Unreadable);
    let notes = Notes::default();
    let reader = noting(&record, feed(&record, &nats.url()).await, &notes);
    record.holds(1).await;
    until("its checkpoint stands at the end", || async {
        checkpoint::read(&record.pool, NAME).await.unwrap() == 7
    })
    .await;
    assert_eq!(notes.read(), [1, 2, 6, 7]);
    let waits = parked::list(&record.pool).await.unwrap();
    let told: Vec<_> = waits
        .iter()
        .map(|item| (item.position, item.reason.as_str()))
        .collect();
    assert_eq!(told, [(3, "its metadata"), (4, "its metadata")]);
    let retry = || {
        let notes = notes.clone();
        subscription::retry(&record.store, &waits[0], move |event| {
            notes.take(&event);
            std::future::ready(Attempt::Done)
        })
    };
    assert!(retry().await.unwrap().unwrap().contains("position 3"));
    record.tampered(&set(&had)).await;
    assert_eq!(retry().await.unwrap(), None);
    assert_eq!(notes.read(), [1, 2, 6, 7, 3, 5]);
    assert_eq!(parked::list(&record.pool).await.unwrap().len(), 1);
    reader.abort();
    relay.abort();
}
