//! JetStream's folder deleted while stopped: nothing lost, nothing doubled.

use crate::member::Member;
use crate::running::Vara;
use std::time::Duration;

#[test]
fn a_bus_that_forgot_everything_loses_and_doubles_nothing() {
    let vara = Vara::start();
    let mut member = Member::joins(&vara.api);
    let image = member.uploads(sandbox::demo_picture());
    member.waits_for(&member.starts_a_scan(), Duration::from_secs(20));
    let found = member
        .get(&format!("/images/{image}/matches?limit=100"))
        .data();
    let told = member.is_told(found.as_array().unwrap().len()).len();
    let folder = vara.stop();
    std::fs::remove_dir_all(folder.path().join("data/jetstream")).unwrap();
    let vara = Vara::start_on(folder, &[]);
    member.moves_to(&vara.api);
    // A new scan runs to its end: the bus works again without a manual step.
    let scan = member.waits_for(&member.starts_a_scan(), Duration::from_secs(30));
    assert_eq!(scan["result"]["matchesFound"], 0);
    let again = member
        .get(&format!("/images/{image}/matches?limit=100"))
        .data();
    assert_eq!(
        again.as_array().unwrap().len(),
        found.as_array().unwrap().len()
    );
    assert_eq!(member.is_told(told).len(), told);
    assert_eq!(member.has_to_do(1).len(), 1);
    assert_eq!(member.get("/scans").body["meta"]["pagination"]["total"], 2);
}
