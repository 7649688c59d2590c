//! What an erasure finds in the database: the tables beside the log, the pictures her rows name, who was asked about them.

use crate::support::{Record, at, by};
use domain::ids::{ErasureId, ImageId, ScanId, UserId};
use domain::scan::{
    Answer, ProviderFault, RecordAnswer, ScanCommand, ScanKind, ScanSlot, StartScan,
};
use eventstore::edge::fresh_id;
use eventstore::{Erasure, ReadFault, erasure, parked};
use serde_json::json;
use std::collections::BTreeSet;

async fn uploads(record: &Record, owner: UserId) -> ImageId {
    let sha256 = fresh_id().simple().to_string().repeat(2);
    record.uploads(owner, &sha256).await
}

#[tokio::test(flavor = "multi_thread")]
async fn pictures_are_found_by_their_rows_also_where_no_program_can_read_the_event() {
    let record = Record::fresh().await;
    let (ana, eva) = (UserId(fresh_id()), UserId(fresh_id()));
    let hers = BTreeSet::from([uploads(&record, ana).await, uploads(&record, ana).await]);
    let others = uploads(&record, eva).await;
    record
        .tampered("UPDATE events SET payload = replace(payload::text, 'size_bytes', 'bytes')::json WHERE position = 1")
        .await;
    let event = record.log().read_after(0, 1).await.unwrap().remove(0);
    let fault = event.open(&record.vault()).await.unwrap_err();
    assert!(matches!(fault, ReadFault::Unreadable { .. }), "{fault}");
    let found = erasure::pictures_of(&record.pool, ana).await.unwrap();
    assert_eq!(found, hers);
    let found = erasure::pictures_of(&record.pool, eva).await.unwrap();
    assert_eq!(found, BTreeSet::from([others]));
    let nobody = erasure::pictures_of(&record.pool, fresh_id().into()).await;
    assert!(nobody.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_purge_takes_her_rows_out_of_every_table_and_nobody_elses() {
    let record = Record::fresh().await;
    let (ana, eva) = (record.holds(1).await, record.holds(1).await);
    for event in record.log().read_after(0, 2).await.unwrap() {
        let mut tx = record.pool.begin().await.unwrap();
        parked::park(&mut tx, "probe", &event, "why", 1)
            .await
            .unwrap();
        tx.commit().await.unwrap();
    }
    for subject in [ana, eva] {
        sqlx::query(
            "INSERT INTO snapshots (noun, stream, sequence, shape, subject, state) VALUES ('user', $1, 1, 1, $2, $3)",
        )
        .bind(subject.to_string())
        .bind(subject.0)
        .bind([7_u8; 40].as_slice())
        .execute(&record.pool)
        .await
        .unwrap();
    }
    let removed = erasure::purge(&record.pool, ana).await.unwrap();
    assert_eq!(
        removed,
        [
            ("parked", 1),
            ("work_leases", 0),
            ("snapshots", 1),
            ("idempotency_answers", 0),
            ("share_links", 0),
            ("share_fetches", 0),
            ("face_vectors", 0)
        ]
    );
    let left: (i64, i64) =
        sqlx::query_as("SELECT (SELECT count(*) FROM parked), (SELECT count(*) FROM snapshots)")
            .fetch_one(&record.pool)
            .await
            .unwrap();
    assert_eq!(left, (1, 1));
    let again = erasure::purge(&record.pool, ana).await.unwrap();
    assert!(again.iter().all(|(_, rows)| *rows == 0), "{again:?}");
}

async fn asks(record: &Record, owner: UserId, answer: Answer) {
    let (slot, scan_id) = (ScanSlot::id(owner, ScanKind::ImageScan), ScanId(fresh_id()));
    let image_id = ImageId(fresh_id());
    let start = ScanCommand::Start(StartScan {
        owner,
        scan_id,
        kind: ScanKind::ImageScan,
        target: None,
        images: vec![image_id],
        started_at: at(),
    });
    let record_answer = ScanCommand::RecordAnswer(RecordAnswer {
        scan_id,
        image_id,
        provider: "tineye".to_owned(),
        answer,
        asked_at: at(),
        ended_at: at(),
    });
    for command in [start, record_answer] {
        let done = record
            .store
            .execute::<ScanSlot>(slot, command, by(owner, fresh_id()))
            .await;
        done.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_tells_which_engines_were_asked_about_pictures_of_hers() {
    let record = Record::fresh().await;
    let (ana, eva, mia) = (fresh_id().into(), fresh_id().into(), fresh_id().into());
    asks(&record, ana, Answer::Results(3)).await;
    asks(&record, eva, Answer::Fault(ProviderFault::QuotaExhausted)).await;
    let asked = async |who| erasure::engines_asked(&record.pool, who).await.unwrap();
    let of_ana = asked(ana).await.remove(0);
    assert_eq!((of_ana.answered, of_ana.failed), (1, 0));
    assert_eq!(of_ana.engine.as_deref(), Some("tineye"));
    assert!(of_ana.first_at.is_some() && of_ana.first_at == of_ana.last_at);
    let of_eva = asked(eva).await.remove(0);
    assert_eq!((of_eva.answered, of_eva.failed), (0, 1));
    assert_eq!(asked(mia).await, []);
}

async fn only(record: &Record) -> Erasure {
    record.vault().erasures().await.unwrap().remove(0)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_erasure_that_is_done_again_is_open_through_every_stop_and_keeps_its_first_receipt() {
    let record = Record::fresh().await;
    let (vault, who) = (record.vault(), UserId(fresh_id()));
    let id = ErasureId(fresh_id());
    let begun = vault.begin_erasure(who, id).await.unwrap();
    assert!(!begun.is_done());
    vault.finish_erasure(who, &json!(1)).await.unwrap();
    assert!(only(&record).await.is_done());
    vault.reopen_erasure(who).await.unwrap();
    let open = only(&record).await;
    assert!(!open.is_done() && open.receipt == Some(json!(1)));
    vault.finish_erasure(who, &json!(2)).await.unwrap();
    let done = only(&record).await;
    assert!(done.is_done());
    assert_eq!((done.id, done.receipt), (id, Some(json!(1))));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_erased_member_whose_key_is_back_is_counted_by_the_database_or_by_the_file() {
    let record = Record::fresh().await;
    let (vault, in_database, in_file) = (record.vault(), UserId(fresh_id()), UserId(fresh_id()));
    for subject in [in_database, in_file, UserId(fresh_id())] {
        vault.key_to_seal(subject).await.unwrap();
    }
    let counted = async |also: &[UserId]| vault.erased_with_a_key(also).await.unwrap();
    assert_eq!(counted(&[]).await, 0);
    let id = ErasureId(fresh_id());
    vault.begin_erasure(in_database, id).await.unwrap();
    assert_eq!(counted(&[]).await, 1);
    assert_eq!(counted(&[in_database, in_file]).await, 2);
    vault.destroy(in_database).await.unwrap();
    vault.destroy(in_file).await.unwrap();
    assert_eq!(counted(&[in_database, in_file]).await, 0);
    let wrapped = eventstore::Vault::wrapped_in(&record.pool).await;
    assert_eq!(wrapped.unwrap(), 1, "the key of the one who is there");
}
