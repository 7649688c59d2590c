//! I11: the memory of each part comes back to what it was when the run began, however often things went wrong since.

use super::checker::Broken;
use super::plan::Role;
use std::collections::BTreeMap;

/// Looks from which it is known what a part needs.
const WARM_UP: u32 = 5;
/// What an allocator keeps for itself, and a log that grew needs: 128 MiB, in KiB.
const SLACK_KIB: u64 = 128 << 10;

/// What each kind of part held while all was calm, in KiB.
#[derive(Debug, Default)]
pub struct Memory {
    looks: u32,
    needed: BTreeMap<String, u64>,
    /// The most that any part ever held.
    pub most_kib: u64,
}

impl Memory {
    /// Looks once at all of them: each may hold a fifth more than its kind needed in the beginning.
    pub fn look(&mut self, held: &[(Role, u64)]) -> Result<(), Broken> {
        self.looks += 1;
        for (role, kib) in held {
            self.most_kib = self.most_kib.max(*kib);
            let needed = self.needed.entry(role.part.to_string()).or_default();
            let bound = *needed * 6 / 5 + SLACK_KIB;
            if self.looks <= WARM_UP {
                *needed = (*needed).max(*kib);
            } else if *kib > bound {
                let what = format!(
                    "{} holds {} MiB, more than {} MiB",
                    role.part,
                    kib >> 10,
                    bound >> 10
                );
                return Err(Broken::of("I11", what));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::plan::Part;
    use super::*;
    use ::bench::images::resident_kib;

    fn held(part: Part, mib: u64) -> [(Role, u64); 1] {
        [(Role { part, number: 0 }, mib << 10)]
    }

    #[test]
    fn a_part_that_grows_and_grows_is_found_and_one_that_needs_much_is_not() {
        let mut memory = Memory::default();
        for _ in 0..WARM_UP {
            memory.look(&held(Part::Api, 500)).unwrap();
            memory.look(&held(Part::Relay, 20)).unwrap();
        }
        memory.look(&held(Part::Relay, 140)).unwrap();
        let grown = memory.look(&held(Part::Relay, 160)).unwrap_err();
        assert_eq!(grown.invariant, "I11");
        memory.look(&held(Part::Api, 700)).unwrap();
        assert_eq!(memory.most_kib, 700 << 10);
    }

    #[test]
    fn this_process_holds_something() {
        if cfg!(target_os = "linux") {
            assert!(resident_kib(std::process::id()).unwrap() > 100);
        }
    }
}
