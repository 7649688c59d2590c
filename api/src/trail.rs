//! How we got there: the chain of recorded events behind something she is shown.

use crate::app::App;
use crate::problem::Problem;
use crate::time::Time;
use domain::ids::UserId;
use poem_openapi::Object;
use uuid::Uuid;

/// One recorded event on the way to what she is shown.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
pub struct Step {
    /// Its place in the one log.
    position: i64,
    /// Its id.
    event_id: Uuid,
    /// What happened, as `MatchFound`.
    event: String,
    /// When it was recorded.
    recorded_at: Time,
    /// Who acted: she, a worker, a policy.
    actor: String,
}

/// The events that led to this one, oldest first; only hers.
pub(crate) async fn trail(app: &App, user: UserId, event: Uuid) -> Result<Vec<Step>, Problem> {
    let chain = app.log.chain(event).await?;
    let hers = chain.into_iter().filter_map(|event| {
        let why = event.why.known().filter(|why| why.subject == user)?;
        Some(Step {
            position: event.position,
            event_id: event.event_id,
            actor: why.actor.clone(),
            event: event.event_type,
            recorded_at: event.recorded_at.into(),
        })
    });
    Ok(hers.collect())
}
