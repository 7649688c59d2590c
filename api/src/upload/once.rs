//! A file that comes again under the same key is the picture that was taken in.

use super::{File, take, whole};
use crate::app::App;
use crate::idempotency::Command;
use crate::problem::Problem;
use domain::Event;
use domain::ids::UserId;
use domain::image::ImageEvent;
use projections::images::ImageRow;
use uuid::Uuid;

/// Takes a file in; asked for again, it is the picture that was taken in, and nothing is decoded.
///
/// # Errors
/// [`Problem`]; then nothing was stored.
pub(crate) async fn take_once(
    app: &App,
    owner: UserId,
    file: File,
    why: (Uuid, Command),
) -> Result<ImageRow, Problem> {
    let (_, command) = why;
    if command.again
        && let Some(row) = taken(app, command.id).await?
    {
        return Ok(row);
    }
    take(app, owner, file, why).await
}

/// The picture that a command took in, as it was shown then; none where it took none in.
pub(super) async fn taken(app: &App, command: Uuid) -> Result<Option<ImageRow>, Problem> {
    let Some(event) = app.log.of_command(command).await?.into_iter().next() else {
        return Ok(None);
    };
    let Event::Image(ImageEvent::ImageUploaded {
        owner,
        image_id,
        content_type,
        size_bytes,
        width,
        height,
        near_copy_of,
        uploaded_at,
        ..
    }) = event.open(app.store.vault()).await?.event
    else {
        return Ok(None);
    };
    Ok(Some(ImageRow {
        image_id: image_id.0,
        owner: owner.0,
        content_type,
        size_bytes: whole(size_bytes)?,
        width: whole(width)?,
        height: whole(height)?,
        near_copy_of: near_copy_of.map(|near| near.image_id.0),
        uploaded_at,
        last_scanned: None,
        scan_count: 0,
        match_count: 0,
    }))
}
