//! Answers that others have computed: RFC 6962's test tree, and an independent script after the specifications.

use crate::support::{id, leaf};
use proof::leaf::{leaf_hash, leaf_input};
use proof::{Entry, Fold, Hash, Ledger, check_consistency, check_inclusion};
use sha2::{Digest, Sha256};

/// The eight leaves of the Certificate Transparency test tree.
const LEAVES: [&str; 8] = [
    "",
    "00",
    "10",
    "2021",
    "3031",
    "40414243",
    "5051525354555657",
    "606162636465666768696a6b6c6d6e6f",
];

/// The roots of its first 0 to 8 leaves.
const ROOTS: [&str; 9] = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
];

/// Index, size, hashes.
const INCLUSION: [(u64, u64, &[&str]); 4] = [
    (
        0,
        8,
        &[
            "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
            "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
        ],
    ),
    (
        5,
        8,
        &[
            "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
            "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        ],
    ),
    (
        2,
        3,
        &["fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"],
    ),
    (
        1,
        5,
        &[
            "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
            "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        ],
    ),
];

/// Older size, newer size, hashes.
const CONSISTENCY: [(u64, u64, &[&str]); 4] = [
    (1, 1, &[]),
    (
        1,
        8,
        &[
            "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
            "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
        ],
    ),
    (
        6,
        8,
        &[
            "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
            "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        ],
    ),
    (
        2,
        5,
        &[
            "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        ],
    ),
];

fn hash(text: &str) -> Hash {
    Hash(hex::decode(text).unwrap().try_into().unwrap())
}

fn root(size: u64) -> Hash {
    hash(ROOTS[usize::try_from(size).unwrap()])
}

fn test_tree() -> Vec<Hash> {
    let leaf = |text: &&str| tlog_tiles::record_hash(&hex::decode(text).unwrap());
    LEAVES.iter().map(leaf).collect()
}

#[test]
fn the_test_tree_of_rfc_6962_has_its_known_roots() {
    let folder = tempfile::tempdir().unwrap();
    let mut ledger = Ledger::open(folder.path()).unwrap();
    let mut fold = Fold::default();
    assert_eq!((ledger.root(), fold.root()), (root(0), root(0)));
    for (size, leaf) in (1..).zip(test_tree()) {
        ledger.append(&[leaf]).unwrap();
        fold.push(leaf);
        assert_eq!((ledger.root(), fold.root()), (root(size), root(size)));
    }
    for size in 0..=8 {
        assert_eq!(ledger.root_at(size).unwrap(), root(size));
    }
}

#[test]
fn the_test_tree_of_rfc_6962_has_its_known_proofs() {
    let folder = tempfile::tempdir().unwrap();
    let mut ledger = Ledger::open(folder.path()).unwrap();
    let leaves = test_tree();
    ledger.append(&leaves).unwrap();
    for (index, size, known) in INCLUSION {
        let known: Vec<Hash> = known.iter().map(|text| hash(text)).collect();
        assert_eq!(ledger.inclusion(index, size).unwrap(), known);
        let leaf = leaves[usize::try_from(index).unwrap()];
        check_inclusion(&known, size, root(size), index, leaf).unwrap();
    }
    for (old, new, known) in CONSISTENCY {
        let known: Vec<Hash> = known.iter().map(|text| hash(text)).collect();
        assert_eq!(ledger.consistency(old, new).unwrap(), known);
        check_consistency(&known, (new, root(new)), (old, root(old))).unwrap();
    }
}

#[test]
fn a_tree_of_c2sps_own_example_size_has_the_root_and_the_tiles_of_the_independent_script() {
    let folder = tempfile::tempdir().unwrap();
    let mut ledger = Ledger::open(folder.path()).unwrap();
    ledger.append(&crate::support::leaves(70_000)).unwrap();
    let expected = "da0532ff7b2ee56f4067110fc964e9f27b5959f9527bfff3fa501aa7584deaf3";
    assert_eq!(hex::encode(ledger.root().0), expected);
    let expected = "e7afc82d38944fc7930545328091d45823288c1f734cbdac06396713ebd4b5d5";
    assert_eq!(hex::encode(ledger.root_at(300).unwrap().0), expected);
    for (path, digest) in [
        (
            "tile/0/273.p/112",
            "a8e4ee4e4f31c2fac9bb546b9b57c22f6c92e15c11adee487d09ebc926ab3ad7",
        ),
        (
            "tile/1/001.p/17",
            "f1b11556adcce30fcd3fca6ef542ccf6a4319ab92143fb7c8f6c8f1d2e08209e",
        ),
        (
            "tile/2/000.p/1",
            "d84406334bc5243eb04ecd6b99e64380d67aaa2b2880a838a123e1b539927708",
        ),
    ] {
        let bytes = std::fs::read(folder.path().join(path)).unwrap();
        assert_eq!(hex::encode(Sha256::digest(bytes)), digest, "{path}");
    }
    // "a tree of size 70,000 will be represented by 273 full level 0 tiles, ..." (C2SP tlog-tiles)
    let count = crate::support::files(folder.path()).len();
    assert_eq!(count, 273 + 1 + 1 + 1 + 1);
    assert_eq!(ledger.leaf(69_999).unwrap(), leaf(69_999));
}

fn first() -> Entry {
    Entry {
        position: 1,
        noun: "image".to_owned(),
        stream: "0192f0c1-2b3c-7d4e-8f50-617283940a1b".to_owned(),
        sequence: 1,
        event_type: "ImageUploaded".to_owned(),
        event_version: "1".to_owned(),
        recorded_at_us: 1_795_510_800_123_456,
        event_id: "0192f0c1-2b3c-7000-8000-000000000001".parse().unwrap(),
        command_id: None,
        payload: r#"{"a": 1}"#.to_owned(),
        metadata: "{}".to_owned(),
    }
}

/// Beyond ASCII, beyond 32 bits, before 1970, and with a command.
fn odd() -> Entry {
    Entry {
        position: 0x0100_0000_0000_0001,
        noun: "user".to_owned(),
        stream: "zoë".to_owned(),
        sequence: 258,
        event_type: "UserRegistered".to_owned(),
        event_version: "2".to_owned(),
        recorded_at_us: -1,
        event_id: "ffffffff-ffff-ffff-ffff-ffffffffffff".parse().unwrap(),
        command_id: Some("00000000-0000-4000-8000-0000000000ab".parse().unwrap()),
        payload: r#"{"$sealed":"1.AAAA"}"#.to_owned(),
        metadata: r#"{"actor":"ü"}"#.to_owned(),
    }
}

#[test]
fn leaves_are_those_of_the_independent_script() {
    let input = concat!(
        "766172612e6c6561662e7631000000000000000001",
        "00000005696d616765",
        "0000002430313932663063312d326233632d376434652d386635302d363137323833393430613162",
        "0000000000000001",
        "0000000d496d61676555706c6f61646564",
        "0000000131",
        "00066101ef6e8640",
        "0192f0c12b3c70008000000000000001",
        "00",
        "f9d86028c6e0d64e225186f96acb69338b2c59764df79162107f5c4bb34d1310",
        "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a",
    );
    assert_eq!(hex::encode(leaf_input(&first()).unwrap()), input);
    let expected = "686b9b6259e9513bd183aa4bec1473df63c39c590e01a35a2bbd617568279c2f";
    assert_eq!(leaf_hash(&first()).unwrap(), hash(expected));
    let input = concat!(
        "766172612e6c6561662e7631000100000000000001",
        "0000000475736572",
        "000000047a6fc3ab",
        "0000000000000102",
        "0000000e5573657252656769737465726564",
        "0000000132",
        "ffffffffffffffff",
        "ffffffffffffffffffffffffffffffff",
        "01000000000000400080000000000000ab",
        "b55328137ebd4b0e03e99b680f18a35463ea847bd7772425960dde0ad6b4e38f",
        "4c135f32e0270b2e9d8785699e0bd1bd0a089c064fdcf25e41bbe7db7fddb58a",
    );
    assert_eq!(hex::encode(leaf_input(&odd()).unwrap()), input);
    let expected = "d72ae2b64eb366994472845cc6ab94a1a1ff521cf8bfe35cb1fb94b77834ca5c";
    assert_eq!(leaf_hash(&odd()).unwrap(), hash(expected));
}

#[test]
fn every_field_is_in_the_leaf() {
    let sound = first();
    let changes: [fn(&mut Entry); 12] = [
        |e| e.position = 2,
        |e| e.noun.push('s'),
        |e| e.stream.push('0'),
        |e| e.sequence = 2,
        |e| e.event_type.push('s'),
        |e| e.event_version.push('0'),
        |e| e.recorded_at_us += 1,
        |e| e.event_id = id(0, 1),
        |e| e.command_id = Some(id(0, 0)),
        |e| e.payload.push(' '),
        |e| e.metadata.push(' '),
        // A letter that moves from one field to the next is seen as well.
        |e| {
            e.noun.pop();
            e.stream.insert(0, 'e');
        },
    ];
    for (number, change) in changes.iter().enumerate() {
        let mut changed = sound.clone();
        change(&mut changed);
        let same = leaf_hash(&changed).unwrap() == leaf_hash(&sound).unwrap();
        assert!(!same, "change {number}");
    }
}
