//! Her plan: what to do, most urgent first, and why.

use crate::story::{Member, minute};
use crate::support::World;
use chrono::Duration;
use domain::ids::{AlertId, PlanItemId};
use domain::plan::{Because, ItemCode, Urgency};
use projections::plan::items;
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_is_listed_most_urgent_first_with_its_reasons() {
    // PLN-9, PLN-16
    let world = World::fresh().await;
    let ana = Member::joins(&world, "ana@example.test").await;
    let alert = AlertId::of_cause("match:1");
    ana.has_to(
        ItemCode::ReviewAlerts,
        Urgency::Second,
        Because::Alert(alert),
        1,
    )
    .await;
    ana.has_to(
        ItemCode::CompleteAssessment,
        Urgency::First,
        Because::Joined,
        2,
    )
    .await;
    ana.looks().await;
    let rows = items(&world.pool, ana.id).await.unwrap();
    let told: Vec<_> = rows
        .iter()
        .map(|row| (row.code.as_str(), row.urgency, row.status.as_str()))
        .collect();
    let expected = [
        ("COMPLETE_ASSESSMENT", 1, "PENDING"),
        ("REVIEW_ALERTS", 2, "PENDING"),
    ];
    assert_eq!(told, expected);
    assert_eq!(rows[0].because, json!("JOINED"));
    assert_eq!(rows[1].because, json!({ "ALERT": alert }));
    assert_eq!(rows[0].due_at, minute(2) + Duration::days(3));
    assert_eq!(rows[1].due_at, minute(1) + Duration::days(14));
    let id = PlanItemId::of_code(ana.id, "REVIEW_ALERTS");
    assert_eq!(rows[1].item_id, id.0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_graver_cause_makes_an_item_more_urgent_and_its_explanation_begins_there() {
    let world = World::fresh().await;
    let ana = Member::joins(&world, "ana@example.test").await;
    let graver = Because::Alert(AlertId::of_cause("match:2"));
    for (urgency, because, at) in [
        (
            Urgency::Second,
            Because::Alert(AlertId::of_cause("match:1")),
            1,
        ),
        (Urgency::First, graver.clone(), 5),
    ] {
        ana.has_to(ItemCode::ReviewAlerts, urgency, because, at)
            .await;
    }
    ana.looks().await;
    let rows = items(&world.pool, ana.id).await.unwrap();
    assert_eq!(rows.len(), 1, "one item for each code");
    let row = &rows[0];
    assert_eq!(
        (row.urgency, row.due_at),
        (1, minute(5) + Duration::days(3))
    );
    assert_eq!((row.created_at, row.changed_at), (minute(1), minute(5)));
    assert_eq!(row.because, serde_json::to_value(graver).unwrap());
    let events = world.events().await;
    assert_eq!(
        Some(row.event_id),
        events.last().map(|event| event.event_id)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_sees_the_plan_of_another() {
    // I12
    let world = World::fresh().await;
    let ana = Member::joins(&world, "ana@example.test").await;
    let eva = Member::joins(&world, "eva@example.test").await;
    ana.has_to(
        ItemCode::CompleteAssessment,
        Urgency::First,
        Because::Joined,
        1,
    )
    .await;
    ana.looks().await;
    assert!(items(&world.pool, eva.id).await.unwrap().is_empty());
    assert_eq!(items(&world.pool, ana.id).await.unwrap().len(), 1);
}
