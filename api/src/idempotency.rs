//! `Idempotency-Key`: the same key of the same member on the same route gets the first answer again (contract,
//! section 1).

mod content;

use crate::app::App;
use crate::bearer;
use crate::problem::Problem;
use domain::Event;
use domain::ids::UserId;
use eventstore::answers::{Answer, AnswersFault, Asked, Open, Standing};
use eventstore::{edge, kill_point};
use poem::http::{HeaderMap, Method};
use poem::{IntoResponse, Request, Response};
use std::collections::HashMap;
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use uuid::Uuid;

/// The header.
const NAME: &str = "idempotency-key";
/// Longest key, in characters.
const KEY_MAX: usize = 128;
/// Longest wait for an equal request that came before: as long as a body may take to come.
const TURN_WITHIN: Duration = Duration::from_secs(60);

/// The command that a request runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Command {
    /// Its id: for a request with a key the same one at every try.
    pub(crate) id: Uuid,
    /// It was tried before, so it may be in the log.
    pub(crate) again: bool,
}

/// The command of this request.
pub(crate) fn command(request: &Request) -> Command {
    let named = request.extensions().get::<Command>().copied();
    named.unwrap_or_else(|| Command {
        id: edge::fresh_id(),
        again: false,
    })
}

/// The first fact of a command, where the command is in the log: what a request that comes again led to.
///
/// # Errors
/// When log or keys do not answer, or the fact does not open.
pub(crate) async fn fact(app: &App, command: Uuid) -> Result<Option<Event>, Problem> {
    let Some(event) = app.log.of_command(command).await?.into_iter().next() else {
        return Ok(None);
    };
    Ok(Some(event.open(app.store.vault()).await?.event))
}

/// The key of a request that changes something.
///
/// # Errors
/// Validation, for one that is empty, too long, not printable, or given twice.
pub(crate) fn key(request: &Request) -> Result<Option<String>, Problem> {
    if *request.method() != Method::POST {
        return Ok(None);
    }
    key_in(request.headers())
}

fn key_in(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let mut given = headers.get_all(NAME).iter();
    let Some(first) = given.next() else {
        return Ok(None);
    };
    let text = std::str::from_utf8(first.as_bytes()).ok();
    let key = text.filter(|key| {
        (1..=KEY_MAX).contains(&key.chars().count()) && !key.chars().any(char::is_control)
    });
    match (key, given.next()) {
        (Some(key), None) => Ok(Some(key.to_owned())),
        (None, _) | (Some(_), Some(_)) => Err(Problem::field(
            "Idempotency-Key",
            "One key of 1 to 128 printable characters.",
            "header",
        )),
    }
}

/// Runs a request once: whoever sends it again gets the first answer, and who asks for something else is refused.
///
/// Without a member there is nobody whose key it could be; such a request runs as it is.
pub(crate) async fn once<F>(
    app: &App,
    key: String,
    mut request: Request,
    run: impl FnOnce(Request) -> F,
) -> poem::Result<Response>
where
    F: Future<Output = poem::Result<Response>>,
{
    let Some(subject) = bearer::member(app, &request).await? else {
        return run(request).await;
    };
    let asked = Asked {
        subject,
        route: format!("{} {}", request.method(), request.uri().path()),
        body: content::digest(&mut request).await?,
        key,
    };
    let _turn = app.turns.take(&asked).await?;
    let open = match app.answers.ask(asked).await.map_err(Problem::from)? {
        Standing::Open(open) => open,
        Standing::Answered(answer) => return Ok(written(answer)),
        Standing::OtherBody => return Err(Problem::IdempotencyConflict.into()),
    };
    let (id, again) = (open.command_id, open.again);
    request.extensions_mut().insert(Command { id, again });
    let response = match run(request).await {
        Ok(response) => response,
        Err(fault) => match crate::edge::problem(&fault) {
            problem if problem.is_final() => problem.into_response(),
            _ => return Err(fault),
        },
    };
    kill_point("answer:made");
    kept(app, &open, response).await
}

/// The answer that is kept: this one, or that of an equal request in another process which was faster.
async fn kept(app: &App, open: &Open, response: Response) -> poem::Result<Response> {
    let (parts, body) = response.into_parts();
    let body = body.into_bytes().await;
    let body = body.map_err(|fault| Problem::ours("an answer has no body", &fault))?;
    let content_type = parts.headers.get(poem::http::header::CONTENT_TYPE);
    let answer = Answer {
        status: parts.status.as_u16(),
        content_type: content_type
            .and_then(|kind| kind.to_str().ok())
            .unwrap_or_default()
            .to_owned(),
        body: body.to_vec(),
    };
    match app.answers.keep(open, answer.clone()).await {
        Ok(kept) => Ok(written(kept)),
        // What she asked for is done: she is told so, and another try finds it done.
        Err(fault) if parts.status.is_success() => {
            tracing::warn!(%fault, "an answer is not kept");
            Ok(written(answer))
        }
        // Nothing is done, and another try might be answered otherwise: so this is no answer yet.
        Err(fault) => Err(Problem::from(fault).into()),
    }
}

fn written(answer: Answer) -> Response {
    let status = poem::http::StatusCode::from_u16(answer.status);
    let response = Response::builder().status(status.unwrap_or_default());
    if answer.content_type.is_empty() {
        return response.body(answer.body);
    }
    response.content_type(answer.content_type).body(answer.body)
}

impl From<AnswersFault> for Problem {
    fn from(fault: AnswersFault) -> Self {
        match fault {
            AnswersFault::Key(fault) => fault.into(),
            AnswersFault::Unreachable(fault) => fault.into(),
        }
    }
}

/// Equal requests of one process, one after the other: the others find the answer of the first.
#[derive(Debug, Clone, Default)]
pub(crate) struct Turns(Arc<Mutex<HashMap<Named, Arc<tokio::sync::Mutex<()>>>>>);

/// A request as its sender names it.
type Named = (UserId, String, String);

/// The turn of one request; the next one comes when it is dropped.
#[derive(Debug)]
struct Turn {
    turns: Turns,
    named: Named,
    held: Option<tokio::sync::OwnedMutexGuard<()>>,
}

impl Turns {
    async fn take(&self, asked: &Asked) -> Result<Turn, Problem> {
        let named = (asked.subject, asked.route.clone(), asked.key.clone());
        let turn = {
            let mut turns = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(turns.entry(named.clone()).or_default())
        };
        // Made before the wait, so that one who waits in vain tidies up as well.
        let mut mine = Turn {
            turns: self.clone(),
            named,
            held: None,
        };
        let held = tokio::time::timeout(TURN_WITHIN, turn.lock_owned()).await;
        mine.held = Some(held.map_err(|_| Problem::ConcurrentChange)?);
        Ok(mine)
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let mut turns = self.turns.0.lock().unwrap_or_else(PoisonError::into_inner);
        drop(self.held.take());
        if turns
            .get(&self.named)
            .is_some_and(|turn| Arc::strong_count(turn) == 1)
        {
            turns.remove(&self.named);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use poem::http::HeaderValue;

    fn given(keys: &[&[u8]]) -> Result<Option<String>, Problem> {
        let mut headers = HeaderMap::new();
        for key in keys {
            headers.append(NAME, HeaderValue::from_bytes(key).unwrap());
        }
        key_in(&headers)
    }

    #[test]
    fn a_key_has_1_to_128_printable_characters_and_is_given_once() {
        assert_eq!(given(&[]), Ok(None));
        let longest = "é".repeat(128);
        for key in ["1", "a key", "~!", &longest] {
            assert_eq!(given(&[key.as_bytes()]), Ok(Some(key.to_owned())));
        }
        let too_long = "k".repeat(129);
        for wrong in [&b""[..], b"a\tb", b"\xff", too_long.as_bytes()] {
            assert!(matches!(given(&[wrong]), Err(Problem::Validation(_))));
        }
        assert!(given(&[b"one", b"two"]).is_err());
    }

    #[tokio::test]
    async fn turns_are_taken_one_after_the_other_and_nothing_of_them_stays() {
        let turns = Turns::default();
        let asked = |key: &str| Asked {
            subject: Uuid::from_u128(1).into(),
            route: "POST /".to_owned(),
            key: key.to_owned(),
            body: [0; 32],
        };
        let first = turns.take(&asked("a")).await.unwrap();
        // Another key waits for nobody.
        drop(turns.take(&asked("b")).await.unwrap());
        let (waiting, same) = (turns.clone(), asked("a"));
        let second = tokio::spawn(async move { waiting.take(&same).await.map(drop) });
        tokio::task::yield_now().await;
        assert!(!second.is_finished());
        drop(first);
        second.await.unwrap().unwrap();
        assert!(turns.0.lock().unwrap().is_empty());
    }
}
