//! Pictures that were purged have no key, whatever backup of the keys was restored (IMG-6). The log knows which were.

use crate::kit::Kit;
use anyhow::{Context, ensure};
use domain::ids::ImageId;
use eventstore::put_away;

/// What is said where it cannot be found out.
const UNKNOWN: &str = "purged pictures may have a key, and that cannot be found out";

/// Before anything is read or served: destroys the keys of purged pictures that a backup brought back, and of those whose
/// purge was stopped in the middle. The hourly purge does it too.
pub async fn destroy_again(kit: &Kit) -> anyhow::Result<()> {
    put_away::destroy_again(kit.store.database(), &kit.vault)
        .await
        .context("nothing is read before purged pictures have no key")
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
