//! Status, code and words of every problem (contract, section 18): calm, plain, never blaming.

use super::Problem;
use pictures::BYTES_MAX;
use serde_json::{Value, json};

impl Problem {
    /// Status, code and words.
    pub(super) fn line(&self) -> (u16, &'static str, &'static str) {
        match self {
            Self::RouteNotFound => (404, "ROUTE_NOT_FOUND", "There is nothing at this address."),
            Self::MethodNotAllowed => (405, "METHOD_NOT_ALLOWED", "This address does not do that."),
            Self::InvalidJson => (400, "INVALID_JSON", "The request could not be read."),
            Self::UnsupportedMediaType => (
                415,
                "UNSUPPORTED_MEDIA_TYPE",
                "The request is of a kind that is not read here.",
            ),
            Self::BodyTooLarge => (413, "BODY_TOO_LARGE", "The request is too long."),
            Self::Validation(_) => (400, "VALIDATION_ERROR", "Something does not fit yet."),
            Self::MissingToken => (401, "AUTH_MISSING_TOKEN", "Please sign in."),
            Self::TokenExpired { .. } => (
                401,
                "AUTH_TOKEN_EXPIRED",
                "Your session needs to be renewed.",
            ),
            Self::InvalidToken => (401, "AUTH_INVALID_TOKEN", "Please sign in again."),
            Self::AuthUnavailable => (
                503,
                "AUTH_UNAVAILABLE",
                "Signing in is not possible right now. Please try again in a moment.",
            ),
            Self::LoginFailed => (
                401,
                "AUTH_LOGIN_FAILED",
                "E-mail address and password do not fit together.",
            ),
            Self::SignupFailed => (
                400,
                "AUTH_SIGNUP_FAILED",
                "We could not make an account with these details.",
            ),
            Self::MissingRefreshToken => (
                400,
                "AUTH_MISSING_REFRESH_TOKEN",
                "A refresh token is needed.",
            ),
            Self::RefreshFailed => (401, "AUTH_REFRESH_FAILED", "Please sign in again."),
            Self::RefreshExpired => (401, "AUTH_TOKEN_EXPIRED", "Please sign in again."),
            Self::NoFile => (400, "NO_FILE_PROVIDED", "Please choose a picture."),
            Self::TooManyFiles => (400, "TOO_MANY_FILES", "Please add one picture at a time."),
            Self::InvalidFileType => (
                400,
                "INVALID_FILE_TYPE",
                "This is not a JPEG, PNG or WebP picture.",
            ),
            Self::FileTooLarge => (
                413,
                "FILE_TOO_LARGE",
                "This picture is larger than 10 MiB. A smaller copy works just as well.",
            ),
            Self::ImageUnreadable(why) => (422, "IMAGE_UNREADABLE", why),
            Self::ImageDuplicate(_) => (
                409,
                "IMAGE_DUPLICATE",
                "This picture is already in your library.",
            ),
            Self::ImageLimit(_) => (
                409,
                "IMAGE_LIMIT_REACHED",
                "Your library is full. Remove a picture to add another.",
            ),
            Self::StorageUnavailable => (
                502,
                "STORAGE_UNAVAILABLE",
                "Pictures cannot be stored right now. Nothing was kept; please try again in a moment.",
            ),
            Self::ImageNotFound => (404, "IMAGE_NOT_FOUND", "There is no such picture."),
            Self::MatchNotFound => (404, "MATCH_NOT_FOUND", "There is no such finding."),
            Self::AlertNotFound => (404, "ALERT_NOT_FOUND", "There is no such alert."),
            Self::ItemNotFound => (404, "ITEM_NOT_FOUND", "There is no such item."),
            Self::ScanNotFound => (404, "SCAN_NOT_FOUND", "There is no such scan."),
            Self::UserNotFound => (404, "USER_NOT_FOUND", "We do not know this account."),
            Self::ScanAlreadyRunning(_) => {
                (409, "SCAN_ALREADY_RUNNING", "A scan is already running.")
            }
            Self::ConsentRequired => (
                403,
                "CONSENT_REQUIRED",
                "This search needs your agreement. You can give it in the settings.",
            ),
            Self::ScanUnavailable => (
                503,
                "SCAN_UNAVAILABLE",
                "This kind of scan is not available yet.",
            ),
            Self::ConcurrentChange => (
                409,
                "CONCURRENT_CHANGE",
                "Two changes met. Please try again.",
            ),
            Self::NotShownYet => (
                503,
                "NOT_SHOWN_YET",
                "Your last change is saved and will show in a moment.",
            ),
            Self::Internal => (
                500,
                "INTERNAL_ERROR",
                "Something went wrong on our side. Nothing of yours was lost.",
            ),
        }
    }

    /// What a program may want to know beside the code.
    pub(super) fn details(&self) -> Option<Value> {
        match self {
            Self::Validation(misfits) => Some(Value::Array(
                misfits
                    .iter()
                    .map(|m| json!({ "path": m.path, "message": m.message, "rule": m.rule }))
                    .collect(),
            )),
            Self::TokenExpired { expired_at } => {
                let at = chrono::DateTime::from_timestamp(*expired_at, 0).map(crate::time::text);
                Some(json!({ "expired": true, "expiredAt": at, "requiresRefresh": true }))
            }
            Self::InvalidToken => Some(json!({ "expired": false, "requiresReauth": true })),
            Self::RefreshFailed => {
                Some(json!({ "requiresReauth": true, "reason": "refresh_failed" }))
            }
            Self::RefreshExpired => {
                Some(json!({ "requiresReauth": true, "reason": "token_expired" }))
            }
            Self::InvalidFileType => {
                Some(json!({ "allowed": ["image/jpeg", "image/png", "image/webp"] }))
            }
            Self::FileTooLarge => Some(json!({ "maxBytes": BYTES_MAX })),
            Self::ImageDuplicate(image) => Some(json!({ "imageId": image })),
            Self::ImageLimit(max) => Some(json!({ "max": max })),
            Self::ScanAlreadyRunning(scan) => Some(json!({ "scanId": scan })),
            Self::RouteNotFound
            | Self::MethodNotAllowed
            | Self::InvalidJson
            | Self::UnsupportedMediaType
            | Self::BodyTooLarge
            | Self::MissingToken
            | Self::AuthUnavailable
            | Self::LoginFailed
            | Self::SignupFailed
            | Self::MissingRefreshToken
            | Self::NoFile
            | Self::TooManyFiles
            | Self::ImageUnreadable(_)
            | Self::StorageUnavailable
            | Self::ImageNotFound
            | Self::MatchNotFound
            | Self::AlertNotFound
            | Self::ItemNotFound
            | Self::ScanNotFound
            | Self::UserNotFound
            | Self::ConsentRequired
            | Self::ScanUnavailable
            | Self::ConcurrentChange
            | Self::NotShownYet
            | Self::Internal => None,
        }
    }
}
