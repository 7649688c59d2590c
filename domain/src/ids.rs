//! One type per kind of id, so that no alert is ever looked up by the id of a picture.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Namespace of all name-based ids of Vara (RFC 9562, version 5). Never changes: ids made of it are in the log.
const NAMESPACE: Uuid = Uuid::from_u128(0x5f0c_2b1e_7a54_4c63_9d0e_56a1_7661_7261);

/// An id computed from a kind and its parts: the same parts give the same id on every machine.
///
/// Parts are joined with `/`; they are ids and codes, never personal values, because whoever knows
/// the parts can compute the id.
#[must_use]
pub fn named(kind: &str, parts: &[&str]) -> Uuid {
    let name = format!("{kind}/{}", parts.join("/"));
    Uuid::new_v5(&NAMESPACE, name.as_bytes())
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.fmt(f)
            }
        }

        impl From<Uuid> for $name {
            fn from(id: Uuid) -> Self {
                Self(id)
            }
        }
    };
}

id!(
    /// A member; the subject whose key seals her personal values. Equals `sub` of her access token.
    UserId
);
id!(
    /// One picture of a member's library.
    ImageId
);
id!(
    /// One scan, from trigger to final state.
    ScanId
);
id!(
    /// One page on which one of her pictures was found (MAT-1: unique per image and canonical address).
    MatchId
);
id!(
    /// One alert; computed from its cause, so that one cause can raise one alert only (ALR-1).
    AlertId
);
id!(
    /// One item of a protection plan.
    PlanItemId
);
id!(
    /// One hash that a member registered; computed of the hash under her key.
    HashCaseId
);
id!(
    /// One erasure of a member's account, from the wish to the proof that it is done (AUD-4).
    ErasureId
);

impl AlertId {
    /// The id of the alert with this cause key (ALR-1), for example `match:<match id>`.
    #[must_use]
    pub fn of_cause(cause_key: &str) -> Self {
        Self(named("alert", &[cause_key]))
    }
}

impl PlanItemId {
    /// The id of the item with this code in this member's plan: kept when the plan is made anew (PLN-12).
    #[must_use]
    pub fn of_code(owner: UserId, code: &str) -> Self {
        Self(named("plan-item", &[&owner.to_string(), code]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_cause_always_names_the_same_alert() {
        assert_eq!(AlertId::of_cause("match:1"), AlertId::of_cause("match:1"));
        assert_ne!(AlertId::of_cause("match:1"), AlertId::of_cause("match:2"));
    }

    #[test]
    fn a_name_based_id_never_changes_between_releases() {
        // The log holds ids made this way: a change of the namespace or the joining would double every alert.
        assert_eq!(
            named("alert", &["match:1"]).to_string(),
            "3d42ac0f-3419-5b27-ad18-beb197a74cd0"
        );
    }

    #[test]
    fn each_member_has_items_of_her_own() {
        let ana: UserId = Uuid::from_u128(1).into();
        let eva: UserId = Uuid::from_u128(2).into();
        let item = PlanItemId::of_code(ana, "REVIEW_ALERTS");
        assert_eq!(item, PlanItemId::of_code(ana, "REVIEW_ALERTS"));
        assert_ne!(item, PlanItemId::of_code(eva, "REVIEW_ALERTS"));
        assert_ne!(item, PlanItemId::of_code(ana, "COMPLETE_ASSESSMENT"));
    }

    #[test]
    fn the_same_parts_under_another_kind_are_another_id() {
        assert_ne!(named("alert", &["1"]), named("match", &["1"]));
        assert_ne!(named("alert", &["1", "2"]), named("alert", &["2", "1"]));
        assert_ne!(named("alert", &["12"]), named("alert", &["1", "2"]));
    }

    #[test]
    fn an_id_stands_in_the_log_as_its_bare_text() {
        let id: MatchId = Uuid::from_u128(7).into();
        let text = "00000000-0000-0000-0000-000000000007";
        assert_eq!(id.to_string(), text);
        assert_eq!(serde_json::to_value(id).unwrap(), text);
        assert!(serde_json::from_str::<MatchId>("\"7\"").is_err());
    }
}
