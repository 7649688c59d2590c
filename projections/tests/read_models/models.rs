//! The read models as values, so that one test can go through all of them.

use eventstore::checkpoint::Passing;
use eventstore::feed::Feed;
use eventstore::{Recorded, Vault, checkpoint};
use projections::projector::{self, ProjectFault, ReadModel};
use projections::{READ_MODELS, alerts, hash_cases, images, matches, plan, scans, streams, users};
use sqlx::PgPool;
use tokio::task::JoinHandle;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Model {
    Users,
    Images,
    Scans,
    Matches,
    Alerts,
    Plan,
    HashCases,
    Streams,
}

impl Model {
    pub const ALL: [Self; 8] = [
        Self::Users,
        Self::Images,
        Self::Scans,
        Self::Matches,
        Self::Alerts,
        Self::Plan,
        Self::HashCases,
        Self::Streams,
    ];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Users => users::Users::NAME,
            Self::Images => images::Images::NAME,
            Self::Scans => scans::Scans::NAME,
            Self::Matches => matches::Matches::NAME,
            Self::Alerts => alerts::Alerts::NAME,
            Self::Plan => plan::Plan::NAME,
            Self::HashCases => hash_cases::HashCases::NAME,
            Self::Streams => streams::Streams::NAME,
        }
    }

    /// Its table, or the first one of several.
    pub const fn table(self) -> &'static str {
        match self {
            Self::Users => "read_users",
            Self::Images => "read_images",
            Self::Scans => "read_scans",
            Self::Matches => "read_matches",
            Self::Alerts => "read_alerts",
            Self::Plan => "read_plan_items",
            Self::HashCases => "read_hash_cases",
            Self::Streams => "read_streams",
        }
    }

    pub async fn apply(
        self,
        pool: &PgPool,
        vault: &Vault,
        batch: &[Recorded],
    ) -> Result<i64, ProjectFault> {
        let batch = batch.to_vec();
        match self {
            Self::Users => projector::apply::<users::Users>(pool, vault, batch).await,
            Self::Images => projector::apply::<images::Images>(pool, vault, batch).await,
            Self::Scans => projector::apply::<scans::Scans>(pool, vault, batch).await,
            Self::Matches => projector::apply::<matches::Matches>(pool, vault, batch).await,
            Self::Alerts => projector::apply::<alerts::Alerts>(pool, vault, batch).await,
            Self::Plan => projector::apply::<plan::Plan>(pool, vault, batch).await,
            Self::HashCases => projector::apply::<hash_cases::HashCases>(pool, vault, batch).await,
            Self::Streams => projector::apply::<streams::Streams>(pool, vault, batch).await,
        }
    }

    pub fn runs(self, pool: PgPool, vault: Vault, feed: Feed) -> JoinHandle<()> {
        self.runs_as(pool.clone(), pool, vault, feed)
    }

    pub fn runs_as(self, pool: PgPool, owner: PgPool, vault: Vault, feed: Feed) -> JoinHandle<()> {
        let passing = Passing::begin(pool.clone());
        match self {
            Self::Users => tokio::spawn(projector::run::<users::Users>(
                pool, owner, vault, feed, passing,
            )),
            Self::Images => tokio::spawn(projector::run::<images::Images>(
                pool, owner, vault, feed, passing,
            )),
            Self::Scans => tokio::spawn(projector::run::<scans::Scans>(
                pool, owner, vault, feed, passing,
            )),
            Self::Matches => tokio::spawn(projector::run::<matches::Matches>(
                pool, owner, vault, feed, passing,
            )),
            Self::Alerts => tokio::spawn(projector::run::<alerts::Alerts>(
                pool, owner, vault, feed, passing,
            )),
            Self::Plan => tokio::spawn(projector::run::<plan::Plan>(
                pool, owner, vault, feed, passing,
            )),
            Self::HashCases => tokio::spawn(projector::run::<hash_cases::HashCases>(
                pool, owner, vault, feed, passing,
            )),
            Self::Streams => tokio::spawn(projector::run::<streams::Streams>(
                pool, owner, vault, feed, passing,
            )),
        }
    }

    pub async fn position(self, pool: &PgPool) -> i64 {
        checkpoint::read(pool, self.name()).await.unwrap()
    }
}

/// Brings every read model up to these events.
pub async fn all_shown(pool: &PgPool, vault: &Vault, events: &[Recorded]) {
    for model in Model::ALL {
        model.apply(pool, vault, events).await.unwrap();
    }
}

#[test]
fn every_read_model_is_gone_through() {
    assert_eq!(Model::ALL.map(Model::name), READ_MODELS);
}
