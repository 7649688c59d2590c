//! From a file in a form to a picture in her library: checked, sealed, stored, then recorded (IMG-1).

mod once;
mod vector;

use crate::app::App;
use crate::idempotency::Command;
use crate::problem::Problem;
use domain::Share;
use domain::ids::{ImageId, UserId};
use domain::image::{
    Comparison, Embedding, Fingerprint, ImageCommand, Library, NearCopy, UploadImage,
};
use eventstore::objects::Form;
use eventstore::{ExecuteError, Why, edge};
use pictures::pdq::DISTANCE_MAX;
use pictures::{BYTES_MAX, Format, Seen, Taken};
use poem::web::Field;
use poem_openapi::registry::{MetaSchema, MetaSchemaRef};
use poem_openapi::types::{ParseError, ParseFromMultipartField, ParseResult, Type};
use projections::images::{ImageRow, Images};
use projections::likeness::{nearest_by_hash, nearest_by_vector};
use projections::projector::ReadModel;
use std::borrow::Cow;
use std::sync::Arc;
use tokio::io::AsyncReadExt as _;
use uuid::Uuid;

/// Least cosine similarity at which two pictures are called near copies by their vectors: that of EXACT (MAT-7).
const NEAR_SIMILARITY: f64 = 0.95;

/// Files of one form that are kept until it is known how many there are.
const KEPT: usize = 2;
/// Address space for a file, of which memory is only what it fills. A block of this size goes back to the system as soon as it is
/// let go (glibc, `M_MMAP_THRESHOLD`: 32 MiB at most); smaller ones stay with the process, and a file that grows in them takes two
/// or three times its length.
const RESERVED_BYTES: usize = 33 * 1024 * 1024;

/// What came under the name `file`; more than one is refused by the handler, calmly.
#[derive(Debug, Default)]
pub struct Files(Vec<File>);

/// One file of a form.
#[derive(Debug)]
pub struct File {
    declared: Option<String>,
    bytes: Vec<u8>,
}

impl Files {
    /// The one file (LIM-6).
    ///
    /// # Errors
    /// When there is none, or more than one.
    pub fn only_one(mut self) -> Result<File, Problem> {
        match (self.0.pop(), self.0.is_empty()) {
            (Some(file), true) if file.bytes.is_empty() => Err(Problem::NoFile),
            (Some(file), true) => Ok(file),
            (Some(_), false) => Err(Problem::TooManyFiles),
            (None, _) => Err(Problem::NoFile),
        }
    }
}

impl Type for Files {
    const IS_REQUIRED: bool = true;
    type RawValueType = Self;
    type RawElementValueType = Self;

    fn name() -> Cow<'static, str> {
        "string_binary".into()
    }

    fn schema_ref() -> MetaSchemaRef {
        MetaSchemaRef::Inline(Box::new(MetaSchema::new_with_format("string", "binary")))
    }

    fn as_raw_value(&self) -> Option<&Self> {
        Some(self)
    }

    fn raw_element_iter<'a>(&'a self) -> Box<dyn Iterator<Item = &'a Self> + 'a> {
        Box::new(std::iter::once(self))
    }
}

impl ParseFromMultipartField for Files {
    async fn parse_from_multipart(field: Option<Field>) -> ParseResult<Self> {
        match field {
            Some(field) => Self::default().parse_from_repeated_field(field).await,
            None => Ok(Self::default()),
        }
    }

    /// Kept in memory, never in a temporary file: her picture must not lie about in the clear. The body as a
    /// whole is bounded before this.
    async fn parse_from_repeated_field(mut self, field: Field) -> ParseResult<Self> {
        let declared = field.content_type().map(str::to_owned);
        let kept = self.0.len() < KEPT;
        let mut bytes = Vec::with_capacity(if kept { RESERVED_BYTES } else { 0 });
        let mut reading = field.into_async_read();
        let read = reading.read_to_end(&mut bytes).await;
        read.map_err(ParseError::custom)?;
        if kept {
            self.0.push(File { declared, bytes });
        }
        Ok(self)
    }
}

pub(crate) use once::take_once;

/// Takes a file in. When this returns, the picture is in the log and in what she looks at. Where the same command was
/// done before, what was made of this file goes, and the answer is its picture.
///
/// # Errors
/// [`Problem`]; then nothing was stored.
async fn take(
    app: &App,
    owner: UserId,
    file: File,
    (request, command): (Uuid, Command),
) -> Result<ImageRow, Problem> {
    if file.bytes.len() > BYTES_MAX {
        return Err(Problem::FileTooLarge);
    }
    let Some(format) = Format::of(&file.bytes) else {
        return Err(Problem::NotAPicture(Seen::of(&file.bytes)));
    };
    let declared = file.declared.as_deref().and_then(Format::of_media_type);
    if declared != Some(format) {
        // LIM-3: what it claims to be must be what it is.
        return Err(Problem::InvalidFileType);
    }
    let original = Arc::new(file.bytes);
    let (taken, sha256) = tokio::join!(
        app.intake.take_in(Arc::clone(&original)),
        digest(Arc::clone(&original))
    );
    let (taken, sha256) = (taken?, sha256?);
    let embedding = vector::of(app.embedder.as_deref(), &taken.picture_for_vector).await?;
    let image_id = ImageId(edge::fresh_id());
    let ask = UploadImage {
        owner,
        image_id,
        sha256,
        content_type: taken.format.media_type().to_owned(),
        size_bytes: u32::try_from(original.len()).map_err(|_| Problem::FileTooLarge)?,
        width: taken.width,
        height: taken.height,
        fingerprint: taken.hash.as_ref().map(|hash| Fingerprint {
            pdq: hash.hash.hex(),
            quality: hash.quality,
        }),
        near_copy_of: near_copy(app, owner, &taken, embedding.as_ref()).await?,
        embedding,
        uploaded_at: edge::now(),
    };
    store(app, owner, image_id, &original, &taken).await?;
    let row = row(&ask)?;
    let why = Why::member(owner, request, command.id);
    if !record(app, ask, why).await? {
        return Ok(row);
    }
    let first = once::taken(app, command.id).await?.unwrap_or(row);
    if first.image_id != image_id.0 {
        app.objects.discard(image_id).await;
    }
    Ok(first)
}

/// The picture as it is shown from now on. Made from what was recorded, so that a read model that is late cannot
/// turn a saved picture into an error.
fn row(ask: &UploadImage) -> Result<ImageRow, Problem> {
    let whole = |number: u32| {
        i32::try_from(number).map_err(|fault| Problem::ours("a number is too large", &fault))
    };
    Ok(ImageRow {
        image_id: ask.image_id.0,
        owner: ask.owner.0,
        content_type: ask.content_type.clone(),
        size_bytes: whole(ask.size_bytes)?,
        width: whole(ask.width)?,
        height: whole(ask.height)?,
        near_copy_of: ask.near_copy_of.as_ref().map(|near| near.image_id.0),
        uploaded_at: ask.uploaded_at,
        last_scanned: None,
        scan_count: 0,
        match_count: 0,
        archived_at: None,
        restored_at: None,
        embedded_by: vec![],
    })
}

/// The digest of what she sent, made here while the picture is decoded elsewhere: it is evidence, so it does not
/// come from where a stranger's bytes were decoded.
async fn digest(original: Arc<Vec<u8>>) -> Result<String, Problem> {
    tokio::task::spawn_blocking(move || pictures::sha256(&original))
        .await
        .map_err(|fault| Problem::broke_off("a digest broke off", &fault))
}

/// An earlier picture of her own library that looks the same: by hash first, else by vector.
async fn near_copy(
    app: &App,
    owner: UserId,
    taken: &Taken,
    embedding: Option<&Embedding>,
) -> Result<Option<NearCopy>, Problem> {
    if let Some(hash) = taken
        .hash
        .as_ref()
        .filter(|h| h.quality >= Fingerprint::QUALITY_MIN)
    {
        let turns: Vec<String> = hash.turns.iter().map(pictures::pdq::Hash::hex).collect();
        let nearest = nearest_by_hash(&app.database, owner, &turns).await?;
        if let Some((image_id, distance_bits)) = nearest.filter(|(_, bits)| *bits <= DISTANCE_MAX) {
            let by = Comparison::Hash { distance_bits };
            return Ok(Some(NearCopy { image_id, by }));
        }
    }
    let Some(Embedding { model, vector }) = embedding else {
        return Ok(None);
    };
    let numbers = vector
        .numbers()
        .map_err(|fault| Problem::ours("a vector does not read", &fault))?;
    let nearest = nearest_by_vector(&app.database, owner, model, &numbers).await?;
    let Some((image_id, cosine)) = nearest.filter(|(_, cosine)| *cosine >= NEAR_SIMILARITY) else {
        return Ok(None);
    };
    let similarity = Share::try_from_unit(cosine.min(1.0))
        .map_err(|fault| Problem::ours("a similarity", &fault))?;
    let model = model.clone();
    let by = Comparison::Vector { model, similarity };
    Ok(Some(NearCopy { image_id, by }))
}

/// Every form, sealed; what was stored before a fault is taken away again.
async fn store(
    app: &App,
    owner: UserId,
    image: ImageId,
    original: &[u8],
    taken: &Taken,
) -> Result<(), Problem> {
    let forms = [
        (Form::Original, original),
        (Form::Working, taken.working.as_slice()),
        (Form::Display, taken.display.as_slice()),
        (Form::Thumbnail, taken.thumbnail.as_slice()),
    ];
    for (form, bytes) in forms {
        if let Err(fault) = app.objects.put(owner, image, form, bytes).await {
            app.objects.discard(image).await;
            return Err(fault.into());
        }
    }
    Ok(())
}

/// Whether the command had been done before: by an equal request, or by an earlier try of this one.
async fn record(app: &App, ask: UploadImage, why: Why) -> Result<bool, Problem> {
    let (owner, image) = (ask.owner, ask.image_id);
    let command = ImageCommand::Upload(Box::new(ask));
    eventstore::kill_point("upload:stored");
    match app.store.execute::<Library>(owner.0, command, why).await {
        Ok(receipt) => {
            app.show(owner, &[Images::NAME], receipt.position).await;
            Ok(receipt.already_done)
        }
        Err(fault) => {
            // After silence the picture may be recorded all the same: then its bytes must stay.
            if !matches!(fault, ExecuteError::Unreachable(_)) {
                app.objects.discard(image).await;
            }
            Err(fault.into())
        }
    }
}
