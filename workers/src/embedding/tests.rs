//! Pictures of before get vectors of a new model, on a real log and with the small model of the tests.

mod obstacles;

use super::{InProcess, READERS, Vectors, run};
use crate::obstacles::Tries;
use async_trait::async_trait;
use domain::Event;
use domain::ids::{ImageId, UserId};
use domain::image::{Embedding, ImageCommand, ImageEvent, Library, UploadImage, Vector};
use eventstore::bus::Bus;
use eventstore::feed::{Feed, Tail};
use eventstore::objects::{Form, Objects};
use eventstore::work::Attempt;
use eventstore::{Log, MasterKey, Recorded, Store, Vault, Why, checkpoint, edge, migrate};
use pictures::{Embedder, NotEmbedded, NotTaken, Picture, TakeIn, Taken, clip};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

const MODEL: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../pictures/testdata/tiny_clip.onnx"
);

/// Decodes really, in this process; enough where nobody is a stranger.
#[derive(Debug)]
struct Here;

#[async_trait]
impl TakeIn for Here {
    async fn take_in(&self, original: Arc<Vec<u8>>) -> Result<Taken, NotTaken> {
        Ok(pictures::take_in(&original)?)
    }
}

/// The small model, which may be away, and never manages a picture of this red.
#[derive(Debug)]
struct Moody {
    model: InProcess,
    /// It says so itself, and does nothing.
    away: AtomicBool,
    /// It fails, and says of itself that it is there.
    failing: AtomicBool,
    asked: AtomicUsize,
    cannot: Option<u8>,
}

impl Moody {
    fn new(cannot: Option<u8>) -> Arc<Self> {
        let model = clip::load(MODEL.as_ref()).unwrap();
        Arc::new(Self {
            model: InProcess::start(model).unwrap(),
            away: AtomicBool::new(false),
            failing: AtomicBool::new(false),
            asked: AtomicUsize::new(0),
            cannot,
        })
    }
}

#[async_trait]
impl Embedder for Moody {
    fn model(&self) -> &str {
        self.model.model()
    }

    fn is_available(&self) -> bool {
        !self.away.load(Ordering::SeqCst)
    }

    async fn embed(&self, seen: Picture) -> Result<Vec<f32>, NotEmbedded> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        let fails = !self.is_available() || self.failing.load(Ordering::SeqCst);
        if fails || Some(seen.rgb()[0]) == self.cannot {
            return Err(NotEmbedded::TryAgain("in a mood".to_owned()));
        }
        self.model.embed(seen).await
    }
}

fn shade(red: u8) -> Picture {
    Picture::from_rgb(224, 224, [red, 90, 200].repeat(224 * 224)).unwrap()
}

/// A member with pictures, each of a red of its own, embedded by a model of before.
struct Owned {
    store: Store,
    objects: Objects,
    owner: UserId,
    images: Vec<ImageId>,
    url: String,
    folder: tempfile::TempDir,
}

impl Owned {
    async fn of(pictures: u8) -> Self {
        let url = tokio::task::spawn_blocking(|| embedded::testing::database("vectors", prepared));
        let url = url.await.unwrap();
        let pool = migrate::connect(&url, 8).await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        let master = MasterKey::read_or_create(&folder.path().join("master.key")).unwrap();
        let vault = Vault::new(pool.clone(), master);
        let objects = Objects::open(&folder.path().join("objects"), vault.clone()).unwrap();
        let mut library = Self {
            store: Store::open(pool, vault),
            objects,
            owner: edge::fresh_id().into(),
            images: Vec::new(),
            url,
            folder,
        };
        for red in 0..pictures {
            library.takes_in(red).await;
        }
        library
    }

    async fn takes_in(&mut self, red: u8) {
        let image = ImageId(edge::fresh_id());
        let original = clip::square_as_png(&shade(red)).unwrap();
        let put = self
            .objects
            .put(self.owner, image, Form::Original, &original);
        put.await.unwrap();
        let upload = ImageCommand::Upload(Box::new(UploadImage {
            owner: self.owner,
            image_id: image,
            sha256: image.0.simple().to_string().repeat(2),
            content_type: "image/png".to_owned(),
            size_bytes: 1_000,
            width: 224,
            height: 224,
            fingerprint: None,
            embedding: Some(Embedding {
                model: "clip@before".to_owned(),
                vector: Vector::try_new(&[0.5; 512]).unwrap(),
            }),
            near_copy_of: None,
            uploaded_at: edge::now(),
        }));
        let why = Why::member(self.owner, edge::fresh_id(), edge::fresh_id());
        let taken = self
            .store
            .execute::<Library>(self.owner.0, upload, why)
            .await;
        taken.unwrap();
        self.images.push(image);
    }

    fn master(&self) -> MasterKey {
        MasterKey::read_or_create(&self.folder.path().join("master.key")).unwrap()
    }

    fn worker(&self, embedder: &Arc<Moody>) -> Vectors {
        Vectors {
            // As another process has it: a lane of its own.
            store: Store::open(self.store.database().clone(), self.store.vault().clone()),
            objects: self.objects.clone(),
            intake: Arc::new(Here),
            embedder: Arc::clone(embedder) as Arc<dyn Embedder>,
        }
    }

    /// A feed without a bus: the log alone, looked at four times a second.
    async fn feed(&self) -> Feed {
        let nowhere = Bus::connect("nats://nobody:nothing@127.0.0.1:9").await;
        Tail::follow(nowhere.unwrap()).feed(Log::new(self.store.database().clone()))
    }

    async fn log(&self) -> Vec<Recorded> {
        let log = Log::new(self.store.database().clone());
        log.read_after(0, 1_000).await.unwrap()
    }

    async fn uploads(&self) -> Vec<Recorded> {
        let log = self.log().await;
        log.into_iter()
            .filter(|event| event.event_type == "ImageUploaded")
            .collect()
    }

    /// How many vectors of a model each picture has.
    async fn vectors(&self, of: &str) -> BTreeMap<ImageId, usize> {
        let mut vectors = BTreeMap::new();
        for event in self.log().await {
            let opened = event.open(self.store.vault()).await.unwrap();
            if let Event::Image(ImageEvent::ImageEmbedded {
                image_id,
                model,
                vector,
                ..
            }) = opened.event
                && model == of
            {
                assert_eq!(vector.known().unwrap().numbers().unwrap().len(), 512);
                *vectors.entry(image_id).or_default() += 1;
            }
        }
        vectors
    }

    async fn all_have_one(&self, embedder: &Moody) {
        let begun = Instant::now();
        loop {
            let vectors = self.vectors(embedder.model()).await;
            if vectors.len() == self.images.len() {
                assert!(vectors.values().all(|count| *count == 1), "{vectors:?}");
                return;
            }
            assert!(
                begun.elapsed() < Duration::from_secs(120),
                "{} of {}",
                vectors.len(),
                self.images.len()
            );
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    async fn reached(&self, embedder: &Moody) -> i64 {
        let name = format!("{READERS}{}", embedder.model());
        checkpoint::read(self.store.database(), &name)
            .await
            .unwrap()
    }
}

fn prepared(url: &str) {
    let url = url.to_owned();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(async {
            let pool = migrate::connect(&url, 1).await.unwrap();
            migrate::run(&pool).await.unwrap();
            migrate::run_keys(&pool, &pool).await.unwrap();
            pool.close().await;
        });
    })
    .join()
    .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_model_gives_every_picture_of_before_one_vector_also_with_two_workers() {
    // PIP-5
    let library = Owned::of(12).await;
    let embedder = Moody::new(None);
    let mut running = tokio::task::JoinSet::new();
    for _ in 0..2 {
        running.spawn(run(library.worker(&embedder), library.feed().await));
    }
    library.all_have_one(&embedder).await;
    assert_eq!(
        library.vectors("clip@before").await.len(),
        12,
        "those of before stay"
    );
    running.shutdown().await;
    // Whoever goes on later asks the model nothing for what is done.
    let before = embedder.asked.load(Ordering::SeqCst);
    let again = tokio::spawn(run(library.worker(&embedder), library.feed().await));
    let head = library.log().await.len() as i64;
    let begun = Instant::now();
    while library.reached(&embedder).await < head {
        assert!(
            begun.elapsed() < Duration::from_secs(120),
            "{}",
            library.reached(&embedder).await
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    again.abort();
    assert_eq!(embedder.asked.load(Ordering::SeqCst), before);
    library.all_have_one(&embedder).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_stops_in_the_middle_is_gone_on_from() {
    let library = Owned::of(16).await;
    let embedder = Moody::new(None);
    let worker = library.worker(&embedder);
    // The first slice was done; its position was not written down before the end.
    let first: Vec<Recorded> = library.uploads().await.into_iter().take(8).collect();
    assert_eq!(
        worker.embed_all(first, &Tries::default()).await,
        Attempt::Done
    );
    assert_eq!(library.vectors(embedder.model()).await.len(), 8);
    let running = tokio::spawn(run(worker, library.feed().await));
    library.all_have_one(&embedder).await;
    running.abort();
    assert_eq!(
        embedder.asked.load(Ordering::SeqCst),
        16,
        "no picture was looked at twice"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_vector_made_later_is_the_one_of_the_upload() {
    // PIP-3: of the original, prepared alike
    let library = Owned::of(1).await;
    let embedder = Moody::new(None);
    let worker = library.worker(&embedder);
    let uploads = library.uploads().await;
    worker.embed_all(uploads, &Tries::default()).await;
    let expected = clip::load(MODEL.as_ref())
        .unwrap()
        .embed(&shade(0))
        .unwrap();
    let last = library.log().await.pop().unwrap();
    let Event::Image(ImageEvent::ImageEmbedded { vector, .. }) =
        last.open(library.store.vault()).await.unwrap().event
    else {
        panic!("the vector is the last fact");
    };
    let numbers = vector.known().unwrap().numbers().unwrap();
    let cosine: f32 = numbers.iter().zip(&expected).map(|(a, b)| a * b).sum();
    assert!(cosine > 0.999_999, "{cosine}");
}
