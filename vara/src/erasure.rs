//! Erasing a person, from the first line of the ledger to the receipt; and again after a restore.
//!
//! Each step may be repeated, and a stop in the middle is taken up at the next start: the ledger names everyone who was
//! to be erased, in the database of keys and in a file beside the pictures.

mod ledger;

use crate::kit::Kit;
use anyhow::{Context, bail};
use domain::Event;
use domain::ids::{ErasureId, UserId};
use domain::image::ImageEvent;
use domain::user::{EraseSubject, User, UserCommand};
use eventstore::{Database, Erasure, Log, Why, edge, kill_point, parked};
use projections::projector::ReadModel;
use projections::{Operation, READ_MODELS, erasure, freshness, named};
use serde_json::{Value, json};

/// How often the read models are waited for, two seconds each: they may be catching up.
const WAITS: u32 = 30;
/// Events of a stream that are read at once.
const PAGE: usize = 1_000;

/// Erases a member; the receipt. Asked for again, it does what is missing and gives the receipt of the erasure.
pub async fn erase(kit: &Kit, who: UserId) -> anyhow::Result<Value> {
    let known = kit.store.load::<User>(who.0).await?;
    if matches!(known, User::Unknown) {
        bail!("no member has the id {who}");
    }
    let erasure = kit
        .vault
        .begin_erasure(who, ErasureId(edge::fresh_id()))
        .await?;
    ledger::append(&kit.folder, &erasure)?;
    kill_point("erasure:written");
    let position = begin(kit, &erasure, &known).await?;
    carry_out(kit, &erasure, position).await
}

/// An erasure of which the fact is in the log, at this position, and the key is gone; rows and pictures are still to go.
pub type Begun = (Erasure, i64);

/// Before anybody is served: everyone in the ledger is erased here as well, whatever backup was restored. Those whose
/// rows and pictures are still to go are told.
pub async fn replay(kit: &Kit) -> anyhow::Result<Vec<Begun>> {
    for (who, id) in ledger::read(&kit.folder)? {
        kit.vault.begin_erasure(who, id).await?;
    }
    let mut again = Vec::new();
    for erasure in kit.vault.erasures().await? {
        ledger::append(&kit.folder, &erasure)?;
        let known = kit.store.load::<User>(erasure.subject.0).await?;
        let key_is_gone = matches!(
            kit.vault.key(erasure.subject).await,
            Ok(eventstore::Key::Erased)
        );
        let is_done = match known {
            User::Erased => erasure.receipt.is_some() && key_is_gone,
            // A backup from before she came: there is nothing of hers but perhaps a key.
            User::Unknown => key_is_gone,
            User::Member { .. } => false,
        };
        if !is_done {
            tracing::warn!(erasure = %erasure.id.0, "an erasure is carried out again");
            let position = begin(kit, &erasure, &known).await?;
            again.push((erasure, position));
        }
    }
    Ok(again)
}

/// Ends what [`replay`] began, once projectors run. What cannot be ended now is tried at the next start; the key is gone
/// in any case.
pub async fn finish(kit: &Kit, begun: Vec<Begun>) {
    for (erasure, position) in begun {
        if let Err(fault) = carry_out(kit, &erasure, position).await {
            tracing::error!(erasure = %erasure.id.0, %fault, "an erasure is not finished; the next start tries again");
        }
    }
}

/// What must be done before anybody is served: the fact in the log, and no key.
async fn begin(kit: &Kit, erasure: &Erasure, known: &User) -> anyhow::Result<i64> {
    let who = erasure.subject;
    let command_id = domain::ids::named("erase", &[&erasure.id.0.to_string()]);
    let why = Why {
        actor: "system:erasure".to_owned(),
        ..Why::member(who, edge::fresh_id(), command_id)
    };
    let ask = EraseSubject {
        user_id: who,
        erasure_id: erasure.id,
        erased_at: edge::now(),
    };
    let position = match known {
        User::Unknown => 0,
        User::Member { .. } | User::Erased => {
            let done = kit
                .store
                .execute::<User>(who.0, UserCommand::Erase(ask), why)
                .await;
            done.context("the erasure could not be recorded")?.position
        }
    };
    kill_point("erasure:recorded");
    kit.vault.destroy(who).await?;
    kill_point("erasure:key-destroyed");
    Ok(position)
}

async fn carry_out(kit: &Kit, erasure: &Erasure, position: i64) -> anyhow::Result<Value> {
    let who = erasure.subject;
    let objects = erase_objects(kit, who).await?;
    let database = kit.store.database();
    let waiting = parked::forget_subject(database, who).await?;
    eventstore::answers::forget_subject(database, who).await?;
    shown(database, position).await?;
    let mut rows = 0;
    for name in READ_MODELS {
        let purged = named(name, Purging(database, who)).await;
        rows += purged.context("a read model without a name")??;
    }
    let account = ::identity::forget(&kit.servers.database_url, who.0).await?;
    kill_point("erasure:emptied");
    eventstore::erasure::overwrite_log_of_changes(database).await;
    let receipt = json!({
        "erasureId": erasure.id.0,
        "subject": who,
        "askedAt": erasure.asked_at,
        "finishedAt": edge::now(),
        "position": position,
        "keyDestroyed": true,
        "objectsDeleted": objects,
        "earlierRowsDeleted": rows,
        "parkedForgotten": waiting,
        "signInAccountDeleted": account,
        "readModelsEmptied": READ_MODELS.iter().filter(|name| **name != "streams").collect::<Vec<_>>(),
    });
    if erasure.receipt.is_none() {
        kit.vault.finish_erasure(who, &receipt).await?;
    }
    Ok(receipt)
}

struct Purging<'a>(&'a Database, UserId);

impl Operation for Purging<'_> {
    type Output = Result<u64, eventstore::DatabaseFault>;

    async fn on<M: ReadModel>(self) -> Self::Output {
        erasure::purge::<M>(self.0, self.1).await
    }
}

/// Every stored form of every picture of hers; the ids stand in the log, in clear.
async fn erase_objects(kit: &Kit, who: UserId) -> anyhow::Result<u64> {
    let log = Log::new(kit.store.database().clone());
    let (stream, until) = (who.to_string(), log.head().await?);
    let (mut after, mut gone) = (0, 0);
    loop {
        let events = log.read_stream("image", &stream, after, until).await?;
        let is_last = events.len() < PAGE;
        for event in events {
            after = event.position;
            let opened = event.open(&kit.vault).await?;
            if let Event::Image(ImageEvent::ImageUploaded { image_id, .. }) = opened.event {
                gone += kit.objects.erase(image_id).await?;
            }
        }
        if is_last {
            return Ok(gone);
        }
    }
}

/// Waits until no read model shows her any more.
async fn shown(database: &Database, position: i64) -> anyhow::Result<()> {
    for _ in 0..WAITS {
        if freshness::reached(database, &READ_MODELS, position).await? {
            return Ok(());
        }
    }
    bail!(
        "the key is destroyed, but the read models have not come as far as position {position} yet; \
         ask again when they have"
    )
}
