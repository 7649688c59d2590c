//! What the n-th command of a lane is: ids and content follow from seed, lane and number, so a retry is the same command.

use anyhow::ensure;
use domain::Share;
use domain::ids::UserId;
use domain::matches::{Disposition, Match, MatchCommand, MatchType};
use domain::matches::{PageAddress, RecordMatch, Tier, Verdict};
use domain::user::{ChangeConsent, Purpose, RegisterUser, TextVersion, User, UserCommand};
use eventstore::edge::{fresh_id, now};
use eventstore::{ExecuteError, Receipt, Store, Why};
use std::error::Error;
use uuid::Uuid;

/// Commands about one member before the next one joins.
const TURN: u64 = 40;
const PURPOSES: [Purpose; 3] = [
    Purpose::WebImageSearch,
    Purpose::FaceSearch,
    Purpose::BreachLookup,
];

/// One command, before it is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Deed {
    pub command: Uuid,
    kind: Kind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// She joins.
    Join { member: Uuid, number: u64 },
    /// She agrees to a purpose, under a text she has not seen before.
    Agree { member: Uuid, place: u64 },
    /// She takes back what the command before gave.
    Withdraw { member: Uuid, place: u64 },
    /// A picture is found on a page; the stream is hers alone, or one that all lanes want at once.
    Find { owner: Uuid, page: Uuid },
}

impl Deed {
    /// The n-th command of a lane, from 0.
    pub fn of(seed: u64, lane: u32, number: u64) -> Self {
        let id = |what: &str, n: u64| named(seed, &format!("{what}/{lane}/{n}"));
        let (turn, place) = (number / TURN, number % TURN);
        let member = id("member", turn);
        let kind = match (place, place % 10) {
            (0, _) => Kind::Join { member, number },
            (_, 5) => Kind::Find {
                owner: member,
                page: id("page", number),
            },
            (_, 7) => Kind::Find {
                owner: named(seed, "everybody"),
                page: named(seed, &format!("shared/{turn}")),
            },
            _ if place % 2 == 0 => Kind::Agree { member, place },
            _ => Kind::Withdraw { member, place },
        };
        Self {
            command: id("command", number),
            kind,
        }
    }

    /// Events that it leads to: never none, so that each command can be found in the log.
    pub const fn events(&self) -> u64 {
        match self.kind {
            // UserRegistered, and the two consents that are on at signup.
            Kind::Join { .. } => 3,
            Kind::Agree { .. } | Kind::Withdraw { .. } | Kind::Find { .. } => 1,
        }
    }

    /// Asks for it once; nothing when the answer is not known or another try is needed.
    ///
    /// # Errors
    /// When the domain refuses it or the stream is broken, which no fault excuses.
    pub async fn ask(self, store: &Store) -> anyhow::Result<Option<Receipt>> {
        let by = |who: Uuid| Why::member(UserId(who), fresh_id(), self.command);
        match self.kind {
            Kind::Join { member, number } => {
                let ask = UserCommand::Register(RegisterUser {
                    user_id: UserId(member),
                    email: format!("member{number}@example.test").into(),
                    registered_at: now(),
                });
                answered(store.execute::<User>(member, ask, by(member)).await)
            }
            Kind::Agree { member, place } | Kind::Withdraw { member, place } => {
                let ask = UserCommand::ChangeConsent(ChangeConsent {
                    user_id: UserId(member),
                    purpose: PURPOSES[(place / 2 % 3) as usize],
                    granted: matches!(self.kind, Kind::Agree { .. }),
                    text_version: TextVersion::parse(&format!("soak-{place}"))?,
                    at: now(),
                });
                answered(store.execute::<User>(member, ask, by(member)).await)
            }
            Kind::Find { owner, page } => {
                let ask = MatchCommand::Record(Box::new(self.found(owner, page)?));
                answered(store.execute::<Match>(page, ask, by(owner)).await)
            }
        }
    }

    fn found(&self, owner: Uuid, page: Uuid) -> anyhow::Result<RecordMatch> {
        Ok(RecordMatch {
            owner: UserId(owner),
            match_id: page.into(),
            image_id: owner.into(),
            // Each command is a scan of its own, so that each one is seen in the log.
            scan_id: self.command.into(),
            page: PageAddress::parse(&format!("https://gallery.example.test/{page}"))?,
            picture: None,
            engine: "soak".to_owned(),
            similarity: Share::percent(97),
            verdict: Verdict {
                match_type: MatchType::Exact,
                tier: Tier::High,
                disposition: Disposition::Alert,
            },
            is_mock: true,
            detected_at: now(),
        })
    }
}

fn named(seed: u64, what: &str) -> Uuid {
    Uuid::new_v5(&Uuid::from_u128(u128::from(seed)), what.as_bytes())
}

fn answered<E: Error + Send + Sync + 'static>(
    answer: Result<Receipt, ExecuteError<E>>,
) -> anyhow::Result<Option<Receipt>> {
    match answer {
        Ok(receipt) => {
            ensure!(receipt.position > 0, "an answer without a place in the log");
            Ok(Some(receipt))
        }
        Err(ExecuteError::Conflict | ExecuteError::Unreachable(_)) => Ok(None),
        Err(fault @ (ExecuteError::Refused(_) | ExecuteError::Broken(_))) => Err(fault.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn the_same_number_is_the_same_command_and_no_two_share_an_id() {
        let all: Vec<_> = (0..3)
            .flat_map(|lane| (0..200).map(move |n| Deed::of(7, lane, n)))
            .collect();
        let ids: HashSet<_> = all.iter().map(|deed| deed.command).collect();
        assert_eq!(ids.len(), all.len());
        assert_eq!(Deed::of(7, 1, 33), all[233]);
        assert_ne!(Deed::of(8, 1, 33).command, all[233].command);
    }

    #[test]
    fn what_is_taken_back_was_given_right_before_or_at_signup() {
        for n in 0..TURN {
            let (before, now) = (Deed::of(1, 0, n.saturating_sub(1)), Deed::of(1, 0, n));
            if let Kind::Withdraw { place, .. } = now.kind {
                let given =
                    matches!(before.kind, Kind::Agree { place: p, .. } if p / 2 == place / 2);
                assert!(given || place == 1, "{n}");
            }
        }
    }

    #[test]
    fn all_lanes_want_the_same_page_at_the_same_place() {
        let page = |lane| {
            let deed = Deed::of(1, lane, 7);
            let Kind::Find { page, .. } = deed.kind else {
                panic!("{deed:?}")
            };
            page
        };
        assert_eq!(page(0), page(5));
    }
}
