//! What is a member's alone, in every form in which it may stand somewhere, and a search for it in files and dumps.

use crate::at_rest::files;
use crate::member::Member;
use crate::running::Vara;
use eventstore::objects::{Form, Objects};
use eventstore::{MasterKey, Vault};
use sqlx::PgPool;
use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;
use tokio::runtime::Runtime;

/// Bytes of a picture or a vector that are looked for: no chance brings them about.
const STRETCH: usize = 48;
/// Numbers of her vector that are looked for.
const NUMBERS: usize = 12;

/// Values and their names.
pub struct Canaries(Vec<(String, Vec<u8>)>);

impl Canaries {
    /// Of a member with one picture, hash, vector and matches.
    pub fn of(vara: &Vara, member: &Member, me: &str, image: &str) -> Self {
        let mut all = Self(vec![]);
        all.add("her e-mail address", member.email.as_bytes());
        let found = member.get(&format!("/images/{image}/matches?limit=100"));
        for (n, page) in found.data().as_array().unwrap().iter().enumerate() {
            let address = page["sourceUrl"].as_str().unwrap();
            all.add(&format!("page {n}"), address.as_bytes());
        }
        let runtime = Runtime::new().unwrap();
        runtime.block_on(async {
            let events = PgPool::connect(&vara.database_url()).await.unwrap();
            all.add_pictures(vara, me, image).await;
            all.add_hash(&events, image).await;
            all.add_vector(&events, image).await;
        });
        all
    }

    fn add(&mut self, name: &str, value: &[u8]) {
        assert!(value.len() >= 12, "{name} is too short to be told apart");
        self.0.push((name.to_owned(), value.to_vec()));
    }

    /// A stretch from the middle of each form, as it was before it was sealed.
    async fn add_pictures(&mut self, vara: &Vara, me: &str, image: &str) {
        let keys = PgPool::connect(&keys_url(vara)).await.unwrap();
        let master = MasterKey::read(&vara.data().join("keys/master.key")).unwrap();
        let objects =
            Objects::open(&vara.data().join("objects"), Vault::new(keys, master)).unwrap();
        let (owner, image) = (id(me).into(), id(image).into());
        for form in Form::ALL {
            let plain = objects.get(owner, image, form).await.unwrap();
            let from = plain.len() / 2;
            self.add(&format!("{form:?}"), &plain[from..from + STRETCH]);
        }
    }

    /// Her PDQ hash: as bytes, as digits, and as PostgreSQL prints it.
    async fn add_hash(&mut self, events: &PgPool, image: &str) {
        let asked = "SELECT pdq::text FROM read_image_hashes WHERE image_id = $1";
        let bits: String = sqlx::query_scalar(asked)
            .bind(id(image))
            .fetch_one(events)
            .await
            .unwrap();
        let bytes: Vec<u8> = bits
            .as_bytes()
            .chunks(8)
            .map(|bits| u8::from_str_radix(std::str::from_utf8(bits).unwrap(), 2).unwrap())
            .collect();
        self.add("hash, bits as text", bits.as_bytes());
        self.add("hash, hex", hex::encode(&bytes).as_bytes());
        self.add("hash, bytes", &bytes);
    }

    /// Some numbers of her vector: as memory, wire, event and text have them.
    async fn add_vector(&mut self, events: &PgPool, image: &str) {
        let asked = "SELECT vector::text FROM read_image_vectors WHERE image_id = $1";
        let text: String = sqlx::query_scalar(asked)
            .bind(id(image))
            .fetch_one(events)
            .await
            .unwrap();
        let texts: Vec<&str> = text.trim_matches(['[', ']']).split(',').collect();
        let numbers: Vec<f32> = texts.iter().map(|text| text.parse().unwrap()).collect();
        let differ = |some: &[f32]| some.iter().map(|n| n.to_bits()).collect::<BTreeSet<_>>();
        let from = (0..numbers.len() - NUMBERS)
            .find(|from| differ(&numbers[*from..from + NUMBERS]).len() > NUMBERS / 2)
            .unwrap();
        let some = &numbers[from..from + NUMBERS];
        let stored: Vec<u8> = some.iter().flat_map(|n| n.to_le_bytes()).collect();
        let sent: Vec<u8> = some.iter().flat_map(|n| n.to_be_bytes()).collect();
        self.add("vector, as stored", &stored);
        self.add("vector, as sent", &sent);
        self.add("vector, hex", hex::encode(&stored).as_bytes());
        let text = texts[from..from + NUMBERS].join(",");
        self.add("vector, text", text.as_bytes());
    }

    pub fn names(&self) -> BTreeSet<&str> {
        self.0.iter().map(|(name, _)| name.as_str()).collect()
    }

    /// The values one after the other, as somebody would leave them who writes them in the clear.
    pub fn in_the_clear(&self) -> Vec<u8> {
        let values: Vec<_> = self.0.iter().map(|(_, value)| value.as_slice()).collect();
        values.join(&b'\n')
    }

    /// The names of the values that stand in these bytes.
    pub fn told_by(&self, bytes: &[u8]) -> BTreeSet<&str> {
        let mut beginning = vec![Vec::new(); 256];
        for (name, value) in &self.0 {
            beginning[usize::from(value[0])].push((name.as_str(), value.as_slice()));
        }
        let mut told = BTreeSet::new();
        for (at, byte) in bytes.iter().enumerate() {
            for (name, value) in &beginning[usize::from(*byte)] {
                if bytes[at..].starts_with(value) {
                    told.insert(*name);
                }
            }
        }
        told
    }

    /// Every file under a folder that tells something, and what. The little web is the outside world.
    pub fn told_in(&self, folder: &Path) -> Vec<(String, BTreeSet<&str>)> {
        let mut told = Vec::new();
        for file in files(folder) {
            let name = file.strip_prefix(folder).unwrap().display().to_string();
            let names = self.told_by(&std::fs::read(&file).unwrap_or_default());
            if !names.is_empty() && !name.starts_with("sandbox-web/") {
                told.push((name, names));
            }
        }
        told
    }
}

fn id(text: &str) -> uuid::Uuid {
    text.parse().unwrap()
}

fn keys_url(vara: &Vara) -> String {
    format!("{}_keys", vara.database_url())
}

/// Plain dumps of both databases, one after the other.
pub fn dumps(vara: &Vara) -> Vec<u8> {
    let programs = embedded::binaries(&embedded::default_cache(), true).unwrap();
    let mut dumps = Vec::new();
    for url in [vara.database_url(), keys_url(vara)] {
        let done = Command::new(programs.postgres("pg_dump"))
            .args(["--no-owner", "-d", &url])
            .output()
            .unwrap();
        let fault = String::from_utf8_lossy(&done.stderr);
        assert!(done.status.success(), "{fault}");
        dumps.extend(done.stdout);
    }
    dumps
}
