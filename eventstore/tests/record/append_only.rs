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
async fn every_migration_can_be_taken_back_and_made_again_and_two_at_once_are_one() {
    let record = Record::fresh().await;
    assert!(eventstore::migrate::is_current(&record.pool).await.unwrap());
    // Those of keys stand in the same database here, and are not asked about.
    for statement in [
        "DELETE FROM _sqlx_migrations WHERE version IN (20261124120000, 20261124163700, 20261129190000)",
        "DROP TABLE keys.erasures, keys.picture_keys, keys.picture_keys_file",
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
