//! Writing an object piece by piece: chunk after chunk is sealed and sent on in parts, so that one part is in memory,
//! however large the picture is.

use super::ObjectFault;
use super::chunks::{CHUNK, Chunks};
use object_store::path::Path as Name;
use object_store::{MultipartUpload, ObjectStore, ObjectStoreExt, PutPayload, PutPayloadMut};
use tokio::io::{AsyncRead, AsyncReadExt};

/// Bytes of one part: the least that S3 takes for all but the last.
const PART: usize = 5 * 1024 * 1024;

/// Seals all of a source under a name; nothing can be read under it before all of it is there.
pub(super) async fn write(
    store: &dyn ObjectStore,
    name: &Name,
    chunks: Chunks,
    source: &mut (dyn AsyncRead + Unpin + Send),
) -> Result<(), ObjectFault> {
    let mut parts = Parts {
        store,
        name,
        part: PutPayloadMut::new(),
        upload: None,
    };
    match parts.send_all(chunks, source).await {
        Ok(()) => Ok(()),
        Err(fault) => {
            if let Some(mut upload) = parts.upload
                && let Err(fault) = upload.abort().await
            {
                tracing::warn!(%fault, "parts of an object that was not stored could not be taken away");
            }
            Err(fault)
        }
    }
}

struct Parts<'a> {
    store: &'a dyn ObjectStore,
    name: &'a Name,
    part: PutPayloadMut,
    upload: Option<Box<dyn MultipartUpload>>,
}

impl Parts<'_> {
    async fn send_all(
        &mut self,
        mut chunks: Chunks,
        source: &mut (dyn AsyncRead + Unpin + Send),
    ) -> Result<(), ObjectFault> {
        self.part.extend_from_slice(chunks.head());
        let mut chunk = filled(source).await?;
        loop {
            let after = match chunk.len() {
                CHUNK => filled(source).await?,
                _ => vec![],
            };
            let is_last = after.is_empty();
            self.part.push(chunks.seal(&chunk, is_last)?.into());
            if is_last {
                return self.finish().await;
            }
            if self.part.content_length() >= PART {
                self.send_part().await?;
            }
            chunk = after;
        }
    }

    async fn send_part(&mut self) -> Result<(), ObjectFault> {
        let part = self.taken();
        let upload = match &mut self.upload {
            Some(upload) => upload,
            none => none.insert(self.store.put_multipart(self.name).await?),
        };
        Ok(upload.put_part(part).await?)
    }

    async fn finish(&mut self) -> Result<(), ObjectFault> {
        if self.upload.is_none() {
            let whole = self.taken();
            self.store.put(self.name, whole).await?;
            return Ok(());
        }
        self.send_part().await?;
        if let Some(upload) = &mut self.upload {
            upload.complete().await?;
        }
        Ok(())
    }

    fn taken(&mut self) -> PutPayload {
        std::mem::take(&mut self.part).freeze()
    }
}

/// The next chunk of a source: full, unless the source ends.
async fn filled(source: &mut (dyn AsyncRead + Unpin + Send)) -> Result<Vec<u8>, ObjectFault> {
    let mut chunk = Vec::with_capacity(CHUNK);
    source.take(CHUNK as u64).read_to_end(&mut chunk).await?;
    Ok(chunk)
}
