//! `vara vectors`: which pictures have a vector of which model, and how far the making of new ones is.

use super::table;
use crate::cli::Data;
use crate::{parts, say};
use eventstore::{Log, checkpoint};
use projections::likeness;
use std::collections::BTreeMap;
use workers::embedding::READERS;

/// Tells it, model by model.
pub async fn tell(data: Data) -> anyhow::Result<()> {
    let kit = parts::open(&data).await?;
    let database = kit.store.database();
    let (by_model, pictures) = likeness::coverage(database).await?;
    let mut models: BTreeMap<String, (i64, Option<i64>)> = by_model
        .into_iter()
        .map(|(model, vectors)| (model, (vectors, None)))
        .collect();
    for (model, position) in checkpoint::of_readers(database, READERS).await? {
        models.entry(model).or_default().1 = Some(position);
    }
    let head = Log::new(database.clone()).head().await?;
    if models.is_empty() {
        say::line(
            "No picture has a vector, and none is being made: set VARA_CLIP_MODEL or VARA_CLIP_URL.",
        );
        return Ok(());
    }
    let mut rows = table(&[
        "model",
        "pictures with a vector",
        "of",
        "log read up to",
        "of",
    ]);
    for (model, (vectors, position)) in models {
        let position = position.map_or_else(|| "never".to_owned(), |position| position.to_string());
        rows.add_row([
            model,
            vectors.to_string(),
            pictures.to_string(),
            position,
            head.to_string(),
        ]);
    }
    say::line(rows.to_string());
    Ok(())
}
