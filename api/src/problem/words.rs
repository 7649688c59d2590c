//! Status, code and words of every problem (contract, section 18): calm, plain, never blaming.

use super::Problem;
use pictures::BYTES_MAX;
use serde_json::{Value, json};

/// What is taken (LIM-2).
const ALLOWED: [&str; 3] = ["image/jpeg", "image/png", "image/webp"];

impl Problem {
    /// The HTTP status.
    pub(super) fn status(&self) -> u16 {
        match self {
            Self::InvalidJson
            | Self::Validation(_)
            | Self::SignupFailed
            | Self::MissingRefreshToken
            | Self::NoFile
            | Self::TooManyFiles
            | Self::NotAPicture(_)
            | Self::InvalidFileType => 400,
            Self::MissingToken
            | Self::TokenExpired { .. }
            | Self::InvalidToken
            | Self::AccountDeleted
            | Self::LoginFailed
            | Self::RefreshFailed
            | Self::RefreshExpired => 401,
            Self::ConsentRequired => 403,
            Self::RouteNotFound
            | Self::ImageNotFound
            | Self::MatchNotFound
            | Self::AlertNotFound
            | Self::ItemNotFound
            | Self::ScanNotFound
            | Self::NotFound
            | Self::UserNotFound => 404,
            Self::MethodNotAllowed => 405,
            Self::ImageDuplicate(_)
            | Self::ImageLimit(_)
            | Self::ImageNotArchived
            | Self::HashLimit(_)
            | Self::ScanAlreadyRunning(_)
            | Self::ConcurrentChange
            | Self::IdempotencyConflict => 409,
            Self::BodyTooLarge | Self::FileTooLarge => 413,
            Self::UnsupportedMediaType => 415,
            Self::ImageUnreadable(_) => 422,
            Self::Internal => 500,
            Self::StorageUnavailable => 502,
            Self::AuthUnavailable
            | Self::ScanUnavailable
            | Self::NotShownYet
            | Self::Unavailable => 503,
        }
    }

    /// Whether the same request gets this answer again: not who has to sign in, come back, or ask elsewhere.
    pub(crate) fn is_final(&self) -> bool {
        let passes = matches!(self, Self::RouteNotFound | Self::ConcurrentChange);
        !passes && !matches!(self.status(), 401 | 405 | 500..)
    }

    /// The code of the contract, for programs.
    pub(super) fn code(&self) -> &'static str {
        match self {
            Self::RouteNotFound => "ROUTE_NOT_FOUND",
            Self::MethodNotAllowed => "METHOD_NOT_ALLOWED",
            Self::InvalidJson => "INVALID_JSON",
            Self::UnsupportedMediaType => "UNSUPPORTED_MEDIA_TYPE",
            Self::BodyTooLarge => "BODY_TOO_LARGE",
            Self::Validation(_) => "VALIDATION_ERROR",
            Self::MissingToken => "AUTH_MISSING_TOKEN",
            Self::TokenExpired { .. } | Self::RefreshExpired => "AUTH_TOKEN_EXPIRED",
            Self::InvalidToken => "AUTH_INVALID_TOKEN",
            Self::AccountDeleted => "AUTH_ACCOUNT_DELETED",
            Self::AuthUnavailable => "AUTH_UNAVAILABLE",
            Self::LoginFailed => "AUTH_LOGIN_FAILED",
            Self::SignupFailed => "AUTH_SIGNUP_FAILED",
            Self::MissingRefreshToken => "AUTH_MISSING_REFRESH_TOKEN",
            Self::RefreshFailed => "AUTH_REFRESH_FAILED",
            Self::NoFile => "NO_FILE_PROVIDED",
            Self::TooManyFiles => "TOO_MANY_FILES",
            Self::NotAPicture(_) | Self::InvalidFileType => "INVALID_FILE_TYPE",
            Self::FileTooLarge => "FILE_TOO_LARGE",
            Self::ImageUnreadable(_) => "IMAGE_UNREADABLE",
            Self::ImageDuplicate(_) => "IMAGE_DUPLICATE",
            Self::ImageLimit(_) => "IMAGE_LIMIT_REACHED",
            Self::HashLimit(_) => "HASH_LIMIT_REACHED",
            Self::StorageUnavailable => "STORAGE_UNAVAILABLE",
            Self::ImageNotFound => "IMAGE_NOT_FOUND",
            Self::ImageNotArchived => "IMAGE_NOT_ARCHIVED",
            Self::MatchNotFound => "MATCH_NOT_FOUND",
            Self::AlertNotFound => "ALERT_NOT_FOUND",
            Self::ItemNotFound => "ITEM_NOT_FOUND",
            Self::ScanNotFound => "SCAN_NOT_FOUND",
            Self::NotFound => "NOT_FOUND",
            Self::UserNotFound => "USER_NOT_FOUND",
            Self::ScanAlreadyRunning(_) => "SCAN_ALREADY_RUNNING",
            Self::ConsentRequired => "CONSENT_REQUIRED",
            Self::ScanUnavailable => "SCAN_UNAVAILABLE",
            Self::ConcurrentChange => "CONCURRENT_CHANGE",
            Self::IdempotencyConflict => "IDEMPOTENCY_CONFLICT",
            Self::NotShownYet => "NOT_SHOWN_YET",
            Self::Unavailable => "SERVICE_UNAVAILABLE",
            Self::Internal => "INTERNAL_ERROR",
        }
    }

    /// The words, for people.
    pub(super) fn message(&self) -> &'static str {
        match self {
            Self::RouteNotFound => "There is nothing at this address.",
            Self::MethodNotAllowed => "This address does not do that.",
            Self::InvalidJson => "The request could not be read.",
            Self::UnsupportedMediaType => "The request is of a kind that is not read here.",
            Self::BodyTooLarge => "The request is too long.",
            Self::Validation(_) => "Something does not fit yet.",
            Self::MissingToken => "Please sign in.",
            Self::TokenExpired { .. } => "Your session needs to be renewed.",
            Self::InvalidToken | Self::RefreshFailed | Self::RefreshExpired => {
                "Please sign in again."
            }
            Self::AccountDeleted => "This account was deleted.",
            Self::AuthUnavailable => {
                "Signing in is not possible right now. Please try again in a moment."
            }
            Self::LoginFailed => "E-mail address and password do not fit together.",
            Self::SignupFailed => "We could not make an account with these details.",
            Self::MissingRefreshToken => "A refresh token is needed.",
            Self::NoFile => "Please choose a picture.",
            Self::TooManyFiles => "Please add one picture at a time.",
            Self::NotAPicture(seen) => seen.words(),
            Self::InvalidFileType => {
                "This file was sent as another kind of picture than it is. Its name may have the wrong ending."
            }
            Self::FileTooLarge => {
                "This picture is larger than 10 MiB. A smaller copy works just as well."
            }
            Self::ImageUnreadable(why) => why,
            Self::ImageDuplicate(_) => "This picture is already in your library.",
            Self::ImageLimit(_) => "Your library is full. Remove a picture to add another.",
            Self::HashLimit(_) => {
                "You have registered as many hashes as there may be. Withdraw one to add another."
            }
            Self::StorageUnavailable => {
                "Pictures cannot be stored right now. Nothing was kept; please try again in a moment."
            }
            Self::ImageNotFound => "There is no such picture.",
            Self::ImageNotArchived => "This picture is in your library already.",
            Self::MatchNotFound => "There is no such finding.",
            Self::AlertNotFound => "There is no such alert.",
            Self::ItemNotFound => "There is no such item.",
            Self::ScanNotFound => "There is no such scan.",
            Self::UserNotFound => "We do not know this account.",
            Self::NotFound => "There is nothing here, or no longer.",
            Self::ScanAlreadyRunning(_) => "A scan is already running.",
            Self::ConsentRequired => {
                "This search needs your agreement. You can give it in the settings."
            }
            Self::ScanUnavailable => {
                "This scan is not available right now. Please try again later."
            }
            Self::ConcurrentChange => "Two changes met. Please try again.",
            Self::IdempotencyConflict => {
                "This key was used for another request. Please use a new one."
            }
            Self::NotShownYet => "Your last change is saved and will show in a moment.",
            Self::Unavailable => {
                "This is not possible right now. Nothing of yours was lost; please try again in a moment."
            }
            Self::Internal => "Something went wrong on our side. Nothing of yours was lost.",
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
            Self::NotAPicture(seen) => Some(json!({ "allowed": ALLOWED, "seen": seen.name() })),
            Self::InvalidFileType => Some(json!({ "allowed": ALLOWED })),
            Self::FileTooLarge => Some(json!({ "maxBytes": BYTES_MAX })),
            Self::ImageDuplicate(image) => Some(json!({ "imageId": image })),
            Self::ImageLimit(max) | Self::HashLimit(max) => Some(json!({ "max": max })),
            Self::ScanAlreadyRunning(scan) => Some(json!({ "scanId": scan })),
            Self::RouteNotFound
            | Self::MethodNotAllowed
            | Self::InvalidJson
            | Self::UnsupportedMediaType
            | Self::BodyTooLarge
            | Self::MissingToken
            | Self::AccountDeleted
            | Self::AuthUnavailable
            | Self::LoginFailed
            | Self::SignupFailed
            | Self::MissingRefreshToken
            | Self::NoFile
            | Self::TooManyFiles
            | Self::ImageUnreadable(_)
            | Self::StorageUnavailable
            | Self::ImageNotFound
            | Self::ImageNotArchived
            | Self::MatchNotFound
            | Self::AlertNotFound
            | Self::ItemNotFound
            | Self::ScanNotFound
            | Self::NotFound
            | Self::UserNotFound
            | Self::ConsentRequired
            | Self::ScanUnavailable
            | Self::ConcurrentChange
            | Self::IdempotencyConflict
            | Self::NotShownYet
            | Self::Unavailable
            | Self::Internal => None,
        }
    }
}
