//! Handing an engine a link to one picture (SHR-1, SHR-6): only while our own address can be reached from outside.

use crate::fetching;
use eventstore::share_links::{LIFE, ShareFault, ShareLinks, Shared};
use url::Url;

/// Where links are served, under the public base address.
const PATH: [&str; 4] = ["api", "v1", "proxy", "images"];

/// Makes links for engines that fetch a picture themselves.
#[derive(Debug, Clone)]
pub struct Sharing {
    links: ShareLinks,
    /// Where this installation is reached from outside; none where nobody said.
    base: Option<Url>,
}

/// Why there is no link. The engine is skipped then.
#[derive(Debug, thiserror::Error)]
pub enum NoLink {
    /// No public base address is known, or it leads to a place that an engine cannot reach (SHR-6). The text is the
    /// warning's code in the contract.
    #[error("SHARE_LINK_UNREACHABLE")]
    Unreachable,
    /// The link could not be made now.
    #[error(transparent)]
    NotMade(#[from] ShareFault),
}

impl Sharing {
    /// Links that begin with `base`, as `https://vara.example`.
    #[must_use]
    pub const fn new(links: ShareLinks, base: Option<Url>) -> Self {
        Self { links, base }
    }

    /// Whether links can be fetched from outside: the base address is `http` or `https` and every address of its host
    /// belongs to the public internet. Looked up anew each time, because names move.
    pub async fn is_reachable(&self) -> bool {
        match &self.base {
            Some(base) => fetching::leads_to_the_public(base).await,
            None => false,
        }
    }

    /// Warns an operator, at the start, of what scans would otherwise say later.
    pub async fn tell_whether_reachable(self) {
        if !self.is_reachable().await {
            tracing::warn!(
                "the public address (VARA_PUBLIC_URL) leads to no public place: no engine can fetch a picture from \
                 here, so none is given a link"
            );
        }
    }

    /// A link to one picture, for one engine, for 180 s.
    ///
    /// # Errors
    /// [`NoLink`]; then nothing was handed out.
    pub async fn link(&self, shared: Shared) -> Result<Url, NoLink> {
        let base = self.base.as_ref().ok_or(NoLink::Unreachable)?;
        if !self.is_reachable().await {
            return Err(NoLink::Unreachable);
        }
        let token = self.links.make(shared, LIFE).await?;
        let mut link = base.clone();
        link.set_query(None);
        link.set_fragment(None);
        let mut segments = link.path_segments_mut().map_err(|()| NoLink::Unreachable)?;
        segments.pop_if_empty().extend(PATH).push(&token.text());
        drop(segments);
        Ok(link)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::ids::UserId;
    use eventstore::objects::{Objects, Place};
    use eventstore::{MasterKey, Store, Vault, edge, migrate};

    async fn links() -> (ShareLinks, tempfile::TempDir) {
        let url = tokio::task::spawn_blocking(|| {
            embedded::testing::database("sharing", crate::image_scan::tests::prepared)
        });
        let pool = migrate::connect(&url.await.unwrap(), 2).await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        let master = MasterKey::read_or_create(&folder.path().join("master.key")).unwrap();
        let vault = Vault::new(pool.clone(), master);
        let objects = Objects::at(Place::Folder(folder.path().to_owned()), vault.clone()).unwrap();
        let links = ShareLinks::new(Store::open(pool, vault), objects);
        (links, folder)
    }

    fn shared() -> Shared {
        Shared {
            owner: UserId(edge::fresh_id()),
            image: edge::fresh_id().into(),
            scan: edge::fresh_id().into(),
        }
    }

    #[tokio::test]
    async fn a_link_stands_under_the_public_base_address() {
        // SHR-1: 64 hex digits
        let (links, _folder) = links().await;
        for base in ["https://93.184.216.34", "http://93.184.216.34/vara/?x=1#y"] {
            let sharing = Sharing::new(links.clone(), Some(base.parse().unwrap()));
            let link = sharing.link(shared()).await.unwrap();
            let (before, token) = link.as_str().rsplit_once('/').unwrap();
            let below = base.split('?').next().unwrap().trim_end_matches('/');
            assert_eq!(before, format!("{below}/api/v1/proxy/images"));
            assert_eq!(token.len(), 64);
        }
    }

    #[tokio::test]
    async fn an_address_that_no_engine_can_reach_is_never_handed_out() {
        // SHR-6
        let (links, _folder) = links().await;
        let bases = [
            "http://127.0.0.1:8080",
            "http://localhost:8080",
            "https://[::1]",
            "http://10.1.2.3",
            "http://192.168.0.7",
            "http://169.254.169.254",
            "https://[fd00::1]",
            "http://2130706433",
            "http://vara",
            "ftp://93.184.216.34",
            "https://nobody.invalid",
        ];
        let bases = bases.map(|base| Some(base.parse().unwrap()));
        for base in bases.into_iter().chain([None]) {
            let sharing = Sharing::new(links.clone(), base.clone());
            let told = sharing.link(shared()).await.unwrap_err();
            assert_eq!(told.to_string(), "SHARE_LINK_UNREACHABLE", "{base:?}");
        }
    }
}
