//! Given what she said, then who she is and what she agrees to.

use crate::story::{Member, minute};
use crate::support::World;
use domain::user::Purpose;
use eventstore::edge::fresh_id;
use projections::users;

#[tokio::test(flavor = "multi_thread")]
async fn a_member_is_shown_with_her_address_and_what_she_agrees_to_now() {
    // USR-1, CON-2
    let world = World::fresh().await;
    let ana = Member::joins(&world, "ana@example.test").await;
    ana.says(Purpose::FaceSearch, true, 5).await;
    ana.says(Purpose::BreachLookup, false, 6).await;
    ana.says(Purpose::FaceSearch, false, 7).await;
    ana.says(Purpose::FaceSearch, true, 8).await;
    ana.looks().await;
    let row = users::find(&world.pool, ana.id).await.unwrap().unwrap();
    assert_eq!(row.user_id, ana.id.0);
    assert_eq!(row.email.as_deref(), Some("ana@example.test"));
    assert_eq!(row.registered_at, minute(0));
    let consents = users::consents(&world.pool, ana.id).await.unwrap();
    let told: Vec<_> = consents
        .iter()
        .map(|c| {
            (
                c.purpose.as_str(),
                c.granted,
                c.text_version.as_str(),
                c.changed_at,
            )
        })
        .collect();
    let expected = [
        ("BREACH_LOOKUP", false, "settings-6", minute(6)),
        ("FACE_SEARCH", true, "settings-8", minute(8)),
        ("WEB_IMAGE_SEARCH", true, "signup-1", minute(0)),
    ];
    assert_eq!(told, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn members_do_not_see_each_other_and_nobody_is_nobody() {
    let world = World::fresh().await;
    let ana = Member::joins(&world, "ana@example.test").await;
    let eva = Member::joins(&world, "eva@example.test").await;
    eva.says(Purpose::AccountMonitoring, true, 1).await;
    eva.looks().await;
    let stranger = fresh_id().into();
    assert!(users::find(&world.pool, stranger).await.unwrap().is_none());
    let none = users::consents(&world.pool, stranger).await.unwrap();
    assert!(none.is_empty());
    let hers = users::consents(&world.pool, ana.id).await.unwrap();
    assert!(hers.iter().all(|c| c.purpose != "ACCOUNT_MONITORING"));
    assert_eq!(hers.len(), 2);
}
