//! A small record, its tree, and exports of it.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::Signer;
use proof::export::{Export, Writer};
use proof::leaf::leaf_hash;
use proof::{
    Entry, Finding, Hash, Id, Ledger, NotVerified, Options, Report, SigningKey, WitnessKey, verify,
};
use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

pub const ORIGIN: &str = "vara/test";

/// Hash of the leaf `leaf <i>`, as the independent script makes them.
pub fn leaf(index: usize) -> Hash {
    tlog_tiles::record_hash(format!("leaf {index}").as_bytes())
}

pub fn leaves(count: usize) -> Vec<Hash> {
    (0..count).map(leaf).collect()
}

/// An id made of two numbers.
pub fn id(kind: u64, number: u64) -> Id {
    let mut bytes = [0; 16];
    bytes[..8].copy_from_slice(&kind.to_be_bytes());
    bytes[8..].copy_from_slice(&number.to_be_bytes());
    Id(bytes)
}

/// A sound record of so many events: about one stream for every seven of them.
pub fn record(count: u64) -> Vec<Entry> {
    let mut sequences = HashMap::new();
    let event = |position: u64| {
        let stream = position.wrapping_mul(0x9e37_79b9_7f4a_7c15) % (count / 7 + 1);
        let sequence = sequences.entry(stream).or_insert(0);
        *sequence += 1;
        Entry {
            position,
            noun: if stream.is_multiple_of(3) {
                "user"
            } else {
                "image"
            }
            .to_owned(),
            stream: id(2, stream).to_string(),
            sequence: *sequence,
            event_type: "ImageUploaded".to_owned(),
            event_version: "1".to_owned(),
            recorded_at_us: 1_795_510_800_000_000 + i64::try_from(position).unwrap() * 1_000,
            event_id: id(1, position),
            command_id: (!position.is_multiple_of(5)).then(|| id(3, position)),
            payload: format!(r#"{{"ImageUploaded": {{"n": {position}, "name": "ü\n"}}}}"#),
            metadata: r#"{"actor": "system"}"#.to_owned(),
        }
    };
    (1..=count).map(event).collect()
}

/// A witness, as the specification makes one: its key as text, and a line under a note's text.
pub struct Witness(ed25519_dalek::SigningKey);

impl Witness {
    pub fn new() -> Self {
        Self(ed25519_dalek::SigningKey::from_bytes(&[7; 32]))
    }

    fn public(&self) -> Vec<u8> {
        [&[4], &self.0.verifying_key().to_bytes()[..]].concat()
    }

    fn id(&self) -> u32 {
        signed_note::key_id("witness.example/w1", &self.public())
    }

    pub fn key(&self) -> WitnessKey {
        let (id, public) = (self.id(), STANDARD.encode(self.public()));
        format!("witness.example/w1+{id:08x}+{public}")
            .parse()
            .unwrap()
    }

    pub fn cosign(&self, note: &str, time: u64) -> String {
        let text = note.rsplit_once("\n\n").unwrap().0;
        let signed = format!("cosignature/v1\ntime {time}\n{text}\n");
        let signature = self.0.sign(signed.as_bytes()).to_bytes();
        let line = [
            &self.id().to_be_bytes()[..],
            &time.to_be_bytes(),
            &signature,
        ]
        .concat();
        format!("{note}— witness.example/w1 {}\n", STANDARD.encode(line))
    }
}

/// A log: its record, its tree, its key.
pub struct Log {
    pub folder: TempDir,
    pub ledger: Ledger,
    pub key: SigningKey,
    pub entries: Vec<Entry>,
}

impl Log {
    pub fn of(entries: Vec<Entry>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let key = SigningKey::read_or_create(&folder.path().join("key"), ORIGIN).unwrap();
        Self::with_key(entries, key, folder)
    }

    /// Another record under the same key: what somebody can make who has it.
    pub fn forged(&self, entries: Vec<Entry>) -> Self {
        let key = SigningKey::read_or_create(&self.folder.path().join("key"), ORIGIN).unwrap();
        Self::with_key(entries, key, tempfile::tempdir().unwrap())
    }

    fn with_key(entries: Vec<Entry>, key: SigningKey, folder: TempDir) -> Self {
        let mut ledger = Ledger::open(&folder.path().join("ledger")).unwrap();
        let leaves: Vec<Hash> = entries.iter().map(|e| leaf_hash(e).unwrap()).collect();
        ledger.append(&leaves).unwrap();
        Self {
            folder,
            ledger,
            key,
            entries,
        }
    }

    pub fn size(&self) -> u64 {
        self.ledger.size()
    }

    /// The checkpoint as it was when the tree had this size.
    pub fn note_at(&self, size: u64) -> String {
        let root = self.ledger.root_at(size).unwrap();
        self.key.sign(size, root).unwrap()
    }

    pub fn note(&self) -> String {
        self.note_at(self.size())
    }

    pub fn export(&self) -> TempDir {
        self.export_at(self.size())
    }

    /// The whole record as it was when the tree had this size.
    pub fn export_at(&self, size: u64) -> TempDir {
        self.export_part(1..=size, size, &[])
    }

    pub fn export_part(&self, range: RangeInclusive<u64>, size: u64, older: &[u64]) -> TempDir {
        let folder = tempfile::tempdir().unwrap();
        let mut writer = Writer::create(folder.path(), *range.start()).unwrap();
        for position in range {
            let entry = &self.entries[usize::try_from(position - 1).unwrap()];
            writer.write(entry).unwrap();
        }
        let (tiles, key) = (self.ledger.tiles(), self.key.verifier());
        writer
            .finish(tiles, &self.note_at(size), key, older)
            .unwrap();
        folder
    }

    /// Verifies an export with this log's key, against its checkpoint of an older size.
    pub fn verify(&self, export: &Path, older: Option<u64>) -> Result<Report, NotVerified> {
        let older = older.map(|size| self.note_at(size));
        let options = Options {
            against: older.as_deref(),
            key: Some(self.key.verifier()),
            ..Options::default()
        };
        verify(export, &options, &mut |_| {})
    }
}

/// What an export that must not pass is accused of.
pub fn findings(result: Result<Report, NotVerified>) -> Vec<Finding> {
    match result {
        Err(NotVerified::Findings(findings)) => findings,
        Err(NotVerified::Fault(fault)) => panic!("a fault instead of findings: {fault}"),
        Ok(report) => panic!("nothing was found: {report:?}"),
    }
}

/// The events of an export.
pub fn read(export: &Path) -> Vec<Entry> {
    let entries = Export::open(export).unwrap().entries().unwrap();
    entries.map(Result::unwrap).collect()
}

/// Puts other events into an export, as they are.
pub fn put(export: &Path, entries: &[Entry]) {
    let line = |entry: &Entry| serde_json::to_string(entry).unwrap() + "\n";
    let text: String = entries.iter().map(line).collect();
    fs::write(export.join("events.jsonl"), text).unwrap();
}

/// Every file of a folder but those of its writer, by path.
pub fn files(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for file in fs::read_dir(next).unwrap() {
            let file = file.unwrap();
            if file.file_name() == ".new" || file.file_name() == ".lock" {
                continue;
            }
            if file.file_type().unwrap().is_dir() {
                folders.push(file.path());
            } else {
                let path = file.path().strip_prefix(folder).unwrap().to_owned();
                found.insert(path, fs::read(file.path()).unwrap());
            }
        }
    }
    found
}

/// Copies a folder.
pub fn copy(from: &Path, to: &Path) {
    for (path, bytes) in files(from) {
        let path = to.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
}
