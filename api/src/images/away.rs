//! Away and back: two commands on her library, shown before they are answered (FRS-1).

use crate::app::App;
use crate::problem::Problem;
use domain::ids::{ImageId, UserId};
use domain::image::{ArchiveImage, ImageCommand, Library, RestoreImage};
use eventstore::{Why, edge};
use projections::images::{ImageRow, Images};
use projections::projector::ReadModel;

/// Puts a picture away; again is no fact, and fine (IMG-5).
pub(super) async fn put(
    app: &App,
    owner: UserId,
    image_id: ImageId,
    why: Why,
) -> Result<(), Problem> {
    let archive = ImageCommand::Archive(ArchiveImage {
        owner,
        image_id,
        archived_at: edge::now(),
    });
    execute(app, owner, archive, why).await
}

/// Takes a picture back; it as it is shown then.
pub(super) async fn take_back(
    app: &App,
    owner: UserId,
    image_id: ImageId,
    why: Why,
) -> Result<ImageRow, Problem> {
    let restored_at = edge::now();
    let restore = ImageCommand::Restore(RestoreImage {
        owner,
        image_id,
        restored_at,
    });
    execute(app, owner, restore, why).await?;
    app.fresh.before_read(owner).await?;
    let row = super::find(app, owner, image_id).await?;
    let mut row = row.ok_or(Problem::ImageNotFound)?;
    // Who does not wait is told what was recorded, and not what is still shown.
    if row.archived_at.take().is_some() {
        row.restored_at = Some(restored_at);
    }
    Ok(row)
}

async fn execute(app: &App, owner: UserId, ask: ImageCommand, why: Why) -> Result<(), Problem> {
    let receipt = app.store.execute::<Library>(owner.0, ask, why).await?;
    app.show(owner, &[Images::NAME], receipt.position).await;
    Ok(())
}
