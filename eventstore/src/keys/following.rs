//! Word of destroyed keys: every process that follows drops an opened key at once, whoever destroyed it.
//!
//! The word is a notification of the database of keys, sent in the transaction that destroys. It may be missed while
//! the connection is down; so whatever was opened before listening began is forgotten, and after a minute in any case.

use super::Vault;
use super::opened::Opened;
use crate::edge;
use domain::ids::{ImageId, UserId};
use sqlx::PgPool;
use sqlx::postgres::PgListener;
use std::sync::{Mutex, PoisonError, Weak};
use std::time::Duration;
use tokio::time::Instant;
use uuid::Uuid;

/// The channel on which a destroyed key is told; the message is the subject's id, or [`PICTURE`] and a picture's.
pub(super) const DESTROYED: &str = "vara_key_destroyed";
/// How the message of a picture begins. A program that does not know it forgets all keys, which is right as well.
pub(super) const PICTURE: &str = "picture ";
/// How often opened keys whose time is over are wiped from memory.
const SWEPT_EVERY: Duration = Duration::from_secs(5);

impl Vault {
    /// Has this vault, and every clone of it, hear of destroyed keys, in a task that ends soon after the last clone.
    ///
    /// It holds one connection of the pool. Where the database of keys cannot be listened to, as behind a pooler of
    /// transactions, the minute remains as the bound.
    pub fn follow(&self) {
        let (pool, opened) = (self.pool.clone(), std::sync::Arc::downgrade(&self.opened));
        tokio::spawn(async move {
            tokio::select! {
                () = listen(&pool, &opened) => {}
                () = sweep(&opened) => {}
            }
        });
    }
}

/// Does something with the opened keys; whether anybody still has them.
fn with(opened: &Weak<Mutex<Opened>>, act: impl FnOnce(&mut Opened)) -> bool {
    let Some(opened) = opened.upgrade() else {
        return false;
    };
    act(&mut opened.lock().unwrap_or_else(PoisonError::into_inner));
    true
}

async fn listen(pool: &PgPool, opened: &Weak<Mutex<Opened>>) {
    let mut faults = 0;
    loop {
        let ended = hear(pool, opened, &mut faults).await;
        // What is told from here on is not heard.
        if !with(opened, Opened::forget_all) {
            return;
        }
        if let Err(fault) = ended {
            tracing::debug!(%fault, "word of destroyed keys is listened for again");
        }
        let (least, most) = (Duration::from_millis(100), Duration::from_secs(2));
        tokio::time::sleep(edge::backoff(faults, least, most)).await;
        faults += 1;
    }
}

/// Until the connection is lost, or nobody has the keys any more.
async fn hear(
    pool: &PgPool,
    opened: &Weak<Mutex<Opened>>,
    faults: &mut u32,
) -> Result<(), sqlx::Error> {
    let mut listener = PgListener::connect_with(pool).await?;
    listener.listen(DESTROYED).await?;
    // Only now: what was opened before this moment may have been destroyed unheard.
    let mut is_wanted = with(opened, Opened::forget_all);
    *faults = 0;
    while is_wanted && let Some(word) = listener.try_recv().await? {
        is_wanted = with(opened, |opened| forget(opened, word.payload()));
    }
    Ok(())
}

fn forget(opened: &mut Opened, word: &str) {
    let picture = word.strip_prefix(PICTURE);
    match (picture, picture.unwrap_or(word).parse::<Uuid>()) {
        (None, Ok(subject)) => opened.forget(UserId(subject)),
        (Some(_), Ok(image)) => opened.forget_picture(ImageId(image)),
        // Somebody else's word; to forget too much only costs a question.
        (_, Err(_)) => opened.forget_all(),
    }
}

async fn sweep(opened: &Weak<Mutex<Opened>>) {
    loop {
        tokio::time::sleep(SWEPT_EVERY).await;
        if !with(opened, |opened| opened.sweep(Instant::now())) {
            return;
        }
    }
}
