//! Where sealed pictures lie: a folder of this machine, or a bucket that speaks S3.

use super::ObjectFault;
use object_store::aws::AmazonS3Builder;
use object_store::local::LocalFileSystem;
use object_store::path::Path as Name;
use object_store::prefix::PrefixStore;
use object_store::{BackoffConfig, ClientOptions, ObjectStore, RetryConfig};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use url::Url;
use zeroize::Zeroizing;

/// Longest time of one call to a bucket.
const CALL_WITHIN: Duration = Duration::from_secs(20);
/// Longest wait for a connection to a bucket.
const CONNECT_WITHIN: Duration = Duration::from_secs(5);
/// Tries of one call after the first, all within [`TRIES_WITHIN`].
const TRIES: usize = 3;
/// Longest time from the first try of a call to the beginning of its last.
const TRIES_WITHIN: Duration = Duration::from_secs(20);

/// A bucket that speaks S3, addressed by path (`<endpoint>/<bucket>/<name>`), and the key pair that opens it.
#[derive(Clone)]
pub struct Bucket {
    /// The address of the S3 face, as `https://<project>.supabase.co/storage/v1/s3`. Plain HTTP is taken from this machine
    /// only.
    pub endpoint: Url,
    /// Its name. It must be private, and this installation's alone (or the prefix must be).
    pub name: String,
    /// The region that signatures name.
    pub region: String,
    /// The id of the key pair.
    pub key: String,
    /// The secret of the key pair.
    pub secret: Zeroizing<String>,
    /// What stands before every name; empty for nothing.
    pub prefix: String,
}

impl std::fmt::Debug for Bucket {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Bucket({} at {})", self.name, self.endpoint)
    }
}

/// Where objects lie.
#[derive(Debug, Clone)]
pub enum Place {
    /// A folder of this machine.
    Folder(PathBuf),
    /// A bucket.
    Bucket(Bucket),
}

/// The store at a place. A folder that is not there yet is looked for at each use, and holds nothing until then.
#[derive(Clone)]
pub(super) enum Opened {
    Folder(PathBuf, Arc<OnceLock<Arc<dyn ObjectStore>>>),
    Bucket(Arc<dyn ObjectStore>),
}

/// Says nothing of a bucket's key pair.
impl std::fmt::Debug for Opened {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Folder(folder, _) => write!(f, "Folder({})", folder.display()),
            Self::Bucket(_) => f.write_str("Bucket"),
        }
    }
}

impl Opened {
    pub fn at(place: Place) -> Result<Self, ObjectFault> {
        Ok(match place {
            Place::Folder(folder) => Self::Folder(folder, Arc::default()),
            Place::Bucket(bucket) => Self::Bucket(bucket.open()?),
        })
    }

    /// The folder that this is.
    pub fn folder(&self) -> Option<&Path> {
        match self {
            Self::Folder(folder, _) => Some(folder),
            Self::Bucket(_) => None,
        }
    }

    /// The store; [`ObjectFault::Missing`] where the folder is not there.
    pub fn store(&self) -> Result<Arc<dyn ObjectStore>, ObjectFault> {
        match self {
            Self::Bucket(store) => Ok(Arc::clone(store)),
            Self::Folder(folder, opened) => {
                if let Some(store) = opened.get() {
                    return Ok(Arc::clone(store));
                }
                if !folder.is_dir() {
                    return Err(ObjectFault::Missing);
                }
                let files = LocalFileSystem::new_with_prefix(folder)?;
                // Durable when a put returns, the names of the folders above included.
                let files = files.with_fsync(true).with_automatic_cleanup(true);
                Ok(Arc::clone(opened.get_or_init(|| Arc::new(files))))
            }
        }
    }

    /// Makes the folder, which only its owner may read.
    pub fn make(&self) -> Result<(), ObjectFault> {
        match self {
            Self::Bucket(_) => Ok(()),
            Self::Folder(folder, _) => std::fs::DirBuilder::new()
                .recursive(true)
                .mode(0o700)
                .create(folder)
                .map_err(ObjectFault::from),
        }
    }
}

impl Bucket {
    fn open(&self) -> Result<Arc<dyn ObjectStore>, ObjectFault> {
        let here = match self.endpoint.host() {
            Some(url::Host::Ipv4(ip)) => ip.is_loopback(),
            Some(url::Host::Ipv6(ip)) => ip.is_loopback(),
            Some(url::Host::Domain(name)) => name == "localhost",
            None => false,
        };
        let client = ClientOptions::new()
            .with_allow_http(here)
            .with_timeout(CALL_WITHIN)
            .with_connect_timeout(CONNECT_WITHIN);
        let retry = RetryConfig {
            backoff: BackoffConfig::default(),
            max_retries: TRIES,
            retry_timeout: TRIES_WITHIN,
        };
        let bucket = AmazonS3Builder::new()
            .with_endpoint(self.endpoint.as_str().trim_end_matches('/'))
            .with_bucket_name(&self.name)
            .with_region(&self.region)
            .with_access_key_id(&self.key)
            .with_secret_access_key(self.secret.as_str())
            .with_virtual_hosted_style_request(false)
            // Not every face of S3 deletes many at once, and four names are few.
            .with_disable_bulk_delete(true)
            .with_allow_http(here)
            .with_client_options(client)
            .with_retry(retry)
            .build()?;
        Ok(match self.prefix.trim_matches('/') {
            "" => Arc::new(bucket),
            prefix => Arc::new(PrefixStore::new(bucket, Name::from(prefix))),
        })
    }
}
