//! A file that comes again under the same key is the picture that was taken in.

use super::{File, take};
use crate::app::App;
use crate::idempotency::{self, Command};
use crate::problem::Problem;
use domain::Event;
use domain::ids::UserId;
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
    let Some(Event::Image(fact)) = idempotency::fact(app, command).await? else {
        return Ok(None);
    };
    Ok(ImageRow::taken_in(&fact)?)
}
