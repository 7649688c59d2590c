//! Registered hashes: what she sees, and what an exchange is told, page by page.

use crate::story::{Member, minute};
use crate::support::{ALL, World};
use domain::hash_case::{HashCaseCommand, HashCases, RegisterImageHash, WithdrawImageHash};
use domain::ids::{HashCaseId, UserId};
use domain::image::Fingerprint;
use domain::user::TextVersion;
use eventstore::edge::fresh_id;
use projections::hash_cases::exchange::{PAGE_SIZE, Pages, Record, Status, Wanted, page};
use projections::hash_cases::{find, list};
use std::collections::BTreeMap;

/// A hash of one hex digit.
fn hash(digit: char) -> String {
    digit.to_string().repeat(64)
}

pub async fn registers(member: &Member<'_>, pdq: &str, at: i64) -> HashCaseId {
    registers_as(member, fresh_id().into(), pdq, at).await
}

async fn registers_as(member: &Member<'_>, case: HashCaseId, pdq: &str, at: i64) -> HashCaseId {
    let register = HashCaseCommand::Register(Box::new(RegisterImageHash {
        owner: member.id,
        case_id: case,
        fingerprint: Fingerprint {
            pdq: pdq.to_owned(),
            quality: 90,
        },
        attested: TextVersion::parse("hash-1").ok(),
        registered_at: minute(at),
    }));
    member.does::<HashCases>(member.id.0, register).await;
    case
}

pub async fn withdraws(member: &Member<'_>, case: HashCaseId, at: i64) {
    let withdraw = HashCaseCommand::Withdraw(WithdrawImageHash {
        owner: member.id,
        case_id: case,
        withdrawn_at: minute(at),
    });
    member.does::<HashCases>(member.id.0, withdraw).await;
}

fn wanted(owner: Option<UserId>) -> Wanted {
    Wanted {
        owner,
        start_timestamp: 0,
        after: 0,
        size: PAGE_SIZE,
    }
}

/// All pages of so many records each, as a reader of the exchange goes through them.
async fn pages(world: &World, size: u32) -> Vec<Pages> {
    let (mut all, mut after) = (Vec::new(), 0);
    loop {
        let ask = Wanted {
            after,
            size,
            ..wanted(None)
        };
        let one = page(&world.pool, ask).await.unwrap();
        assert_eq!(one.count, one.hash_records.len());
        let (more, token) = (one.has_more_records, one.next_page_token.clone());
        all.push(one);
        if !more {
            assert_eq!(token, "");
            return all;
        }
        after = token.parse().unwrap();
    }
}

/// What a reader keeps: a record that comes again takes the place of the one before.
fn kept(pages: impl IntoIterator<Item = Pages>) -> BTreeMap<String, Record> {
    let records = pages.into_iter().flat_map(|page| page.hash_records);
    records
        .map(|record| (record.hash.clone(), record))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_case_is_listed_to_its_owner_only_and_says_where_it_stands() {
    let world = World::fresh().await;
    let (ana, eva) = (
        Member::joins(&world, "ana@example.test").await,
        Member::joins(&world, "eva@example.test").await,
    );
    let first = registers(&ana, &hash('a'), 1).await;
    let second = registers(&ana, &hash('b'), 2).await;
    withdraws(&ana, first, 3).await;
    ana.looks().await;
    let listed = list(&world.pool, ana.id, ALL).await.unwrap();
    let told: Vec<_> = listed
        .rows
        .iter()
        .map(|row| (row.case_id, row.status.as_str(), row.registered_at))
        .collect();
    let expected = [
        (second.0, "ACTIVE", minute(2)),
        (first.0, "WITHDRAWN", minute(1)),
    ];
    assert_eq!((told.as_slice(), listed.total), (&expected[..], 2));
    assert_eq!(list(&world.pool, eva.id, ALL).await.unwrap().total, 0);
    assert_eq!(find(&world.pool, eva.id, first).await.unwrap(), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_withdrawal_is_known_by_its_status_and_the_hash_stays_to_be_dropped() {
    // A reader that asks whether the hash is still there never drops anything.
    let world = World::fresh().await;
    let ana = Member::joins(&world, "ana@example.test").await;
    let case = registers(&ana, &hash('a'), 1).await;
    ana.looks().await;
    let mut reader = kept(pages(&world, 1).await);
    assert_eq!(reader[&hash('a')].status, Status::Active);
    withdraws(&ana, case, 2).await;
    ana.looks().await;
    reader.append(&mut kept(pages(&world, 1).await));
    let record = &reader[&hash('a')];
    assert_eq!(reader.len(), 1);
    assert_eq!(record.hash, hash('a'), "not emptied");
    assert_eq!(record.status, Status::Withdrawn);
    let case_number = case.to_string();
    assert_eq!(record.cases[&case_number], Status::Withdrawn);
    // She changes her mind once more.
    registers_as(&ana, case, &hash('a'), 3).await;
    ana.looks().await;
    reader.append(&mut kept(pages(&world, 1).await));
    assert_eq!(reader[&hash('a')].status, Status::Active);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hash_that_two_members_registered_counts_until_both_took_it_back() {
    let world = World::fresh().await;
    let (ana, eva) = (
        Member::joins(&world, "ana@example.test").await,
        Member::joins(&world, "eva@example.test").await,
    );
    let hers = registers(&ana, &hash('c'), 1).await;
    let theirs = registers(&eva, &hash('c'), 2).await;
    withdraws(&ana, hers, 3).await;
    ana.looks().await;
    let all = kept(pages(&world, 10).await);
    assert_eq!(all[&hash('c')].status, Status::Active);
    assert_eq!(all[&hash('c')].cases.len(), 2);
    let own = page(&world.pool, wanted(Some(ana.id))).await.unwrap();
    assert_eq!(own.hash_records[0].status, Status::Withdrawn, "her own");
    withdraws(&eva, theirs, 4).await;
    ana.looks().await;
    assert_eq!(
        kept(pages(&world, 10).await)[&hash('c')].status,
        Status::Withdrawn
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_follow_each_other_and_another_day_begins_where_they_ended() {
    let world = World::fresh().await;
    let ana = Member::joins(&world, "ana@example.test").await;
    for (at, digit) in "0123456789".chars().enumerate() {
        registers(&ana, &hash(digit), i64::try_from(at).unwrap()).await;
    }
    ana.looks().await;
    let all = pages(&world, 3).await;
    let sizes: Vec<usize> = all.iter().map(|page| page.count).collect();
    assert_eq!(sizes, [3, 3, 3, 1]);
    let order: Vec<String> = all
        .iter()
        .flat_map(|page| page.hash_records.iter().map(|record| record.hash.clone()))
        .collect();
    assert_eq!(order, "0123456789".chars().map(hash).collect::<Vec<_>>());
    let next = all[3].next_set_timestamp;
    let again = Wanted {
        start_timestamp: next,
        ..wanted(None)
    };
    let again = page(&world.pool, again).await.unwrap();
    assert!(again.hash_records.iter().any(|r| r.hash == hash('9')));
    let later = Wanted {
        start_timestamp: next + 1,
        ..wanted(None)
    };
    let none = page(&world.pool, later).await.unwrap();
    assert_eq!((none.count, none.next_set_timestamp), (0, next + 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_has_the_fields_of_the_exchange_and_no_others() {
    let world = World::fresh().await;
    let ana = Member::joins(&world, "ana@example.test").await;
    let case = registers(&ana, &hash('d'), 1).await;
    ana.looks().await;
    let told = page(&world.pool, wanted(None)).await.unwrap();
    let changed_at = told.hash_records[0].last_modified;
    assert_eq!(
        serde_json::to_value(&told).unwrap(),
        serde_json::json!({
            "count": 1,
            "nextPageToken": "",
            "nextSetTimestamp": changed_at,
            "hasMoreRecords": false,
            "hashRecords": [{
                "lastModtimestamp": changed_at,
                "signalType": "ImagePDQ",
                "hashValue": hash('d'),
                "hashStatus": "Active",
                "caseNumbers": { case.to_string(): "Active" },
                "CSPFeedbacks": [],
            }],
        })
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn of_an_erased_member_no_hash_is_told() {
    // AUD-4
    let world = World::fresh().await;
    let ana = Member::joins(&world, "ana@example.test").await;
    registers(&ana, &hash('e'), 1).await;
    ana.looks().await;
    ana.is_erased().await;
    ana.looks().await;
    assert_eq!(page(&world.pool, wanted(None)).await.unwrap().count, 0);
    assert_eq!(list(&world.pool, ana.id, ALL).await.unwrap().total, 0);
}
