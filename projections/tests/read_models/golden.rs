//! Every fact of the catalogue, as it is written there, is taken in by every read model.

use crate::models::all_shown;
use crate::support::{ALL, World, shown};
use domain::ids::UserId;
use eventstore::Why;
use eventstore::edge::fresh_id;
use projections::{alerts, images, matches, plan, scans, users};
use serde_json::Value;
use std::path::{Path, PathBuf};
use uuid::Uuid;

/// All files of the catalogue, in an order in which these things happen.
const FACTS: [(&str, &str); 23] = [
    ("user", "UserRegistered"),
    ("user", "ConsentGranted"),
    ("user", "ConsentWithdrawn"),
    ("image", "ImageUploaded"),
    ("image", "ImageEmbedded"),
    ("scan", "ScanStarted"),
    ("scan", "ScanBegun"),
    ("scan", "ProviderQueried"),
    ("scan", "ProviderFailed"),
    ("match", "MatchFound"),
    ("alert", "AlertRaised"),
    ("plan", "PlanItemAdded"),
    ("plan", "PlanItemUrgencyRaised"),
    ("scan", "ImageScanned"),
    ("match", "MatchSeenAgain"),
    ("scan", "ScanCompleted"),
    ("scan", "ScanFailed"),
    ("image", "ImageArchived"),
    ("image", "ImageRestored"),
    ("image", "ImagePurged"),
    ("hash_case", "ImageHashRegistered"),
    ("hash_case", "ImageHashWithdrawn"),
    ("user", "SubjectErased"),
];

fn catalogue() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../domain/catalogue")
}

/// Schemas of facts lie beside them.
fn is_fact(path: &Path) -> bool {
    !path.to_string_lossy().ends_with(".schema.json")
}

/// A file for each fact and version; newer versions come after older ones.
fn files_of(noun: &str, fact: &str) -> Vec<PathBuf> {
    let folder = std::fs::read_dir(catalogue().join(noun)).unwrap();
    let mut files: Vec<PathBuf> = folder
        .map(|entry| entry.unwrap().path())
        .filter(|path| {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            name.split('.').next() == Some(fact) && is_fact(path)
        })
        .collect();
    files.sort();
    files
}

#[test]
fn no_fact_of_the_catalogue_is_left_out() {
    let mut files = 0;
    for noun in std::fs::read_dir(catalogue()).unwrap().flatten() {
        if noun.path().is_dir() {
            let facts = std::fs::read_dir(noun.path()).unwrap().flatten();
            files += facts.filter(|file| is_fact(&file.path())).count();
        }
    }
    let named: usize = FACTS
        .iter()
        .map(|(noun, fact)| files_of(noun, fact).len())
        .sum();
    assert_eq!(named, files);
    assert!(
        FACTS
            .iter()
            .all(|(noun, fact)| !files_of(noun, fact).is_empty())
    );
}

/// The catalogue in the log, as it was written before sealing; ids of the events that raised and added.
async fn recorded(world: &World) -> (Uuid, Uuid) {
    let member = UserId(Uuid::from_u128(1));
    let (mut raised, mut added) = (Uuid::nil(), Uuid::nil());
    for (noun, fact) in FACTS {
        let file = std::fs::read_to_string(files_of(noun, fact).remove(0)).unwrap();
        let payload: Value = serde_json::from_str(&file).unwrap();
        let why = Why::member(member, fresh_id(), fresh_id());
        let id = world.records(noun, "golden", &payload, &why).await;
        match fact {
            "AlertRaised" => raised = id,
            "PlanItemUrgencyRaised" => added = id,
            _ => {}
        }
    }
    (raised, added)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_facts_of_the_catalogue_make_the_rows_that_people_look_at() {
    let world = World::fresh().await;
    let (raised, added) = recorded(&world).await;
    let (mut events, vault) = (world.events().await, world.store.vault());
    let erased = events.split_off(events.len() - 1);
    all_shown(&world.pool, vault, &events).await;
    let rows = shown(&world.pool).await;
    for (table, rows) in &rows {
        let wanted = if table == "read_streams" { 7 } else { 1 };
        assert_eq!(rows.len(), wanted, "{table}");
    }
    let (pool, ana) = (&world.pool, UserId(Uuid::from_u128(1)));
    let id = Uuid::from_u128;
    let user = users::find(pool, ana).await.unwrap().unwrap();
    assert_eq!(user.email.as_deref(), Some("ana@example.test"));
    assert!(!users::consents(pool, ana).await.unwrap()[0].granted);
    let image = images::find(pool, ana, id(2).into())
        .await
        .unwrap()
        .unwrap();
    let size = (image.size_bytes, image.width, image.height);
    assert_eq!(size, (48_892, 640, 480));
    assert_eq!(image.near_copy_of, Some(id(7)));
    assert_eq!((image.scan_count, image.match_count), (1, 1));
    let scan = scans::find(pool, ana, id(3).into()).await.unwrap().unwrap();
    assert_eq!((scan.kind.as_str(), scan.progress), ("IMAGE_SCAN", 100));
    assert_eq!((scan.matches_found, scan.flagged_for_review), (5, 1));
    assert_eq!(scan.engines, ["tineye"]);
    assert_eq!(scan.alerts_created, 1);
    assert_eq!(scan.target, Some(id(2)));
    let found = matches::find(pool, ana, id(4).into())
        .await
        .unwrap()
        .unwrap();
    assert_eq!(found.similarity, 9_730);
    assert_eq!(found.platform.as_deref(), Some("TWITTER"));
    assert_eq!(
        (found.match_type.as_str(), found.tier.as_str()),
        ("EXACT", "HIGH")
    );
    assert_eq!(found.state, "OPEN");
    let told = alerts::list(pool, ana, &alerts::Wanted::default(), ALL).await;
    let alert = told.unwrap().rows.remove(0);
    assert_eq!((alert.alert_id, alert.event_id), (id(5), raised));
    assert_eq!(
        (alert.severity.as_str(), alert.status.as_str()),
        ("CRITICAL", "NEW")
    );
    let items = plan::items(pool, ana).await.unwrap();
    assert_eq!((items[0].item_id, items[0].event_id), (id(6), added));
    assert_eq!(items[0].because["ALERT"], id(5).to_string());
    // AUD-4: after the last fact about her, only which streams were hers is known.
    all_shown(pool, vault, &erased).await;
    for (table, rows) in shown(pool).await {
        assert_eq!(rows.is_empty(), table != "read_streams", "{table}");
    }
}
