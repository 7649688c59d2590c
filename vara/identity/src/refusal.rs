//! Every way a call can be refused, with the status, code and words of the protocol.

use poem::http::StatusCode;
use serde_json::{Value, json};

use crate::address::AddressFault;
use crate::edge;
use crate::passwords::Weakness;

/// The first version of the protocol with the newer error shape; the only one named so far.
pub(crate) const NEWER_SHAPE: &str = "2024-01-01";

/// Why a call was not carried out.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    BadJson,
    BodyTooLarge,
    EmailMissing,
    Email(AddressFault),
    PasswordMissing,
    WeakPassword(Vec<Weakness>),
    PhoneNotOffered,
    AnonymousNotOffered,
    HalfAChallenge,
    UserAlreadyExists,
    InvalidCredentials,
    UnsupportedGrant,
    RefreshTokenMissing,
    RefreshTokenNotFound,
    RefreshTokenAlreadyUsed,
    NoBearer,
    BadToken,
    SessionNotFound,
    CurrentPasswordMissing,
    CurrentPasswordWrong,
    SamePassword,
    EmailChangeNotOffered,
    UnsupportedScope,
    /// The row is locked by another call for longer than is sensible.
    Conflict,
    /// Too many passwords wait for their turn.
    TooBusy,
    UnknownCall,
    /// Our own fault; what it was stands in the log, once.
    Inside,
}

/// An answer to be written: status, code for the header, body.
pub(crate) struct Written {
    pub(crate) status: StatusCode,
    pub(crate) code: &'static str,
    pub(crate) body: Value,
}

impl Refusal {
    /// The body in the shape that the caller's protocol version expects. Clients match on the
    /// code, so texts may be calmer than the original's.
    pub(crate) fn written(&self, newer_shape: bool) -> Written {
        let (status, code, message) = (self.status(), self.code(), self.message());
        if *self == Self::RefreshTokenMissing {
            let body = json!({ "error": code, "error_description": message });
            return Written { status, code, body };
        }
        let mut body = if newer_shape {
            json!({ "code": code, "message": message })
        } else {
            json!({ "code": status.as_u16(), "error_code": code, "msg": message })
        };
        if let Self::WeakPassword(weaknesses) = self {
            let reasons: Vec<_> = weaknesses.iter().map(|weakness| weakness.word()).collect();
            body["weak_password"] = json!({ "reasons": reasons });
        }
        if status.is_server_error() && !newer_shape {
            body["error_id"] = json!(edge::fresh_id());
        }
        Written { status, code, body }
    }

    fn status(&self) -> StatusCode {
        match self {
            Self::NoBearer => StatusCode::UNAUTHORIZED,
            Self::BadToken | Self::SessionNotFound => StatusCode::FORBIDDEN,
            Self::UnknownCall => StatusCode::NOT_FOUND,
            Self::Conflict => StatusCode::CONFLICT,
            Self::BodyTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::WeakPassword(_)
            | Self::PhoneNotOffered
            | Self::AnonymousNotOffered
            | Self::UserAlreadyExists
            | Self::SamePassword
            | Self::EmailChangeNotOffered => StatusCode::UNPROCESSABLE_ENTITY,
            Self::TooBusy => StatusCode::TOO_MANY_REQUESTS,
            Self::Inside => StatusCode::INTERNAL_SERVER_ERROR,
            Self::BadJson
            | Self::EmailMissing
            | Self::Email(_)
            | Self::PasswordMissing
            | Self::HalfAChallenge
            | Self::InvalidCredentials
            | Self::UnsupportedGrant
            | Self::RefreshTokenMissing
            | Self::RefreshTokenNotFound
            | Self::RefreshTokenAlreadyUsed
            | Self::CurrentPasswordMissing
            | Self::CurrentPasswordWrong
            | Self::UnsupportedScope => StatusCode::BAD_REQUEST,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::BadJson => "bad_json",
            Self::BodyTooLarge
            | Self::EmailMissing
            | Self::Email(_)
            | Self::PasswordMissing
            | Self::HalfAChallenge
            | Self::UnsupportedScope
            | Self::EmailChangeNotOffered => "validation_failed",
            Self::WeakPassword(_) => "weak_password",
            Self::PhoneNotOffered => "phone_provider_disabled",
            Self::AnonymousNotOffered => "anonymous_provider_disabled",
            Self::UserAlreadyExists => "user_already_exists",
            Self::InvalidCredentials | Self::UnsupportedGrant => "invalid_credentials",
            Self::RefreshTokenMissing => "invalid_request",
            Self::RefreshTokenNotFound => "refresh_token_not_found",
            Self::RefreshTokenAlreadyUsed => "refresh_token_already_used",
            Self::NoBearer => "no_authorization",
            Self::BadToken => "bad_jwt",
            Self::SessionNotFound => "session_not_found",
            Self::CurrentPasswordMissing => "current_password_required",
            Self::CurrentPasswordWrong => "current_password_invalid",
            Self::SamePassword => "same_password",
            Self::Conflict => "conflict",
            Self::TooBusy => "over_request_rate_limit",
            Self::UnknownCall => "not_found",
            Self::Inside => "unexpected_failure",
        }
    }

    fn message(&self) -> &'static str {
        match self {
            Self::BadJson => "Could not read the request body as JSON",
            Self::BodyTooLarge => "The request body is too large",
            Self::EmailMissing => "An email address is required",
            Self::Email(AddressFault::TooLong) => "An email address is too long",
            Self::Email(AddressFault::Malformed) => {
                "Unable to validate email address: invalid format"
            }
            Self::PasswordMissing => "Signup requires a valid password",
            Self::WeakPassword(_) => {
                "Password should have 8 to 128 characters, with at least one capital letter, \
                 one small letter and one digit"
            }
            Self::PhoneNotOffered => "Signing in by phone is not offered",
            Self::AnonymousNotOffered => "Anonymous sign-ins are disabled",
            Self::HalfAChallenge => "code_challenge and code_challenge_method go together",
            Self::UserAlreadyExists => "User already registered",
            Self::InvalidCredentials => "Invalid login credentials",
            Self::UnsupportedGrant => "unsupported_grant_type",
            Self::RefreshTokenMissing => "refresh_token required",
            Self::RefreshTokenNotFound => "Invalid Refresh Token: Refresh Token Not Found",
            Self::RefreshTokenAlreadyUsed => "Invalid Refresh Token: Already Used",
            Self::NoBearer => "This endpoint requires a valid Bearer token",
            Self::BadToken => "invalid JWT: unable to parse or verify signature",
            Self::SessionNotFound => "Session from session_id claim in JWT does not exist",
            Self::CurrentPasswordMissing => "Current password required when setting new password",
            Self::CurrentPasswordWrong => "Current password is not right",
            Self::SamePassword => "New password should be different from the old password",
            Self::EmailChangeNotOffered => "Changing the email address is not offered here",
            Self::UnsupportedScope => "Unsupported logout scope",
            Self::Conflict => "Another call is busy with this session; please try again",
            Self::TooBusy => "Many people are signing in just now; please try again in a moment",
            Self::UnknownCall => "This call does not exist here",
            Self::Inside => "Something went wrong on our side; nothing was changed",
        }
    }
}

/// PostgreSQL's `lock_not_available`, which `lock_timeout` raises (Appendix A of its manual).
const LOCK_NOT_AVAILABLE: &str = "55P03";

impl From<sqlx::Error> for Refusal {
    /// Logs once, and only the kind and the SQLSTATE: PostgreSQL's own text may quote a row.
    fn from(failure: sqlx::Error) -> Self {
        let sqlstate = failure
            .as_database_error()
            .and_then(|e| e.code())
            .unwrap_or_default();
        if sqlstate == LOCK_NOT_AVAILABLE {
            return Self::Conflict;
        }
        let kind = if failure.as_database_error().is_some() {
            "statement"
        } else {
            "connection"
        };
        tracing::error!(kind, %sqlstate, "the identity database did not do what was asked");
        Self::Inside
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_older_shape_has_a_number_and_the_newer_a_word_as_code() {
        let older = Refusal::InvalidCredentials.written(false);
        assert_eq!(older.status, StatusCode::BAD_REQUEST);
        assert_eq!(
            older.body,
            json!({
                "code": 400, "error_code": "invalid_credentials",
                "msg": "Invalid login credentials",
            })
        );
        let newer = Refusal::InvalidCredentials.written(true);
        assert_eq!(
            newer.body,
            json!({ "code": "invalid_credentials", "message": "Invalid login credentials" })
        );
    }

    #[test]
    fn a_weak_password_carries_its_reasons_in_both_shapes() {
        for newer in [false, true] {
            let written = Refusal::WeakPassword(vec![Weakness::Length]).written(newer);
            assert_eq!(written.status, StatusCode::UNPROCESSABLE_ENTITY);
            assert_eq!(
                written.body["weak_password"],
                json!({ "reasons": ["length"] })
            );
        }
    }

    #[test]
    fn a_missing_refresh_token_is_refused_in_the_words_of_oauth() {
        let written = Refusal::RefreshTokenMissing.written(true);
        assert_eq!(written.body["error"], "invalid_request");
        assert!(written.body.get("code").is_none());
    }

    #[test]
    fn a_fault_of_ours_can_be_named_when_asking_for_help() {
        assert!(Refusal::Inside.written(false).body["error_id"].is_string());
    }
}
