//! What the tests of other rooms get: fresh databases, and a NATS that can be killed and wiped.

use std::sync::atomic::{AtomicU32, Ordering};

use embedded::testing;

mod place;
use place::{ask, greeting, jetstream};

#[test]
fn every_test_gets_a_database_of_its_own_from_a_template_that_is_made_once() {
    let prepared = AtomicU32::new(0);
    let prepare = |url: &str| {
        prepared.fetch_add(1, Ordering::Relaxed);
        ask(url, "CREATE EXTENSION vector; CREATE TABLE facts (n int)").unwrap();
    };
    let urls = std::thread::scope(|scope| {
        let makers = [0; 4].map(|_| scope.spawn(|| testing::database("order", prepare)));
        makers.map(|maker| maker.join().unwrap())
    });
    assert_eq!(prepared.load(Ordering::Relaxed), 1);
    for url in &urls {
        assert_eq!(ask(url, "SELECT count(*) FROM facts").unwrap(), "0");
        ask(url, "INSERT INTO facts VALUES (1)").unwrap();
    }
    let other = testing::database("another", |_| ());
    assert!(ask(&other, "SELECT * FROM facts").is_err());
}

#[test]
fn a_killed_test_nats_keeps_its_store_and_a_wiped_one_loses_it() {
    let nats = testing::nats();
    let url = nats.url();
    let create = r#"{"name":"facts","subjects":["vara.>"]}"#;
    jetstream(&url, "$JS.API.STREAM.CREATE.facts", create);
    assert!(jetstream(&url, "vara.fact", "one").contains("\"seq\":1"));

    nats.kill();
    assert!(greeting(&url).is_none());
    nats.start();
    nats.start();
    assert!(jetstream(&url, "$JS.API.STREAM.INFO.facts", "").contains("\"messages\":1"));

    nats.kill();
    nats.wipe();
    nats.start();
    assert!(jetstream(&nats.url(), "$JS.API.STREAM.INFO.facts", "").contains("stream not found"));
}

#[test]
fn two_test_servers_know_nothing_of_each_other() {
    let (one, other) = (testing::nats(), testing::nats());
    assert_ne!(one.url(), other.url());
    drop(one);
    assert!(greeting(&other.url()).is_some());
}
