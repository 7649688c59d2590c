//! RegisterImageHash -> ImageHashRegistered, once while the case is active; again after it was withdrawn.

use super::{ACTIVE_HASHES_MAX, HashCaseEvent, HashCaseRefusal, HashCases, Standing};
use crate::ids::{HashCaseId, UserId};
use crate::image::Fingerprint;
use crate::user::TextVersion;
use chrono::{DateTime, Utc};

/// Register the hash of a picture; the picture itself stays where it is.
#[derive(Debug, Clone)]
pub struct RegisterImageHash {
    /// Whose case.
    pub owner: UserId,
    /// The case, computed of the hash under her key.
    pub case_id: HashCaseId,
    /// What her device computed.
    pub fingerprint: Fingerprint,
    /// The statement that she confirmed; nothing where she did not.
    pub attested: Option<TextVersion>,
    /// When.
    pub registered_at: DateTime<Utc>,
}

pub(super) fn decide(
    cases: &HashCases,
    ask: RegisterImageHash,
) -> Result<Vec<HashCaseEvent>, HashCaseRefusal> {
    // A false hash takes somebody else's picture down: nobody registers one without saying whose it is.
    let attested = ask.attested.ok_or(HashCaseRefusal::NotAttested)?;
    if !ask.fingerprint.is_comparable() {
        let quality = ask.fingerprint.quality;
        return Err(HashCaseRefusal::SaysTooLittle { quality });
    }
    match cases.standing(ask.case_id) {
        Some(Standing::Active) => return Ok(vec![]),
        Some(Standing::Withdrawn) | None => {}
    }
    if cases.active() >= ACTIVE_HASHES_MAX {
        let max = ACTIVE_HASHES_MAX;
        return Err(HashCaseRefusal::TooMany { max });
    }
    Ok(vec![HashCaseEvent::ImageHashRegistered {
        owner: ask.owner,
        case_id: ask.case_id,
        fingerprint: ask.fingerprint.into(),
        attested: attested.as_str().to_owned(),
        registered_at: ask.registered_at,
    }])
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::HashCaseCommand;
    use super::super::withdraw::tests::withdrawn;
    use super::*;
    use cqrs_es::test::TestFramework;
    use uuid::Uuid;

    fn a_hash(n: u128) -> RegisterImageHash {
        RegisterImageHash {
            owner: Uuid::from_u128(1).into(),
            case_id: Uuid::from_u128(n).into(),
            fingerprint: Fingerprint {
                pdq: format!("{n:064x}"),
                quality: 100,
            },
            attested: TextVersion::parse("hash-1").ok(),
            registered_at: DateTime::UNIX_EPOCH,
        }
    }

    pub(in super::super) fn registered(n: u128) -> HashCaseEvent {
        decide(&HashCases::default(), a_hash(n)).unwrap().remove(0)
    }

    fn registers(ask: RegisterImageHash) -> HashCaseCommand {
        HashCaseCommand::Register(Box::new(ask))
    }

    fn given(events: Vec<HashCaseEvent>) -> cqrs_es::test::AggregateTestExecutor<HashCases> {
        TestFramework::<HashCases>::with(()).given(events)
    }

    #[test]
    fn a_hash_is_registered_with_the_statement_she_confirmed() {
        given(vec![])
            .when(registers(a_hash(7)))
            .then_expect_events(vec![HashCaseEvent::ImageHashRegistered {
                owner: Uuid::from_u128(1).into(),
                case_id: Uuid::from_u128(7).into(),
                fingerprint: a_hash(7).fingerprint.into(),
                attested: "hash-1".to_owned(),
                registered_at: DateTime::UNIX_EPOCH,
            }]);
    }

    #[test]
    fn without_her_word_nothing_is_registered() {
        let ask = RegisterImageHash {
            attested: None,
            ..a_hash(7)
        };
        given(vec![])
            .when(registers(ask))
            .then_expect_error(HashCaseRefusal::NotAttested);
    }

    #[test]
    fn a_hash_that_would_fit_many_pictures_is_refused() {
        // HSH-1: 49 is too little, 50 is enough
        let of = |quality| {
            let mut ask = a_hash(7);
            ask.fingerprint.quality = quality;
            given(vec![]).when(registers(ask)).inspect_result()
        };
        for quality in [0, 49] {
            let refused = HashCaseRefusal::SaysTooLittle { quality };
            assert_eq!(of(quality), Err(refused));
        }
        assert_eq!(of(50).unwrap().len(), 1);
    }

    #[test]
    fn the_same_hash_again_is_one_case() {
        given(vec![registered(7)])
            .when(registers(a_hash(7)))
            .then_expect_events(vec![]);
    }

    #[test]
    fn what_was_withdrawn_can_be_registered_again() {
        given(vec![registered(7), withdrawn(7)])
            .when(registers(a_hash(7)))
            .then_expect_events(vec![registered(7)]);
    }

    #[test]
    fn two_hundred_may_be_registered_and_withdrawn_ones_take_no_place() {
        let most = ACTIVE_HASHES_MAX as u128;
        let full: Vec<HashCaseEvent> = (1..=most).map(registered).collect();
        let one_more = || registers(a_hash(most + 1));
        given(full[1..].to_vec())
            .when(one_more())
            .then_expect_events(vec![registered(most + 1)]);
        given(full.clone())
            .when(one_more())
            .then_expect_error(HashCaseRefusal::TooMany { max: 200 });
        // Already done is an answer, also when there is no place left.
        given(full.clone())
            .when(registers(a_hash(7)))
            .then_expect_events(vec![]);
        given([full, vec![withdrawn(7)]].concat())
            .when(one_more())
            .then_expect_events(vec![registered(most + 1)]);
    }

    #[test]
    fn the_hash_is_never_printed() {
        // AUD-2: it is a rough picture
        let hash = a_hash(7).fingerprint.pdq;
        assert!(!format!("{:?}", registered(7)).contains(&hash));
    }
}
