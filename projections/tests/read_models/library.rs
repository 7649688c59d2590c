//! What a member of a test does with her pictures.

use crate::story::{Looks, Member, minute};
use domain::ids::ImageId;
use domain::image::{
    ArchiveImage, EmbedImage, Embedding, Fingerprint, ImageCommand, Library, PurgeImage,
    RestoreImage, UploadImage, Vector,
};
use eventstore::edge::fresh_id;

impl Member<'_> {
    /// She gives a picture; `pdq` is one hex digit that fills the hash.
    pub async fn uploads(&self, at: i64, looks_like: Looks<'_>) -> ImageId {
        let image = ImageId(fresh_id());
        let upload = ImageCommand::Upload(Box::new(UploadImage {
            owner: self.id,
            image_id: image,
            sha256: image.0.simple().to_string().repeat(2),
            content_type: "image/jpeg".to_owned(),
            size_bytes: 48_892,
            width: 640,
            height: 480,
            fingerprint: looks_like.pdq.map(|pdq| Fingerprint {
                pdq: pdq.to_owned(),
                quality: looks_like.quality,
            }),
            embedding: looks_like.vector.map(|(model, numbers)| Embedding {
                model: model.to_owned(),
                vector: Vector::try_new(numbers).unwrap(),
            }),
            near_copy_of: None,
            uploaded_at: minute(at),
        }));
        self.does::<Library>(self.id.0, upload).await;
        image
    }

    /// She puts a picture away.
    pub async fn puts_away(&self, image: ImageId, at: i64) {
        let archive = ImageCommand::Archive(ArchiveImage {
            owner: self.id,
            image_id: image,
            archived_at: minute(at),
        });
        self.does::<Library>(self.id.0, archive).await;
    }

    /// She takes a picture back.
    pub async fn takes_back(&self, image: ImageId, at: i64) {
        let restore = ImageCommand::Restore(RestoreImage {
            owner: self.id,
            image_id: image,
            restored_at: minute(at),
        });
        self.does::<Library>(self.id.0, restore).await;
    }

    /// A picture of hers gets a vector of a model.
    pub async fn gets_a_vector(&self, image: ImageId, model: &str, numbers: &[f32], at: i64) {
        let embed = ImageCommand::Embed(Box::new(EmbedImage {
            owner: self.id,
            image_id: image,
            embedding: Embedding {
                model: model.to_owned(),
                vector: Vector::try_new(numbers).unwrap(),
            },
            embedded_at: minute(at),
        }));
        self.does::<Library>(self.id.0, embed).await;
    }

    /// Its seven days are over.
    pub async fn loses(&self, image: ImageId, at: i64) {
        let purge = ImageCommand::Purge(PurgeImage {
            owner: self.id,
            image_id: image,
            purged_at: minute(at),
        });
        self.does::<Library>(self.id.0, purge).await;
    }
}
