//! Everything that can be answered instead of what was asked, with its status, code and calm words (contract,
//! sections 2 and 18). The one place where a refusal becomes an HTTP answer.

mod answer;
mod from;
mod words;

use domain::ids::{ImageId, ScanId};
use pictures::Seen;

/// Why a request was not answered with what it asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Problem {
    /// Nothing is served under this path.
    RouteNotFound,
    /// The path exists, the method does not.
    MethodNotAllowed,
    /// The body is no JSON.
    InvalidJson,
    /// The body is of another kind than the route reads.
    UnsupportedMediaType,
    /// A JSON body over the limit.
    BodyTooLarge,
    /// A value does not fit: where, and why.
    Validation(Vec<Misfit>),
    /// No token, or no bearer token.
    MissingToken,
    /// The token's time is over.
    TokenExpired {
        /// Seconds since 1970.
        expired_at: i64,
    },
    /// The token is not one of ours, or its session has ended.
    InvalidToken,
    /// The account was deleted (USR-5).
    AccountDeleted,
    /// The identity provider does not answer and no keys of it are known.
    AuthUnavailable,
    /// Unknown address or wrong password; never which.
    LoginFailed,
    /// No account was made; the reason is not told (contract, note on signup).
    SignupFailed,
    /// No refresh token was given.
    MissingRefreshToken,
    /// The refresh token is spent, unknown or of an ended session.
    RefreshFailed,
    /// The same, because it ran out.
    RefreshExpired,
    /// Multipart without a part `file`, or the part is empty.
    NoFile,
    /// More than one file (LIM-6).
    TooManyFiles,
    /// None of the accepted kinds of picture (LIM-2): what it seems to be.
    NotAPicture(Seen),
    /// Not of the kind it claims (LIM-3).
    InvalidFileType,
    /// Over 10 MiB (LIM-1).
    FileTooLarge,
    /// Cannot be decoded, too small, or too many pixels (LIM-4).
    ImageUnreadable(&'static str),
    /// Already there (IMG-2).
    ImageDuplicate(ImageId),
    /// The library is full (LIM-5).
    ImageLimit(usize),
    /// She has registered as many hashes as there may be.
    HashLimit(usize),
    /// Pictures cannot be stored now.
    StorageUnavailable,
    /// No such picture of hers.
    ImageNotFound,
    /// The picture is not put away, so it cannot be taken back.
    ImageNotArchived,
    /// No such match of hers.
    MatchNotFound,
    /// No such alert of hers.
    AlertNotFound,
    /// No such item on her list.
    ItemNotFound,
    /// No such scan of hers.
    ScanNotFound,
    /// A link that is not, or no longer, good; never why.
    NotFound,
    /// She is not known.
    UserNotFound,
    /// One is open already (SCN-1).
    ScanAlreadyRunning(ScanId),
    /// Nothing may be searched without her agreement (CON-1).
    ConsentRequired,
    /// A kind of scan that cannot be started yet.
    ScanUnavailable,
    /// Two changes collided and trying again inside did not help.
    ConcurrentChange,
    /// The same key stands for another request (contract, section 1).
    IdempotencyConflict,
    /// A change is saved and not shown yet; asking again soon shows it.
    NotShownYet,
    /// Database or keys do not answer; the same request may be asked again.
    Unavailable,
    /// Ours; what it was stands in the log under the request id.
    Internal,
}

/// One value that does not fit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Misfit {
    /// Where it stands.
    pub path: Vec<String>,
    /// What to change, for people.
    pub message: String,
    /// The rule, as `LIM-8`; empty where it is only the shape.
    pub rule: &'static str,
}

impl Misfit {
    /// A misfit of one top-level field.
    #[must_use]
    pub fn of(field: &str, message: &str, rule: &'static str) -> Self {
        let (path, message) = (vec![field.to_owned()], message.to_owned());
        Self {
            path,
            message,
            rule,
        }
    }
}

impl Problem {
    /// One field that does not fit.
    #[must_use]
    pub fn field(field: &str, message: &str, rule: &'static str) -> Self {
        Self::Validation(vec![Misfit::of(field, message, rule)])
    }
}
