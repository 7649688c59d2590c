//! The HTTP side: reads a request within limits, lets the call run to its end, writes the answer.

use std::sync::Arc;

use chrono::NaiveDate;
use poem::error::ReadBodyError;
use poem::http::{StatusCode, header};
use poem::{Endpoint, Request, Response};
use serde_json::Value;
use zeroize::Zeroizing;

use crate::House;
use crate::calls::{self, Answer, Asked, Call};
use crate::refusal::{NEWER_SHAPE, Refusal};

/// The longest request body: an address, a password and a little around them.
const BODY_BYTES_MAX: usize = 16 * 1024;
const VERSION_HEADER: &str = "x-supabase-api-version";
const CODE_HEADER: &str = "x-sb-error-code";

/// Serves every path of the service.
pub(crate) struct Door {
    house: Arc<House>,
}

impl Door {
    pub(crate) fn new(house: Arc<House>) -> Self {
        Self { house }
    }

    /// Runs the call in a task of its own: when the client hangs up, poem drops this future, and
    /// a transaction dropped half-way would leave her without an answer to "did it work?".
    async fn answer(&self, request: Request) -> Result<Answer, Refusal> {
        let call = Call::named(request.method(), request.uri().path().trim_matches('/'))
            .ok_or(Refusal::UnknownCall)?;
        let asked = read(request).await?;
        let house = Arc::clone(&self.house);
        let running = tokio::spawn(async move { calls::carry_out(&house, call, asked).await });
        running.await.unwrap_or_else(|_| {
            tracing::error!(?call, "a call to the identity service broke off");
            Err(Refusal::Inside)
        })
    }
}

impl Endpoint for Door {
    type Output = Response;

    async fn call(&self, request: Request) -> poem::Result<Response> {
        let newer_shape = asks_for_newer_shape(&request);
        let mut response = match self.answer(request).await {
            Ok(answer) => written(answer),
            Err(refusal) => refused(&refusal, newer_shape),
        };
        if newer_shape {
            let version = header::HeaderValue::from_static(NEWER_SHAPE);
            response.headers_mut().insert(VERSION_HEADER, version);
        }
        Ok(response)
    }
}

/// Any date from the first version on means that version, as in the original.
fn asks_for_newer_shape(request: &Request) -> bool {
    let date = |text: &str| NaiveDate::parse_from_str(text, "%Y-%m-%d").ok();
    request.header(VERSION_HEADER).and_then(date) >= date(NEWER_SHAPE)
}

async fn read(mut request: Request) -> Result<Asked, Refusal> {
    let query = request.params().map_err(|_| Refusal::BadJson)?;
    let bearer = request
        .header(header::AUTHORIZATION)
        .and_then(|value| value.split_once(' '))
        .filter(|(scheme, token)| scheme.eq_ignore_ascii_case("bearer") && !token.is_empty())
        .map(|(_, token)| Zeroizing::new(token.trim().to_owned()));
    let body = match request.take_body().into_bytes_limit(BODY_BYTES_MAX).await {
        Ok(body) => Zeroizing::new(body.to_vec()),
        Err(ReadBodyError::PayloadTooLarge) => return Err(Refusal::BodyTooLarge),
        Err(_) => return Err(Refusal::BadJson),
    };
    Ok(Asked {
        query,
        bearer,
        body,
    })
}

fn written(answer: Answer) -> Response {
    match answer {
        Answer::Json(body) => json(StatusCode::OK, &body, "no-store"),
        Answer::PublicJson(body) => json(StatusCode::OK, &body, "public, max-age=600"),
        Answer::Done => StatusCode::NO_CONTENT.into(),
    }
}

fn refused(refusal: &Refusal, newer_shape: bool) -> Response {
    let written = refusal.written(newer_shape);
    let mut response = json(written.status, &written.body, "no-store");
    response
        .headers_mut()
        .insert(CODE_HEADER, header::HeaderValue::from_static(written.code));
    response
}

fn json(status: StatusCode, body: &Value, cache: &'static str) -> Response {
    Response::builder()
        .status(status)
        .content_type("application/json")
        .header(header::CACHE_CONTROL, cache)
        .body(body.to_string())
}
