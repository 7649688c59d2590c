//! Events that are read and opened page by page: only those that are wanted, each under its own subject's key.

use crate::support::{Record, at, by, joins, says};
use domain::Event;
use domain::ids::UserId;
use domain::user::{EraseSubject, Purpose, User, UserCommand, UserEvent};
use eventstore::edge::fresh_id;
use eventstore::log::Wanted;
use eventstore::unopened::{Keys, Unopened};
use eventstore::{ReadFault, Recorded, Vault};

fn all_of_users() -> Wanted {
    Wanted {
        nouns: vec!["user"],
        names: vec![],
        first_only: false,
    }
}

/// How members came and went; what they agreed to stands between that.
async fn page(record: &Record, after: i64) -> Result<Vec<Unopened>, ReadFault> {
    let named = Wanted {
        nouns: vec![],
        names: vec!["UserRegistered", "SubjectErased"],
        first_only: false,
    };
    let log = record.log();
    log.read_wanted(&named, after, i64::MAX, 100).await
}

async fn members(record: &Record, number: usize) -> Vec<UserId> {
    let mut members = Vec::new();
    for n in 0..number {
        let member = UserId(fresh_id());
        let address = format!("member{n}@example.test");
        joins(&record.store, member, &address, fresh_id())
            .await
            .unwrap();
        members.push(member);
    }
    members
}

/// The address that each event tells: none for one that was erased, a fault for one that does not open.
async fn addresses(vault: &Vault, page: Vec<Unopened>) -> Vec<Result<Option<String>, String>> {
    let mut keys = Keys::of(vault, page.iter()).await;
    let mut told = Vec::new();
    for event in page {
        told.push(match event.open(&mut keys).await {
            Ok(opened) => {
                let Event::User(UserEvent::UserRegistered { email, .. }) = opened.event else {
                    panic!("she joined")
                };
                Ok(email.into_known())
            }
            Err((_, fault)) => Err(fault.to_string()),
        });
    }
    told
}

#[tokio::test(flavor = "multi_thread")]
async fn each_event_of_a_page_opens_under_its_own_key_and_one_lost_key_stops_no_other() {
    // AUD-2
    let record = Record::fresh().await;
    let members = members(&record, 5).await;
    for (change, whose) in [
        (
            "UPDATE keys.subject_keys SET wrapped = NULL, erased_at = now() WHERE subject = $1",
            1,
        ),
        ("DELETE FROM keys.subject_keys WHERE subject = $1", 2),
        (
            "UPDATE keys.subject_keys SET wrapped = set_byte(wrapped, 30, get_byte(wrapped, 30) # 1) WHERE subject = $1",
            3,
        ),
    ] {
        let changed = sqlx::query(change).bind(members[whose].0);
        changed.execute(&record.pool).await.unwrap();
    }
    let page = page(&record, 0).await.unwrap();
    let told = addresses(&record.vault(), page).await;
    assert_eq!(told[0], Ok(Some("member0@example.test".to_owned())));
    assert_eq!(told[1], Ok(None), "erased");
    let lost = format!("there is no key for subject {}", members[2]);
    assert!(told[2].as_ref().unwrap_err().contains(&lost));
    let broken = "the event at position 10 cannot be read: a wrapped key does not open";
    assert!(
        told[3].as_ref().unwrap_err().contains(broken),
        "{:?}",
        told[3]
    );
    assert_eq!(told[4], Ok(Some("member4@example.test".to_owned())));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_tells_of_an_erasure_opens_nothing_of_hers_any_more() {
    // AUD-4: her key was at hand when the page was begun, and is destroyed while it is read
    let record = Record::fresh().await;
    let member = members(&record, 2).await[0];
    let erase = UserCommand::Erase(EraseSubject {
        user_id: member,
        erasure_id: fresh_id().into(),
        erased_at: at(),
    });
    let why = by(member, fresh_id());
    record
        .store
        .execute::<User>(member.0, erase, why)
        .await
        .unwrap();
    let mut page = page(&record, 0).await.unwrap();
    let vault = record.vault();
    let mut keys = Keys::of(&vault, page.iter()).await;
    vault.destroy(member).await.unwrap();
    let erasure = page.pop().unwrap();
    erasure.open(&mut keys).await.unwrap();
    let opened = page.swap_remove(0).open(&mut keys).await.unwrap();
    let Event::User(UserEvent::UserRegistered { email, .. }) = opened.event else {
        panic!("she joined")
    };
    assert_eq!(email.known(), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_what_is_wanted_is_read_and_what_is_read_is_what_stands_there() {
    let record = Record::fresh().await;
    record.holds(2).await;
    let member = members(&record, 1).await[0];
    for granted in [true, false] {
        let purpose = Purpose::FaceSearch;
        says(&record.store, member, purpose, granted, fresh_id())
            .await
            .unwrap();
    }
    let log = record.log();
    let all = log.read_after(0, 100).await.unwrap();
    let positions = |page: Vec<Unopened>| -> Vec<i64> {
        page.iter().map(|event| event.recorded().position).collect()
    };
    let first = Wanted {
        first_only: true,
        ..all_of_users()
    };
    let withdrawn = Wanted {
        nouns: vec![],
        names: vec!["ConsentWithdrawn"],
        first_only: false,
    };
    // Two sightings, then she joins with two choices, and makes two more.
    let expected: [(&Wanted, i64, &[i64]); 5] = [
        (&first, 0, &[3]),
        (&all_of_users(), 0, &[3, 4, 5, 6, 7]),
        (&all_of_users(), 3, &[4, 5, 6, 7]),
        (&withdrawn, 0, &[7]),
        (&withdrawn, 7, &[]),
    ];
    for (wanted, after, expected) in expected {
        let page = log.read_wanted(wanted, after, 100, 100).await.unwrap();
        assert_eq!(positions(page), expected, "{wanted:?} after {after}");
    }
    let page = log.read_wanted(&all_of_users(), 0, 100, 100).await;
    for event in page.unwrap() {
        let there = all
            .iter()
            .find(|other| other.position == event.recorded().position);
        let there = there.unwrap();
        let without = Recorded {
            payload: serde_json::Value::Null,
            ..there.clone()
        };
        assert_eq!(event.recorded(), &without);
        let vault = record.store.vault();
        let one_by_one = there.clone().open(vault).await.unwrap().event;
        let keys = &mut Keys::of(vault, std::iter::once(&event)).await;
        assert_eq!(event.open(keys).await.unwrap().event, one_by_one);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_without_circumstances_stops_no_page_and_tells_when_it_is_opened() {
    let record = Record::fresh().await;
    members(&record, 2).await;
    sqlx::query(
        "INSERT INTO events (aggregate_type, aggregate_id, sequence, event_type, event_version, payload, metadata)
         VALUES ('user', 'x', 1, 'UserRegistered', '1', '{}', '{}')",
    )
    .execute(&record.pool)
    .await
    .unwrap();
    members(&record, 1).await;
    let told = addresses(&record.vault(), page(&record, 0).await.unwrap()).await;
    let broken = "the event at position 7 cannot be read: its metadata";
    assert_eq!(told[2], Err(broken.to_owned()));
    let good = [&told[0], &told[1], &told[3]];
    assert!(told.len() == 4 && good.iter().all(|told| told.is_ok()));
}
