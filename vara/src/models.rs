//! The models that the operator supplies, as files or as services of his own; what he does not supply is unavailable (GEN-4).

use crate::kit::Kit;
use crate::parts::keep;
use crate::settings::{from_env, switch};
use anyhow::{Context, bail};
use eventstore::feed::Tail;
use eventstore::{Faces, Log};
use pictures::Embedder;
use pictures::clip::{self, Weights};
use std::sync::Arc;
use tokio::task::JoinSet;
use workers::embedding::{self, InProcess, Vectors};
use workers::faces::{FaceSearch, OnnxFaces};
use workers::providers::{ApiKey, ClipService, DeepFace, FaceEmbedder, HostSettings, Space};

/// Who turns pictures into vectors: a model in this process (`VARA_CLIP_MODEL`, faster with `VARA_CLIP_PREPACKED`), or a
/// service (`VARA_CLIP_URL`).
pub async fn embedder() -> anyhow::Result<Option<Arc<dyn Embedder>>> {
    let embedder: Arc<dyn Embedder> = match (from_env("VARA_CLIP_MODEL"), from_env("VARA_CLIP_URL"))
    {
        (Some(_), Some(_)) => bail!("set VARA_CLIP_MODEL or VARA_CLIP_URL, not both"),
        (Some(path), None) => {
            let weights = match switch("VARA_CLIP_PREPACKED")? {
                true => Weights::Prepacked,
                false => Weights::Plain,
            };
            let loading =
                tokio::task::spawn_blocking(move || clip::load_with(path.as_ref(), weights));
            let model = loading.await?.context("VARA_CLIP_MODEL cannot be used")?;
            Arc::new(InProcess::start(model)?)
        }
        (None, Some(url)) => {
            let service = Arc::new(clip_service(&url)?);
            tokio::spawn(Arc::clone(&service).keep_warm());
            service
        }
        (None, None) => {
            tracing::info!(
                "picture vectors are not available: neither VARA_CLIP_MODEL nor VARA_CLIP_URL is set"
            );
            return Ok(None);
        }
    };
    tracing::info!(model = embedder.model(), "pictures become vectors");
    Ok(Some(embedder))
}

fn clip_service(url: &str) -> anyhow::Result<ClipService> {
    let base_url = url.parse().context("VARA_CLIP_URL is no address")?;
    let space = from_env("VARA_CLIP_NAME").context(
        "VARA_CLIP_NAME is missing: which model in which version the service at VARA_CLIP_URL runs, as clip-ViT-B-32@2; \
         it does not tell, and vectors of different models are never compared",
    )?;
    let space = Space::parse(&space).context("VARA_CLIP_NAME")?;
    let token = from_env("VARA_CLIP_TOKEN").as_deref().and_then(ApiKey::new);
    ClipService::new(HostSettings::new(base_url, token), &space)
        .context("VARA_CLIP_URL cannot be used")
}

/// Who sees faces and gives each its vector: DeepFace's API server (`VARA_DEEPFACE_URL`), or two models in this process
/// (`VARA_FACE_DETECTOR` and `VARA_FACE_MODEL`).
pub async fn faces() -> anyhow::Result<Option<Arc<dyn FaceEmbedder>>> {
    let (detector, model) = (from_env("VARA_FACE_DETECTOR"), from_env("VARA_FACE_MODEL"));
    let finder: Arc<dyn FaceEmbedder> = match (from_env("VARA_DEEPFACE_URL"), detector, model) {
        (None, None, None) => {
            tracing::info!(
                "face vectors are not available: neither VARA_DEEPFACE_URL nor VARA_FACE_MODEL is set"
            );
            return Ok(None);
        }
        (Some(url), None, None) => {
            let deepface = Arc::new(deepface(&url)?);
            tokio::spawn(Arc::clone(&deepface).keep_warm());
            deepface
        }
        (None, Some(detector), Some(model)) => {
            let loading = tokio::task::spawn_blocking(move || {
                pictures::faces::load(detector.as_ref(), model.as_ref())
            });
            let models = loading
                .await?
                .context("VARA_FACE_DETECTOR and VARA_FACE_MODEL cannot be used")?;
            Arc::new(OnnxFaces::new(models))
        }
        (Some(_), _, _) => bail!("set VARA_DEEPFACE_URL or the two face models, not both"),
        (None, _, _) => bail!("VARA_FACE_DETECTOR and VARA_FACE_MODEL belong together"),
    };
    tracing::info!(
        model = finder.model(),
        "faces are looked for where a member agrees to it"
    );
    Ok(Some(finder))
}

fn deepface(url: &str) -> anyhow::Result<DeepFace> {
    let base_url = url.parse().context("VARA_DEEPFACE_URL is no address")?;
    let token = from_env("VARA_DEEPFACE_TOKEN")
        .as_deref()
        .and_then(ApiKey::new);
    DeepFace::new(HostSettings::new(base_url, token)).context("VARA_DEEPFACE_URL cannot be used")
}

/// What pictures become by the operator's models: vectors, and with her consent the vector of her face.
pub fn run(
    running: &mut JoinSet<()>,
    kit: &Kit,
    embedder: Option<Arc<dyn Embedder>>,
    finder: Option<Arc<dyn FaceEmbedder>>,
    tail: &Tail,
) -> anyhow::Result<()> {
    let feed = {
        let (database, tail) = (kit.store.database().clone(), tail.clone());
        move || tail.feed(Log::new(database.clone()))
    };
    if let Some(embedder) = embedder {
        let intake = intake::Cells::of_this_program().context("this program cannot be found")?;
        let vectors = Vectors {
            store: kit.store.clone(),
            objects: kit.objects.clone(),
            intake: Arc::new(intake),
            embedder,
        };
        let feed = feed.clone();
        keep(running, "vectors", move || {
            embedding::run(vectors.clone(), feed())
        });
    }
    let faces = FaceSearch {
        store: kit.store.clone(),
        objects: kit.objects.clone(),
        faces: Faces::new(kit.store.database().clone(), kit.vault.clone()),
    };
    if let Some(finder) = finder {
        let (faces, feed) = (faces.clone(), feed.clone());
        keep(running, "faces", move || {
            workers::faces::look(faces.clone(), finder.clone(), feed())
        });
    }
    keep(running, "faces to forget", move || {
        workers::faces::forget(faces.clone(), feed())
    });
    Ok(())
}
