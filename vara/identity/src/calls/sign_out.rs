//! POST /logout: ends this session, all of them (unless said otherwise), or all others.

use super::Asked;
use crate::refusal::Refusal;
use crate::sessions::{self, Scope};
use crate::{House, access_token};

/// Access tokens of the ended sessions stay good for verifiers that only look at the signature,
/// until they run out; refresh tokens are worthless at once.
pub(super) async fn sign_out(house: &House, asked: &Asked) -> Result<(), Refusal> {
    let token = asked.bearer.as_ref().ok_or(Refusal::NoBearer)?;
    // Who signs out an hour late on a shared computer means it just the same.
    let bearer = access_token::verify_to_sign_out(house, token)?;
    let scope = match asked.query.scope.as_deref() {
        None | Some("" | "global") => Scope::Global,
        Some("local") => Scope::Local,
        Some("others") => Scope::Others,
        Some(_) => return Err(Refusal::UnsupportedScope),
    };
    if !sessions::lives(&house.pool, bearer.account, bearer.session).await? {
        return Err(Refusal::SessionNotFound);
    }
    let mut work = house.pool.begin().await?;
    sessions::end(&mut work, bearer.account, bearer.session, scope).await?;
    work.commit().await?;
    Ok(())
}
