//! Where things lie and who is asked, from flags, environment and the data folder; read once.

use crate::cli::{Data, Engine};
use crate::running::Running;
use anyhow::Context;
use eventstore::objects::{Bucket, Place};
use std::path::{Path, PathBuf};
use std::time::Duration;
use url::Url;
use workers::providers::ApiKey;

/// The issuer of the embedded identity service: the same at every start, whatever the port.
pub const EMBEDDED_ISSUER: &str = "vara-embedded-identity";
/// The stand-in's key that finds what is there.
const SANDBOX_KEY: &str = "sandbox";

/// The data folder and what lies in it.
#[derive(Debug, Clone)]
pub struct Folder(PathBuf);

impl Folder {
    /// The folder that was named, or the default one.
    pub fn of(data: &Data) -> Self {
        Self(data.data_dir.clone().unwrap_or_else(embedded::default_base))
    }

    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Sealed pictures.
    pub fn objects(&self) -> PathBuf {
        self.0.join("objects")
    }

    /// Keys of this installation.
    pub fn keys(&self) -> PathBuf {
        self.0.join("keys")
    }

    /// Makes the folder of the keys, which only its owner may read.
    pub fn make_keys(&self) -> anyhow::Result<()> {
        use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
        let folder = self.keys();
        std::fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&folder)
            .and_then(|()| std::fs::set_permissions(&folder, PermissionsExt::from_mode(0o700)))
            .with_context(|| format!("the folder {} cannot be made", folder.display()))
    }

    /// What wraps the keys of subjects.
    pub fn master_key(&self) -> PathBuf {
        self.keys().join("master.key")
    }

    /// The tree over the record and its signed checkpoint: hashes only.
    pub fn ledger(&self) -> PathBuf {
        self.0.join("ledger")
    }

    /// What signs the checkpoints.
    pub fn ledger_key(&self) -> PathBuf {
        self.keys().join("ledger.key")
    }

    /// The little web that the stand-in searches: not part of Vara's own data.
    pub fn web(&self) -> PathBuf {
        self.0.join("sandbox-web")
    }
}

/// The servers.
#[derive(Debug, Clone)]
pub struct Servers {
    pub database_url: String,
    pub nats_url: String,
}

/// What was configured in the environment; empty counts as absent.
pub fn from_env(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// Whether something is wanted that is off where nothing is said.
///
/// # Errors
/// When it says neither `true` nor `false`.
pub fn switch(name: &str) -> anyhow::Result<bool> {
    switched(name, from_env(name).as_deref())
}

fn switched(name: &str, value: Option<&str>) -> anyhow::Result<bool> {
    match value {
        None | Some("false") => Ok(false),
        Some("true") => Ok(true),
        Some(other) => anyhow::bail!("{name} is true or false, not {other}"),
    }
}

/// How often the standing check looks at each read model: `VARA_CHECK_EVERY_HOURS`, a day where nothing is said, never
/// for 0.
pub fn check_every() -> anyhow::Result<Option<Duration>> {
    const DAY: f64 = 24.0;
    /// A hundred years.
    const LONGEST: f64 = 100.0 * 365.25 * DAY;
    let hours = match from_env("VARA_CHECK_EVERY_HOURS") {
        None => DAY,
        Some(text) => text
            .parse()
            .ok()
            .filter(|h| (0.0..=LONGEST).contains(h))
            .context("VARA_CHECK_EVERY_HOURS is a number of hours, as 24 or 0.5; 0 for never")?,
    };
    let every = Duration::from_secs_f64(hours * 3_600.0);
    Ok((!every.is_zero()).then_some(every))
}

/// Where this installation is reached from outside, as `https://vara.example`: where links for engines begin (SHR-6).
pub fn public_url() -> anyhow::Result<Option<Url>> {
    let Some(address) = from_env("VARA_PUBLIC_URL") else {
        return Ok(None);
    };
    let url: Url = address.parse().context("VARA_PUBLIC_URL is no address")?;
    anyhow::ensure!(
        matches!(url.scheme(), "http" | "https"),
        "VARA_PUBLIC_URL is no address of the web"
    );
    Ok(Some(url))
}

/// Names the database of keys; without it one beside the events' is used, whose name ends in `_keys`.
pub const KEYS_URL: &str = "VARA_KEYS_URL";

/// Where pictures lie: in a bucket that speaks S3 where `VARA_STORAGE_BUCKET` names one, else in the data folder.
pub fn objects(folder: &Folder) -> anyhow::Result<Place> {
    let Some(name) = from_env("VARA_STORAGE_BUCKET") else {
        return Ok(Place::Folder(folder.objects()));
    };
    let wanted = |setting: &str| {
        from_env(setting).with_context(|| format!("VARA_STORAGE_BUCKET needs {setting}"))
    };
    let endpoint = wanted("VARA_STORAGE_ENDPOINT")?.parse();
    Ok(Place::Bucket(Bucket {
        endpoint: endpoint.context("VARA_STORAGE_ENDPOINT is no address")?,
        name,
        region: wanted("VARA_STORAGE_REGION")?,
        key: wanted("VARA_STORAGE_KEY")?,
        secret: wanted("VARA_STORAGE_SECRET")?.into(),
        prefix: from_env("VARA_STORAGE_PREFIX").unwrap_or_default(),
    }))
}

/// The address of the database of keys.
pub fn keys_url(database_url: &str) -> anyhow::Result<String> {
    if let Some(url) = from_env(KEYS_URL) {
        return Ok(url);
    }
    let mut url: Url = database_url.parse().context("DATABASE_URL is no address")?;
    url.set_path(&keys_database(database_url)?);
    Ok(url.into())
}

/// The name of the database of keys beside a database of events.
pub fn keys_database(database_url: &str) -> anyhow::Result<String> {
    let url: Url = database_url.parse().context("DATABASE_URL is no address")?;
    let name = url.path().trim_start_matches('/');
    anyhow::ensure!(!name.is_empty(), "DATABASE_URL names no database");
    Ok(format!("{name}_keys"))
}

impl Servers {
    /// The address of the database of keys.
    pub fn keys_url(&self) -> anyhow::Result<String> {
        keys_url(&self.database_url)
    }

    /// The servers of DATABASE_URL and NATS_URL, else those of the Vara that runs on the folder.
    pub fn find(folder: &Folder) -> anyhow::Result<Self> {
        let running = Running::read(folder)?;
        let or_running = |name: &str, of: fn(&Running) -> String| {
            from_env(name)
                .or_else(|| running.as_ref().map(of))
                .with_context(|| {
                    format!(
                        "no Vara runs on {}: start one with `vara up`, or set {name}",
                        folder.path().display()
                    )
                })
        };
        Ok(Self {
            database_url: or_running("DATABASE_URL", |r| r.database_url.clone())?,
            nats_url: or_running("NATS_URL", |r| r.nats_url.clone())?,
        })
    }
}

/// The engine to ask.
#[derive(Debug, Clone)]
pub struct TinEyeAt {
    pub base_url: Url,
    pub key: Option<ApiKey>,
    /// It is the stand-in: findings are marked as a demonstration (GEN-4).
    pub is_stand_in: bool,
}

impl TinEyeAt {
    /// The engine that was configured, else the stand-in at this address.
    pub fn choose(engine: &Engine, sandbox: Option<&str>) -> anyhow::Result<Self> {
        let key = engine.tineye_key.as_deref().filter(|key| !key.is_empty());
        if let Some(url) = engine.tineye_url.as_deref().filter(|url| !url.is_empty()) {
            let base_url: Url = url.parse().context("VARA_TINEYE_URL is no address")?;
            return Ok(Self {
                key: key.and_then(ApiKey::new),
                is_stand_in: is_this_machine(&base_url),
                base_url,
            });
        }
        let sandbox = sandbox.context(
            "no search engine: set VARA_TINEYE_URL and VARA_TINEYE_KEY, or run `vara up`, \
             which brings a stand-in",
        )?;
        Ok(Self {
            base_url: format!("{}/rest", sandbox.trim_end_matches('/')).parse()?,
            key: ApiKey::new(key.unwrap_or(SANDBOX_KEY)),
            is_stand_in: true,
        })
    }
}

/// The real engine is never on this machine, so whatever answers here is a stand-in.
fn is_this_machine(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Ipv4(ip)) => ip.is_loopback(),
        Some(url::Host::Ipv6(ip)) => ip.is_loopback(),
        Some(url::Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_switch_is_off_where_nothing_is_said_and_a_wrong_word_is_a_fault_that_names_it() {
        let said = |value| switched("VARA_X", value);
        assert!(!said(None).unwrap() && !said(Some("false")).unwrap());
        assert!(said(Some("true")).unwrap());
        let fault = said(Some("yes")).unwrap_err().to_string();
        assert_eq!(fault, "VARA_X is true or false, not yes");
    }
}
