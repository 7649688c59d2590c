//! The file of acknowledgements: one line for each, written by one call, so that only the last one can be cut off.

use anyhow::{Context, ensure};
use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::Path;
use uuid::Uuid;

/// A command that was answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ack {
    pub lane: u32,
    /// Place in its lane, from 0.
    pub number: u64,
    pub command: Uuid,
    /// The position that the answer named.
    pub position: i64,
    /// How many events the command stands for.
    pub events: u64,
}

/// What a process of writers has been told so far.
#[derive(Debug, Default)]
pub struct Told {
    pub acks: Vec<Ack>,
    /// Commands that were dropped on their way and asked again.
    pub dropped: u64,
}

impl Told {
    /// Reads a file; one that is not there is empty. A last line without its end is not counted.
    pub fn read(path: &Path) -> anyhow::Result<Self> {
        let text = match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(fault) if fault.kind() == std::io::ErrorKind::NotFound => {
                return Ok(Self::default());
            }
            Err(fault) => return Err(fault).context("a file of acknowledgements cannot be read"),
        };
        let mut told = Self::default();
        for line in text
            .split_inclusive('\n')
            .filter(|line| line.ends_with('\n'))
        {
            match line.trim_end() {
                "dropped" => told.dropped += 1,
                ack => told
                    .acks
                    .push(parse(ack).with_context(|| format!("not an acknowledgement: {ack}"))?),
            }
        }
        Ok(told)
    }

    /// How many commands each lane has behind it: they are acknowledged in order.
    pub fn done(&self) -> anyhow::Result<HashMap<u32, u64>> {
        let mut done = HashMap::new();
        for ack in &self.acks {
            let next = done.entry(ack.lane).or_default();
            // Acknowledged, killed before the line was whole, and acknowledged again.
            ensure!(
                ack.number <= *next,
                "lane {} left out its command {next}",
                ack.lane
            );
            *next = (*next).max(ack.number + 1);
        }
        Ok(done)
    }
}

fn parse(line: &str) -> Option<Ack> {
    let mut words = line.split(' ');
    Some(Ack {
        lane: words.next()?.parse().ok()?,
        number: words.next()?.parse().ok()?,
        command: words.next()?.parse().ok()?,
        position: words.next()?.parse().ok()?,
        events: words.next()?.parse().ok()?,
    })
}

/// The file, open for more. Whoever is killed leaves whole lines behind, and at most one that is cut off.
#[derive(Debug)]
pub struct AckFile(File);

impl AckFile {
    /// Opens it, and takes a line that was cut off away.
    pub fn open(path: &Path) -> anyhow::Result<Self> {
        let file = OpenOptions::new().create(true).append(true).open(path)?;
        let text = std::fs::read(path)?;
        let whole = text
            .iter()
            .rposition(|byte| *byte == b'\n')
            .map_or(0, |at| at + 1);
        file.set_len(whole as u64)?;
        Ok(Self(file))
    }

    pub fn acknowledged(&mut self, ack: &Ack) -> anyhow::Result<()> {
        let Ack {
            lane,
            number,
            command,
            position,
            events,
        } = ack;
        let line = format!("{lane} {number} {command} {position} {events}\n");
        Ok(self.0.write_all(line.as_bytes())?)
    }

    pub fn dropped(&mut self) -> anyhow::Result<()> {
        Ok(self.0.write_all(b"dropped\n")?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ack(lane: u32, number: u64) -> Ack {
        let command = Uuid::from_u128(u128::from(number));
        Ack {
            lane,
            number,
            command,
            position: 9,
            events: 3,
        }
    }

    #[test]
    fn a_line_that_was_cut_off_is_not_counted_and_written_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("acks");
        let mut file = AckFile::open(&path).unwrap();
        file.acknowledged(&ack(2, 0)).unwrap();
        file.dropped().unwrap();
        file.0.write_all(b"2 1 0000").unwrap();
        assert_eq!(Told::read(&path).unwrap().acks, [ack(2, 0)]);
        AckFile::open(&path)
            .unwrap()
            .acknowledged(&ack(2, 1))
            .unwrap();
        let told = Told::read(&path).unwrap();
        assert_eq!(
            (told.acks.as_slice(), told.dropped),
            (&[ack(2, 0), ack(2, 1)][..], 1)
        );
        assert_eq!(told.done().unwrap()[&2], 2);
    }

    #[test]
    fn a_lane_that_left_one_out_is_noticed() {
        let told = Told {
            acks: vec![ack(0, 0), ack(0, 2)],
            dropped: 0,
        };
        assert!(told.done().is_err());
    }
}
