//! Bytes without a record go after a day, and so do those that nobody can open any more; everything else stays.

use crate::objects::{Shelf, files};
use crate::support::{at, by, joins};
use chrono::{DateTime, TimeDelta, Utc};
use domain::ids::{ErasureId, ImageId, UserId};
use domain::image::{ArchiveImage, ImageCommand, Library, PurgeImage};
use domain::user::{EraseSubject, User, UserCommand};
use eventstore::edge::{fresh_id, now};
use eventstore::objects::{Form, Objects, SweepFault, Swept};
use std::time::SystemTime;

impl Shelf {
    async fn is_swept(&self, at: DateTime<Utc>) -> Swept {
        self.objects.sweep(&self.record.pool, at).await.unwrap()
    }

    async fn has(&self, image: ImageId) -> bool {
        let id = image.0.simple().to_string();
        let of_it = |file: &std::path::PathBuf| file.to_string_lossy().contains(&id);
        files(&self.folder).iter().any(of_it)
    }

    /// A picture in all its forms, with its record.
    async fn keeps(&self, owner: UserId) -> ImageId {
        let sha256 = fresh_id().simple().to_string().repeat(2);
        let image = self.record.uploads(owner, &sha256).await;
        for form in Form::ALL {
            let put = self.objects.put(owner, image, form, b"kept");
            put.await.unwrap();
        }
        image
    }

    async fn does(&self, command: ImageCommand) {
        let why = by(self.owner, fresh_id());
        let done = self
            .record
            .store
            .execute::<Library>(self.owner.0, command, why);
        done.await.unwrap();
    }
}

fn tomorrow() -> DateTime<Utc> {
    now() + TimeDelta::hours(25)
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_without_a_record_go_after_a_day_and_not_before() {
    // IMG-1
    let shelf = Shelf::fresh().await;
    let kept = shelf.keeps(shelf.owner).await;
    let orphan = ImageId(fresh_id());
    shelf.holds(orphan, Form::Original, b"nobody's").await;
    shelf.holds(orphan, Form::Working, b"nobody's").await;
    let swept = shelf.is_swept(now() + TimeDelta::hours(23)).await;
    assert_eq!((swept.orphans, swept.unopenable), (0, 0));
    assert!(shelf.has(orphan).await, "an upload may still be running");
    let swept = shelf.is_swept(tomorrow()).await;
    assert_eq!((swept.orphans, swept.unopenable), (2, 0));
    assert!(swept.bytes > 2 * b"nobody's".len() as u64);
    assert!(!shelf.has(orphan).await && shelf.has(kept).await);
    assert_eq!(shelf.is_swept(tomorrow()).await.orphans, 0, "once");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_put_away_stays_and_what_is_purged_goes() {
    // IMG-6: also where a stop came between the fact and the bytes
    let shelf = Shelf::fresh().await;
    let (owner, image_id) = (shelf.owner, shelf.keeps(shelf.owner).await);
    let archived_at = at();
    shelf
        .does(ImageCommand::Archive(ArchiveImage {
            owner,
            image_id,
            archived_at,
        }))
        .await;
    assert_eq!(shelf.is_swept(tomorrow()).await.orphans, 0);
    shelf
        .does(ImageCommand::Purge(PurgeImage {
            owner,
            image_id,
            purged_at: archived_at + TimeDelta::days(7),
        }))
        .await;
    assert_eq!(shelf.is_swept(tomorrow()).await.orphans, 4);
    assert!(!shelf.has(image_id).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_that_an_erasure_made_unopenable_go_at_once_and_nobody_elses_do() {
    // AUD-4
    let shelf = Shelf::fresh().await;
    let (ana, eva) = (shelf.owner, UserId(fresh_id()));
    let store = &shelf.record.store;
    joins(store, ana, "ana@example.test", fresh_id())
        .await
        .unwrap();
    let (hers, others) = (shelf.keeps(ana).await, shelf.keeps(eva).await);
    let erase = UserCommand::Erase(EraseSubject {
        user_id: ana,
        erasure_id: ErasureId(fresh_id()),
        erased_at: at(),
    });
    let erased = store.execute::<User>(ana.0, erase, by(ana, fresh_id()));
    erased.await.unwrap();
    store.vault().destroy(ana).await.unwrap();
    assert!(shelf.has(hers).await);
    let swept = shelf.is_swept(now()).await;
    assert_eq!((swept.orphans, swept.unopenable), (0, 4));
    assert!(!shelf.has(hers).await && shelf.has(others).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_goes_from_a_folder_that_is_another_installations() {
    let (shelf, other) = (Shelf::fresh().await, Shelf::fresh().await);
    let kept = shelf.keeps(shelf.owner).await;
    shelf.is_swept(tomorrow()).await;
    // Databases of tests are copies of one, and so say that they are the same installation.
    sqlx::query("UPDATE installation SET id = gen_random_uuid()")
        .execute(&other.record.pool)
        .await
        .unwrap();
    let by_mistake = Objects::open(&shelf.folder, other.record.vault()).unwrap();
    let fault = by_mistake.sweep(&other.record.pool, tomorrow()).await;
    assert!(matches!(fault, Err(SweepFault::Foreign)), "{fault:?}");
    assert!(shelf.has(kept).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_goes_from_a_folder_of_which_the_log_knows_no_picture() {
    // A new log beside an old folder, or the folder of somebody who was never swept: all of it would be orphans.
    let (shelf, other) = (Shelf::fresh().await, Shelf::fresh().await);
    let kept = shelf.keeps(shelf.owner).await;
    let by_mistake = Objects::open(&shelf.folder, other.record.vault()).unwrap();
    let fault = by_mistake.sweep(&other.record.pool, tomorrow()).await;
    assert!(matches!(fault, Err(SweepFault::Foreign)), "{fault:?}");
    assert_eq!(shelf.is_swept(tomorrow()).await.orphans, 0, "not marked");
    assert!(shelf.has(kept).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_that_is_not_mounted_is_not_taken_for_one_that_holds_nothing() {
    // GEN-3: what is not there now is not gone
    let shelf = Shelf::fresh().await;
    let (log, elsewhere) = (&shelf.record.pool, shelf.folder.with_extension("elsewhere"));
    assert!(
        shelf.objects.are_in_place(log).await.unwrap(),
        "nothing yet"
    );
    std::fs::remove_file(shelf.folder.join("installation")).unwrap();
    let kept = shelf.keeps(shelf.owner).await;
    std::fs::rename(&shelf.folder, &elsewhere).unwrap();
    assert!(!shelf.objects.are_in_place(log).await.unwrap(), "no folder");
    // An empty folder stands where another one is mounted usually.
    std::fs::create_dir(&shelf.folder).unwrap();
    assert!(!shelf.objects.are_in_place(log).await.unwrap(), "empty");
    let fault = shelf.objects.sweep(log, tomorrow()).await;
    assert!(matches!(fault, Err(SweepFault::Foreign)), "{fault:?}");
    assert_eq!(std::fs::read_dir(&shelf.folder).unwrap().count(), 0);
    std::fs::remove_dir(&shelf.folder).unwrap();
    std::fs::rename(&elsewhere, &shelf.folder).unwrap();
    assert!(shelf.objects.are_in_place(log).await.unwrap(), "its own");
    assert!(shelf.has(kept).await && shelf.folder.join("installation").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_goes_while_the_log_does_not_answer() {
    let shelf = Shelf::fresh().await;
    let orphan = ImageId(fresh_id());
    shelf.holds(orphan, Form::Original, b"nobody's").await;
    shelf.record.pool.close().await;
    let fault = shelf.objects.sweep(&shelf.record.pool, tomorrow()).await;
    assert!(
        matches!(fault, Err(SweepFault::Unreachable(_))),
        "{fault:?}"
    );
    assert!(shelf.has(orphan).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn drafts_of_a_put_that_was_stopped_go_and_strange_files_stay() {
    let shelf = Shelf::fresh().await;
    let kept = shelf.keeps(shelf.owner).await;
    let file = files(&shelf.folder).remove(0);
    let beside = |name: &str| file.with_file_name(name);
    let drafts = [beside("original#1"), beside("display#12")];
    // A draft of the release before, of a picture that was never taken in.
    let id = fresh_id().simple().to_string();
    let never = shelf.folder.join(&id[30..]).join(&id);
    std::fs::create_dir_all(&never).unwrap();
    let older = never.join("original.0193.new");
    let strange = shelf.folder.join("notes.txt");
    for file in drafts.iter().chain([&older, &strange]) {
        std::fs::write(file, b"x").unwrap();
    }
    let all = || drafts.iter().chain([&older]);
    shelf.is_swept(now()).await;
    assert!(
        all().all(|file| file.exists()),
        "a put may still be running"
    );
    shelf.is_swept(tomorrow()).await;
    assert!(all().all(|file| !file.exists()));
    assert!(strange.exists() && shelf.has(kept).await);
    assert!(SystemTime::UNIX_EPOCH < std::fs::metadata(strange).unwrap().modified().unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_that_runs_beside_a_sweep_loses_nothing() {
    let shelf = Shelf::fresh().await;
    shelf.keeps(shelf.owner).await;
    let (objects, pool) = (shelf.objects.clone(), shelf.record.pool.clone());
    let sweeping = tokio::spawn(async move {
        for _ in 0..20 {
            objects.sweep(&pool, now()).await.unwrap();
        }
    });
    let mut kept = Vec::new();
    for _ in 0..10 {
        let image = ImageId(fresh_id());
        for form in Form::ALL {
            shelf.holds(image, form, b"coming").await;
        }
        kept.push(image);
    }
    sweeping.await.unwrap();
    for image in kept {
        for form in Form::ALL {
            shelf.objects.get(shelf.owner, image, form).await.unwrap();
        }
    }
}
