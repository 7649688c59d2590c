//! The first answer of a request is the one that is given again, sealed, for a day, and to nobody else.

use crate::support::{Record, joins};
use domain::ids::UserId;
use eventstore::answers::{Answer, Answers, AnswersFault, Asked, Open, Standing};
use eventstore::edge::fresh_id;
use eventstore::{KeyError, Role};

const KEY: &str = "her-own-words-7";
const ROUTE: &str = "POST /api/v1/scans/trigger";

fn asked(subject: UserId, key: &str, body: u8) -> Asked {
    Asked {
        subject,
        route: ROUTE.to_owned(),
        key: key.to_owned(),
        body: [body; 32],
    }
}

fn answer(body: &str) -> Answer {
    Answer {
        status: 202,
        content_type: "application/json".to_owned(),
        body: body.as_bytes().to_vec(),
    }
}

fn answers(record: &Record) -> Answers {
    Answers::new(record.pool.clone(), record.vault())
}

async fn opened(answers: &Answers, asked: Asked) -> Open {
    let standing = answers.ask(asked).await.unwrap();
    let Standing::Open(open) = standing else {
        panic!("{standing:?}")
    };
    open
}

/// Lets a day go by.
async fn a_day_later(record: &Record) {
    sqlx::query("UPDATE idempotency_answers SET at = at - interval '24 hours'")
        .execute(&record.pool)
        .await
        .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_answer_is_given_again_and_a_request_without_one_runs_the_same_command() {
    let record = Record::fresh().await;
    let (answers, me) = (answers(&record), fresh_id().into());
    let first = opened(&answers, asked(me, KEY, 1)).await;
    assert!(!first.again);
    // Nobody was answered: a crash, or a fault that passes.
    let again = opened(&answers, asked(me, KEY, 1)).await;
    assert!(again.again);
    assert_eq!(again.command_id, first.command_id);
    let kept = answers.keep(&again, answer("{1}")).await.unwrap();
    assert_eq!(kept, answer("{1}"));
    // Whoever comes later, from another process with no key in memory, gets what was kept first.
    assert_eq!(
        answers.keep(&first, answer("{2}")).await.unwrap(),
        answer("{1}")
    );
    let elsewhere = Answers::new(record.pool.clone(), record.vault());
    let standing = elsewhere.ask(asked(me, KEY, 1)).await.unwrap();
    assert_eq!(standing, Standing::Answered(answer("{1}")));
    let other = elsewhere.ask(asked(me, KEY, 2)).await.unwrap();
    assert_eq!(other, Standing::OtherBody);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_member_another_route_and_another_key_are_other_requests() {
    let record = Record::fresh().await;
    let (answers, me) = (answers(&record), fresh_id().into());
    let first = opened(&answers, asked(me, KEY, 1)).await;
    let elsewhere = Asked {
        route: "POST /elsewhere".to_owned(),
        ..asked(me, KEY, 2)
    };
    for other in [
        asked(fresh_id().into(), KEY, 2),
        asked(me, "another", 2),
        elsewhere,
    ] {
        let open = opened(&answers, other).await;
        assert!(!open.again);
        assert_ne!(open.command_id, first.command_id);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_at_once_from_two_processes_one_answer_stays() {
    let record = Record::fresh().await;
    let me = fresh_id().into();
    let processes = [answers(&record), answers(&record)];
    let asking = (0..40).map(|n| {
        let answers = processes[n % 2].clone();
        tokio::spawn(async move {
            match answers.ask(asked(me, KEY, 1)).await.unwrap() {
                Standing::Open(open) => {
                    let mine = answer(&n.to_string());
                    answers.keep(&open, mine).await.unwrap()
                }
                Standing::Answered(answer) => answer,
                Standing::OtherBody => panic!("the body is the same"),
            }
        })
    });
    let told = futures::future::join_all(asking.collect::<Vec<_>>()).await;
    let told: Vec<Answer> = told.into_iter().map(Result::unwrap).collect();
    assert!(told.iter().all(|answer| *answer == told[0]), "{told:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_that_is_written_down_tells_key_body_or_answer() {
    let record = Record::fresh().await;
    let (answers, me) = (answers(&record), fresh_id().into());
    let open = opened(&answers, asked(me, KEY, 1)).await;
    answers.keep(&open, answer("a secret")).await.unwrap();
    let row: String = sqlx::query_scalar(
        "SELECT r::text || ' ' || encode(r.answer, 'escape') FROM idempotency_answers r",
    )
    .fetch_one(&record.pool)
    .await
    .unwrap();
    for told in [KEY, "a secret", "json", &"01".repeat(32)] {
        assert!(!row.contains(told), "{told}: {row}");
    }
    // Sealed for this row: an answer that is put under another status or key opens nowhere.
    sqlx::query("UPDATE idempotency_answers SET status = 201")
        .execute(&record.pool)
        .await
        .unwrap();
    let moved = answers.ask(asked(me, KEY, 1)).await;
    assert!(matches!(moved, Err(AnswersFault::Key(KeyError::Sealed))));
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_day_a_key_is_a_new_one_and_what_is_old_is_deleted() {
    let record = Record::fresh().await;
    let (answers, me) = (answers(&record), fresh_id().into());
    let first = opened(&answers, asked(me, KEY, 1)).await;
    answers.keep(&first, answer("{1}")).await.unwrap();
    a_day_later(&record).await;
    let next = opened(&answers, asked(me, KEY, 2)).await;
    assert!(!next.again);
    assert_ne!(
        next.command_id, first.command_id,
        "it is carried out once more"
    );
    // Who was still at the first one keeps nothing over it.
    answers.keep(&first, answer("{late}")).await.unwrap();
    assert!(opened(&answers, asked(me, KEY, 2)).await.again);
    opened(&answers, asked(me, "young", 1)).await;
    assert_eq!(answers.purge().await.unwrap(), 0);
    a_day_later(&record).await;
    opened(&answers, asked(me, "younger", 1)).await;
    assert_eq!(answers.purge().await.unwrap(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_erased_member_has_no_answers_and_gets_none() {
    let record = Record::fresh().await;
    let (answers, me, other) = (answers(&record), fresh_id().into(), fresh_id().into());
    joins(&record.store, me, "ana@example.test", fresh_id())
        .await
        .unwrap();
    for member in [me, other] {
        let open = opened(&answers, asked(member, KEY, 1)).await;
        answers.keep(&open, answer("{}")).await.unwrap();
    }
    record.store.vault().destroy(me).await.unwrap();
    let gone = eventstore::erasure::purge(&record.pool, me).await.unwrap();
    assert!(gone.contains(&("idempotency_answers", 1)), "{gone:?}");
    // As it is asked by a process that has not held her key.
    let elsewhere = Answers::new(record.pool.clone(), record.vault());
    let refused = elsewhere.ask(asked(me, KEY, 1)).await;
    assert!(matches!(
        refused,
        Err(AnswersFault::Key(KeyError::Erased(_)))
    ));
    let still = elsewhere.ask(asked(other, KEY, 1)).await.unwrap();
    assert_eq!(still, Standing::Answered(answer("{}")));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_part_that_serves_requests_may_do_all_this_in_its_role() {
    let record = Record::fresh().await;
    let writer = eventstore::role::connect_as(Role::Writer, &record.url, 2)
        .await
        .unwrap();
    let (answers, me) = (Answers::new(writer, record.vault()), fresh_id().into());
    let open = opened(&answers, asked(me, KEY, 1)).await;
    answers.keep(&open, answer("{}")).await.unwrap();
    assert_eq!(answers.purge().await.unwrap(), 0);
    let standing = answers.ask(asked(me, KEY, 1)).await.unwrap();
    assert_eq!(standing, Standing::Answered(answer("{}")));
}
