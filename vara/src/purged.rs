//! Pictures that were purged have no key, whatever backup of the keys was restored (IMG-6). The log knows which were.

use crate::kit::Kit;
use anyhow::{Context, ensure};
use domain::ids::ImageId;
use eventstore::put_away;

/// What is said where it cannot be found out.
const UNKNOWN: &str = "purged pictures may have a key, and that cannot be found out";

/// Before anything is read or served: destroys the keys of purged pictures that a backup brought back, and of those whose
/// purge was stopped in the middle. Where none came back nothing is written. Then the salts of all that were destroyed leave the
/// file, if they can now: nobody is kept waiting for that, since the hourly purge does it too.
pub async fn destroy_again(kit: &Kit) -> anyhow::Result<()> {
    let (mut after, mut destroyed) = (String::new(), 0);
    while let Some(purged) = put_away::purged(kit.store.database(), &after)
        .await
        .context(UNKNOWN)?
    {
        let done = kit.vault.destroy_pictures(&purged.pictures).await;
        destroyed +=
            done.context("keys of purged pictures could not be destroyed: nothing is read before")?;
        after = purged.last;
    }
    if destroyed > 0 {
        tracing::warn!(destroyed, "keys of pictures that were purged are destroyed");
    }
    match kit.vault.overwrite_picture_keys().await {
        Ok(true) => {}
        Ok(false) => {
            tracing::info!("the table of picture keys is in use, and is written anew later")
        }
        Err(fault) => tracing::warn!(%fault, "the table of picture keys is written anew later"),
    }
    Ok(())
}

/// Makes sure that no picture that was purged has a key.
pub async fn holds(kit: &Kit) -> anyhow::Result<()> {
    let (mut after, mut back) = (String::new(), 0);
    while let Some(purged) = put_away::purged(kit.store.database(), &after)
        .await
        .context(UNKNOWN)?
    {
        let images: Vec<ImageId> = purged
            .pictures
            .into_iter()
            .map(|(_, image)| image)
            .collect();
        back += kit
            .vault
            .pictures_with_a_key(&images)
            .await
            .context(UNKNOWN)?;
        after = purged.last;
    }
    ensure!(
        back == 0,
        "purged pictures have a key ({back}): a backup of the keys was restored, or a purge is not finished. Start any part \
         of Vara, which destroys it before it reads anything"
    );
    Ok(())
}
