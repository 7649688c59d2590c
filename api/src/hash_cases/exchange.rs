//! The exchange's record shape, as `projections` makes it, for the document and the wire.

use poem_openapi::{Enum, Object};
use projections::hash_cases::exchange;
use std::collections::BTreeMap;

/// Where a hash or a case stands, in the exchange's words.
#[derive(Debug, Enum)]
pub enum ExchangeStatus {
    /// To be looked for.
    Active,
    /// To be dropped, whatever the hash still says.
    Withdrawn,
}

/// One hash in the exchange's record shape.
#[derive(Debug, Object)]
pub struct ExchangeRecord {
    /// Seconds since 1970 of the last change.
    #[oai(rename = "lastModtimestamp")]
    last_modified: i64,
    /// Always `ImagePDQ`.
    #[oai(rename = "signalType")]
    signal_type: String,
    /// 64 hex digits.
    #[oai(rename = "hashValue")]
    hash: String,
    /// `Active` while one of its cases is.
    #[oai(rename = "hashStatus")]
    status: ExchangeStatus,
    /// Each case, and where it stands.
    #[oai(rename = "caseNumbers")]
    cases: BTreeMap<String, ExchangeStatus>,
    /// What platforms said; always empty here.
    #[oai(rename = "CSPFeedbacks")]
    feedbacks: Vec<String>,
}

/// A page of records. A record that comes again takes the place of the one before.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
pub struct ExchangePage {
    /// Records of this page.
    count: u32,
    /// What to ask for next; empty on the last page.
    next_page_token: String,
    /// Where to begin another day.
    next_set_timestamp: i64,
    /// Whether there is another page.
    has_more_records: bool,
    /// The records, in the order of their last changes.
    hash_records: Vec<ExchangeRecord>,
}

impl From<exchange::Status> for ExchangeStatus {
    fn from(status: exchange::Status) -> Self {
        match status {
            exchange::Status::Active => Self::Active,
            exchange::Status::Withdrawn => Self::Withdrawn,
        }
    }
}

impl From<exchange::Record> for ExchangeRecord {
    fn from(record: exchange::Record) -> Self {
        let cases = record.cases.into_iter();
        Self {
            last_modified: record.last_modified,
            signal_type: record.signal_type,
            hash: record.hash,
            status: record.status.into(),
            cases: cases.map(|(case, status)| (case, status.into())).collect(),
            feedbacks: vec![],
        }
    }
}

impl From<exchange::Pages> for ExchangePage {
    fn from(page: exchange::Pages) -> Self {
        let records = page.hash_records.into_iter().map(ExchangeRecord::from);
        let hash_records: Vec<_> = records.collect();
        Self {
            count: u32::try_from(page.count).unwrap_or(u32::MAX),
            next_page_token: page.next_page_token,
            next_set_timestamp: page.next_set_timestamp,
            has_more_records: page.has_more_records,
            hash_records,
        }
    }
}
