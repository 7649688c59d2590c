//! The words in which a scan says what was searched, what was not, and why.

use crate::user::Purpose;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The kinds of scan that exist so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ScanKind {
    /// Look for her pictures on the web.
    ImageScan,
}

impl ScanKind {
    /// Every kind.
    pub const ALL: [Self; 1] = [Self::ImageScan];

    /// The code that events, answers and ids carry.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::ImageScan => "IMAGE_SCAN",
        }
    }
}

/// How the work on one picture ended (SCN-9).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum UnitOutcome {
    /// Every engine answered.
    Done,
    /// Some engine answered, some did not.
    Partial,
    /// Skipped, because a purpose is not granted (CON-1), or she put the picture away meanwhile (IMG-5).
    Skipped,
    /// No engine answered.
    Failed(FailureCode),
}

/// Why nothing could be searched (contract section 18, `errorCode`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum FailureCode {
    /// The picture's bytes could not be read.
    ImageUnreadable,
    /// Every engine failed.
    AllProvidersFailed,
    /// The engine does not accept our key.
    ProviderAuth,
    /// No engine has a key.
    ProviderNotConfigured,
    /// The engine has no searches left.
    QuotaExhausted,
    /// No attempt is left (SCN-7).
    ScanTimedOut,
}

impl FailureCode {
    /// The code that answers carry.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::ImageUnreadable => "IMAGE_UNREADABLE",
            Self::AllProvidersFailed => "ALL_PROVIDERS_FAILED",
            Self::ProviderAuth => "PROVIDER_AUTH",
            Self::ProviderNotConfigured => "PROVIDER_NOT_CONFIGURED",
            Self::QuotaExhausted => "QUOTA_EXHAUSTED",
            Self::ScanTimedOut => "SCAN_TIMED_OUT",
        }
    }

    /// What she may read.
    #[must_use]
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::ImageUnreadable => "We could not read this picture. Please upload it again.",
            Self::AllProvidersFailed => {
                "No search engine could search for this, so nothing was searched. Please try again later, \
                 or with another picture."
            }
            Self::ProviderAuth | Self::ProviderNotConfigured => {
                "Searching is not available right now. We have been told and are looking into it."
            }
            Self::QuotaExhausted => {
                "Our searches for now are used up, so nothing was searched. Please try again later."
            }
            Self::ScanTimedOut => {
                "This scan could not be finished, so its result says nothing. Please start it again."
            }
        }
    }
}

/// What was wrong with an engine (PRV-4, PRV-5).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ProviderFault {
    /// It has no use for this picture.
    InvalidImage,
    /// It does not accept our key.
    InvalidKey,
    /// Too many searches at once.
    RateLimited,
    /// No searches left.
    QuotaExhausted,
    /// It could not be reached.
    Network,
    /// It did not answer in time.
    Timeout,
    /// We have no key for it.
    NotConfigured,
    /// It answered with something that is no answer.
    ProviderError,
}

impl ProviderFault {
    /// What a unit of work fails with when this was the fault of its only engine.
    #[must_use]
    pub const fn failure(self) -> FailureCode {
        match self {
            Self::InvalidImage
            | Self::RateLimited
            | Self::Network
            | Self::Timeout
            | Self::ProviderError => FailureCode::AllProvidersFailed,
            Self::InvalidKey => FailureCode::ProviderAuth,
            Self::QuotaExhausted => FailureCode::QuotaExhausted,
            Self::NotConfigured => FailureCode::ProviderNotConfigured,
        }
    }
}

/// What she must know about how far a scan reached (contract section 18, warnings).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Warning {
    /// This engine was not searched.
    ProviderFailed(String),
    /// This purpose is not granted, so the step was skipped (CON-1).
    ConsentMissing(Purpose),
    /// There was no picture to search for (SCN-3), or none any more (IMG-5).
    NoImages,
    /// The engine knew more than we asked for.
    Truncated,
}

impl std::fmt::Display for Warning {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::ProviderFailed(name) => write!(f, "PROVIDER_FAILED:{name}"),
            Self::ConsentMissing(purpose) => write!(f, "CONSENT_MISSING:{}", purpose.code()),
            Self::NoImages => f.write_str("NO_IMAGES"),
            Self::Truncated => f.write_str("TRUNCATED"),
        }
    }
}

/// What was counted while one picture was searched for (SCN-12).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Tally {
    /// Pages found for the first time.
    pub matches_found: u32,
    /// Pages that earlier scans had found.
    pub seen_again: u32,
    /// Findings that wait for her review.
    pub flagged_for_review: u32,
    /// Results left out because too little agreed.
    pub below_threshold: u32,
    /// Results left out because the vectors disagreed.
    pub clip_mismatch: u32,
    /// Results left out because they named no page.
    pub bad_url: u32,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_warning_reads_as_the_contract_spells_it() {
        // contract section 18
        let spelled = [
            (
                Warning::ProviderFailed("tineye".to_owned()),
                "PROVIDER_FAILED:tineye",
            ),
            (
                Warning::ConsentMissing(Purpose::WebImageSearch),
                "CONSENT_MISSING:WEB_IMAGE_SEARCH",
            ),
            (Warning::NoImages, "NO_IMAGES"),
            (Warning::Truncated, "TRUNCATED"),
        ];
        for (warning, text) in spelled {
            assert_eq!(warning.to_string(), text);
        }
    }

    #[test]
    fn no_sentence_raises_its_voice() {
        // GEN-2
        let codes = [
            FailureCode::ImageUnreadable,
            FailureCode::AllProvidersFailed,
            FailureCode::ProviderAuth,
            FailureCode::ProviderNotConfigured,
            FailureCode::QuotaExhausted,
            FailureCode::ScanTimedOut,
        ];
        for code in codes {
            assert!(!code.sentence().contains('!') && !code.sentence().contains("clear"));
        }
    }

    #[test]
    fn out_of_quota_and_bad_key_and_no_answer_are_three_things() {
        // PRV-4
        assert_eq!(
            ProviderFault::QuotaExhausted.failure(),
            FailureCode::QuotaExhausted
        );
        assert_eq!(
            ProviderFault::InvalidKey.failure(),
            FailureCode::ProviderAuth
        );
        assert_eq!(
            ProviderFault::Timeout.failure(),
            FailureCode::AllProvidersFailed
        );
    }

    #[test]
    fn every_fault_has_the_failure_that_the_contract_names() {
        // PRV-4, PRV-5
        let table = [
            (ProviderFault::InvalidImage, "ALL_PROVIDERS_FAILED"),
            (ProviderFault::InvalidKey, "PROVIDER_AUTH"),
            (ProviderFault::RateLimited, "ALL_PROVIDERS_FAILED"),
            (ProviderFault::QuotaExhausted, "QUOTA_EXHAUSTED"),
            (ProviderFault::Network, "ALL_PROVIDERS_FAILED"),
            (ProviderFault::Timeout, "ALL_PROVIDERS_FAILED"),
            (ProviderFault::NotConfigured, "PROVIDER_NOT_CONFIGURED"),
            (ProviderFault::ProviderError, "ALL_PROVIDERS_FAILED"),
        ];
        for (fault, code) in table {
            assert_eq!(fault.failure().code(), code, "{fault:?}");
            assert_eq!(
                serde_json::to_value(fault.failure()).unwrap(),
                code,
                "the log"
            );
        }
    }

    #[test]
    fn a_fault_of_an_engine_never_blames_her_picture() {
        // PRV-5: IMAGE_UNREADABLE is for bytes that we could not read, SCAN_TIMED_OUT for the watchdog
        for fault in [
            ProviderFault::InvalidImage,
            ProviderFault::InvalidKey,
            ProviderFault::RateLimited,
            ProviderFault::QuotaExhausted,
            ProviderFault::Network,
            ProviderFault::Timeout,
            ProviderFault::NotConfigured,
            ProviderFault::ProviderError,
        ] {
            let failure = fault.failure();
            assert_ne!(failure, FailureCode::ImageUnreadable, "{fault:?}");
            assert_ne!(failure, FailureCode::ScanTimedOut, "{fault:?}");
        }
    }

    #[test]
    fn an_outcome_that_nobody_knows_is_refused() {
        for wrong in ["\"CLEAR\"", "\"FAILED\"", "{\"FAILED\":\"CLEAR\"}", "null"] {
            assert!(
                serde_json::from_str::<UnitOutcome>(wrong).is_err(),
                "{wrong}"
            );
        }
    }

    #[test]
    fn a_tally_without_all_its_numbers_is_refused() {
        // GEN-3: a count that is missing is not a count of nothing
        assert!(serde_json::from_str::<Tally>("{\"matches_found\":1}").is_err());
    }
}
