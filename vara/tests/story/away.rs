//! While the database breaks off in the middle of a question, she is told when to come again and never of a fault of
//! ours; what she asks again under the same key is done once.

use crate::member::{Answer, Member, fresh};
use crate::running::Vara;
use serde_json::{Value, json};
use sqlx::{Connection, PgConnection};
use std::time::{Duration, Instant};
use tokio::runtime::Runtime;

/// A table that nobody gets to while this lasts, and a connection beside it: within a transaction who waits is told
/// once and not again.
struct Held {
    runtime: Runtime,
    holder: PgConnection,
    beside: PgConnection,
}

impl Held {
    fn of(vara: &Vara, table: &str) -> Self {
        let runtime = Runtime::new().unwrap();
        let url = vara.database_url();
        let (holder, beside) = runtime.block_on(async {
            let mut db = PgConnection::connect(&url).await.unwrap();
            sqlx::query("BEGIN").execute(&mut db).await.unwrap();
            let lock = format!("LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE");
            sqlx::query(&lock).execute(&mut db).await.unwrap();
            (db, PgConnection::connect(&url).await.unwrap())
        });
        Self {
            runtime,
            holder,
            beside,
        }
    }

    /// Ends whoever waits for it, as a server does that stops (57P01).
    fn ends_whoever_asks(&mut self, table: &str) {
        let begun = Instant::now();
        loop {
            let ended = sqlx::query_scalar::<_, i64>(
                "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
                  WHERE wait_event_type = 'Lock' AND pid <> pg_backend_pid() AND query LIKE '%' || $1 || '%'",
            );
            let ended = ended.bind(table).fetch_one(&mut self.beside);
            let ended = self.runtime.block_on(ended);
            if ended.unwrap() > 0 {
                return;
            }
            assert!(begun.elapsed() < Duration::from_secs(20), "nobody asked");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    fn let_go(self) {
        self.runtime.block_on(self.holder.close()).unwrap();
    }
}

/// What is answered to a question that breaks off at a table.
fn broken_off(vara: &Vara, table: &str, ask: impl FnOnce() -> Answer + Send) -> Answer {
    let mut held = Held::of(vara, table);
    let answer = std::thread::scope(|threads| {
        let asking = threads.spawn(ask);
        held.ends_whoever_asks(table);
        asking.join().unwrap()
    });
    held.let_go();
    answer
}

fn says_when(answer: &Answer) {
    assert_eq!((answer.status, answer.code()), (503, "SERVICE_UNAVAILABLE"));
    assert_eq!(answer.headers["retry-after"], "2");
    let error = &answer.body["error"];
    let (words, id) = (&error["message"], &error["details"]["requestId"]);
    assert!(words.as_str().unwrap().contains("try again in a moment"));
    assert_eq!(id.as_str().unwrap(), answer.headers["x-request-id"]);
}

#[test]
fn a_read_whose_database_breaks_off_says_when_to_come_again_and_is_then_served() {
    let vara = Vara::start();
    let member = Member::joins(&vara.api);
    for (table, path) in [("read_users", "/users/me"), ("read_alerts", "/alerts")] {
        says_when(&broken_off(&vara, table, || member.get(path)));
        assert_eq!(member.get(path).status, 200, "{path}");
    }
}

#[test]
fn a_change_whose_database_breaks_off_is_done_once_when_it_is_asked_again_under_its_key() {
    let vara = Vara::start();
    let member = Member::joins(&vara.api);
    member.uploads(sandbox::demo_picture());
    let key = fresh();
    let ask = || {
        let named = [("Idempotency-Key", key.as_str())];
        member.post_with("/scans/trigger", &json!({ "type": "IMAGE_SCAN" }), &named)
    };
    says_when(&broken_off(&vara, "idempotency_answers", ask));
    let first = ask();
    assert_eq!(first.status, 202, "{first:?}");
    let again = ask();
    assert_eq!((again.status, &again.body), (202, &first.body));
    let scans = member.get("/scans").data();
    assert_eq!(scans.as_array().unwrap().len(), 1, "{scans}");
}

/// Lets answers be kept no more, as a full disk does (53100), or lets them be kept again.
fn keeps_answers(vara: &Vara, keeps: bool) {
    let runtime = Runtime::new().unwrap();
    let said = match keeps {
        false => {
            "CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS $$
                 BEGIN RAISE 'no room' USING ERRCODE = '53100'; END $$;
             CREATE TRIGGER full_disk BEFORE UPDATE ON idempotency_answers FOR EACH ROW EXECUTE FUNCTION full_disk()"
        }
        true => "DROP FUNCTION full_disk CASCADE",
    };
    runtime.block_on(async {
        let mut db = PgConnection::connect(&vara.database_url()).await.unwrap();
        sqlx::raw_sql(said).execute(&mut db).await.unwrap();
    });
}

#[test]
fn an_answer_that_cannot_be_kept_is_given_where_the_log_repeats_it_and_else_asked_again() {
    let vara = Vara::start();
    let member = Member::joins(&vara.api);
    member.uploads(sandbox::demo_picture());
    let (done, refused) = (fresh(), fresh());
    let ask = |key: &str, target: &Value| {
        let ask = json!({ "type": "IMAGE_SCAN", "targetId": target });
        member.post_with("/scans/trigger", &ask, &[("Idempotency-Key", key)])
    };
    let (hers, nobodys) = (Value::Null, json!(uuid::Uuid::nil()));
    keeps_answers(&vara, false);
    says_when(&ask(&refused, &nobodys));
    let first = ask(&done, &hers);
    assert_eq!(first.status, 202, "{first:?}");
    let again = ask(&done, &hers);
    assert_eq!((again.status, &again.body), (202, &first.body));
    keeps_answers(&vara, true);
    let again = ask(&done, &hers);
    assert_eq!((again.status, again.body), (202, first.body));
    for _ in 0..2 {
        let told = ask(&refused, &nobodys);
        assert_eq!((told.status, told.code()), (404, "IMAGE_NOT_FOUND"));
    }
}
