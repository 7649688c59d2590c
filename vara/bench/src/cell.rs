//! What is measured: a work, by a variant, from so many writers at once.

use std::fmt;
use std::str::FromStr;

/// Something that the event store is asked to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Work {
    /// One command with one event on a fresh stream: load (which ours saves on a stream that it has not met), decide,
    /// append.
    Execute1,
    /// The same on a stream that holds events, which must be read.
    ExecuteKnown,
    /// One command with ten events on a fresh stream.
    Execute10,
    /// Only the append of one event, through the lane.
    AppendOnly,
    /// The same append beside one that gives no order: the price of order.
    AppendUnordered,
}

/// Who does it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Variant {
    /// PostgreSQL's own load generator with plain inserts: what the server can do at best.
    Pgbench,
    /// The unmodified postgres-es on a table of its own shape, without order.
    PostgresEs,
    /// The unmodified postgres-es on our table, whose default gives each row its position.
    PostgresEsOrdered,
    /// Ours.
    Vara,
    /// Our lane with a function that gives no order and checks nothing.
    Unordered,
}

/// One place in the tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Cell {
    /// What is done.
    pub work: Work,
    /// Who does it.
    pub variant: Variant,
    /// How many do it at once, each waiting for its answer.
    pub writers: u32,
}

/// A name that is no work.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no work called {name}; there are: {}", names())]
pub struct UnknownWork {
    name: String,
}

impl Work {
    /// The works of `bench append`, in the order of its tables.
    pub const APPEND: [Self; 5] = [
        Self::Execute1,
        Self::ExecuteKnown,
        Self::Execute10,
        Self::AppendOnly,
        Self::AppendUnordered,
    ];

    /// The name in tables, files and flags.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Execute1 => "execute-1",
            Self::ExecuteKnown => "execute-known",
            Self::Execute10 => "execute-10",
            Self::AppendOnly => "append-only",
            Self::AppendUnordered => "append-unordered",
        }
    }

    /// The same in a few words, for the head of a picture.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::Execute1 => "Execute a command with 1 event",
            Self::ExecuteKnown => "Execute a command with 1 event on a stream that holds some",
            Self::Execute10 => "Execute a command with 10 events",
            Self::AppendOnly => "Append 1 event, without loading",
            Self::AppendUnordered => "Append 1 event, with and without order",
        }
    }

    /// Who does this work; the first one is what the others are compared with.
    #[must_use]
    pub const fn variants(self) -> &'static [Variant] {
        match self {
            Self::Execute1 | Self::Execute10 => &[
                Variant::Pgbench,
                Variant::PostgresEs,
                Variant::PostgresEsOrdered,
                Variant::Vara,
            ],
            Self::ExecuteKnown | Self::AppendOnly => &[Variant::Pgbench, Variant::Vara],
            Self::AppendUnordered => &[Variant::Unordered, Variant::Vara],
        }
    }

    /// Events that one call writes.
    #[must_use]
    pub const fn events(self) -> u32 {
        match self {
            Self::Execute10 => 10,
            Self::Execute1 | Self::ExecuteKnown | Self::AppendOnly | Self::AppendUnordered => 1,
        }
    }
}

impl Variant {
    /// The name in tables and files.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pgbench => "pgbench",
            Self::PostgresEs => "postgres-es",
            Self::PostgresEsOrdered => "postgres-es-ordered",
            Self::Vara => "vara",
            Self::Unordered => "unordered",
        }
    }
}

impl fmt::Display for Work {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl fmt::Display for Variant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} by {}, {} at once",
            self.work, self.variant, self.writers
        )
    }
}

impl FromStr for Work {
    type Err = UnknownWork;

    fn from_str(name: &str) -> Result<Self, UnknownWork> {
        let unknown = || UnknownWork {
            name: name.to_owned(),
        };
        let mut all = Self::APPEND.into_iter();
        all.find(|work| work.name() == name).ok_or_else(unknown)
    }
}

fn names() -> String {
    Work::APPEND.map(Work::name).join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_work_is_found_by_its_name_and_another_name_is_told_what_there_is() {
        for work in Work::APPEND {
            assert_eq!(work.name().parse(), Ok(work));
        }
        let refusal = "execute-2".parse::<Work>().unwrap_err().to_string();
        assert!(
            refusal.contains("execute-2") && refusal.contains("append-only"),
            "{refusal}"
        );
    }

    #[test]
    fn every_work_compares_vara_with_somebody_else() {
        for work in Work::APPEND {
            assert!(work.variants().contains(&Variant::Vara), "{work}");
            assert_ne!(work.variants()[0], Variant::Vara, "{work}");
        }
    }
}
