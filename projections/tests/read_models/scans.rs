//! Her scans: how far, what was reached, what was found.

use crate::story::{Ended, Found, Member, PLAIN, minute};
use crate::support::{ALL, World};
use domain::ids::ScanId;
use domain::scan::{Answer, FailureCode, ProviderFault, Tally, UnitOutcome, Warning};
use domain::user::Purpose;
use eventstore::edge::fresh_id;
use projections::page::Page;
use projections::scans::{ScanRow, Wanted, find, list};
use uuid::Uuid;

async fn shown(world: &World, member: &Member<'_>, scan: ScanId) -> ScanRow {
    member.looks().await;
    let row = find(&world.pool, member.id, scan).await.unwrap();
    row.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scan_goes_from_pending_over_running_to_completed_and_its_progress_only_grows() {
    // SCN-10: 0, 10, then min(90, 10 + round(i * 80 / n)), then 100
    let world = World::fresh().await;
    let ana = Member::joins(&world, "ana@example.test").await;
    let mut images = Vec::new();
    for at in 1..=3 {
        images.push(ana.uploads(at, PLAIN).await);
    }
    let scan = ana.starts_a_scan(10, &images).await;
    let row = shown(&world, &ana, scan).await;
    assert_eq!(
        (row.status.as_str(), row.progress, row.images),
        ("PENDING", 0, 3)
    );
    assert_eq!((row.created_at, row.started_at), (minute(10), None));
    assert_eq!(row.target, None);
    ana.scan_begins(scan, 11).await;
    let row = shown(&world, &ana, scan).await;
    assert_eq!((row.status.as_str(), row.progress), ("RUNNING", 10));
    assert_eq!(row.started_at, Some(minute(11)));
    for (image, progress) in images.iter().zip([37, 63, 90]) {
        let done = Ended::with(UnitOutcome::Done);
        ana.image_is_scanned(scan, *image, done, 12).await;
        let row = shown(&world, &ana, scan).await;
        assert_eq!((row.status.as_str(), row.progress), ("RUNNING", progress));
    }
    ana.scan_ends(scan, 13).await;
    let row = shown(&world, &ana, scan).await;
    assert_eq!((row.status.as_str(), row.progress), ("COMPLETED", 100));
    assert_eq!(row.completed_at, Some(minute(13)));
    assert_eq!((row.finished, row.searched, row.error_code), (3, 3, None));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scan_says_what_was_counted_and_what_was_not_reached() {
    // SCN-9, SCN-12
    let world = World::fresh().await;
    let ana = Member::joins(&world, "ana@example.test").await;
    let (one, two) = (ana.uploads(1, PLAIN).await, ana.uploads(2, PLAIN).await);
    let scan = ana.starts_a_scan(3, &[one, two]).await;
    ana.scan_begins(scan, 4).await;
    let fault = Answer::Fault(ProviderFault::Timeout);
    for image in [one, two] {
        ana.engine_says(scan, image, "tineye", Answer::Results(2))
            .await;
        ana.engine_says(scan, image, "other", fault).await;
    }
    ana.engine_says(scan, two, "third", Answer::Results(0))
        .await;
    let tally = Tally {
        matches_found: 2,
        seen_again: 1,
        flagged_for_review: 3,
        below_threshold: 4,
        clip_mismatch: 5,
        bad_url: 6,
    };
    let failed = Warning::ProviderFailed("other".to_owned());
    let missing = Warning::ConsentMissing(Purpose::FaceSearch);
    for (image, warnings) in [
        (one, [failed.clone(), Warning::Truncated]),
        (two, [missing, failed]),
    ] {
        let ended = Ended {
            outcome: UnitOutcome::Partial,
            tally: tally.clone(),
            warnings: &warnings,
        };
        ana.image_is_scanned(scan, image, ended, 5).await;
    }
    let page = fresh_id().into();
    ana.is_told(page, Found::exact(one, scan), 6).await;
    let row = shown(&world, &ana, scan).await;
    let counted = [
        row.matches_found,
        row.seen_again,
        row.flagged_for_review,
        row.below_threshold,
        row.clip_mismatch,
        row.bad_url,
    ];
    assert_eq!(counted, [4, 2, 6, 8, 10, 12]);
    assert_eq!(row.engines, ["tineye", "third"], "who answered, each once");
    let warnings = [
        "PROVIDER_FAILED:other",
        "TRUNCATED",
        "CONSENT_MISSING:FACE_SEARCH",
    ];
    assert_eq!(row.warnings, warnings);
    assert_eq!((row.alerts_created, row.searched), (1, 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scan_in_which_nothing_was_searched_has_failed_with_its_code() {
    // SCN-9
    let world = World::fresh().await;
    let ana = Member::joins(&world, "ana@example.test").await;
    let image = ana.uploads(1, PLAIN).await;
    let scan = ana.starts_a_scan(2, &[image]).await;
    ana.scan_begins(scan, 3).await;
    let ended = Ended::with(UnitOutcome::Failed(FailureCode::ProviderAuth));
    ana.image_is_scanned(scan, image, ended, 4).await;
    ana.scan_ends(scan, 5).await;
    let row = shown(&world, &ana, scan).await;
    assert_eq!(row.status, "FAILED");
    assert_eq!(row.error_code.as_deref(), Some("PROVIDER_AUTH"));
    assert_eq!((row.searched, row.finished, row.progress), (0, 1, 100));
    assert_eq!(row.target, Some(image.0));
    let empty = ana.starts_a_scan(6, &[]).await;
    ana.scan_begins(empty, 7).await;
    ana.scan_ends(empty, 8).await;
    let row = shown(&world, &ana, empty).await;
    assert_eq!((row.status.as_str(), row.progress), ("COMPLETED", 100));
    assert_eq!(row.warnings, ["NO_IMAGES"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn scans_are_listed_newest_first_filtered_and_page_by_page() {
    // LIM-11
    let world = World::fresh().await;
    let ana = Member::joins(&world, "ana@example.test").await;
    let mut newest_first: Vec<Uuid> = Vec::new();
    for at in 1..=5 {
        let scan = ana.starts_a_scan(at * 10, &[]).await;
        if at < 5 {
            ana.scan_ends(scan, at * 10 + 1).await;
        }
        newest_first.insert(0, scan.0);
    }
    ana.looks().await;
    let (pool, all) = (&world.pool, Wanted::default());
    let mut listed = Vec::new();
    for number in 1..=3 {
        let part = list(pool, ana.id, &all, Page { number, size: 2 }).await;
        let part = part.unwrap();
        assert_eq!(part.total, 5);
        listed.extend(part.rows.iter().map(|row| row.scan_id));
    }
    assert_eq!(listed, newest_first);
    let texts = |codes: &[&str]| codes.iter().map(|code| (*code).to_owned()).collect();
    for (statuses, kinds, expected) in [
        (&["PENDING"][..], &[][..], 1),
        (&["COMPLETED"], &[], 4),
        (&["PENDING", "COMPLETED"], &["IMAGE_SCAN"], 5),
        (&["RUNNING", "FAILED"], &[], 0),
        (&[], &["PROFILE_SCAN"], 0),
    ] {
        let wanted = Wanted {
            statuses: texts(statuses),
            kinds: texts(kinds),
            ..Wanted::default()
        };
        let part = list(pool, ana.id, &wanted, ALL).await.unwrap();
        assert_eq!(part.total, expected, "{statuses:?} {kinds:?}");
        assert_eq!(part.total, i64::try_from(part.rows.len()).unwrap());
    }
    // From a time on, that time included; up to a time, that time not included.
    for (from, to, expected) in [
        (Some(20), None, 4),
        (None, Some(20), 1),
        (Some(20), Some(40), 2),
    ] {
        let wanted = Wanted {
            from: from.map(minute),
            to: to.map(minute),
            ..Wanted::default()
        };
        let part = list(pool, ana.id, &wanted, ALL).await.unwrap();
        assert_eq!(part.total, expected, "{from:?} {to:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_sees_the_scans_of_another() {
    // I12
    let world = World::fresh().await;
    let ana = Member::joins(&world, "ana@example.test").await;
    let eva = Member::joins(&world, "eva@example.test").await;
    let scan = ana.starts_a_scan(1, &[]).await;
    ana.looks().await;
    assert!(find(&world.pool, eva.id, scan).await.unwrap().is_none());
    let part = list(&world.pool, eva.id, &Wanted::default(), ALL).await;
    assert_eq!(part.unwrap().total, 0);
}
