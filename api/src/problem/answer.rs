//! How a problem leaves the API: one envelope for every answer that is not 2xx (contract, section 2).

use super::Problem;
use poem::http::{HeaderValue, StatusCode, header};
use poem::{IntoResponse, Response};
use poem_openapi::payload::{Json, Payload};
use poem_openapi::registry::{MetaMediaType, MetaResponse, MetaResponses, Registry};
use poem_openapi::types::Any;
use poem_openapi::{ApiResponse, Object};
use serde_json::{Value, json};

/// What every answer that is not 2xx says.
#[derive(Debug, Object)]
pub struct ErrorEnvelope {
    /// The problem.
    pub error: ErrorBody,
}

/// One problem.
#[derive(Debug, Object)]
pub struct ErrorBody {
    /// For programs: a code of the contract's catalogue.
    pub code: String,
    /// For people: what is so, and what they can do.
    pub message: String,
    /// What belongs to the code; a list of misfits for VALIDATION_ERROR.
    #[oai(skip_serializing_if_is_none)]
    pub details: Option<Any<Value>>,
}

impl Problem {
    /// The envelope; `request` names the request where the fault is ours, so that it can be found in the log.
    #[must_use]
    pub fn written(&self, request: Option<&str>) -> Response {
        let (status, code, message) = (self.status(), self.code(), self.message());
        let mut error = json!({ "code": code, "message": message });
        if let Some(details) = self.details() {
            error["details"] = details;
        } else if let (500.., Some(request)) = (status, request) {
            error["details"] = json!({ "requestId": request });
        }
        let mut response = Response::builder()
            .status(StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR))
            .content_type("application/json")
            .body(json!({ "error": error }).to_string());
        let headers = response.headers_mut();
        match status {
            401 => {
                headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
            }
            502 | 503 => {
                headers.insert(header::RETRY_AFTER, HeaderValue::from_static("2"));
            }
            _ => {}
        }
        response
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        self.written(None)
    }
}

impl From<Problem> for poem::Error {
    /// The problem rides along, so that the outermost layer can add the request id to it.
    fn from(problem: Problem) -> Self {
        let mut error = Self::from_response(problem.written(None));
        error.set_data(problem);
        error
    }
}

/// Documented once for every operation, as the default answer.
impl ApiResponse for Problem {
    fn meta() -> MetaResponses {
        MetaResponses {
            responses: vec![MetaResponse {
                description: "A problem; `code` says which.",
                status: None,
                status_range: None,
                content: vec![MetaMediaType {
                    content_type: Json::<ErrorEnvelope>::CONTENT_TYPE,
                    schema: Json::<ErrorEnvelope>::schema_ref(),
                }],
                headers: vec![],
            }],
        }
    }

    fn register(registry: &mut Registry) {
        <Json<ErrorEnvelope> as Payload>::register(registry);
    }
}
