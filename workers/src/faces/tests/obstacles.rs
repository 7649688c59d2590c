//! What is away is waited for, however long that takes; what fails of itself is left behind, and is no picture without a face.

use super::super::look::Looks;
use super::ana::copy;
use super::{Ana, Attempt, Finder, MODEL, Ordering, face, fails, finder};

/// More tries than a picture has that fails of itself.
const LONG: usize = 12;

impl Ana {
    async fn is_waited_for(&self, finder: &Finder, looks: &Looks, times: usize) {
        for tried in 0..times {
            let attempt = self.is_looked_at_again(finder, looks).await;
            assert_eq!(attempt, Attempt::TryAgain, "{tried}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_fails_for_long_when_she_agrees_costs_none_of_her_pictures_its_look() {
    // GEN-3, PIP-4: it says that it is well
    let ana = Ana::joins().await;
    for _ in 0..3 {
        ana.uploads().await;
    }
    ana.says(true).await;
    let (finder, looks) = (finder(Err(fails())), Looks::default());
    ana.is_waited_for(&finder, &looks, LONG).await;
    let asked = finder.asked.load(Ordering::SeqCst);
    assert_eq!(asked, 3 + LONG - 1, "hers once, then nobody's");
    *finder.answer.lock().unwrap() = Ok(vec![face(99, 100)]);
    let attempt = ana.is_looked_at_again(&finder, &looks).await;
    assert_eq!((attempt, ana.rows().await), (Attempt::Done, 3));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_error_while_the_models_load_hides_no_face() {
    // GEN-3
    let ana = Ana::joins().await;
    ana.says(true).await;
    let image = ana.uploads().await;
    let (finder, looks) = (finder(Err(fails())), Looks::default());
    ana.is_waited_for(&finder, &looks, 2).await;
    *finder.answer.lock().unwrap() = Ok(vec![face(99, 100)]);
    let attempt = ana.is_looked_at_again(&finder, &looks).await;
    assert_eq!(attempt, Attempt::Done);
    assert_eq!(ana.vector(image).await, Some(face(99, 100).vector));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_picture_that_fails_of_itself_keeps_no_other_waiting_and_is_left_behind() {
    let ana = Ana::joins().await;
    ana.uploads().await;
    let bad = ana.uploads_with(copy(200)).await;
    ana.uploads_with(copy(30)).await;
    ana.says(true).await;
    let bad_for = Finder {
        cannot: Some(copy(200)),
        ..Finder::of(Ok(vec![face(99, 100)]))
    };
    let looks = Looks::default();
    ana.is_waited_for(&bad_for, &looks, 1).await;
    assert_eq!(ana.rows().await, 2, "the one after it as well");
    ana.is_waited_for(&bad_for, &looks, 4).await;
    let attempt = ana.is_looked_at_again(&bad_for, &looks).await;
    assert_eq!((attempt, ana.rows().await), (Attempt::Done, 2));
    assert_eq!(
        ana.search.faces.get(ana.id, bad, MODEL).await.unwrap(),
        None
    );
    // Two good ones once, the bad one six times, and nobody's before five of those.
    assert_eq!(bad_for.asked.load(Ordering::SeqCst), 2 + 6 + 5);
    // What was left behind is looked at again when she agrees anew.
    ana.is_waited_for(&bad_for, &Looks::default(), 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_picture_that_brings_the_server_down_each_time_is_left_behind_too() {
    let ana = Ana::joins().await;
    for copy in [copy(200), copy(30), copy(90)] {
        ana.uploads_with(copy).await;
    }
    ana.says(true).await;
    let bad_for = Finder {
        cannot: Some(copy(200)),
        down_for: 2,
        ..Finder::of(Ok(vec![face(99, 100)]))
    };
    let looks = Looks::default();
    // Once without counting and five times counted, each after two tries in which the server is not back; the next picture
    // then meets it down as well.
    ana.is_waited_for(&bad_for, &looks, 1 + 5 * 3 + 1).await;
    let attempt = ana.is_looked_at_again(&bad_for, &looks).await;
    assert_eq!((attempt, ana.rows().await), (Attempt::Done, 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_that_is_not_mounted_is_waited_for_and_a_copy_that_alone_is_gone_is_not() {
    // GEN-3
    let ana = Ana::joins().await;
    let image = ana.uploads().await;
    ana.says(true).await;
    let (finder, looks) = (finder(Ok(vec![face(99, 100)])), Looks::default());
    let (place, elsewhere) = (ana.place(), ana.place().with_extension("away"));
    std::fs::rename(&place, &elsewhere).unwrap();
    ana.is_waited_for(&finder, &looks, LONG).await;
    std::fs::rename(&elsewhere, &place).unwrap();
    let objects = &ana.search.objects;
    let held = objects.get(ana.id, image, eventstore::objects::Form::Working);
    assert!(held.await.is_ok());
    let other = ana.uploads().await;
    assert_eq!(ana.is_looked_at(&finder).await, Attempt::Done);
    ana.says(false).await;
    ana.search.faces.forget(ana.id, other).await.unwrap();
    ana.says(true).await;
    objects.erase(other).await.unwrap();
    let looks = Looks::default();
    ana.is_waited_for(&finder, &looks, 5).await;
    assert_eq!(ana.rows().await, 1);
    let attempt = ana.is_looked_at_again(&finder, &looks).await;
    assert_eq!(attempt, Attempt::Done);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_of_more_than_ten_mebibytes_is_looked_at() {
    // PIP-2, PIP-4: a wide picture's is; LIM-1 is for what strangers send
    let ana = Ana::joins().await;
    ana.says(true).await;
    let mut large = copy(90);
    large.resize(pictures::BYTES_MAX + 1, 0);
    let image = ana.uploads_with(large).await;
    let finder = finder(Ok(vec![face(99, 100)]));
    assert_eq!(ana.is_looked_at(&finder).await, Attempt::Done);
    assert!(ana.vector(image).await.is_some());
}
