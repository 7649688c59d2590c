//! What every handler shares.

use crate::bearer::Verifier;
use crate::fresh::Fresh;
use crate::idempotency::Turns;
use crate::identity::Identity;
use crate::links::{Links, Public};
use crate::moment::in_a_hurry;
use crate::problem::Problem;
use domain::ids::UserId;
use domain::user::User;
use eventstore::objects::Objects;
use eventstore::{Answers, Database, Faces, Log, ShareLinks, Store};
use pictures::{Embedder, TakeIn};
use poem::Request;
use projections::as_of::Past;
use std::sync::Arc;

/// The app of requests that say `Prefer: respond-async`.
#[derive(Debug, Clone)]
pub(crate) struct InAHurry(App);

/// The parts that one API process is made of. Cheap to clone.
#[derive(Debug, Clone)]
pub struct App {
    /// Rows that are shown.
    pub(crate) database: Database,
    /// Where commands go.
    pub(crate) store: Store,
    /// The record, for explanations.
    pub(crate) log: Log,
    /// Where pictures lie.
    pub(crate) objects: Objects,
    /// Who signs people in.
    pub(crate) identity: Identity,
    /// Who checks their tokens.
    pub(crate) verifier: Arc<Verifier>,
    /// Who takes pictures in, away from this process.
    pub(crate) intake: Arc<dyn TakeIn>,
    /// Who turns pictures into vectors, where the operator supplied a model or a service.
    pub(crate) embedder: Option<Arc<dyn Embedder>>,
    /// Where face vectors are kept; only asked whether there are any, and told to forget.
    pub(crate) faces: Faces,
    /// Keeps "saved" and "shown" together.
    pub(crate) fresh: Fresh,
    /// What was shown then.
    pub(crate) past: Past,
    /// What requests with a key of their own were answered.
    pub(crate) answers: Answers,
    /// Links under which engines fetch pictures.
    pub(crate) sharing: ShareLinks,
    /// Who of equal ones comes first.
    pub(crate) turns: Turns,
    /// Makes addresses at which pictures can be looked at.
    pub(crate) links: Links,
}

impl App {
    /// Puts the parts together.
    #[must_use]
    pub fn new(
        store: Store,
        objects: Objects,
        identity: Identity,
        issuer: &str,
        intake: Arc<dyn TakeIn>,
        embedder: Option<Arc<dyn Embedder>>,
        public: Public,
    ) -> Self {
        let database = store.database().clone();
        Self {
            log: Log::new(database.clone()),
            fresh: Fresh::new(database.clone()),
            verifier: Arc::new(Verifier::new(identity.clone(), issuer)),
            intake,
            embedder,
            faces: Faces::new(database.clone(), store.vault().clone()),
            past: Past::new(&database, store.vault().clone()),
            links: Links::new(store.vault().clone(), public),
            answers: Answers::new(database.clone(), store.vault().clone()),
            sharing: ShareLinks::new(store.clone(), objects.clone()),
            turns: Turns::default(),
            database,
            store,
            objects,
            identity,
        }
    }

    /// The app of a request: one that waits until a change is shown, unless the client asked not to.
    pub(crate) fn of(request: &Request) -> Result<&Self, Problem> {
        let app = if in_a_hurry(request) {
            request.data::<InAHurry>().map(|app| &app.0)
        } else {
            request.data::<Self>()
        };
        app.ok_or(Problem::Internal)
    }

    /// The same app for those who do not want to wait.
    pub(crate) fn in_a_hurry(&self) -> InAHurry {
        let mut app = self.clone();
        app.fresh = app.fresh.without_waiting();
        InAHurry(app)
    }

    /// Runs a change in a task of its own: a client that hangs up must not leave it half done.
    pub(crate) async fn to_the_end<T, F>(&self, change: F) -> Result<T, Problem>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, Problem>> + Send + 'static,
    {
        match tokio::spawn(change).await {
            Ok(done) => done,
            Err(broken) => Err(Problem::broke_off("a change broke off", &broken)),
        }
    }

    /// Whether this account was deleted: an old token never brings it back (USR-5).
    pub(crate) async fn is_erased(&self, user: UserId) -> Result<bool, Problem> {
        Ok(self.store.load::<User>(user.0).await? == User::Erased)
    }

    /// Waits until what she looks at shows the log as far as this position (FRS-1).
    pub(crate) async fn show(&self, who: UserId, read_models: &[&'static str], position: i64) {
        self.fresh.after_change(who, read_models, position).await;
    }
}
