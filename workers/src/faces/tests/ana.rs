//! A member with pictures, on a log of her own.

use super::super::FaceSearch;
use super::super::look::Looks;
use super::{Finder, MODEL};
use domain::ids::{ImageId, UserId};
use domain::image::{ImageCommand, Library, UploadImage};
use domain::user::{ChangeConsent, Purpose, RegisterUser, TextVersion, User, UserCommand};
use eventstore::bus::Bus;
use eventstore::feed::{Feed, Tail};
use eventstore::objects::{Form, Objects};
use eventstore::work::Attempt;
use eventstore::{Faces, Log, MasterKey, Recorded, Store, Vault, Why, edge, migrate};
use pictures::{Picture, clip};
use std::path::PathBuf;
use std::sync::Arc;

/// A member with pictures whose working copies are 480 x 480.
#[derive(Clone)]
pub struct Ana {
    pub search: FaceSearch,
    pub id: UserId,
    folder: Arc<tempfile::TempDir>,
}

impl Ana {
    pub async fn joins() -> Self {
        let url = tokio::task::spawn_blocking(|| embedded::testing::database("faces", prepared));
        let pool = migrate::connect(&url.await.unwrap(), 8).await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        let master = MasterKey::read_or_create(&folder.path().join("master.key")).unwrap();
        let vault = Vault::new(pool.clone(), master);
        let search = FaceSearch {
            objects: Objects::open(&folder.path().join("objects"), vault.clone()).unwrap(),
            faces: Faces::new(pool.clone(), vault.clone()),
            store: Store::open(pool, vault),
        };
        let ana = Self {
            search,
            id: edge::fresh_id().into(),
            folder: Arc::new(folder),
        };
        let register = RegisterUser {
            user_id: ana.id,
            email: "ana@example.test".to_owned().into(),
            registered_at: edge::now(),
        };
        ana.does::<User>(UserCommand::Register(register)).await;
        ana
    }

    pub fn place(&self) -> PathBuf {
        self.folder.path().join("objects")
    }

    pub async fn does<A>(&self, command: A::Command)
    where
        A: cqrs_es::Aggregate<Services = ()> + 'static,
        A::Command: Clone + Send + Sync,
        A::Error: Send + 'static,
    {
        let why = Why::member(self.id, edge::fresh_id(), edge::fresh_id());
        self.search
            .store
            .execute::<A>(self.id.0, command, why)
            .await
            .unwrap();
    }

    pub async fn says(&self, granted: bool) {
        let change = ChangeConsent {
            user_id: self.id,
            purpose: Purpose::FaceSearch,
            granted,
            text_version: TextVersion::parse("face-1").unwrap(),
            at: edge::now(),
        };
        self.does::<User>(UserCommand::ChangeConsent(change)).await;
    }

    pub async fn uploads(&self) -> ImageId {
        self.uploads_with(copy(90)).await
    }

    /// A picture with this working copy.
    pub async fn uploads_with(&self, copy: Vec<u8>) -> ImageId {
        let image = ImageId(edge::fresh_id());
        let put = self
            .search
            .objects
            .put(self.id, image, Form::Working, &copy);
        put.await.unwrap();
        let upload = ImageCommand::Upload(Box::new(UploadImage {
            owner: self.id,
            image_id: image,
            sha256: image.0.simple().to_string().repeat(2),
            content_type: "image/png".to_owned(),
            size_bytes: 1,
            width: 224,
            height: 224,
            fingerprint: None,
            embedding: None,
            near_copy_of: None,
            uploaded_at: edge::now(),
        }));
        self.does::<Library>(upload).await;
        image
    }

    pub async fn log(&self) -> Vec<Recorded> {
        let log = Log::new(self.search.store.database().clone());
        log.read_after(0, 1_000).await.unwrap()
    }

    pub async fn last(&self) -> Vec<Recorded> {
        self.log().await.pop().into_iter().collect()
    }

    /// A feed without a bus: the log alone, looked at four times a second.
    pub async fn feed(&self) -> Feed {
        let nowhere = Bus::connect("nats://nobody:nothing@127.0.0.1:9").await;
        Tail::follow(nowhere.unwrap()).feed(Log::new(self.search.store.database().clone()))
    }

    /// What was made of the last event.
    pub async fn is_looked_at(&self, finder: &Finder) -> Attempt {
        self.is_looked_at_again(finder, &Looks::default()).await
    }

    /// What was made of it after other tries.
    pub async fn is_looked_at_again(&self, finder: &Finder, looks: &Looks) -> Attempt {
        self.search.look_all(finder, self.last().await, looks).await
    }

    pub async fn vector(&self, image: ImageId) -> Option<Vec<f32>> {
        self.search.faces.get(self.id, image, MODEL).await.unwrap()
    }

    pub async fn rows(&self) -> i64 {
        let seen = self
            .search
            .faces
            .seen_in(self.id, &self.images().await)
            .await
            .unwrap();
        seen.len() as i64
    }

    pub async fn images(&self) -> Vec<uuid::Uuid> {
        let library: Library = self.search.store.load(self.id.0).await.unwrap();
        library.active().map(|image| image.0).collect()
    }
}

/// A working copy of 480 x 480 of one grey, as intake makes it.
pub fn copy(grey: u8) -> Vec<u8> {
    let nobody = Picture::from_rgb(224, 224, vec![grey; 224 * 224 * 3]).unwrap();
    let png = clip::square_as_png(&nobody).unwrap();
    pictures::take_in(&png).unwrap().working
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
