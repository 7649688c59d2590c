//! Pictures are sealed and read chunk by chunk; what is cut short, put in another order or mixed does not open.

use crate::objects::{Shelf, files};
use domain::ids::ImageId;
use eventstore::KeyError;
use eventstore::edge::fresh_id;
use eventstore::objects::{Form, ObjectFault};
use futures::StreamExt;
use std::path::PathBuf;

/// Bytes of a picture in one chunk, and of a chunk as it is stored; what stands before the first one.
const CHUNK: usize = 64 * 1024;
const SEALED: usize = CHUNK + 16;
const HEAD: usize = 48;

/// Bytes that are not the same twice.
fn noise(length: usize) -> Vec<u8> {
    let mut state = 1_u32;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state.to_be_bytes()[0]
    };
    (0..length).map(|_| next()).collect()
}

/// A picture of so many bytes, and the file in which it lies.
async fn stored(shelf: &Shelf, image: ImageId, length: usize) -> (Vec<u8>, PathBuf) {
    let bytes = noise(length);
    shelf.holds(image, Form::Display, &bytes).await;
    let id = image.0.simple().to_string();
    let of_it = |file: &PathBuf| file.to_string_lossy().contains(&id);
    let file = files(&shelf.folder).into_iter().find(of_it).unwrap();
    (bytes, file)
}

async fn read(shelf: &Shelf, image: ImageId) -> Result<Vec<u8>, ObjectFault> {
    shelf.objects.get(shelf.owner, image, Form::Display).await
}

async fn does_not_open(shelf: &Shelf, image: ImageId, what: &str) {
    let fault = read(shelf, image).await;
    assert!(
        matches!(fault, Err(ObjectFault::Key(KeyError::Sealed))),
        "{what}: {:?}",
        fault.map(|bytes| bytes.len())
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_picture_of_any_length_comes_back_byte_for_byte_and_its_length_is_known_before() {
    let shelf = Shelf::fresh().await;
    // Around one chunk, and around the part of five mebibytes that is sent at once.
    let part = 5 * 1024 * 1024;
    for length in [
        0,
        1,
        CHUNK - 1,
        CHUNK,
        CHUNK + 1,
        3 * CHUNK,
        part - 40,
        part + 1,
        2 * part,
    ] {
        let image = ImageId(fresh_id());
        let (bytes, file) = stored(&shelf, image, length).await;
        let reading = shelf.objects.read(shelf.owner, image, Form::Display).await;
        assert_eq!(reading.unwrap().length, length as u64);
        assert!(read(&shelf, image).await.unwrap() == bytes, "{length}");
        let chunks = length.div_ceil(CHUNK).max(1);
        let size = std::fs::metadata(file).unwrap().len();
        assert_eq!(size, (HEAD + length + 16 * chunks) as u64);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_is_never_handed_more_than_a_chunk_and_a_source_is_never_asked_for_more() {
    let shelf = Shelf::fresh().await;
    let (image, bytes) = (ImageId(fresh_id()), noise(7 * 1024 * 1024 + 5));
    let mut source = tokio::io::BufReader::with_capacity(1_000, bytes.as_slice());
    let put = shelf
        .objects
        .put_from(shelf.owner, image, Form::Display, &mut source);
    put.await.unwrap();
    let reading = shelf.objects.read(shelf.owner, image, Form::Display).await;
    let mut pieces = reading.unwrap().pieces();
    let mut all = Vec::new();
    while let Some(piece) = pieces.next().await {
        let piece = piece.unwrap();
        assert!(piece.len() <= CHUNK);
        all.extend_from_slice(&piece);
    }
    assert!(all == bytes);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_cut_short_or_longer_does_not_open_wherever_it_is_cut() {
    let shelf = Shelf::fresh().await;
    let image = ImageId(fresh_id());
    let (_, file) = stored(&shelf, image, 2 * CHUNK + 100).await;
    let sealed = std::fs::read(&file).unwrap();
    let cuts = [
        HEAD,
        HEAD + 1,
        HEAD + 16,
        HEAD + SEALED - 1,
        HEAD + SEALED,
        HEAD + SEALED + 16,
        HEAD + 2 * SEALED,
        sealed.len() - 1,
    ];
    for cut in cuts {
        std::fs::write(&file, &sealed[..cut]).unwrap();
        does_not_open(&shelf, image, &format!("cut at {cut}")).await;
    }
    for more in [&sealed[..1], &sealed[HEAD..HEAD + SEALED], &sealed] {
        std::fs::write(&file, [&sealed, more].concat()).unwrap();
        does_not_open(&shelf, image, &format!("{} more", more.len())).await;
    }
    std::fs::write(&file, &sealed).unwrap();
    assert!(read(&shelf, image).await.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn chunks_in_another_order_or_of_another_picture_do_not_open() {
    let shelf = Shelf::fresh().await;
    let (one, other) = (ImageId(fresh_id()), ImageId(fresh_id()));
    let (_, file) = stored(&shelf, one, 3 * CHUNK).await;
    let (_, at_other) = stored(&shelf, other, 3 * CHUNK).await;
    let (sealed, others) = (
        std::fs::read(&file).unwrap(),
        std::fs::read(at_other).unwrap(),
    );
    let chunk = |of: &[u8], n: usize| of[HEAD + n * SEALED..HEAD + (n + 1) * SEALED].to_vec();
    let head = sealed[..HEAD].to_vec();
    let mine = |n| chunk(&sealed, n);
    let mixed = [
        [mine(1), mine(0), mine(2)].concat(),
        [mine(0), mine(2), mine(1)].concat(),
        [mine(0), mine(0), mine(2)].concat(),
        [mine(0), chunk(&others, 1), mine(2)].concat(),
        [mine(0), mine(1), chunk(&others, 2)].concat(),
    ];
    for (n, body) in mixed.into_iter().enumerate() {
        std::fs::write(&file, [head.clone(), body].concat()).unwrap();
        does_not_open(&shelf, one, &format!("mixture {n}")).await;
    }
    std::fs::write(&file, &others).unwrap();
    does_not_open(&shelf, one, "the whole other picture").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_sealed_in_one_piece_before_still_opens() {
    let shelf = Shelf::fresh().await;
    let image = ImageId(fresh_id());
    let (_, file) = stored(&shelf, image, 10).await;
    let (owner, bytes) = (shelf.owner, noise(200_000));
    let key = shelf.record.store.vault().key_to_seal(owner).await.unwrap();
    let sealed = key.seal(&bytes, &format!("object/{owner}/{image}/display"));
    std::fs::write(&file, sealed.unwrap()).unwrap();
    let reading = shelf.objects.read(owner, image, Form::Display).await;
    assert_eq!(reading.unwrap().length, 200_000);
    assert!(read(&shelf, image).await.unwrap() == bytes);
    let cut = std::fs::read(&file).unwrap();
    std::fs::write(&file, &cut[..cut.len() - 1]).unwrap();
    does_not_open(&shelf, image, "cut").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_source_that_breaks_off_stores_nothing() {
    struct Broken(usize);
    impl tokio::io::AsyncRead for Broken {
        fn poll_read(
            mut self: std::pin::Pin<&mut Self>,
            _: &mut std::task::Context<'_>,
            to: &mut tokio::io::ReadBuf<'_>,
        ) -> std::task::Poll<std::io::Result<()>> {
            let some = to.remaining().min(self.0);
            if some == 0 {
                return std::task::Poll::Ready(Err(std::io::ErrorKind::ConnectionReset.into()));
            }
            to.put_slice(&vec![7; some]);
            self.0 -= some;
            std::task::Poll::Ready(Ok(()))
        }
    }
    let shelf = Shelf::fresh().await;
    for length in [100, 6 * 1024 * 1024] {
        let image = ImageId(fresh_id());
        let mut source = Broken(length);
        let put = shelf
            .objects
            .put_from(shelf.owner, image, Form::Display, &mut source);
        assert!(matches!(put.await, Err(ObjectFault::Source(_))));
        assert!(matches!(
            read(&shelf, image).await,
            Err(ObjectFault::Missing)
        ));
    }
    assert_eq!(
        files(&shelf.folder),
        Vec::<PathBuf>::new(),
        "no draft is left"
    );
}
