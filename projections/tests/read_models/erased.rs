//! After her key was destroyed, read models that are built anew hold nothing personal of hers (AUD-2).

use crate::models::all_shown;
use crate::story::a_whole_story;
use crate::support::{ALL, Database, World, shown};
use projections::{alerts, images, likeness, matches, users};

#[tokio::test(flavor = "multi_thread")]
async fn what_is_rebuilt_without_her_key_shows_nothing_personal_and_everything_else() {
    let world = World::fresh().await;
    let ana = a_whole_story(&world, "ana@example.test").await;
    let eva = a_whole_story(&world, "eva@example.test").await;
    sqlx::query(
        "UPDATE keys.subject_keys SET wrapped = NULL, erased_at = now() WHERE subject = $1",
    )
    .bind(ana.0)
    .execute(&world.pool)
    .await
    .unwrap();
    let (events, other) = (world.events().await, Database::fresh().await);
    all_shown(&other.pool, &world.vault(), &events).await;
    let pool = &other.pool;
    for (member, is_known) in [(ana, false), (eva, true)] {
        let user = users::find(pool, member).await.unwrap().unwrap();
        assert_eq!(user.email.is_some(), is_known);
        let told = alerts::list(pool, member, &alerts::Wanted::default(), ALL).await;
        let alert = told.unwrap().rows.remove(0);
        let texts = [&alert.title, &alert.description, &alert.source_url];
        assert!(texts.iter().all(|text| text.is_some() == is_known));
        let (wanted, of) = (matches::Wanted::default(), matches::Of::Review);
        let review = matches::list(pool, member, of, &wanted, ALL).await.unwrap();
        assert_eq!(review.rows[0].source_url.is_some(), is_known);
        // Pictures are counted, but no longer recognised.
        let library = images::list(pool, member, images::Filter::All, ALL).await;
        assert_eq!(library.unwrap().total, 2);
        let turns = ["9d".repeat(32)];
        let near = likeness::nearest_by_hash(pool, member, &turns)
            .await
            .unwrap();
        assert_eq!(near.is_some(), is_known);
        let mut axis = [0.0_f32; 512];
        axis[7] = 1.0;
        let near = likeness::nearest_by_vector(pool, member, "clip-1", &axis).await;
        assert_eq!(near.unwrap().is_some(), is_known);
    }
    assert!(!format!("{:?}", shown(pool).await).contains("ana@example.test"));
}
