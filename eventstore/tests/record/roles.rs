//! Each part of the program may do what its work needs, and nobody may change what was recorded.

use crate::support::{Record, sees};
use eventstore::edge::fresh_id;
use eventstore::role::connect_as;
use eventstore::{Log, Role, Store};
use sqlx::PgPool;

const CHANGES_THE_RECORD: [&str; 7] = [
    "UPDATE events SET payload = '{}'",
    "DELETE FROM events",
    "TRUNCATE events",
    "ALTER TABLE events DISABLE TRIGGER USER",
    "DROP TABLE events",
    "DROP FUNCTION append_events",
    "UPDATE log_epoch SET epoch = gen_random_uuid()",
];
const KEYS: &str = "SELECT * FROM keys.subject_keys";

/// What each role is refused beside [`CHANGES_THE_RECORD`], and what it is for.
const ROLES: [(&str, &[&str], &[&str]); 3] = [
    (
        "vara_writer",
        &[
            KEYS,
            "DELETE FROM read_users",
            "DELETE FROM users_1.read_users",
            "UPDATE read_generations SET state = 'previous'",
            "DELETE FROM snapshots",
            "INSERT INTO read_checks VALUES ('users', 1, 1)",
            "DELETE FROM share_fetches",
            "UPDATE share_fetches SET visitor = ''",
            "CREATE TABLE mine (n int)",
        ],
        &[
            "SELECT * FROM read_users",
            "SELECT * FROM parked",
            "DELETE FROM idempotency_answers",
            "DELETE FROM share_links",
            "SELECT * FROM share_fetches",
            "SELECT * FROM read_checks",
        ],
    ),
    (
        "vara_projector",
        &[
            KEYS,
            "INSERT INTO events SELECT * FROM events",
            "UPDATE read_generations SET state = 'previous'",
            "SELECT * FROM snapshots",
            "SELECT * FROM work_leases",
            "SELECT * FROM idempotency_answers",
            "SELECT * FROM share_links",
            "SELECT * FROM share_fetches",
            "DROP TABLE users_1.read_users",
            "CREATE TABLE mine (n int)",
        ],
        &["SELECT * FROM events", "DELETE FROM users_1.read_users"],
    ),
    (
        "vara_auditor",
        &[
            KEYS,
            "SELECT * FROM read_users",
            "SELECT * FROM users_1.read_users",
            "SELECT * FROM snapshots",
            "SELECT * FROM idempotency_answers",
            "SELECT * FROM share_links",
            "INSERT INTO checkpoints (name, position) VALUES ('x', 1)",
        ],
        &[
            "SELECT * FROM events",
            "SELECT * FROM checkpoints",
            "SELECT * FROM share_fetches",
        ],
    ),
];

#[tokio::test(flavor = "multi_thread")]
async fn no_role_of_the_program_may_change_the_record_and_each_may_do_its_own_work_only() {
    let record = Record::fresh().await;
    record.holds(2).await;
    for (role, refused, allowed) in ROLES {
        let mut db = record.pool.acquire().await.unwrap();
        sqlx::query(&format!("SET ROLE {role}"))
            .execute(&mut *db)
            .await
            .unwrap();
        for ask in CHANGES_THE_RECORD.iter().chain(refused) {
            let refusal = sqlx::query(ask).execute(&mut *db).await.unwrap_err();
            let cause = refusal.as_database_error().unwrap();
            assert_eq!(cause.code().unwrap(), "42501", "{role}: {ask}");
        }
        for ask in allowed {
            sqlx::query(ask).execute(&mut *db).await.unwrap();
        }
        sqlx::query("RESET ROLE").execute(&mut *db).await.unwrap();
    }
    assert_eq!(record.is_whole().await, 2);
}

async fn who(pool: &PgPool) -> String {
    sqlx::query_scalar("SELECT current_user::text")
        .fetch_one(pool)
        .await
        .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_part_that_acts_in_a_role_does_all_its_connections_work_in_it() {
    let record = Record::fresh().await;
    let writer = connect_as(Role::Writer, &record.url, 4).await.unwrap();
    assert_eq!(who(&writer).await, "vara_writer");
    let store = Store::open(writer.clone(), record.vault());
    for _ in 0..3 {
        let (owner, page) = (fresh_id().into(), fresh_id().into());
        sees(&store, owner, page, fresh_id()).await.unwrap();
    }
    assert_eq!(Log::new(writer).head().await.unwrap(), 3);
    let projector = connect_as(Role::Projector, &record.url, 1).await.unwrap();
    assert_eq!(who(&projector).await, "vara_projector");
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_finds_all_connections_taken_is_told_of_an_outage_and_served_later() {
    let record = Record::fresh().await;
    let writer = connect_as(Role::Writer, &record.url, 1).await.unwrap();
    assert_eq!(writer.options().get_acquire_timeout().as_secs(), 2);
    let taken = writer.acquire().await.unwrap();
    let fault = writer.acquire().await.unwrap_err();
    assert!(eventstore::is_outage(&fault), "{fault}");
    drop(taken);
    assert_eq!(Log::new(writer).head().await.unwrap(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_that_may_not_take_the_role_keeps_its_own_rights() {
    let record = Record::fresh().await;
    let login = format!("vara_test_{}", fresh_id().simple());
    let mut url: url::Url = record.url.parse().unwrap();
    url.set_username(&login).unwrap();
    url.set_password(Some("not-secret")).unwrap();
    sqlx::query(&format!("CREATE ROLE {login} LOGIN PASSWORD 'not-secret'"))
        .execute(&record.pool)
        .await
        .unwrap();
    let pool = connect_as(Role::Writer, url.as_str(), 1).await.unwrap();
    assert_eq!(who(&pool).await, login);
    assert!(Log::new(pool.clone()).head().await.is_err());
    sqlx::query(&format!("GRANT vara_writer TO {login}"))
        .execute(&record.pool)
        .await
        .unwrap();
    pool.close().await;
    let pool = connect_as(Role::Writer, url.as_str(), 1).await.unwrap();
    assert_eq!(who(&pool).await, "vara_writer");
    assert_eq!(Log::new(pool.clone()).head().await.unwrap(), 0);
    pool.close().await;
    sqlx::query(&format!("DROP ROLE {login}"))
        .execute(&record.pool)
        .await
        .unwrap();
}
