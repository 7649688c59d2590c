//! The checker itself: it finds every wrong that it is there for.

use super::super::members::{Answered, Given};
use super::*;
use eventstore::Why;
use eventstore::bus::{Message, Messages};
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
    found.payload = json!({ "MatchFound": { "disposition": "ALERT" } });
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

/// A fact of a scan, by the worker unless it is the first one.
fn of_scan(position: i64, fact: &str, picture: u128) -> Recorded {
    let id = Uuid::from_u128;
    let mut event = event(position, 5, position, 100 + position.unsigned_abs() as u128);
    event.event_type = fact.to_owned();
    event.payload = json!({ fact: { "scan_id": id(9), "image_id": id(picture) } });
    event
}

#[test]
fn a_scan_that_does_not_end_or_is_worked_on_afterwards_is_found() {
    let begun = [of_scan(1, "ScanStarted", 1), of_scan(2, "ImageScanned", 1)];
    let open = seen(&begun).unwrap().scans_ended().unwrap_err();
    assert_eq!(open.invariant, "I4");
    let ended = [&begun[..], &[of_scan(3, "ScanCompleted", 1)]].concat();
    seen(&ended).unwrap().scans_ended().unwrap();
    for late in ["MatchFound", "ImageScanned", "ScanFailed", "ScanStarted"] {
        finds("I4", &[&ended[..], &[of_scan(4, late, 2)]].concat());
    }
    finds(
        "I4",
        &[&begun[..], &[of_scan(3, "ImageScanned", 1)]].concat(),
    );
    finds("I4", &[of_scan(1, "ScanFailed", 1)]);
}

/// The scan of a member who asks over HTTP, under the id of her request.
fn asked_for(answer: Answered) -> Asked {
    Asked {
        request: Uuid::from_u128(2),
        member: Uuid::from_u128(OWNER),
        fact: "ScanStarted",
        answer,
        given: vec![],
    }
}

fn over_http(events: &[Recorded]) -> Result<Seen, Broken> {
    let mut seen = Seen::among([Uuid::from_u128(OWNER)].into());
    events.iter().try_for_each(|event| seen.take(event))?;
    Ok(seen)
}

#[test]
fn a_change_that_was_answered_and_is_lost_or_another_one_is_found() {
    let id = Uuid::from_u128;
    let there = over_http(&[of_scan(1, "ScanStarted", 1)]).unwrap();
    there
        .answered(&[asked_for(Answered::Done(Some(id(9))))])
        .unwrap();
    there.answered(&[asked_for(Answered::Unknown)]).unwrap();
    // It is nobody's who writes without HTTP.
    there.holds(&[]).unwrap();
    let wrong = |asked: Asked| there.answered(&[asked]).unwrap_err().what;
    assert!(wrong(asked_for(Answered::Done(Some(id(8))))).contains("answered with"));
    let done = asked_for(Answered::Done(None));
    assert!(
        wrong(Asked {
            fact: "ImageUploaded",
            ..done.clone()
        })
        .contains("ScanStarted of")
    );
    assert!(
        wrong(Asked {
            member: id(7),
            ..done.clone()
        })
        .contains("of 0")
    );
    let nothing = over_http(&[]).unwrap();
    assert!(nothing.answered(&[done]).unwrap_err().what.contains("lost"));
    nothing.answered(&[asked_for(Answered::Unknown)]).unwrap();
}

#[test]
fn an_answer_that_is_another_one_when_it_is_asked_for_again_is_found() {
    let there = over_http(&[of_scan(1, "ScanStarted", 1)]).unwrap();
    let alike = |given: &[(u16, u64)]| {
        let given = given
            .iter()
            .map(|(status, body)| Given {
                status: *status,
                body: *body,
            })
            .collect();
        let done = asked_for(Answered::Done(Some(Uuid::from_u128(9))));
        there.answered(&[Asked { given, ..done }])
    };
    alike(&[(202, 1)]).unwrap();
    alike(&[(202, 1), (202, 1), (202, 1)]).unwrap();
    for other in [(202, 2), (409, 1)] {
        let wrong = alike(&[(202, 1), (202, 1), other]).unwrap_err();
        assert_eq!(wrong.invariant, "I1");
        assert!(wrong.what.contains("under the same key"), "{wrong}");
    }
}

#[test]
fn a_request_that_was_carried_out_twice_is_found() {
    let mut again = of_scan(2, "ScanStarted", 1);
    again.payload = json!({ "ScanStarted": { "scan_id": Uuid::from_u128(10) } });
    let twice = over_http(&[of_scan(1, "ScanStarted", 1), again]);
    assert_eq!(twice.unwrap_err().invariant, "I1");
}

#[test]
fn a_log_that_is_another_one_is_found() {
    let events = whole();
    let seen = seen(&events).unwrap();
    seen.knows_again(events.last()).unwrap();
    for other in [None, events.first()] {
        assert_eq!(seen.knows_again(other).unwrap_err().invariant, "I10");
    }
    Seen::default().knows_again(None).unwrap();
}

/// A bus with these positions, each with what it says of the one before it.
fn bus(made: &str, positions: &[(i64, i64)]) -> Messages {
    let message = |(place, (position, previous)): (usize, &(i64, i64))| Message {
        sequence: place as u64 + 1,
        position: *position,
        previous: *previous,
    };
    Messages {
        made: made.to_owned(),
        is_full: false,
        messages: positions.iter().enumerate().map(message).collect(),
    }
}

#[test]
fn a_bus_with_a_hole_or_a_wrong_word_is_found_and_duplicates_are_borne() {
    // Three events on one partition.
    let log = [0, 1, 2];
    let mut on_bus = OnBus::default();
    on_bus
        .take(&bus("now", &[(1, 0), (3, 2), (1, 0)]), &log)
        .unwrap();
    assert!(on_bus.is_whole().unwrap_err().what.contains("position 2"));
    on_bus.take(&bus("now", &[(2, 1)]), &log).unwrap();
    on_bus.is_whole().unwrap();
    // One that was made anew remembers nothing.
    on_bus.take(&bus("then", &[(2, 1), (3, 2)]), &log).unwrap();
    assert!(on_bus.is_whole().unwrap_err().what.contains("position 1"));
    // Without room for more the oldest are gone by right.
    let full = Messages {
        is_full: true,
        ..bus("then", &[])
    };
    on_bus.take(&full, &log).unwrap();
    on_bus.is_whole().unwrap();
    for wrong in [(2, 0), (4, 3), (0, 0)] {
        let taken = OnBus::default().take(&bus("now", &[wrong]), &log);
        assert_eq!(taken.unwrap_err().invariant, "I6", "{wrong:?}");
    }
}
