//! Links to look at a picture: ours alone, for a while, for one copy of one picture in one state.

use crate::support::Record;
use chrono::{DateTime, TimeDelta, Utc};
use eventstore::edge::{fresh_id, now};
use eventstore::view_link::{LIFE_SECONDS, Shown, ViewLink, life};
use eventstore::{MasterKey, Vault};

fn a_link(until: DateTime<Utc>) -> ViewLink {
    ViewLink {
        image: fresh_id().into(),
        shown: Shown::Display,
        moved_at: None,
        until,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_says_what_was_signed_until_its_time_is_over() {
    // IMG-7
    let record = Record::fresh().await;
    let (vault, now) = (record.vault(), now());
    let until = now + TimeDelta::seconds(60);
    for (shown, moved_at) in [
        (Shown::Display, None),
        (Shown::Thumbnail, None),
        (Shown::Thumbnail, Some(now)),
    ] {
        let link = ViewLink {
            shown,
            moved_at,
            ..a_link(until)
        };
        let token = link.signed(&vault).unwrap();
        assert!(token.len() < 100 && !token.contains(['+', '/', '=']));
        // Another process, which shares nothing but the master key.
        let beside = record.vault();
        let last = until - TimeDelta::milliseconds(1);
        assert_eq!(ViewLink::checked(&token, &beside, now), Some(link));
        assert_eq!(ViewLink::checked(&token, &beside, last), Some(link));
        assert_eq!(ViewLink::checked(&token, &beside, until), None, "over");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_in_which_anything_was_changed_is_none() {
    let record = Record::fresh().await;
    let (vault, now) = (record.vault(), now());
    let token = a_link(now + TimeDelta::hours(1)).signed(&vault).unwrap();
    let other = record.folder.path().join("other.key");
    let other = MasterKey::read_or_create(&other).unwrap();
    let other = Vault::new(record.pool.clone(), other);
    assert_eq!(ViewLink::checked(&token, &other, now), None, "another key");
    for at in 0..token.len() {
        let mut changed = token.clone().into_bytes();
        changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
        let changed = String::from_utf8(changed).unwrap();
        assert_eq!(ViewLink::checked(&changed, &vault, now), None, "{at}");
    }
    for wrong in [
        "",
        "A",
        &token[1..],
        &token[..token.len() - 1],
        "é",
        "../../x",
    ] {
        assert_eq!(ViewLink::checked(wrong, &vault, now), None, "{wrong}");
    }
    let longer = format!("{token}A");
    assert_eq!(ViewLink::checked(&longer, &vault, now), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_outlives_a_rotation_of_the_master_key_as_long_as_the_key_before_is_kept() {
    let record = Record::fresh().await;
    let (path, now) = (record.folder.path().join("master.key"), now());
    let master = MasterKey::read(&path).unwrap();
    let vault = Vault::new(record.pool.clone(), master.clone());
    let link = a_link(now + TimeDelta::hours(1));
    let before = link.signed(&vault).unwrap();
    let first = master.id();
    master.turn(std::slice::from_ref(&first)).unwrap();
    let after = link.signed(&vault).unwrap();
    assert_ne!(before, after, "signed by the new key");
    for token in [&before, &after] {
        assert_eq!(ViewLink::checked(token, &record.vault(), now), Some(link));
    }
    master.turn(&[]).unwrap();
    assert_eq!(ViewLink::checked(&before, &record.vault(), now), None);
    assert_eq!(ViewLink::checked(&after, &record.vault(), now), Some(link));
}

#[test]
fn a_life_is_an_hour_and_at_least_a_minute_and_at_most_a_week() {
    // IMG-7
    for (asked, lives) in [
        (LIFE_SECONDS, 3_600),
        (59, 60),
        (60, 60),
        (604_800, 604_800),
        (604_801, 604_800),
        (-1, 60),
        (i64::MAX, 604_800),
        (i64::MIN, 60),
    ] {
        assert_eq!(life(asked).num_seconds(), lives, "{asked}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_signs_without_a_master_key() {
    let record = Record::fresh().await;
    let awaited = MasterKey::awaited(&record.folder.path().join("not-there.key"));
    let vault = Vault::new(record.pool.clone(), awaited);
    let link = a_link(now() + TimeDelta::hours(1));
    assert_eq!(link.signed(&vault), None);
    let token = link.signed(&record.vault()).unwrap();
    assert_eq!(ViewLink::checked(&token, &vault, now()), None);
}
