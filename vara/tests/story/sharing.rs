//! An engine fetches a picture by its link from two instances: ten times, while the scan runs, and never its metadata.

use crate::member::{Member, client, fresh};
use crate::running::{Vara, binary};
use eventstore::objects::{Objects, Place};
use eventstore::share_links::{LIFE, ShareLinks, Shared, Token};
use eventstore::{MasterKey, Store, Vault, migrate};
use reqwest::blocking::Response;
use serde_json::{Value, json};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};
use uuid::Uuid;

/// A second instance of the API beside a running Vara.
struct Instance {
    child: Child,
    api: String,
}

impl Instance {
    fn beside(vara: &Vara) -> Self {
        let ready = vara.data().join("second.json");
        let child = binary()
            .args(["api", "--port", "0", "--data-dir"])
            .arg(vara.data())
            .arg("--ready-file")
            .arg(&ready)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        let begun = Instant::now();
        let addresses = loop {
            if let Ok(addresses) = std::fs::read(&ready) {
                break serde_json::from_slice::<Value>(&addresses).unwrap();
            }
            assert!(begun.elapsed() < Duration::from_secs(60), "not ready");
            std::thread::sleep(Duration::from_millis(20));
        };
        Self {
            child: child.unwrap(),
            api: addresses["api"].as_str().unwrap().to_owned(),
        }
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// The links as a worker on the same databases and data folder makes them.
async fn links(vara: &Vara) -> ShareLinks {
    let url = vara.database_url();
    let keys = migrate::connect(&format!("{url}_keys"), 2).await.unwrap();
    let master = MasterKey::read(&vara.data().join("keys/master.key")).unwrap();
    let vault = Vault::new(keys, master);
    let objects = Objects::at(Place::Folder(vara.data().join("objects")), vault.clone()).unwrap();
    let pool = migrate::connect(&url, 2).await.unwrap();
    ShareLinks::new(Store::open(pool, vault), objects)
}

fn id(value: &Value) -> Uuid {
    value.as_str().unwrap().parse().unwrap()
}

/// Waits until a worker has taken the scan up.
fn is_running(member: &Member, scan: &str) {
    let begun = Instant::now();
    while member.get(&format!("/scans/{scan}")).data()["status"] != "RUNNING" {
        assert!(begun.elapsed() < Duration::from_secs(20), "nobody began");
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn fetched(api: &str, token: &str) -> Response {
    let link = format!("{api}/api/v1/proxy/images/{token}");
    client().get(link).send().unwrap()
}

/// A file with a place, an owner and a comment in it.
fn with_metadata() -> Vec<u8> {
    let room = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    std::fs::read(room.join("../pictures/testdata/images/metadata_gps_full.jpg")).unwrap()
}

#[test]
fn an_engine_fetches_by_link_from_every_instance_until_the_link_is_used_up() {
    // SHR-1 to SHR-5; check 23 of the contract
    let vara = Vara::start_with(&[("VARA_TINEYE_KEY", "slow")]);
    let second = Instance::beside(&vara);
    let ana = Member::joins(&vara.api);
    let image = ana.uploads(&with_metadata());
    let scan = ana.starts_a_scan();
    is_running(&ana, &scan);
    let shared = Shared {
        owner: id(&ana.get("/users/me").data()["id"]).into(),
        image: id(&json!(image)).into(),
        scan: id(&json!(scan)).into(),
    };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let links = runtime.block_on(links(&vara));
    let make = || runtime.block_on(links.make(shared, LIFE)).unwrap();
    is_served_as_the_contract_says(&vara.api, &make());
    is_served_to_exactly_ten([&vara.api, &second.api], &make());
    whatever_is_wrong_is_told_alike(&vara.api, &make());
    let recorded = runtime.block_on(links.fetches(shared.owner, shared.image));
    let recorded = recorded.unwrap();
    assert_eq!(recorded.len(), 1 + 10);
    let here = recorded
        .iter()
        .filter(|fetch| fetch.visitor.address.is_some_and(|a| a.is_loopback()));
    assert_eq!(here.count(), 11);
    // She sees who came; nobody else does.
    let path = format!("/images/{image}/fetches");
    let told = ana.get(&path).data();
    assert_eq!(told.as_array().unwrap().len(), 11);
    assert_eq!(told[0]["address"], "127.0.0.1");
    assert_eq!(told[0]["scanId"], scan.as_str());
    let eva = Member::joins(&vara.api).get(&path);
    assert_eq!((eva.status, eva.code()), (404, "IMAGE_NOT_FOUND"));
    let token = make().text();
    let log = vara.log();
    assert!(!log.contains(&token) && !log.contains("/proxy/"), "AUD-5");
}

fn is_served_as_the_contract_says(api: &str, token: &Token) {
    let answer = fetched(api, &token.text());
    assert_eq!(answer.status(), 200);
    let headers = answer.headers().clone();
    let bytes = answer.bytes().unwrap();
    let told = [
        ("content-type", "image/jpeg"),
        ("content-length", &bytes.len().to_string()),
        ("cache-control", "no-store, no-cache, must-revalidate"),
        ("pragma", "no-cache"),
        ("expires", "0"),
        ("access-control-allow-origin", "*"),
        ("x-robots-tag", "noindex"),
    ];
    for (name, value) in told {
        assert_eq!(headers[name], value, "{name}");
    }
    assert_eq!(
        pictures::Format::of(&bytes).unwrap().media_type(),
        "image/jpeg"
    );
    // SHR-4: what the file says of her is not in the copy.
    let original = with_metadata();
    for mark in [&b"Exif"[..], b"http://ns.adobe.com"] {
        let holds = |file: &[u8]| file.windows(mark.len()).any(|at| at == mark);
        assert!(holds(&original) && !holds(&bytes), "{mark:?}");
    }
    let link = format!("{api}/api/v1/proxy/images/{}", token.text());
    let asked = client().request(reqwest::Method::OPTIONS, link).send();
    let asked = asked.unwrap();
    assert_eq!(asked.status(), 204);
    assert_eq!(
        asked.headers()["access-control-allow-methods"],
        "GET, OPTIONS"
    );
    let health = client().get(format!("{api}/api/v1/proxy/health")).send();
    let health: Value = health.unwrap().json().unwrap();
    let fields: Vec<&String> = health.as_object().unwrap().keys().collect();
    assert_eq!(fields, ["status", "timestamp"], "and no number of links");
}

fn is_served_to_exactly_ten(instances: [&String; 2], token: &Token) {
    let asking = (0..100_usize).map(|n| {
        let (api, token) = (instances[n % 2].clone(), token.text());
        std::thread::spawn(move || fetched(&api, &token).status().as_u16())
    });
    let asking: Vec<_> = asking.collect();
    let told: Vec<u16> = asking.into_iter().map(|one| one.join().unwrap()).collect();
    assert_eq!(told.iter().filter(|status| **status == 200).count(), 10);
    assert_eq!(told.iter().filter(|status| **status == 404).count(), 90);
}

fn whatever_is_wrong_is_told_alike(api: &str, unused: &Token) {
    let unknown = fresh().repeat(2);
    let told = |token: &str| {
        let answer = fetched(api, token);
        let status = answer.status().as_u16();
        (status, answer.json::<Value>().unwrap())
    };
    let (status, body) = told(&unknown);
    assert_eq!((status, &body["error"]["code"]), (404, &"NOT_FOUND".into()));
    for wrong in ["x", "%00", &unused.text().to_uppercase(), &unknown[1..]] {
        assert_eq!(told(wrong), (404, body.clone()), "{wrong}");
    }
}
