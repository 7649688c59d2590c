//! Personal values: ciphertext in the log, readable by her key only, gone when it is destroyed (AUD-2).

use crate::support::{Record, a_match, at, by, joins, sees};
use domain::alert::{Alert, AlertCommand, AlertEvent, MatchFacts, RaiseAlert};
use domain::hash_case::HashCaseEvent;
use domain::ids::{AlertId, UserId};
use domain::image::{Embedding, Fingerprint, ImageCommand, ImageEvent, Library};
use domain::image::{UploadImage, Vector};
use domain::matches::{Match, MatchCommand, MatchEvent, PageAddress};
use domain::user::UserEvent;
use domain::{Event, Personal, Share};
use eventstore::edge::fresh_id;
use eventstore::{ExecuteError, Opened, ReadFault, Vault};

/// Everything personal that events can hold, each value recognisable.
struct Canaries {
    email: String,
    page: String,
    picture: String,
    sha256: String,
    pdq: String,
    vector: Vector,
}

impl Canaries {
    fn fresh() -> Self {
        let mark = fresh_id().simple().to_string();
        let numbers: Vec<f32> = (0..512_u16).map(|n| f32::from(n) + 0.123).collect();
        Self {
            email: format!("canary-{mark}@example.test"),
            page: format!("https://canary.example.test/{mark}"),
            picture: format!("https://canary.example.test/{mark}.jpg"),
            sha256: mark.repeat(2),
            pdq: mark.chars().rev().collect::<String>().repeat(2),
            vector: Vector::try_new(&numbers).unwrap(),
        }
    }

    fn all(&self) -> Vec<String> {
        let vector = serde_json::to_value(&self.vector).unwrap();
        let mut all = vec![
            self.email.clone(),
            self.page.clone(),
            self.picture.clone(),
            self.sha256.clone(),
            self.pdq.clone(),
            vector.as_str().unwrap()[..64].to_owned(),
            "canary".to_owned(),
        ];
        // The words of an alert name the platform; they are hers alone as well.
        all.push("Your photo".to_owned());
        all
    }
}

/// One event of every kind that holds something personal.
async fn everything_personal(record: &Record, owner: UserId) -> Canaries {
    let told = Canaries::fresh();
    let store = &record.store;
    joins(store, owner, &told.email, fresh_id()).await.unwrap();
    let upload = ImageCommand::Upload(Box::new(UploadImage {
        owner,
        image_id: fresh_id().into(),
        sha256: told.sha256.clone(),
        content_type: "image/jpeg".to_owned(),
        size_bytes: 1,
        width: 1,
        height: 1,
        fingerprint: Some(Fingerprint {
            pdq: told.pdq.clone(),
            quality: 90,
        }),
        embedding: Some(Embedding {
            model: "clip-1".to_owned(),
            vector: told.vector.clone(),
        }),
        near_copy_of: None,
        uploaded_at: at(),
    }));
    store
        .execute::<Library>(owner.0, upload, by(owner, fresh_id()))
        .await
        .unwrap();
    let mut ask = a_match(owner, fresh_id().into(), &told.page);
    ask.picture = Some(PageAddress::parse(&told.picture).unwrap());
    let about = MatchFacts {
        match_id: ask.match_id,
        image_id: ask.image_id,
        scan_id: ask.scan_id,
        page: told.page.clone().into(),
        platform: None,
        similarity: Share::ONE,
        match_type: ask.verdict.match_type,
        tier: ask.verdict.tier,
        is_mock: false,
    };
    let stream = ask.match_id.0;
    store
        .execute::<Match>(
            stream,
            MatchCommand::Record(Box::new(ask)),
            by(owner, fresh_id()),
        )
        .await
        .unwrap();
    let raise = AlertCommand::Raise(Box::new(RaiseAlert {
        owner,
        alert_id: AlertId::of_cause("match:1"),
        about,
        raised_at: at(),
    }));
    store
        .execute::<Alert>(fresh_id(), raise, by(owner, fresh_id()))
        .await
        .unwrap();
    told
}

async fn opened_by(record: &Record, vault: &Vault) -> Result<Vec<Opened>, ReadFault> {
    let mut opened = Vec::new();
    for event in record.log().read_after(0, 100).await? {
        opened.push(event.open(vault).await?);
    }
    Ok(opened)
}

/// The personal texts of an event.
fn texts(event: &Event) -> Vec<Personal<String>> {
    match event {
        Event::User(UserEvent::UserRegistered { email, .. }) => vec![email.clone()],
        Event::User(UserEvent::SubjectErased { .. }) => vec![],
        Event::Image(ImageEvent::ImageUploaded {
            sha256,
            fingerprint,
            ..
        }) => {
            let pdq = fingerprint.clone().map(|it| match it {
                Personal::Known(it) => Personal::Known(it.pdq),
                Personal::Erased => Personal::Erased,
            });
            std::iter::once(sha256.clone()).chain(pdq).collect()
        }
        Event::Image(ImageEvent::ImageEmbedded { vector, .. }) => vec![match vector {
            Personal::Known(it) => {
                Personal::Known(serde_json::to_value(it).unwrap().as_str().unwrap().into())
            }
            Personal::Erased => Personal::Erased,
        }],
        Event::Match(MatchEvent::MatchFound { page, picture, .. }) => std::iter::once(page.clone())
            .chain(picture.clone())
            .collect(),
        Event::Alert(AlertEvent::AlertRaised {
            title,
            description,
            about,
            ..
        }) => vec![title.clone(), description.clone(), about.page.clone()],
        Event::HashCase(HashCaseEvent::ImageHashRegistered { fingerprint, .. }) => {
            vec![match fingerprint {
                Personal::Known(it) => Personal::Known(it.pdq.clone()),
                Personal::Erased => Personal::Erased,
            }]
        }
        Event::User(UserEvent::ConsentGranted { .. } | UserEvent::ConsentWithdrawn { .. })
        | Event::Image(
            ImageEvent::ImageArchived { .. }
            | ImageEvent::ImageRestored { .. }
            | ImageEvent::ImagePurged { .. },
        )
        | Event::Match(MatchEvent::MatchSeenAgain { .. })
        | Event::Scan(_)
        | Event::HashCase(HashCaseEvent::ImageHashWithdrawn { .. })
        | Event::Plan(_) => vec![],
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_stored_text_holds_nothing_personal_and_opens_again_with_her_key() {
    let record = Record::fresh().await;
    let owner = UserId(fresh_id());
    let told = everything_personal(&record, owner).await;
    let stored: Vec<String> = sqlx::query_scalar("SELECT e::text FROM events e")
        .fetch_all(&record.pool)
        .await
        .unwrap();
    assert_eq!(stored.len(), 7);
    for text in &stored {
        for canary in told.all() {
            assert!(!text.contains(&canary), "{canary} in {text}");
        }
    }
    let read: Vec<String> = opened_by(&record, &record.vault())
        .await
        .unwrap()
        .iter()
        .flat_map(|opened| texts(&opened.event))
        .map(|text| text.into_known().unwrap())
        .collect();
    for canary in told.all() {
        assert!(read.iter().any(|text| text.contains(&canary)), "{canary}");
    }
    assert_eq!(read.len(), 9);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_destroyed_key_reads_as_erased_and_the_log_is_read_to_its_end() {
    let record = Record::fresh().await;
    let (erased, other) = (UserId(fresh_id()), UserId(fresh_id()));
    everything_personal(&record, erased).await;
    everything_personal(&record, other).await;
    record.destroys_in_silence(erased).await;
    let vault = record.vault();
    let opened = opened_by(&record, &vault).await.unwrap();
    assert_eq!(opened.len(), 14);
    for event in &opened {
        let hers = event.why.subject == erased;
        let texts = texts(&event.event);
        assert!(texts.iter().all(|text| text.known().is_none() == hers));
    }
    // Nothing new can be sealed for her, and what was refused is not in the log.
    let store = record.beside();
    let refused = sees(&store, erased, fresh_id().into(), fresh_id()).await;
    assert!(
        matches!(refused, Err(ExecuteError::Broken(_))),
        "{refused:?}"
    );
    assert_eq!(record.is_whole().await, 14);
    // Her library still folds, without what was in it.
    let library: Library = store.load(erased.0).await.unwrap();
    assert_eq!(library.active().count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_key_is_not_an_erased_one_and_stops_the_reader_at_its_position() {
    let record = Record::fresh().await;
    record.holds(2).await;
    let lost = record.holds(1).await;
    record.holds(1).await;
    sqlx::query("DELETE FROM keys.subject_keys WHERE subject = $1")
        .bind(lost.0)
        .execute(&record.pool)
        .await
        .unwrap();
    let fault = opened_by(&record, &record.vault()).await.unwrap_err();
    assert!(
        matches!(fault, ReadFault::Unreadable { position: 3, .. }),
        "{fault}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn ciphertext_of_another_event_or_stream_or_person_does_not_open() {
    let swap = |other: i64| {
        format!(
            "UPDATE events e SET payload = o.payload FROM events o
              WHERE e.position = 1 AND o.position = {other}"
        )
    };
    let moved = "UPDATE events SET aggregate_id = gen_random_uuid()::text WHERE position = 1";
    let renamed = "UPDATE events SET event_type = 'MatchSeenAgain' WHERE position = 1";
    let renumbered = "UPDATE events SET event_id = gen_random_uuid() WHERE position = 1";
    for (change, whose) in [
        (swap(2), "another stream of hers"),
        (swap(3), "another person"),
        (moved.to_owned(), "the stream"),
        (renamed.to_owned(), "the type"),
        (renumbered.to_owned(), "the id"),
    ] {
        let record = Record::fresh().await;
        record.holds(2).await;
        record.holds(1).await;
        assert!(opened_by(&record, &record.vault()).await.is_ok());
        record.tampered(&change).await;
        let fault = opened_by(&record, &record.vault()).await.unwrap_err();
        assert!(
            matches!(fault, ReadFault::Unreadable { position: 1, .. }),
            "{whose}: {fault}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_with_changed_ciphertext_takes_no_further_command() {
    let record = Record::fresh().await;
    let (owner, page) = (UserId(fresh_id()), fresh_id());
    sees(&record.store, owner, page.into(), fresh_id())
        .await
        .unwrap();
    record
        .tampered(r#"UPDATE events SET payload = regexp_replace(payload::text, '"1\.....', '"1.AAAA')::json"#)
        .await;
    let refused = sees(&record.store, owner, page.into(), fresh_id()).await;
    assert!(
        matches!(refused, Err(ExecuteError::Broken(_))),
        "{refused:?}"
    );
    assert_eq!(record.is_whole().await, 1);
}
