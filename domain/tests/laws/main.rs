//! Laws: what holds for every input and every history, tried on many of each.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot go on has failed"
)]

mod consent;
mod copies;
mod erasure;
mod golden;
mod habits;
mod library;
mod page;
mod personal;
mod plain;
mod plan;
mod platform;
mod share;
mod sightings;
mod slot;
mod snapshots;
mod vector;
mod words;

use cqrs_es::{Aggregate, test::TestFramework};
use uuid::Uuid;

/// The id with this number.
fn id<T: From<Uuid>>(number: u128) -> T {
    Uuid::from_u128(number).into()
}

/// What an aggregate with this history answers, through the same door as in real use.
fn answer<A>(history: &[A::Event], command: A::Command) -> Result<Vec<A::Event>, A::Error>
where
    A: Aggregate<Services = ()>,
{
    TestFramework::<A>::with(())
        .given(history.to_vec())
        .when(command)
        .inspect_result()
}

/// Where an aggregate with this history stands.
fn state<A: Aggregate>(history: &[A::Event]) -> A {
    let mut aggregate = A::default();
    for event in history {
        aggregate.apply(event.clone());
    }
    aggregate
}
