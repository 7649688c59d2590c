//! Reading the log: in order, closed on every fault, and with the way back to the beginning.

use crate::support::{Record, by, sees};
use domain::Event;
use domain::ids::UserId;
use domain::matches::{Match, MatchCommand};
use eventstore::edge::fresh_id;
use eventstore::{Opened, ReadFault, Why, audit};
use uuid::Uuid;

/// Puts a row at the end of the log as it would stand after a newer release, or after damage.
async fn alien(record: &Record, noun: &str, payload: &str, metadata: Option<&Why>) {
    let metadata = metadata.map_or_else(
        || "{}".to_owned(),
        |why| serde_json::to_string(why).unwrap(),
    );
    sqlx::query(
        "INSERT INTO events (aggregate_type, aggregate_id, sequence, event_type, event_version, payload, metadata)
         VALUES ($1, 'x', 1, coalesce((SELECT min(k) FROM json_object_keys($2::text::json) k), 'Alien'), '1',
                 $2::text::json, $3::text::json)",
    )
    .bind(noun)
    .bind(payload)
    .bind(metadata)
    .execute(&record.pool)
    .await
    .unwrap();
}

async fn opened(record: &Record, after: i64) -> Result<Vec<Opened>, ReadFault> {
    let mut opened = Vec::new();
    for event in record.log().read_after(after, 100).await? {
        opened.push(event.open(record.store.vault()).await?);
    }
    Ok(opened)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_is_read_in_order_page_by_page_to_its_end() {
    let record = Record::fresh().await;
    record.holds(25).await;
    let log = record.log();
    let (mut positions, mut last) = (Vec::new(), 0);
    loop {
        let page = log.read_after(last, 10).await.unwrap();
        let Some(end) = page.last() else { break };
        last = end.position;
        positions.extend(page.iter().map(|event| event.position));
    }
    assert_eq!(positions, (1..=25).collect::<Vec<i64>>());
    assert_eq!(log.head().await.unwrap(), 25);
    assert!(log.read_after(99, 10).await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_carries_who_why_and_for_whom() {
    // AUD-1
    let record = Record::fresh().await;
    let owner = UserId(fresh_id());
    let command = fresh_id();
    sees(&record.store, owner, fresh_id().into(), command)
        .await
        .unwrap();
    let event = record.log().read_after(0, 1).await.unwrap().remove(0);
    let why = event.why.known().unwrap();
    assert_eq!(why.subject, owner);
    assert_eq!(why.actor, format!("user:{owner}"));
    assert_eq!(why.command_id, command);
    assert_eq!(why.cause_id, command, "nothing came before it");
    assert_eq!(why.correlation_id, command);
    let found = record.log().find(event.event_id).await.unwrap();
    assert_eq!(found, Some(event));
    assert_eq!(record.log().find(fresh_id()).await.unwrap(), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_position_stops_the_reader_before_it() {
    let record = Record::fresh().await;
    record.holds(5).await;
    record
        .tampered("DELETE FROM events WHERE position = 3")
        .await;
    let before = record.log().read_after(0, 10).await.unwrap();
    assert_eq!(before.last().map(|event| event.position), Some(2));
    for _ in 0..2 {
        let fault = record.log().read_after(2, 10).await.unwrap_err();
        assert!(matches!(fault, ReadFault::Gap { position: 3 }), "{fault}");
    }
    let fault = record.log().read_after(1, 1).await;
    assert_eq!(fault.unwrap().len(), 1, "what stands before it can be read");
    // Nor is it hidden by the event before it, which is read again.
    let fault = record.log().read_on(2, 10).await.unwrap_err();
    assert!(matches!(fault, ReadFault::Gap { position: 3 }), "{fault}");
    let (seen, after) = record.log().read_on(1, 10).await.unwrap();
    assert_eq!((seen, after.len()), (Some(before[0].event_id), 1));
    for gone in [3, 9] {
        let fault = record.log().read_on(gone, 10).await.unwrap_err();
        assert!(
            matches!(fault, ReadFault::Gap { position } if position == gone),
            "{fault}"
        );
    }
    record
        .tampered("DELETE FROM events WHERE position = 1")
        .await;
    let fault = record.log().read_after(0, 10).await.unwrap_err();
    assert!(matches!(fault, ReadFault::Gap { position: 1 }), "{fault}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_of_an_unknown_noun_or_shape_stops_the_reader_at_its_position() {
    for (noun, payload, is_newer) in [
        ("weather", r#"{"RainFell":{}}"#, true),
        ("match", r#"{"MatchWasLost":{"match_id":1}}"#, true),
        (
            "match",
            r#"{"MatchFound":{"owner":"canary@example.test"}}"#,
            false,
        ),
    ] {
        let record = Record::fresh().await;
        let owner = record.holds(2).await;
        alien(&record, noun, payload, Some(&by(owner, fresh_id()))).await;
        record.holds(1).await;
        let fault = opened(&record, 0).await.unwrap_err();
        // What a newer program wrote is waited for; what is broken can be put aside.
        let told = if is_newer {
            matches!(fault, ReadFault::Newer { position: 3, .. })
        } else {
            matches!(fault, ReadFault::Unreadable { position: 3, .. })
        };
        assert!(told, "{fault}");
        assert!(!format!("{fault} {fault:?}").contains("canary"));
        assert_eq!(opened(&record, 3).await.unwrap().len(), 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_without_circumstances_is_handed_on_as_what_it_is_and_an_audit_fails_on_it() {
    let record = Record::fresh().await;
    record.holds(2).await;
    alien(&record, "match", "{}", None).await;
    record.holds(1).await;
    let read = record.log().read_after(0, 10).await.unwrap();
    let known: Vec<_> = read.iter().map(|e| e.why.known().is_some()).collect();
    assert_eq!(known, [true, true, false, true]);
    let (noun, stream) = (read[2].noun.as_str(), read[2].stream.as_str());
    assert_eq!((read[2].position, noun, stream), (3, "match", "x"));
    let chain = record.log().chain(read[2].event_id).await.unwrap();
    assert_eq!(chain, read[2..3], "nobody knows what led to it");
    // Who needs it is told, and nothing is guessed.
    let fault = opened(&record, 2).await.unwrap_err();
    let told = "the event at position 3 cannot be read: its metadata";
    assert_eq!(fault.to_string(), told);
    let (pool, vault) = (&record.pool, record.store.vault());
    let all = audit::replay(pool, vault, 4, 0, |_| {}).await.unwrap_err();
    let one = audit::replay_stream(pool, vault, "match", "x", 4).await;
    assert_eq!(all.to_string(), told);
    assert_eq!(one.unwrap_err().to_string(), told);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payload_that_only_the_database_takes_for_json_is_told_when_it_is_opened() {
    let record = Record::fresh().await;
    let owner = record.holds(1).await;
    // One half of a surrogate pair.
    let half = r#"{"MatchFound":{"owner":"\ud800"}}"#;
    sqlx::query(
        "INSERT INTO events (aggregate_type, aggregate_id, sequence, event_type, event_version, payload, metadata)
         VALUES ('match', 'x', 1, 'MatchFound', '1', $1::text::json, $2::text::json)",
    )
    .bind(half)
    .bind(serde_json::to_string(&by(owner, fresh_id())).unwrap())
    .execute(&record.pool)
    .await
    .unwrap();
    record.holds(1).await;
    assert_eq!(record.log().read_after(0, 10).await.unwrap().len(), 3);
    let fault = opened(&record, 1).await.unwrap_err();
    let told = "the event at position 2 cannot be read: its payload";
    assert_eq!(fault.to_string(), told);
    assert_eq!(opened(&record, 2).await.unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_way_back_from_an_event_leads_to_the_request_that_began_it() {
    // AUD-3: she asks "why do I see this?"
    let record = Record::fresh().await;
    let owner = UserId(fresh_id());
    let mut why = by(owner, fresh_id());
    let mut ids: Vec<Uuid> = Vec::new();
    for link in 0..5 {
        let page = fresh_id();
        let ask = crate::support::a_match(owner, page.into(), "https://gallery.example.test/");
        let command = MatchCommand::Record(Box::new(ask));
        let done = record.store.execute::<Match>(page, command, why.clone());
        let position = done.await.unwrap().position;
        let event = record.log().read_after(position - 1, 1).await.unwrap()[0].event_id;
        ids.push(event);
        why = why.following(event, "policy:test", fresh_id());
        assert_eq!(position, link + 1);
    }
    let chain = record.log().chain(ids[4]).await.unwrap();
    assert_eq!(
        chain.iter().map(|e| e.event_id).collect::<Vec<_>>(),
        ids,
        "cause first"
    );
    assert!(
        chain
            .iter()
            .all(|event| event.why.known().unwrap().correlation_id == why.correlation_id)
    );
    assert_eq!(record.log().chain(ids[0]).await.unwrap().len(), 1);
    assert!(record.log().chain(fresh_id()).await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn causes_that_run_in_a_circle_end_somewhere() {
    let record = Record::fresh().await;
    let owner = record.holds(1).await;
    let event = record.log().read_after(0, 1).await.unwrap().remove(0);
    let itself = by(owner, fresh_id()).following(event.event_id, "policy:test", fresh_id());
    record
        .tampered(&format!(
            "UPDATE events SET metadata = '{}'",
            serde_json::to_string(&itself).unwrap()
        ))
        .await;
    let chain = record.log().chain(event.event_id).await.unwrap();
    assert!(chain.len() <= 32);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_text_with_every_kind_of_letter_comes_back_as_it_was() {
    let record = Record::fresh().await;
    let member = UserId(fresh_id());
    let odd = "\u{0} \" \\ \u{1F469}\u{200D}\u{1F4BB} \u{FEFF} {\"$sealed\":\"1.\"}";
    crate::support::joins(&record.store, member, odd, fresh_id())
        .await
        .unwrap();
    let first = opened(&record, 0).await.unwrap().remove(0);
    let Event::User(domain::user::UserEvent::UserRegistered { email, .. }) = first.event else {
        panic!("she registered")
    };
    assert_eq!(email.known().map(String::as_str), Some(odd));
}
