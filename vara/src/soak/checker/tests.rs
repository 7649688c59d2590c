//! The checker itself: it finds every wrong that it is there for.

use super::*;
use eventstore::Why;
use serde_json::json;

const OWNER: u128 = 1;

fn event(position: i64, stream: u128, sequence: i64, command: u128) -> Recorded {
    let id = Uuid::from_u128;
    Recorded {
        position,
        event_id: id(1_000 + position.unsigned_abs() as u128),
        noun: "user".to_owned(),
        stream: id(stream).to_string(),
        sequence,
        event_type: "ConsentGranted".to_owned(),
        event_version: "1".to_owned(),
        recorded_at: DateTime::UNIX_EPOCH + chrono::Duration::seconds(position),
        why: Why::member(id(OWNER).into(), id(2), id(command)).into(),
        payload: json!({}),
    }
}

fn seen(events: &[Recorded]) -> Result<Seen, Broken> {
    let mut seen = Seen::default();
    events.iter().try_for_each(|event| seen.take(event))?;
    Ok(seen)
}

fn ack(command: u128, position: i64, events: u64) -> Ack {
    let command = Uuid::from_u128(command);
    Ack {
        lane: 0,
        number: 0,
        command,
        position,
        events,
    }
}

/// Command 10 with two events, command 11 with one.
fn whole() -> Vec<Recorded> {
    vec![event(1, 5, 1, 10), event(2, 5, 2, 10), event(3, 6, 1, 11)]
}

fn finds(invariant: &str, events: &[Recorded]) {
    assert_eq!(seen(events).unwrap_err().invariant, invariant);
}

#[test]
fn a_whole_log_with_all_its_answers_is_well() {
    let seen = seen(&whole()).unwrap();
    seen.holds(&[ack(10, 2, 2), ack(11, 3, 1)]).unwrap();
    seen.all_told().unwrap();
}

#[test]
fn an_acknowledged_command_that_is_lost_short_long_or_elsewhere_is_found() {
    let seen = seen(&whole()).unwrap();
    let both = |one: Ack, other: Ack| seen.holds(&[one, other]).unwrap_err().what;
    assert!(both(ack(10, 2, 2), ack(12, 3, 1)).contains("lost"));
    assert!(both(ack(10, 2, 3), ack(11, 3, 1)).contains("led to 2"));
    assert!(both(ack(10, 2, 1), ack(11, 3, 1)).contains("led to 2"));
    assert!(both(ack(10, 1, 2), ack(11, 3, 1)).contains("answered with 1"));
}

#[test]
fn a_command_that_nobody_was_told_of_is_found() {
    let seen = seen(&whole()).unwrap();
    assert!(
        seen.holds(&[ack(10, 2, 2)])
            .unwrap_err()
            .what
            .contains("never")
    );
}

#[test]
fn a_command_that_was_done_twice_is_found() {
    finds(
        "I1",
        &[event(1, 5, 1, 10), event(2, 6, 1, 11), event(3, 5, 2, 10)],
    );
}

#[test]
fn gaps_forks_and_times_that_go_back_are_found() {
    finds("I2", &[event(1, 5, 1, 10), event(3, 5, 2, 11)]);
    finds("I2", &[event(1, 5, 1, 10), event(1, 5, 2, 11)]);
    finds("I2", &[event(1, 5, 1, 10), event(2, 5, 1, 11)]);
    finds("I2", &[event(1, 5, 1, 10), event(2, 5, 3, 11)]);
    let mut late = whole();
    late[2].recorded_at = DateTime::UNIX_EPOCH;
    finds("I2", &late);
}

#[test]
fn a_finding_that_is_told_twice_or_never_is_found() {
    let mut found = event(1, 5, 1, 10);
    found.event_type = "MatchFound".to_owned();
    let told = |position, stream, command| {
        let mut told = event(position, stream, 1, command);
        told.event_type = "AlertRaised".to_owned();
        let why = told.why.known().unwrap();
        let following = why.following(found.event_id, "policy:test", why.command_id);
        told.why = following.into();
        told
    };
    assert_eq!(
        seen(&[found.clone()])
            .unwrap()
            .all_told()
            .unwrap_err()
            .invariant,
        "I7"
    );
    seen(&[found.clone(), told(2, 7, 20)])
        .unwrap()
        .all_told()
        .unwrap();
    finds("I5", &[found.clone(), told(2, 7, 20), told(3, 8, 21)]);
}

#[test]
fn a_reader_behind_the_end_or_short_of_it_is_found() {
    let readers = |position| [("relay".to_owned(), 5), ("users".to_owned(), position)];
    assert_eq!(within(&readers(6), 5).unwrap_err().invariant, "I10");
    assert_eq!(arrived(&readers(4), 5).unwrap_err().invariant, "I11");
    within(&readers(5), 5).and(arrived(&readers(5), 5)).unwrap();
}
