//! Her alerts, in the order in which she should see them.

use crate::story::{Found, Member, minute};
use crate::support::{ALL, World};
use domain::ids::{AlertId, ImageId, MatchId, ScanId};
use domain::matches::{MatchType, Tier};
use eventstore::edge::fresh_id;
use projections::alerts::{AlertRow, Wanted, find, list};
use projections::page::Page;
use uuid::Uuid;

fn found(tier: Tier, kind: MatchType) -> Found {
    Found {
        tier,
        kind,
        ..Found::exact(ImageId(fresh_id()), ScanId(fresh_id()))
    }
}

/// One alert a minute, oldest first.
async fn told(member: &Member<'_>, findings: &[(Tier, MatchType)]) -> Vec<AlertId> {
    let mut alerts = Vec::new();
    for (at, (tier, kind)) in (1..).zip(findings) {
        let page = MatchId(fresh_id());
        alerts.push(member.is_told(page, found(*tier, *kind), at).await);
    }
    member.looks().await;
    alerts
}

async fn listed(world: &World, member: &Member<'_>, wanted: &Wanted) -> Vec<AlertRow> {
    let part = list(&world.pool, member.id, wanted, ALL).await.unwrap();
    assert_eq!(part.total, i64::try_from(part.rows.len()).unwrap());
    part.rows
}

const EXACT: (Tier, MatchType) = (Tier::High, MatchType::Exact);

#[tokio::test(flavor = "multi_thread")]
async fn an_alert_shows_the_words_she_was_told_and_the_finding_it_is_about() {
    // ALR-5, ALR-6
    let world = World::fresh().await;
    let ana = Member::joins(&world, "ana@example.test").await;
    let (page, finding) = (MatchId(fresh_id()), found(Tier::High, MatchType::Exact));
    let alert = ana.is_told(page, finding, 3).await;
    ana.looks().await;
    let row = find(&world.pool, ana.id, alert).await.unwrap().unwrap();
    assert_eq!((row.match_id, row.image_id), (page.0, finding.image.0));
    assert_eq!(
        (row.kind.as_str(), row.status.as_str()),
        ("IMAGE_MISUSE", "NEW")
    );
    assert_eq!(row.severity, "CRITICAL");
    assert!(row.title.is_some_and(|title| !title.is_empty()));
    assert!(row.description.is_some_and(|text| !text.is_empty()));
    assert_eq!(row.source_url.as_deref(), Some("https://x.com/gallery/17"));
    assert_eq!(row.created_at, minute(3));
    let events = world.events().await;
    assert_eq!(
        Some(row.event_id),
        events.last().map(|event| event.event_id)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn alerts_come_by_state_and_within_a_state_newest_first() {
    // ALR-10: NEW, VIEWED, ACTIONED, DISMISSED
    let world = World::fresh().await;
    let ana = Member::joins(&world, "ana@example.test").await;
    let alerts = told(&ana, &[EXACT; 8]).await;
    // The commands that move an alert come later; the order is there already.
    for (alert, status, rank) in [
        (alerts[0], "DISMISSED", 3_i16),
        (alerts[1], "VIEWED", 1),
        (alerts[2], "ACTIONED", 2),
        (alerts[6], "DISMISSED", 3),
        (alerts[7], "VIEWED", 1),
    ] {
        sqlx::query("UPDATE read_alerts SET status = $2, status_rank = $3 WHERE alert_id = $1")
            .bind(alert.0)
            .bind(status)
            .bind(rank)
            .execute(&world.pool)
            .await
            .unwrap();
    }
    let rows = listed(&world, &ana, &Wanted::default()).await;
    let ids: Vec<Uuid> = rows.iter().map(|row| row.alert_id).collect();
    let expected = [5, 4, 3, 7, 1, 2, 6, 0].map(|n: usize| alerts[n].0);
    assert_eq!(ids, expected);
    let mut paged = Vec::new();
    for number in 1..=3 {
        let page = Page { number, size: 3 };
        let part = list(&world.pool, ana.id, &Wanted::default(), page).await;
        let part = part.unwrap();
        assert_eq!(part.total, 8);
        paged.extend(part.rows.iter().map(|row| row.alert_id));
    }
    assert_eq!(paged, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn alerts_are_filtered_by_state_kind_severity_and_time() {
    // ALR-10
    let world = World::fresh().await;
    let ana = Member::joins(&world, "ana@example.test").await;
    let similar = (Tier::High, MatchType::Similar);
    let weaker = (Tier::MediumHigh, MatchType::Modified);
    told(&ana, &[EXACT, similar, weaker, EXACT]).await;
    let texts = |codes: &[&str]| codes.iter().map(|code| (*code).to_owned()).collect();
    for (statuses, kinds, severities, expected) in [
        (&[][..], &[][..], &[][..], 4),
        (&["NEW"], &["IMAGE_MISUSE"], &[], 4),
        (&["VIEWED", "ACTIONED"], &[], &[], 0),
        (&[], &["DATA_BREACH"], &[], 0),
        (&[], &[], &["CRITICAL"], 2),
        (&["NEW"], &[], &["HIGH", "MEDIUM"], 2),
        (&[], &[], &["LOW"], 0),
    ] {
        let wanted = Wanted {
            statuses: texts(statuses),
            kinds: texts(kinds),
            severities: texts(severities),
            ..Wanted::default()
        };
        let rows = listed(&world, &ana, &wanted).await;
        assert_eq!(rows.len(), expected, "{wanted:?}");
    }
    // From a time on, that time included; up to a time, that time not included.
    for (from, to, expected) in [
        (Some(2), None, 3),
        (None, Some(2), 1),
        (Some(2), Some(4), 2),
    ] {
        let wanted = Wanted {
            from: from.map(minute),
            to: to.map(minute),
            ..Wanted::default()
        };
        let rows = listed(&world, &ana, &wanted).await;
        assert_eq!(rows.len(), expected, "{from:?} {to:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_sees_the_alerts_of_another() {
    // I12
    let world = World::fresh().await;
    let ana = Member::joins(&world, "ana@example.test").await;
    let eva = Member::joins(&world, "eva@example.test").await;
    let alert = told(&ana, &[EXACT]).await[0];
    assert!(find(&world.pool, eva.id, alert).await.unwrap().is_none());
    assert!(listed(&world, &eva, &Wanted::default()).await.is_empty());
    assert_eq!(listed(&world, &ana, &Wanted::default()).await.len(), 1);
}
