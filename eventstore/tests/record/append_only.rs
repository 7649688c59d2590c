//! The log only grows: the database itself refuses everything else.

use crate::support::Record;

#[tokio::test(flavor = "multi_thread")]
async fn nothing_in_the_log_can_be_changed_deleted_or_emptied() {
    let record = Record::fresh().await;
    record.holds(2).await;
    let before = record.log().read_after(0, 10).await.unwrap();
    for change in [
        "UPDATE events SET payload = '{}' WHERE position = 1",
        "UPDATE events SET position = 9 WHERE position = 2",
        "DELETE FROM events WHERE position = 2",
        "DELETE FROM events",
        "TRUNCATE events",
    ] {
        let refusal = sqlx::query(change).execute(&record.pool).await.unwrap_err();
        let cause = refusal.as_database_error().unwrap();
        assert_eq!(cause.code().unwrap(), "42501", "{change}");
    }
    assert_eq!(record.log().read_after(0, 10).await.unwrap(), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_role_of_the_program_may_change_the_record_and_an_auditor_sees_nothing_in_clear() {
    let record = Record::fresh().await;
    record.holds(2).await;
    let changes = [
        "UPDATE events SET payload = '{}'",
        "DELETE FROM events",
        "TRUNCATE events",
        "ALTER TABLE events DISABLE TRIGGER USER",
        "DROP TABLE events",
        "DROP FUNCTION append_events",
        "UPDATE log_epoch SET epoch = gen_random_uuid()",
    ];
    let reads = [
        "SELECT * FROM read_users",
        "SELECT * FROM keys.subject_keys",
        "SELECT * FROM snapshots",
    ];
    let writes = ["INSERT INTO checkpoints (name, position) VALUES ('x', 1)"];
    let asks: [(&str, Vec<&str>, &str); 2] = [
        (
            "vara_writer",
            [&changes[..], &reads[1..2]].concat(),
            "SELECT * FROM read_users",
        ),
        (
            "vara_auditor",
            [&changes[..], &reads, &writes].concat(),
            "SELECT * FROM events",
        ),
    ];
    for (role, refused, allowed) in asks {
        let mut db = record.pool.acquire().await.unwrap();
        sqlx::query(&format!("SET ROLE {role}"))
            .execute(&mut *db)
            .await
            .unwrap();
        for ask in refused {
            let refusal = sqlx::query(ask).execute(&mut *db).await.unwrap_err();
            let cause = refusal.as_database_error().unwrap();
            assert_eq!(cause.code().unwrap(), "42501", "{role}: {ask}");
        }
        sqlx::query(allowed).execute(&mut *db).await.unwrap();
        sqlx::query("RESET ROLE").execute(&mut *db).await.unwrap();
    }
    assert_eq!(record.is_whole().await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_migration_can_be_taken_back_and_made_again_and_two_at_once_are_one() {
    let record = Record::fresh().await;
    assert!(eventstore::migrate::is_current(&record.pool).await.unwrap());
    // Those of keys stand in the same database here, and are not asked about.
    for statement in [
        "DELETE FROM _sqlx_migrations WHERE version = 20261124120000",
        "DROP TABLE keys.erasures",
    ] {
        sqlx::query(statement).execute(&record.pool).await.unwrap();
    }
    let migrations = &eventstore::migrate::MIGRATIONS;
    migrations.undo(&record.pool, 0).await.unwrap();
    let left: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM pg_class WHERE relkind = 'r' AND relname <> '_sqlx_migrations'
            AND relnamespace NOT IN (SELECT oid FROM pg_namespace WHERE nspname IN ('pg_catalog', 'information_schema'))",
    )
    .fetch_one(&record.pool)
    .await
    .unwrap();
    assert_eq!(left, 0, "a migration leaves something behind");
    assert!(!eventstore::migrate::is_current(&record.pool).await.unwrap());
    let (one, two) = tokio::join!(
        eventstore::migrate::run(&record.pool),
        eventstore::migrate::run(&record.pool)
    );
    one.unwrap();
    two.unwrap();
    assert!(eventstore::migrate::is_current(&record.pool).await.unwrap());
    record.holds(2).await;
    assert_eq!(record.is_whole().await, 2);
}
