//! Her matches: of a picture, of a scan, and those that wait for her review.

use crate::story::{Found, Member, minute};
use crate::support::{ALL, World};
use domain::ids::{ImageId, MatchId, ScanId};
use domain::matches::{Disposition, MatchType, Tier};
use eventstore::edge::fresh_id;
use projections::matches::{Of, Wanted, find, list};
use projections::page::Page;
use uuid::Uuid;

fn found() -> Found {
    Found::exact(ImageId(fresh_id()), ScanId(fresh_id()))
}

async fn ids_of(world: &World, member: &Member<'_>, of: Of, wanted: &Wanted) -> Vec<Uuid> {
    let part = list(&world.pool, member.id, of, wanted, ALL).await.unwrap();
    assert_eq!(part.total, i64::try_from(part.rows.len()).unwrap());
    part.rows.iter().map(|row| row.match_id).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_match_says_where_by_whom_and_how_sure_and_keeps_its_first_scan() {
    // MAT-10
    let world = World::fresh().await;
    let ana = Member::joins(&world, "ana@example.test").await;
    let (page, first) = (MatchId(fresh_id()), found());
    ana.is_found(page, first, 5).await;
    let later = Found {
        scan: ScanId(fresh_id()),
        percent: 88,
        ..first
    };
    ana.is_found(page, later, 9).await;
    ana.looks().await;
    let row = find(&world.pool, ana.id, page).await.unwrap().unwrap();
    assert_eq!(row.source_url.as_deref(), Some("https://x.com/gallery/17"));
    assert_eq!(row.platform.as_deref(), Some("TWITTER"));
    assert_eq!(row.engine, "tineye");
    assert_eq!(
        (row.match_type.as_str(), row.tier.as_str()),
        ("EXACT", "HIGH")
    );
    assert_eq!((row.scan_id, row.similarity), (later.scan.0, 8_800));
    assert_eq!(
        (row.first_seen_at, row.last_seen_at),
        (minute(5), minute(9))
    );
    let all = Wanted::default();
    assert_eq!(
        ids_of(&world, &ana, Of::Scan(first.scan), &all).await,
        [page.0]
    );
    assert!(
        ids_of(&world, &ana, Of::Scan(later.scan), &all)
            .await
            .is_empty()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_review_queue_holds_what_waits_for_her_strongest_first_and_newest_first() {
    // REV-5
    let world = World::fresh().await;
    let ana = Member::joins(&world, "ana@example.test").await;
    let mut named: Vec<(&str, Uuid)> = Vec::new();
    for (name, tier, disposition, at) in [
        ("low, early", Tier::Low, Disposition::Review, 1),
        ("high, early", Tier::High, Disposition::Review, 2),
        ("told at once", Tier::High, Disposition::Alert, 3),
        ("low, late", Tier::Low, Disposition::Review, 4),
        ("medium high", Tier::MediumHigh, Disposition::Review, 5),
        ("for the record", Tier::Medium, Disposition::Record, 6),
        ("medium", Tier::Medium, Disposition::Review, 7),
        ("high, late", Tier::High, Disposition::Review, 8),
    ] {
        let page = MatchId(fresh_id());
        let finding = Found {
            tier,
            disposition,
            ..found()
        };
        ana.is_found(page, finding, at).await;
        named.push((name, page.0));
    }
    ana.looks().await;
    let queue = ids_of(&world, &ana, Of::Review, &Wanted::default()).await;
    let name = |id: &Uuid| named.iter().find(|(_, named)| named == id).unwrap().0;
    let names: Vec<&str> = queue.iter().map(name).collect();
    let expected = [
        "high, late",
        "high, early",
        "medium high",
        "medium",
        "low, late",
        "low, early",
    ];
    assert_eq!(names, expected);
    // The same order over pages.
    let mut paged = Vec::new();
    for number in 1..=3 {
        let page = Page { number, size: 2 };
        let all = Wanted::default();
        let part = list(&world.pool, ana.id, Of::Review, &all, page).await;
        paged.extend(part.unwrap().rows.iter().map(|row| row.match_id));
    }
    assert_eq!(paged, queue);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_matches_of_a_picture_are_listed_newest_first_and_filtered() {
    let world = World::fresh().await;
    let ana = Member::joins(&world, "ana@example.test").await;
    let (image, scan) = (ImageId(fresh_id()), ScanId(fresh_id()));
    let mut pages = Vec::new();
    for (at, (kind, disposition)) in (1..).zip([
        (MatchType::Exact, Disposition::Alert),
        (MatchType::Similar, Disposition::Review),
        (MatchType::Modified, Disposition::Record),
        (MatchType::Modified, Disposition::Review),
    ]) {
        let page = MatchId(fresh_id());
        let finding = Found {
            kind,
            disposition,
            ..Found::exact(image, scan)
        };
        ana.is_found(page, finding, at).await;
        pages.insert(0, page.0);
    }
    ana.is_found(fresh_id().into(), found(), 9).await;
    ana.looks().await;
    let texts = |codes: &[&str]| codes.iter().map(|code| (*code).to_owned()).collect();
    for (states, kinds, expected) in [
        (&[][..], &[][..], pages.clone()),
        (&["FLAGGED"], &[], vec![pages[0], pages[2]]),
        (&["OPEN"], &[], vec![pages[1], pages[3]]),
        (
            &["OPEN", "FLAGGED"],
            &["MODIFIED"],
            vec![pages[0], pages[1]],
        ),
        (&["FLAGGED"], &["SIMILAR", "EXACT"], vec![pages[2]]),
        (&["DISMISSED"], &[], vec![]),
    ] {
        let wanted = Wanted {
            states: texts(states),
            kinds: texts(kinds),
        };
        let listed = ids_of(&world, &ana, Of::Image(image), &wanted).await;
        assert_eq!(listed, expected, "{states:?} {kinds:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_sees_the_matches_of_another() {
    // I12, REV-3
    let world = World::fresh().await;
    let ana = Member::joins(&world, "ana@example.test").await;
    let eva = Member::joins(&world, "eva@example.test").await;
    let page = MatchId(fresh_id());
    let finding = Found {
        disposition: Disposition::Review,
        ..found()
    };
    ana.is_found(page, finding, 1).await;
    ana.looks().await;
    assert!(find(&world.pool, eva.id, page).await.unwrap().is_none());
    for of in [Of::Image(finding.image), Of::Scan(finding.scan), Of::Review] {
        let all = Wanted::default();
        assert_eq!(ids_of(&world, &ana, of, &all).await, [page.0], "{of:?}");
        assert!(ids_of(&world, &eva, of, &all).await.is_empty(), "{of:?}");
    }
}
