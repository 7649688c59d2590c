//! Her library: what is counted, how it is listed, and that it is hers alone.

use crate::story::{Ended, Found, Looks, Member, PLAIN, minute};
use crate::support::{ALL, World};
use domain::ids::MatchId;
use domain::scan::{FailureCode, UnitOutcome};
use eventstore::edge::fresh_id;
use projections::images::{Filter, find, list, whose};
use projections::page::Page;
use uuid::Uuid;

#[tokio::test(flavor = "multi_thread")]
async fn a_picture_counts_its_scans_and_matches_and_knows_when_it_was_really_searched_for() {
    // IMG-8: a scan that reached no engine is counted, but says nothing about the picture
    let world = World::fresh().await;
    let ana = Member::joins(&world, "ana@example.test").await;
    let image = ana.uploads(1, PLAIN).await;
    let mut last = None;
    let failed = UnitOutcome::Failed(FailureCode::AllProvidersFailed);
    let table = [
        (failed, 10, None),
        (UnitOutcome::Skipped, 20, None),
        (UnitOutcome::Partial, 30, Some(30)),
        (failed, 40, Some(30)),
        (UnitOutcome::Done, 50, Some(50)),
        (UnitOutcome::Skipped, 60, Some(50)),
    ];
    for (scans, (outcome, at, searched)) in (1..).zip(table) {
        let scan = ana.starts_a_scan(at, &[image]).await;
        ana.scan_begins(scan, at).await;
        if outcome == UnitOutcome::Done {
            for _ in 0..2 {
                ana.is_found(fresh_id().into(), Found::exact(image, scan), at)
                    .await;
            }
        }
        let ended = Ended::with(outcome);
        ana.image_is_scanned(scan, image, ended, at).await;
        ana.scan_ends(scan, at).await;
        ana.looks().await;
        let row = find(&world.pool, ana.id, image).await.unwrap().unwrap();
        assert_eq!(row.scan_count, scans);
        assert_eq!(row.last_scanned, searched.map(minute));
        last = Some(row);
    }
    assert_eq!(last.unwrap().match_count, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_seen_again_is_not_counted_again() {
    // MAT-10
    let world = World::fresh().await;
    let ana = Member::joins(&world, "ana@example.test").await;
    let image = ana.uploads(1, PLAIN).await;
    let page = MatchId(fresh_id());
    for _ in 0..3 {
        let scan = fresh_id().into();
        ana.is_found(page, Found::exact(image, scan), 5).await;
    }
    ana.looks().await;
    let row = find(&world.pool, ana.id, image).await.unwrap().unwrap();
    assert_eq!(row.match_count, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_library_is_listed_newest_first_page_by_page() {
    // IMG-4, LIM-11
    let world = World::fresh().await;
    let ana = Member::joins(&world, "ana@example.test").await;
    let mut newest_first: Vec<Uuid> = Vec::new();
    for at in 1..=7 {
        newest_first.insert(0, ana.uploads(at, PLAIN).await.0);
    }
    ana.looks().await;
    let mut listed = Vec::new();
    for number in 1..=4 {
        let page = Page { number, size: 3 };
        let part = list(&world.pool, ana.id, Filter::All, page).await.unwrap();
        assert_eq!(part.total, 7);
        listed.extend(part.rows.iter().map(|row| row.image_id));
    }
    assert_eq!(listed, newest_first);
}

#[tokio::test(flavor = "multi_thread")]
async fn pictures_of_one_moment_keep_their_order_from_page_to_page() {
    let world = World::fresh().await;
    let ana = Member::joins(&world, "ana@example.test").await;
    for _ in 0..6 {
        ana.uploads(1, PLAIN).await;
    }
    ana.looks().await;
    let mut listed = Vec::new();
    for number in 1..=3 {
        let page = Page { number, size: 2 };
        let part = list(&world.pool, ana.id, Filter::All, page).await.unwrap();
        listed.extend(part.rows.iter().map(|row| row.image_id));
    }
    listed.dedup();
    assert_eq!(listed.len(), 6);
    assert!(listed.is_sorted());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_filters_tell_searched_pictures_from_the_others() {
    // IMG-4
    let world = World::fresh().await;
    let ana = Member::joins(&world, "ana@example.test").await;
    let (searched, failed) = (ana.uploads(1, PLAIN).await, ana.uploads(2, PLAIN).await);
    let fresh = ana.uploads(3, PLAIN).await;
    let scan = ana.starts_a_scan(4, &[searched, failed]).await;
    let unreadable = UnitOutcome::Failed(FailureCode::ImageUnreadable);
    for (image, outcome) in [(searched, UnitOutcome::Done), (failed, unreadable)] {
        let ended = Ended::with(outcome);
        ana.image_is_scanned(scan, image, ended, 5).await;
    }
    ana.looks().await;
    for (filter, expected) in [
        (Filter::All, vec![fresh, failed, searched]),
        (Filter::Scanned, vec![searched]),
        (Filter::NotScanned, vec![fresh, failed]),
        (Filter::Archived, vec![]),
    ] {
        let part = list(&world.pool, ana.id, filter, ALL).await.unwrap();
        let ids: Vec<Uuid> = part.rows.iter().map(|row| row.image_id).collect();
        let expected: Vec<Uuid> = expected.iter().map(|image| image.0).collect();
        assert_eq!(ids, expected, "{filter:?}");
        assert_eq!(part.total, i64::try_from(expected.len()).unwrap());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_put_away_is_listed_apart_and_comes_back_where_it_was() {
    // IMG-4, IMG-5
    let world = World::fresh().await;
    let ana = Member::joins(&world, "ana@example.test").await;
    let (first, away, last) = (
        ana.uploads(1, PLAIN).await,
        ana.uploads(2, PLAIN).await,
        ana.uploads(3, PLAIN).await,
    );
    ana.puts_away(away, 10).await;
    ana.looks().await;
    let listed = async |filter| {
        let part = list(&world.pool, ana.id, filter, ALL).await.unwrap();
        assert_eq!(part.total, i64::try_from(part.rows.len()).unwrap());
        part.rows.iter().map(|row| row.image_id).collect::<Vec<_>>()
    };
    assert_eq!(listed(Filter::All).await, [last.0, first.0]);
    assert_eq!(listed(Filter::NotScanned).await, [last.0, first.0]);
    assert_eq!(listed(Filter::Archived).await, [away.0]);
    let row = find(&world.pool, ana.id, away).await.unwrap().unwrap();
    assert_eq!(row.archived_at, Some(minute(10)));
    let of = whose(&world.pool, away).await.unwrap();
    assert_eq!(of, Some((ana.id, Some(minute(10)))));
    ana.takes_back(away, 20).await;
    ana.looks().await;
    assert_eq!(listed(Filter::All).await, [last.0, away.0, first.0]);
    assert!(listed(Filter::Archived).await.is_empty());
    let row = find(&world.pool, ana.id, away).await.unwrap().unwrap();
    assert_eq!((row.archived_at, row.restored_at), (None, Some(minute(20))));
    let of = whose(&world.pool, away).await.unwrap();
    assert_eq!(of, Some((ana.id, Some(minute(20)))));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_vector_that_was_being_made_while_she_was_erased_leaves_no_row() {
    // AUD-4: her key may be there a little longer than her pictures
    let world = World::fresh().await;
    let ana = Member::joins(&world, "ana@example.test").await;
    let image = ana.uploads(1, PLAIN).await;
    ana.is_to_be_erased().await;
    ana.gets_a_vector(image, "clip-1", &vec![0.5; 512], 2).await;
    ana.looks().await;
    for table in ["read_images", "read_image_hashes", "read_image_vectors"] {
        let rows: i64 = sqlx::query_scalar(&format!("SELECT count(*) FROM {table}"))
            .fetch_one(&world.pool)
            .await
            .unwrap();
        assert_eq!(rows, 0, "{table}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_of_a_purged_picture_is_left_in_any_row_and_others_stay() {
    // IMG-6: hash and vectors go with it
    let world = World::fresh().await;
    let ana = Member::joins(&world, "ana@example.test").await;
    let (pdq, numbers) = ("9d".repeat(32), vec![0.5; 512]);
    let seen = Looks {
        pdq: Some(&pdq),
        vector: Some(("clip-1", &numbers)),
        ..PLAIN
    };
    let (gone, stays) = (ana.uploads(1, seen).await, ana.uploads(2, seen).await);
    ana.puts_away(gone, 3).await;
    ana.loses(gone, 7 * 24 * 60 + 3).await;
    // What comes late changes nothing.
    ana.is_found(fresh_id().into(), Found::exact(gone, fresh_id().into()), 4)
        .await;
    ana.looks().await;
    for table in ["read_images", "read_image_hashes", "read_image_vectors"] {
        let ids: Vec<Uuid> = sqlx::query_scalar(&format!("SELECT image_id FROM {table}"))
            .fetch_all(&world.pool)
            .await
            .unwrap();
        assert_eq!(ids, [stays.0], "{table}");
    }
    assert!(find(&world.pool, ana.id, gone).await.unwrap().is_none());
    assert_eq!(whose(&world.pool, gone).await.unwrap(), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_sees_the_pictures_of_another() {
    // I12
    let world = World::fresh().await;
    let ana = Member::joins(&world, "ana@example.test").await;
    let eva = Member::joins(&world, "eva@example.test").await;
    let hers = ana.uploads(1, PLAIN).await;
    ana.looks().await;
    let pool = &world.pool;
    assert!(find(pool, ana.id, hers).await.unwrap().is_some());
    assert!(find(pool, eva.id, hers).await.unwrap().is_none());
    let part = list(pool, eva.id, Filter::All, ALL).await.unwrap();
    assert_eq!((part.total, part.rows.len()), (0, 0));
}
