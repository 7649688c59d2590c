//! Why a picture was not fetched. Every refusal has a name of its own, and none holds an address.

use crate::providers::Retry;
use pictures::{NotTaken, Unfit};

/// Why a picture was not fetched; the texts are for operators and name nothing but kinds and numbers (AUD-5).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotFetched {
    /// It cannot be read as an absolute address, or two readers could read it differently.
    #[error("not an address")]
    NotAnAddress,
    /// Neither `http` nor `https`.
    #[error("neither http nor https")]
    Scheme,
    /// A name or a password stands before the host.
    #[error("credentials in the address")]
    Credentials,
    /// Neither 80 nor 443.
    #[error("a port other than 80 and 443")]
    Port,
    /// A name without a dot, as machines of a private network have.
    #[error("a name of a private network")]
    LocalName,
    /// The host is, or has among its answers, an address that does not belong to the public internet.
    #[error("an address that is not public")]
    NotPublic,
    /// No address for the name, or no name server; the system does not tell which.
    #[error("the name has no address")]
    NameUnknown,
    /// A redirect that names no place, or none that can be read.
    #[error("a redirect to nowhere")]
    BadRedirect,
    /// More redirects than are followed.
    #[error("too many redirects")]
    TooManyRedirects,
    /// Any status but 200 and those of a redirect.
    #[error("answered {0}")]
    Status(u16),
    /// The answer is compressed, although only a plain one was asked for.
    #[error("an encoded answer")]
    Encoded,
    /// The answer does not call itself a picture.
    #[error("not declared as a picture")]
    NotDeclaredAPicture,
    /// The body went on past the limit.
    #[error("longer than 10 MiB")]
    TooLarge,
    /// The bytes are no picture that is taken.
    #[error("not fit: {0}")]
    Unfit(#[from] Unfit),
    /// The decoder fell over.
    #[error("the decoder fell over")]
    NotDecoded,
    /// Nobody was free to decode it.
    #[error("no decoder is free")]
    NoDecoder,
    /// No whole answer within the time for all hops together.
    #[error("no answer in time")]
    TimedOut,
    /// The certificate is not valid for the name, or nobody trusted vouches for it.
    #[error("a certificate that proves nothing")]
    Certificate,
    /// No connection.
    #[error("no connection")]
    NoConnection,
    /// The connection broke, or what came over it is not HTTP.
    #[error("the connection broke")]
    Broken,
    /// No HTTP client could be made, for instance because this machine's root certificates are gone.
    #[error("no HTTP client could be made")]
    NoClient,
}

impl From<NotTaken> for NotFetched {
    fn from(fault: NotTaken) -> Self {
        match fault {
            NotTaken::Unfit(unfit) => Self::Unfit(unfit),
            NotTaken::Broke => Self::NotDecoded,
            NotTaken::Busy | NotTaken::Unavailable => Self::NoDecoder,
        }
    }
}

impl NotFetched {
    /// Whether the same address may be tried again later.
    #[must_use]
    pub fn retry(&self) -> Retry {
        match self {
            Self::NameUnknown
            | Self::TimedOut
            | Self::NoConnection
            | Self::Broken
            | Self::NoClient
            | Self::NoDecoder
            | Self::Status(429 | 500..) => Retry::TryAgain { after: None },
            Self::NotAnAddress
            | Self::Scheme
            | Self::Credentials
            | Self::Port
            | Self::LocalName
            | Self::NotPublic
            | Self::BadRedirect
            | Self::TooManyRedirects
            | Self::Status(_)
            | Self::Encoded
            | Self::NotDeclaredAPicture
            | Self::TooLarge
            | Self::Unfit(_)
            | Self::NotDecoded
            | Self::Certificate => Retry::GiveUp,
        }
    }
}
