//! Which of the waiting commands go together.

use super::{Append, Reply};
use std::collections::{HashSet, VecDeque};

/// Most events in one batch.
const BATCH_EVENTS: usize = 500;

/// Takes what fits into one statement: no stream and no command id twice, in the order of arrival.
pub(super) fn next_batch(held: &mut VecDeque<(Append, Reply)>) -> Vec<(Append, Reply)> {
    let mut streams = HashSet::new();
    let mut commands = HashSet::new();
    let (mut batch, mut later, mut events) = (Vec::new(), VecDeque::new(), 0);
    for (append, reply) in held.drain(..) {
        let stream = (append.noun.clone(), append.stream.clone());
        let fits = batch.is_empty() || events + append.events.len() <= BATCH_EVENTS;
        if fits && !streams.contains(&stream) && !commands.contains(&append.command_id) {
            events += append.events.len();
            streams.insert(stream);
            commands.insert(append.command_id);
            batch.push((append, reply));
        } else {
            // Later commands of the same stream must not overtake this one.
            streams.insert(stream);
            later.push_back((append, reply));
        }
    }
    *held = later;
    batch
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lane::an_append;
    use proptest::prelude::*;
    use tokio::sync::oneshot;
    use uuid::Uuid;

    /// A command: its stream, its id, how many events it has.
    type Asked = (u8, u8, usize);

    /// Its payload says which command of the queue it was.
    fn append((stream, command, events): Asked, place: usize) -> Append {
        let (stream, command) = (stream.to_string(), Uuid::from_u128(command.into()));
        let events = i64::try_from(events).unwrap();
        an_append(&stream, command, events, &place.to_string())
    }

    fn queue(asked: &[Asked]) -> VecDeque<(Append, Reply)> {
        let of = |(place, asked)| (append(asked, place), oneshot::channel().0);
        asked.iter().copied().enumerate().map(of).collect()
    }

    /// The batches in which a queue is written, each as places of the queue.
    fn batches(asked: &[Asked]) -> Vec<Vec<usize>> {
        let mut held = queue(asked);
        let mut batches = Vec::new();
        while !held.is_empty() {
            let batch = next_batch(&mut held);
            let place = |(append, _): &(Append, Reply)| append.events[0].payload.parse().unwrap();
            batches.push(batch.iter().map(place).collect());
        }
        batches
    }

    #[test]
    fn commands_of_different_streams_go_together_and_those_of_one_stream_one_by_one() {
        let asked = [(1, 1, 1), (2, 2, 1), (1, 3, 1), (3, 4, 1), (1, 5, 1)];
        assert_eq!(batches(&asked), [vec![0, 1, 3], vec![2], vec![4]]);
    }

    #[test]
    fn one_command_sent_twice_is_written_in_two_batches_so_that_the_second_finds_the_first() {
        let asked = [(1, 7, 1), (2, 7, 1), (2, 8, 1), (3, 9, 1)];
        assert_eq!(batches(&asked), [vec![0, 3], vec![1], vec![2]]);
    }

    #[test]
    fn a_batch_is_full_at_its_bound_and_a_larger_command_goes_alone() {
        let half = BATCH_EVENTS / 2;
        let asked = [(1, 1, half), (2, 2, half), (3, 3, 1)];
        assert_eq!(batches(&asked), [vec![0, 1], vec![2]]);
        let asked = [(1, 1, BATCH_EVENTS + 1), (2, 2, 1)];
        assert_eq!(batches(&asked), [vec![0], vec![1]]);
    }

    proptest! {
        #[test]
        fn every_command_is_written_once_in_the_order_of_its_stream(
            asked in prop::collection::vec((0_u8..6, 0_u8..20, 1_usize..260), 1..60),
        ) {
            let batches = batches(&asked);
            for batch in &batches {
                prop_assert!(!batch.is_empty());
                let events: usize = batch.iter().map(|place| asked[*place].2).sum();
                prop_assert!(events <= BATCH_EVENTS || batch.len() == 1);
                let streams: HashSet<u8> = batch.iter().map(|place| asked[*place].0).collect();
                let commands: HashSet<u8> = batch.iter().map(|place| asked[*place].1).collect();
                prop_assert_eq!((streams.len(), commands.len()), (batch.len(), batch.len()));
                prop_assert!(batch.is_sorted(), "in the order of arrival");
            }
            let written = batches.concat();
            for stream in 0..6 {
                let of_it = |place: &&usize| asked[**place].0 == stream;
                prop_assert!(written.iter().filter(of_it).is_sorted(), "stream {stream}");
            }
            let mut all = written;
            all.sort_unstable();
            prop_assert_eq!(all, (0..asked.len()).collect::<Vec<_>>());
        }
    }
}
