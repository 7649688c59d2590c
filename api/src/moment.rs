//! Reads say what they show, may ask to see a change first, and may ask what was shown then (architecture, section 9).

use crate::app::App;
use crate::problem::Problem;
use chrono::DateTime;
use domain::ids::UserId;
use poem::Request;
use poem::http::{HeaderMap, HeaderName, HeaderValue, Method};
use projections::READ_MODELS;
use projections::as_of::{Moment, Shown};
use projections::freshness::{self, Standing};
use projections::projector::ReadModel;
use std::sync::{Arc, OnceLock};

/// Position of the log that an answer shows; of a change, one at which it is shown.
const POSITION: HeaderName = HeaderName::from_static("vara-position");
/// Milliseconds that what is shown is behind the log.
const LAG: HeaderName = HeaderName::from_static("vara-lag-ms");
/// Position that a read must show.
const MIN_POSITION: &str = "vara-min-position";
/// RFC 7240: the client does not want to wait until a change is shown.
const PREFER: &str = "prefer";
const RESPOND_ASYNC: &str = "respond-async";
/// RFC 7240, section 3.
const PREFERENCE_APPLIED: HeaderName = HeaderName::from_static("preference-applied");

/// The position as of which a request is answered; none for what is shown now.
#[derive(Debug, Clone, Default)]
pub(crate) struct AsOf(Arc<OnceLock<i64>>);

/// What a request says about time.
#[derive(Debug, Clone)]
pub(crate) struct Wish {
    min_position: Option<Result<i64, Problem>>,
    pub(crate) in_a_hurry: bool,
    is_read: bool,
}

impl Wish {
    pub(crate) fn of(request: &Request) -> Self {
        let min_position = request.header(MIN_POSITION).map(|text| {
            let position = text.parse::<i64>().ok().filter(|position| *position >= 0);
            position.ok_or_else(|| {
                Problem::field(
                    "Vara-Min-Position",
                    "A position is a whole number from 0.",
                    "header",
                )
            })
        });
        Self {
            min_position,
            in_a_hurry: in_a_hurry(request),
            is_read: request.method() == Method::GET,
        }
    }

    /// Before a read: waits until what it asks for is shown; where the log stands then.
    ///
    /// # Errors
    /// [`Problem::NotShownYet`] after a bounded wait, or for a position that the log has not reached.
    pub(crate) async fn begin(&self, app: &App) -> Result<Option<Standing>, Problem> {
        if !self.is_read {
            return Ok(None);
        }
        if let Some(position) = self.min_position.clone().transpose()?
            && !freshness::reached(&app.database, &READ_MODELS, position).await?
        {
            return Err(Problem::NotShownYet);
        }
        // A read that can do without the database is not refused for want of this.
        Ok(freshness::standing(&app.database, &READ_MODELS).await.ok())
    }

    /// After the answer: what it shows. What was shown then is behind nothing.
    pub(crate) async fn end(
        &self,
        app: &App,
        begun: Option<Standing>,
        as_of: &AsOf,
        headers: &mut HeaderMap,
    ) {
        let standing = match (as_of.0.get(), begun) {
            (Some(position), _) => Some((*position, None)),
            (None, Some(standing)) => Some((standing.position, Some(standing.lag_ms))),
            (None, None) => app.log.head().await.ok().map(|head| (head, None)),
        };
        if let Some((position, lag)) = standing {
            headers.insert(POSITION, HeaderValue::from(position));
            if let Some(lag) = lag {
                headers.insert(LAG, HeaderValue::from(lag));
            }
        }
        if self.in_a_hurry && !self.is_read {
            headers.insert(PREFERENCE_APPLIED, HeaderValue::from_static(RESPOND_ASYNC));
        }
    }
}

/// Whether the client asked not to wait.
pub(crate) fn in_a_hurry(request: &Request) -> bool {
    let preferences = request.headers().get_all(PREFER);
    preferences
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|preference| preference.trim().eq_ignore_ascii_case(RESPOND_ASYNC))
}

/// The moment that `asOf` names: a position of the log, or a time (RFC 3339).
fn moment(text: &str) -> Result<Moment, Problem> {
    if let Ok(position) = text.parse() {
        return Ok(Moment::Position(position));
    }
    let time = DateTime::parse_from_rfc3339(text);
    let time = time.map_err(|_| {
        Problem::field(
            "asOf",
            "A position of the log, or a time as 2026-11-24T10:15:30Z.",
            "query",
        )
    })?;
    Ok(Moment::Time(time.to_utc()))
}

impl App {
    /// Where a read model is asked what a member is shown: now, with every change of hers, or as of a moment.
    ///
    /// # Errors
    /// [`Problem::NotShownYet`] for a moment or a change that is not there yet; a moment that does not read.
    pub(crate) async fn shown<M: ReadModel>(
        &self,
        request: &Request,
        who: UserId,
        as_of: Option<&str>,
    ) -> Result<Shown, Problem> {
        let position = match as_of {
            None => {
                self.fresh.before_read(who).await?;
                None
            }
            Some(text) => {
                let position = self.past.position(moment(text)?).await?;
                let streams = [projections::streams::Streams::NAME];
                if !freshness::reached(&self.database, &streams, position).await? {
                    return Err(Problem::NotShownYet);
                }
                if let Some(as_of) = request.extensions().get::<AsOf>() {
                    as_of.0.get_or_init(|| position);
                }
                Some(position)
            }
        };
        Ok(self.past.shown::<M>(who, position).await?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_a_position_or_a_time_and_nothing_else() {
        assert_eq!(moment("17").unwrap(), Moment::Position(17));
        let Moment::Time(time) = moment("2026-11-24T10:15:30+01:00").unwrap() else {
            unreachable!("a time")
        };
        assert_eq!(time.to_rfc3339(), "2026-11-24T09:15:30+00:00");
        for wrong in ["", "yesterday", "2026-11-24", "1e3", "12.5"] {
            assert!(moment(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_preference_is_found_among_others() {
        // RFC 7240
        for (text, hurry) in [
            ("respond-async", true),
            ("return=minimal, Respond-Async", true),
            ("wait=10", false),
            ("respond-asynchronously", false),
        ] {
            let request = Request::builder().header(PREFER, text).finish();
            assert_eq!(in_a_hurry(&request), hurry, "{text}");
        }
    }
}
