//! Pictures at rest: sealed, bound to owner, picture and form; gone when discarded or erased.

use crate::support::Record;
use domain::ids::{ImageId, UserId};
use eventstore::KeyError;
use eventstore::edge::fresh_id;
use eventstore::objects::{Form, ObjectFault, Objects};
use std::path::{Path, PathBuf};

pub struct Shelf {
    pub record: Record,
    pub objects: Objects,
    pub folder: PathBuf,
    pub owner: UserId,
}

impl Shelf {
    pub async fn fresh() -> Self {
        let record = Record::fresh().await;
        let folder = record.folder.path().join("objects");
        let objects = Objects::open(&folder, record.store.vault().clone()).unwrap();
        let owner = fresh_id().into();
        Self {
            record,
            objects,
            folder,
            owner,
        }
    }

    pub async fn holds(&self, image: ImageId, form: Form, bytes: &[u8]) {
        let put = self.objects.put(self.owner, image, form, bytes);
        put.await.unwrap();
    }
}

pub fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        if entry.path().is_dir() {
            found.extend(files(&entry.path()));
        } else {
            found.push(entry.path());
        }
    }
    found.sort();
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn a_picture_comes_back_in_every_form_and_its_bytes_lie_nowhere_in_the_clear() {
    let shelf = Shelf::fresh().await;
    let image = ImageId(fresh_id());
    let canary = b"canary: the first bytes of her picture".repeat(50);
    for (n, form) in Form::ALL.into_iter().enumerate() {
        let bytes = [canary.as_slice(), &[u8::try_from(n).unwrap()]].concat();
        shelf.holds(image, form, &bytes).await;
    }
    for (n, form) in Form::ALL.into_iter().enumerate() {
        let bytes = shelf.objects.get(shelf.owner, image, form).await.unwrap();
        assert_eq!(bytes.len(), canary.len() + 1);
        assert_eq!(usize::from(bytes[canary.len()]), n);
    }
    let files = files(&shelf.folder);
    assert_eq!(files.len(), Form::ALL.len(), "no draft is left: {files:?}");
    for file in &files {
        let bytes = std::fs::read(file).unwrap();
        assert!(!bytes.windows(6).any(|window| window == b"canary"));
        assert!(!file.to_string_lossy().contains(&shelf.owner.to_string()));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_put_replaces_the_first_and_an_empty_picture_is_one() {
    let shelf = Shelf::fresh().await;
    let image = ImageId(fresh_id());
    for bytes in [&b"first"[..], b"", b"second"] {
        shelf.holds(image, Form::Original, bytes).await;
        let read = shelf.objects.get(shelf.owner, image, Form::Original).await;
        assert_eq!(read.unwrap(), bytes);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_there_is_missing() {
    let shelf = Shelf::fresh().await;
    let image = ImageId(fresh_id());
    shelf.holds(image, Form::Working, b"picture").await;
    for (image, form) in [(image, Form::Original), (fresh_id().into(), Form::Working)] {
        let read = shelf.objects.get(shelf.owner, image, form).await;
        assert!(matches!(read, Err(ObjectFault::Missing)), "{read:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_put_in_the_place_of_another_does_not_open() {
    let shelf = Shelf::fresh().await;
    let (one, other) = (ImageId(fresh_id()), ImageId(fresh_id()));
    shelf.holds(one, Form::Original, b"one").await;
    let at_one = files(&shelf.folder).remove(0);
    shelf.holds(one, Form::Display, b"one, large").await;
    shelf.holds(other, Form::Original, b"another").await;
    let sealed = std::fs::read(&at_one).unwrap();
    for file in files(&shelf.folder) {
        std::fs::write(file, &sealed).unwrap();
    }
    let read = |owner, image, form| shelf.objects.get(owner, image, form);
    assert_eq!(
        read(shelf.owner, one, Form::Original).await.unwrap(),
        b"one"
    );
    for (image, form) in [(other, Form::Original), (one, Form::Display)] {
        let fault = read(shelf.owner, image, form).await;
        assert!(
            matches!(fault, Err(ObjectFault::Key(KeyError::Sealed))),
            "{fault:?}"
        );
    }
    // Somebody else with a key of her own does not open it either.
    let stranger = UserId(fresh_id());
    shelf
        .record
        .store
        .vault()
        .key_to_seal(stranger)
        .await
        .unwrap();
    let fault = read(stranger, one, Form::Original).await;
    assert!(matches!(fault, Err(ObjectFault::Key(KeyError::Sealed))));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_discarded_picture_leaves_no_file_and_discarding_again_is_fine() {
    let shelf = Shelf::fresh().await;
    let (gone, stays) = (ImageId(fresh_id()), ImageId(fresh_id()));
    for form in Form::ALL {
        shelf.holds(gone, form, b"picture").await;
    }
    shelf.holds(stays, Form::Original, b"picture").await;
    for _ in 0..2 {
        shelf.objects.discard(gone).await;
    }
    assert_eq!(files(&shelf.folder).len(), 1);
    let read = shelf.objects.get(shelf.owner, gone, Form::Original).await;
    assert!(matches!(read, Err(ObjectFault::Missing)));
    let read = shelf.objects.get(shelf.owner, stays, Form::Original).await;
    assert_eq!(read.unwrap(), b"picture");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_pictures_of_an_erased_member_are_missing() {
    let shelf = Shelf::fresh().await;
    let image = ImageId(fresh_id());
    shelf.holds(image, Form::Original, b"picture").await;
    sqlx::query("UPDATE keys.subject_keys SET wrapped = NULL, erased_at = now()")
        .execute(&shelf.record.pool)
        .await
        .unwrap();
    let elsewhere = Objects::open(&shelf.folder, shelf.record.vault()).unwrap();
    let read = elsewhere.get(shelf.owner, image, Form::Original).await;
    assert!(matches!(read, Err(ObjectFault::Missing)), "{read:?}");
    let put = elsewhere
        .put(shelf.owner, image, Form::Original, b"again")
        .await;
    assert!(matches!(put, Err(ObjectFault::Key(KeyError::Erased(_)))));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_put_that_fails_leaves_what_was_there() {
    let shelf = Shelf::fresh().await;
    let image = ImageId(fresh_id());
    shelf.holds(image, Form::Original, b"first").await;
    // A folder stands where the file should go.
    let file = files(&shelf.folder).remove(0).with_file_name("display");
    std::fs::create_dir(&file).unwrap();
    let put = shelf.objects.put(shelf.owner, image, Form::Display, b"x");
    let put = put.await;
    assert!(matches!(put, Err(ObjectFault::Storage(_))), "{put:?}");
    let read = shelf.objects.get(shelf.owner, image, Form::Original).await;
    assert_eq!(read.unwrap(), b"first");
}
