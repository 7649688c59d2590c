//! Faces as the API knows them: whether there is one in a picture, and that she withdrew them. Vectors never come here.

use crate::app::App;
use crate::problem::Problem;
use domain::ids::UserId;
use domain::user::Purpose;
use projections::users::ConsentRow;
use std::collections::HashSet;
use uuid::Uuid;

/// Those of these pictures of hers in which a face was seen.
pub(crate) async fn seen_in(
    app: &App,
    user: UserId,
    images: &[Uuid],
) -> Result<HashSet<Uuid>, Problem> {
    Ok(app.faces.seen_in(user, images).await?)
}

/// Whether a face was seen in this picture of hers.
pub(crate) async fn is_seen_in(app: &App, user: UserId, image: Uuid) -> Result<bool, Problem> {
    Ok(seen_in(app, user, &[image]).await?.contains(&image))
}

/// A face that she withdraws is forgotten before she is answered (CON-3). Where the database does not answer now, the
/// worker that reads of the withdrawal does it.
pub(crate) async fn forget_withdrawn(app: &App, user: UserId, said: &ConsentRow) {
    if said.granted || said.purpose != Purpose::FaceSearch.code() {
        return;
    }
    if let Err(fault) = app.faces.forget_withdrawn(user).await {
        tracing::warn!(%fault, "a withdrawn face is forgotten later");
    }
}
