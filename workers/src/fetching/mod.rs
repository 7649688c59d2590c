//! Fetching a picture that somebody else put on the web: the only way from here to an address that a stranger chose (SHR-7).
//!
//! An address in a finding may lead anywhere: to our own database, to the machine's metadata service, to a page that never
//! ends. So each hop is read ([`address`]), its name is looked up once and every answer is checked ([`resolver`],
//! [`reachable`]), the connection goes to the checked answer and nowhere else ([`hop`]), and of what comes back only freshly
//! encoded pixels are handed on, made by a process apart.
//!
//! An address of a page or a picture is personal (AUD-5): no error here holds one, and what the HTTP libraries would say about
//! it is not listened to.

mod address;
mod hop;
mod reachable;
mod refusal;
mod resolver;
#[cfg(test)]
mod tests;

pub use refusal::NotFetched;

use crate::providers::NoClient;
use address::Target;
use hop::{Answer, Dial, Straight};
use pictures::{Picture, TakeIn, Taken, pdq};
use resolver::{Resolver, SystemResolver};
use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;
use tracing::instrument::WithSubscriber as _;
use tracing::subscriber::NoSubscriber;
use url::Url;

/// Longest look-up of our own address (SHR-6): half of what an engine is given for a picture.
const LOOKED_UP_WITHIN: Duration = Duration::from_secs(5);

/// What a fetch may cost and where it may knock.
#[derive(Debug, Clone)]
struct Bounds {
    /// From the first look-up to the last byte.
    total: Duration,
    /// For one connection; half of `total`, so that an address that is silent leaves time for the next one.
    connect: Duration,
    /// Longest body that is read.
    bytes_max: usize,
    /// Redirects that are followed.
    redirects_max: u8,
    /// Ports that are connected to.
    ports: Vec<u16>,
}

impl Bounds {
    /// SHR-7.
    fn of_the_rules() -> Self {
        Self {
            total: Duration::from_secs(10),
            connect: Duration::from_secs(5),
            bytes_max: pictures::BYTES_MAX,
            redirects_max: 3,
            ports: vec![80, 443],
        }
    }
}

/// Whether an address of our own can be reached from outside: `http` or `https`, and every address of its host is public
/// (SHR-6). A name that is not known leads nowhere.
pub(crate) async fn leads_to_the_public(base: &Url) -> bool {
    // Any port: whoever is asked to come chose it.
    let port = base.port_or_known_default().unwrap_or_default();
    let Ok(target) = Target::parse(base.as_str(), &[port]) else {
        return false;
    };
    let found = resolver::resolve_once(&SystemResolver, &target, reachable::is_public);
    matches!(
        tokio::time::timeout(LOOKED_UP_WITHIN, found).await,
        Ok(Ok(_))
    )
}

/// Fetches pictures from addresses that strangers chose.
pub struct Fetcher {
    resolver: Box<dyn Resolver>,
    dial: Box<dyn Dial>,
    admits: fn(IpAddr) -> bool,
    bounds: Bounds,
    intake: Arc<dyn TakeIn>,
}

impl fmt::Debug for Fetcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fetcher")
            .field("bounds", &self.bounds)
            .finish_non_exhaustive()
    }
}

/// A found picture: decoded and encoded anew. Nothing of the file that was sent is in it.
#[derive(Clone, PartialEq, Eq)]
pub struct Fetched {
    /// Pixels across, upright.
    pub width: u32,
    /// Pixels down, upright.
    pub height: u32,
    /// The working copy (PIP-2): a JPEG without metadata, to be compared with hers (MAT-4).
    pub working: Vec<u8>,
    /// Perceptual hash at full size (PIP-3).
    pub hash: Option<pdq::Fingerprint>,
    /// What a model looks at (MAT-5), as in [`Taken`].
    pub picture_for_vector: Picture,
}

impl fmt::Debug for Fetched {
    // Bytes and hash identify a picture: neither may end in a log.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Fetched({} x {})", self.width, self.height)
    }
}

impl From<Taken> for Fetched {
    fn from(taken: Taken) -> Self {
        Self {
            width: taken.width,
            height: taken.height,
            working: taken.working,
            hash: taken.hash,
            picture_for_vector: taken.picture_for_vector,
        }
    }
}

impl Fetcher {
    /// The one constructor: strict, with the bounds of SHR-7 and the system's resolver. What is fetched is decoded by `intake`,
    /// away from this process and its keys. No call is made yet.
    ///
    /// # Errors
    /// [`NoClient`], for the operator to read: without a TLS provider or without root certificates nothing can be fetched.
    pub fn new(intake: Arc<dyn TakeIn>) -> Result<Self, NoClient> {
        // reqwest would panic instead.
        if rustls::crypto::CryptoProvider::get_default().is_none() {
            return Err(NoClient::NoTlsProvider);
        }
        hop::builder(&Straight).build().map_err(NoClient::Http)?;
        let (resolver, dial) = (Box::new(SystemResolver), Box::new(Straight));
        let bounds = Bounds::of_the_rules();
        Ok(Self::with(
            resolver,
            dial,
            reachable::is_public,
            bounds,
            intake,
        ))
    }

    /// Private to this module, so that nobody but `new` and the tests below it chooses what is reachable.
    fn with(
        resolver: Box<dyn Resolver>,
        dial: Box<dyn Dial>,
        admits: fn(IpAddr) -> bool,
        bounds: Bounds,
        intake: Arc<dyn TakeIn>,
    ) -> Self {
        Self {
            resolver,
            dial,
            admits,
            bounds,
            intake,
        }
    }

    /// Fetches the picture at `address`, as an engine or a page wrote it: hostile until proved otherwise.
    ///
    /// Takes ten seconds at most for the network, then up to half a second of a processor for the pixels.
    ///
    /// # Errors
    /// [`NotFetched`]; it says whether the same address may be tried again. Whatever it says, the picture is
    /// "not compared", never "compared and different" (MAT-6).
    pub async fn picture(&self, address: &str) -> Result<Fetched, NotFetched> {
        // HTTP libraries name hosts in their own logs, at levels that an operator may switch on.
        let quiet = self
            .bytes_at(address)
            .with_subscriber(NoSubscriber::default());
        let bytes = tokio::time::timeout(self.bounds.total, quiet)
            .await
            .map_err(|_| NotFetched::TimedOut)??;
        self.encoded_anew(bytes).await
    }

    async fn bytes_at(&self, address: &str) -> Result<Vec<u8>, NotFetched> {
        let mut target = Target::parse(address, &self.bounds.ports)?;
        let mut redirects = 0;
        loop {
            match self.hop(&target).await? {
                Answer::Body(bytes) => return Ok(bytes),
                Answer::Elsewhere(_) if redirects == self.bounds.redirects_max => {
                    return Err(NotFetched::TooManyRedirects);
                }
                Answer::Elsewhere(location) => {
                    redirects += 1;
                    target = target.redirected(&location, &self.bounds.ports)?;
                }
            }
        }
    }

    /// One hop: looked up once, checked, then asked at the checked addresses.
    async fn hop(&self, target: &Target) -> Result<Answer, NotFetched> {
        let checked = resolver::resolve_once(self.resolver.as_ref(), target, self.admits).await?;
        hop::ask(target, checked, self.dial.as_ref(), &self.bounds).await
    }

    async fn encoded_anew(&self, bytes: Vec<u8>) -> Result<Fetched, NotFetched> {
        Ok(self.intake.take_in(Arc::new(bytes)).await?.into())
    }
}
