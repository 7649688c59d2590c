//! WithdrawImageHash -> ImageHashWithdrawn, once while the case is active.

use super::{HashCaseEvent, HashCaseRefusal, HashCases, Standing};
use crate::ids::{HashCaseId, UserId};
use chrono::{DateTime, Utc};

/// Take a registered hash back.
#[derive(Debug, Clone)]
pub struct WithdrawImageHash {
    /// Whose case.
    pub owner: UserId,
    /// The case.
    pub case_id: HashCaseId,
    /// When.
    pub withdrawn_at: DateTime<Utc>,
}

pub(super) fn decide(
    cases: &HashCases,
    ask: WithdrawImageHash,
) -> Result<Vec<HashCaseEvent>, HashCaseRefusal> {
    let WithdrawImageHash {
        owner,
        case_id,
        withdrawn_at,
    } = ask;
    match cases.standing(case_id) {
        None => Err(HashCaseRefusal::Unknown),
        Some(Standing::Withdrawn) => Ok(vec![]),
        Some(Standing::Active) => Ok(vec![HashCaseEvent::ImageHashWithdrawn {
            owner,
            case_id,
            withdrawn_at,
        }]),
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::HashCaseCommand;
    use super::super::register::tests::registered;
    use super::*;
    use cqrs_es::test::TestFramework;
    use uuid::Uuid;

    pub(in super::super) fn withdrawn(n: u128) -> HashCaseEvent {
        HashCaseEvent::ImageHashWithdrawn {
            owner: Uuid::from_u128(1).into(),
            case_id: Uuid::from_u128(n).into(),
            withdrawn_at: DateTime::UNIX_EPOCH,
        }
    }

    fn withdraws(n: u128) -> HashCaseCommand {
        HashCaseCommand::Withdraw(WithdrawImageHash {
            owner: Uuid::from_u128(1).into(),
            case_id: Uuid::from_u128(n).into(),
            withdrawn_at: DateTime::UNIX_EPOCH,
        })
    }

    #[test]
    fn a_registered_hash_can_be_taken_back_once() {
        TestFramework::<HashCases>::with(())
            .given(vec![registered(7)])
            .when(withdraws(7))
            .then_expect_events(vec![withdrawn(7)]);
        TestFramework::<HashCases>::with(())
            .given(vec![registered(7), withdrawn(7)])
            .when(withdraws(7))
            .then_expect_events(vec![]);
    }

    #[test]
    fn what_was_never_registered_cannot_be_taken_back() {
        TestFramework::<HashCases>::with(())
            .given(vec![registered(7)])
            .when(withdraws(8))
            .then_expect_error(HashCaseRefusal::Unknown);
    }

    #[test]
    fn it_stands_withdrawn_until_it_is_registered_again() {
        use cqrs_es::Aggregate;
        let mut cases = HashCases::default();
        let case = Uuid::from_u128(7).into();
        assert_eq!(cases.standing(case), None);
        for (event, standing) in [
            (registered(7), Standing::Active),
            (withdrawn(7), Standing::Withdrawn),
            (registered(7), Standing::Active),
        ] {
            cases.apply(event);
            assert_eq!(cases.standing(case), Some(standing));
        }
    }
}
