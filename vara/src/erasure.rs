//! Erasing a person, from the first line of the ledger to the receipt; and again after a restore.
//!
//! Each step may be repeated, and a stop in the middle is taken up at the next start: the ledger names everyone who was
//! to be erased, in the database of keys and in a file beside the pictures.

mod ledger;
mod receipt;

use crate::kit::Kit;
use anyhow::{Context, bail, ensure};
use domain::ids::{ErasureId, UserId};
use domain::user::{EraseSubject, User, UserCommand};
use eventstore::{Database, Erasure, Why, edge, kill_point};
use projections::projector::ReadModel;
use projections::{Operation, READ_MODELS, erasure, freshness, named};
use receipt::Done;
use serde_json::Value;
use std::collections::HashSet;

/// How often the read models are waited for, two seconds each: they may be catching up.
const WAITS: u32 = 30;

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
    let begun = begin(kit, erasure, &known).await?;
    carry_out(kit, &begun).await
}

/// An erasure of which the fact is in the log and the key is gone; rows and pictures are still to go.
pub struct Begun {
    erasure: Erasure,
    /// Where the fact stands; 0 where the log never knew her.
    position: i64,
    /// Rows of the table of picture keys that went with hers.
    picture_keys: u64,
}

/// Before anything is read or served: everyone in the ledger is erased here as well, whatever backup of events or keys
/// was restored. Those whose rows and pictures are still to go are told.
pub async fn replay(kit: &Kit) -> anyhow::Result<Vec<Begun>> {
    let written = ledger::read(&kit.folder)?;
    let mut erasures = kit.vault.erasures().await?;
    let mut known: HashSet<UserId> = erasures.iter().map(|erasure| erasure.subject).collect();
    for (who, id) in &written {
        if known.insert(*who) {
            erasures.push(kit.vault.begin_erasure(*who, *id).await?);
        }
    }
    let mut again = Vec::new();
    for erasure in erasures {
        if !written.contains(&(erasure.subject, erasure.id)) {
            ledger::append(&kit.folder, &erasure)?;
        }
        let who = erasure.subject;
        let begun = begin_again(kit, erasure).await.with_context(|| {
            format!(
                "{who} was erased and is not erased here, and it cannot be done: nothing is read before it is \
                 (`vara erase {who}` tells more)"
            )
        })?;
        again.extend(begun);
    }
    Ok(again)
}

/// Begins an erasure anew where a restored backup, or a stop in the middle, left something to do.
async fn begin_again(kit: &Kit, erasure: Erasure) -> anyhow::Result<Option<Begun>> {
    let who = erasure.subject;
    let known = kit.store.load::<User>(who.0).await?;
    // No key at all is no destroyed one: an older backup of the keys may be from before she came.
    let key_is_gone = matches!(kit.vault.key(who).await, Ok(eventstore::Key::Erased));
    let is_erased = match known {
        // Unknown to a backup of events from before she came.
        User::Erased | User::Unknown => key_is_gone,
        User::Member { .. } => false,
    };
    if is_erased && erasure.is_done() {
        return Ok(None);
    }
    tracing::warn!(erasure = %erasure.id.0, "an erasure is carried out again");
    if erasure.receipt.is_some() {
        // First, so that a stop after the key and the fact does not leave rows and pictures behind.
        kit.vault.reopen_erasure(who).await?;
    }
    begin(kit, erasure, &known).await.map(Some)
}

/// Makes sure that nobody who was erased has a key, as an older backup of the keys brings it back.
pub async fn holds(kit: &Kit) -> anyhow::Result<()> {
    let written = ledger::read(&kit.folder)?;
    let erased: Vec<UserId> = written.into_iter().map(|(who, _)| who).collect();
    let back = kit.vault.erased_with_a_key(&erased).await?;
    ensure!(
        back == 0,
        "erased members have a key ({back}): a backup was restored, or an erasure is not finished. Start any part of \
         Vara, which destroys it before it reads anything, or say `vara erase` again"
    );
    Ok(())
}

/// Ends what [`replay`] began, once projectors run. What cannot be ended now is tried at the next start; the key is gone
/// in any case.
pub async fn finish(kit: &Kit, begun: Vec<Begun>) {
    for begun in begun {
        if let Err(fault) = carry_out(kit, &begun).await {
            tracing::error!(erasure = %begun.erasure.id.0, %fault, "an erasure is not finished; the next start tries again");
        }
    }
}

/// What must be done before anybody is served: the fact in the log, and no key.
async fn begin(kit: &Kit, erasure: Erasure, known: &User) -> anyhow::Result<Begun> {
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
    let picture_keys = kit.vault.destroy(who).await?;
    kill_point("erasure:key-destroyed");
    Ok(Begun {
        erasure,
        position,
        picture_keys,
    })
}

async fn carry_out(kit: &Kit, begun: &Begun) -> anyhow::Result<Value> {
    let (erasure, position) = (&begun.erasure, begun.position);
    let who = erasure.subject;
    let objects = erase_objects(kit, who).await?;
    let database = kit.store.database();
    let mut tables = eventstore::erasure::purge(database, who).await?;
    shown(database, position).await?;
    let mut earlier_rows = 0;
    for name in READ_MODELS {
        let purged = named(name, Purging(database, who)).await;
        earlier_rows += purged.context("a read model without a name")??;
    }
    let account = ::identity::forget(&kit.servers.database_url, who.0).await?;
    let engines = eventstore::erasure::engines_asked(database, who).await?;
    // Once more: a process that still had her key may have taken in a picture in the moment in which it was destroyed.
    let picture_keys = begun.picture_keys + kit.vault.destroy(who).await?;
    tables.push(("picture_keys", picture_keys));
    kill_point("erasure:emptied");
    eventstore::erasure::overwrite_log_of_changes(database).await;
    let receipt = receipt::of(
        erasure,
        &Done {
            position,
            objects,
            tables,
            earlier_rows,
            account,
            engines,
        },
    );
    kit.vault.finish_erasure(who, &receipt).await?;
    Ok(receipt)
}

struct Purging<'a>(&'a Database, UserId);

impl Operation for Purging<'_> {
    type Output = Result<u64, eventstore::DatabaseFault>;

    async fn on<M: ReadModel>(self) -> Self::Output {
        erasure::purge::<M>(self.0, self.1).await
    }
}

/// Every stored form of every picture of hers. No event is opened for it: one that nobody can read must not keep her
/// pictures.
async fn erase_objects(kit: &Kit, who: UserId) -> anyhow::Result<u64> {
    let mut gone = 0;
    for image in eventstore::erasure::pictures_of(kit.store.database(), who).await? {
        gone += kit.objects.erase(image).await?;
    }
    Ok(gone)
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
