//! A member's scans: any order of commands, from late and doubled workers (SCN-1, SCN-8, SCN-9).

use chrono::DateTime;
use domain::ids::{ImageId, ScanId};
use domain::scan::{
    Answer, BeginScan, CompleteScan, FailureCode, FinishImage, ProviderFault, RecordAnswer,
    ScanCommand, ScanEvent, ScanKind, ScanRefusal, ScanSlot, StartScan, Tally, UnitOutcome,
};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

use crate::{answer, id, state};

/// What somebody asks for. `back` counts scans from the newest: most workers are on time, some are late.
#[derive(Debug, Clone)]
enum Act {
    Start {
        again: bool,
        pictures: u128,
    },
    Begin {
        back: u128,
    },
    Answer {
        back: u128,
        picture: u128,
        good: bool,
    },
    Finish {
        back: u128,
        picture: u128,
        outcome: UnitOutcome,
    },
    Complete {
        back: u128,
    },
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let back = || prop_oneof![6 => Just(0u128), 1 => Just(1u128), 1 => Just(2u128)];
    let failure = prop::sample::select(vec![
        UnitOutcome::Failed(FailureCode::AllProvidersFailed),
        UnitOutcome::Failed(FailureCode::QuotaExhausted),
        UnitOutcome::Failed(FailureCode::ImageUnreadable),
    ]);
    let success = prop::sample::select(vec![
        UnitOutcome::Done,
        UnitOutcome::Partial,
        UnitOutcome::Skipped,
    ]);
    let outcome = prop_oneof![2 => failure, 1 => success];
    let act = prop_oneof![
        2 => (prop::bool::weighted(0.2), 0u128..4)
            .prop_map(|(again, pictures)| Act::Start { again, pictures }),
        1 => back().prop_map(|back| Act::Begin { back }),
        2 => (back(), 1u128..5, any::<bool>())
            .prop_map(|(back, picture, good)| Act::Answer { back, picture, good }),
        6 => (back(), 1u128..5, outcome)
            .prop_map(|(back, picture, outcome)| Act::Finish { back, picture, outcome }),
        2 => back().prop_map(|back| Act::Complete { back }),
    ];
    prop::collection::vec(act, 1..50)
}

/// As little as one has to remember to say what must follow.
#[derive(Debug, Default)]
struct Model {
    started: u128,
    open: Option<u128>,
    begun: bool,
    pictures: u128,
    ended: BTreeMap<u128, UnitOutcome>,
}

/// What must follow.
#[derive(Debug, PartialEq, Eq)]
enum Follows {
    Nothing,
    Fact(&'static str),
    Running(ScanId),
    Unfinished(usize),
}

impl Model {
    fn scan(&self, back: u128) -> u128 {
        self.started.saturating_sub(back)
    }

    fn works_on(&self, back: u128, picture: u128) -> bool {
        let on_it = self.open == Some(self.scan(back));
        on_it && picture <= self.pictures && !self.ended.contains_key(&picture)
    }

    fn told(&mut self, act: &Act) -> Follows {
        match *act {
            Act::Start { again, pictures } => {
                if let Some(open) = self.open {
                    return Follows::Running(id(open));
                }
                if again && self.started > 0 {
                    return Follows::Nothing;
                }
                *self = Self {
                    started: self.started + 1,
                    open: Some(self.started + 1),
                    pictures,
                    ..Self::default()
                };
                Follows::Fact("ScanStarted")
            }
            Act::Begin { back } => {
                if self.open != Some(self.scan(back)) || self.begun {
                    return Follows::Nothing;
                }
                self.begun = true;
                Follows::Fact("ScanBegun")
            }
            Act::Answer {
                back,
                picture,
                good,
            } => match (self.works_on(back, picture), good) {
                (false, _) => Follows::Nothing,
                (true, true) => Follows::Fact("ProviderQueried"),
                (true, false) => Follows::Fact("ProviderFailed"),
            },
            Act::Finish {
                back,
                picture,
                outcome,
            } => {
                if !self.works_on(back, picture) {
                    return Follows::Nothing;
                }
                self.ended.insert(picture, outcome);
                Follows::Fact("ImageScanned")
            }
            Act::Complete { back } => self.completes(back),
        }
    }

    fn completes(&mut self, back: u128) -> Follows {
        if self.open != Some(self.scan(back)) {
            return Follows::Nothing;
        }
        let ended = u128::try_from(self.ended.len()).unwrap();
        if ended < self.pictures {
            return Follows::Unfinished(usize::try_from(self.pictures - ended).unwrap());
        }
        self.open = None;
        let in_vain = self.pictures > 0 && self.ended.values().all(is_failure);
        Follows::Fact(if in_vain {
            "ScanFailed"
        } else {
            "ScanCompleted"
        })
    }
}

fn is_failure(outcome: &UnitOutcome) -> bool {
    match outcome {
        UnitOutcome::Failed(_) => true,
        UnitOutcome::Done | UnitOutcome::Partial | UnitOutcome::Skipped => false,
    }
}

fn command(act: &Act, model: &Model) -> ScanCommand {
    let at = DateTime::UNIX_EPOCH;
    match *act {
        Act::Start { again, pictures } => {
            let newest = if again {
                model.started.max(1)
            } else {
                model.started + 1
            };
            ScanCommand::Start(StartScan {
                owner: id(1),
                scan_id: id(newest),
                kind: ScanKind::ImageScan,
                target: None,
                images: (1..=pictures).map(id).collect(),
                started_at: at,
            })
        }
        Act::Begin { back } => ScanCommand::Begin(BeginScan {
            scan_id: id(model.scan(back)),
            begun_at: at,
        }),
        Act::Answer {
            back,
            picture,
            good,
        } => ScanCommand::RecordAnswer(RecordAnswer {
            scan_id: id(model.scan(back)),
            image_id: id(picture),
            provider: "tineye".to_owned(),
            answer: if good {
                Answer::Results(0)
            } else {
                Answer::Fault(ProviderFault::Network)
            },
            asked_at: at,
            ended_at: at,
        }),
        Act::Finish {
            back,
            picture,
            outcome,
        } => ScanCommand::FinishImage(FinishImage {
            scan_id: id(model.scan(back)),
            image_id: id(picture),
            outcome,
            tally: Tally::default(),
            warnings: vec![],
            scanned_at: at,
        }),
        Act::Complete { back } => ScanCommand::Complete(CompleteScan {
            scan_id: id(model.scan(back)),
            completed_at: at,
        }),
    }
}

fn followed(result: &Result<Vec<ScanEvent>, ScanRefusal>) -> Follows {
    match result {
        Ok(events) => match events.as_slice() {
            [] => Follows::Nothing,
            [fact] => Follows::Fact(name(fact)),
            several => panic!("one command, one fact: {several:?}"),
        },
        Err(ScanRefusal::AlreadyRunning { scan_id }) => Follows::Running(*scan_id),
        Err(ScanRefusal::NotFinished { remaining }) => Follows::Unfinished(*remaining),
    }
}

fn name(fact: &ScanEvent) -> &'static str {
    match fact {
        ScanEvent::ScanStarted { .. } => "ScanStarted",
        ScanEvent::ScanBegun { .. } => "ScanBegun",
        ScanEvent::ProviderQueried { .. } => "ProviderQueried",
        ScanEvent::ProviderFailed { .. } => "ProviderFailed",
        ScanEvent::ImageScanned { .. } => "ImageScanned",
        ScanEvent::ScanCompleted { .. } => "ScanCompleted",
        ScanEvent::ScanFailed { .. } => "ScanFailed",
    }
}

fn scan_of(fact: &ScanEvent) -> ScanId {
    match fact {
        ScanEvent::ScanStarted { scan_id, .. }
        | ScanEvent::ScanBegun { scan_id, .. }
        | ScanEvent::ProviderQueried { scan_id, .. }
        | ScanEvent::ProviderFailed { scan_id, .. }
        | ScanEvent::ImageScanned { scan_id, .. }
        | ScanEvent::ScanCompleted { scan_id, .. }
        | ScanEvent::ScanFailed { scan_id, .. } => *scan_id,
    }
}

/// The history that follows from these acts, each answer compared with the model's.
fn history(acts: &[Act]) -> Vec<ScanEvent> {
    let (mut model, mut history) = (Model::default(), Vec::new());
    for act in acts {
        let command = command(act, &model);
        let result = answer::<ScanSlot>(&history, command);
        assert_eq!(
            followed(&result),
            model.told(act),
            "{act:?} after {history:?}"
        );
        history.extend(result.unwrap_or_default());
    }
    history
}

fn remaining(history: &[ScanEvent], scan: ScanId) -> Option<Vec<ImageId>> {
    let slot: ScanSlot = state(history);
    slot.open(scan).map(|open| open.remaining().collect())
}

proptest! {
    #[test]
    fn any_order_of_commands_is_answered_as_the_rules_say(acts in acts()) {
        history(&acts);
    }

    #[test]
    fn at_most_one_scan_is_open_and_a_final_state_is_final(acts in acts()) {
        // SCN-1, section 8
        let (mut open, mut over) = (None, BTreeSet::new());
        for fact in history(&acts) {
            let scan = scan_of(&fact);
            prop_assert!(!over.contains(&scan), "{fact:?} after the end");
            match fact {
                ScanEvent::ScanStarted { .. } => prop_assert_eq!(open.replace(scan), None),
                ScanEvent::ScanBegun { .. }
                | ScanEvent::ProviderQueried { .. }
                | ScanEvent::ProviderFailed { .. }
                | ScanEvent::ImageScanned { .. } => prop_assert_eq!(open, Some(scan)),
                ScanEvent::ScanCompleted { .. } | ScanEvent::ScanFailed { .. } => {
                    prop_assert_eq!(open.take(), Some(scan));
                    over.insert(scan);
                }
            }
        }
    }

    #[test]
    fn a_finished_picture_is_never_finished_again_and_nothing_is_asked_about_it(acts in acts()) {
        // SCN-8
        let (mut finished, mut begun) = (BTreeSet::new(), BTreeSet::new());
        for fact in history(&acts) {
            match fact {
                ScanEvent::ScanBegun { scan_id, .. } => prop_assert!(begun.insert(scan_id)),
                ScanEvent::ProviderQueried { scan_id, image_id, .. }
                | ScanEvent::ProviderFailed { scan_id, image_id, .. } => {
                    prop_assert!(!finished.contains(&(scan_id, image_id)));
                }
                ScanEvent::ImageScanned { scan_id, image_id, .. } => {
                    prop_assert!(finished.insert((scan_id, image_id)));
                }
                ScanEvent::ScanStarted { .. }
                | ScanEvent::ScanCompleted { .. }
                | ScanEvent::ScanFailed { .. } => {}
            }
        }
    }

    #[test]
    fn a_scan_in_which_every_picture_failed_has_failed_and_no_other(acts in acts()) {
        // SCN-9, changed: such a scan was COMPLETED and claimed that all checks had run
        let mut outcomes: BTreeMap<ScanId, Vec<bool>> = BTreeMap::new();
        for fact in history(&acts) {
            let units = outcomes.entry(scan_of(&fact)).or_default();
            let in_vain = !units.is_empty() && units.iter().all(|failed| *failed);
            match fact {
                ScanEvent::ImageScanned { outcome, .. } => units.push(is_failure(&outcome)),
                ScanEvent::ScanCompleted { .. } => prop_assert!(!in_vain, "claims a search"),
                ScanEvent::ScanFailed { .. } => prop_assert!(in_vain, "something was searched"),
                ScanEvent::ScanStarted { .. }
                | ScanEvent::ScanBegun { .. }
                | ScanEvent::ProviderQueried { .. }
                | ScanEvent::ProviderFailed { .. } => {}
            }
        }
    }

    #[test]
    fn what_remains_shrinks_with_every_finished_picture_and_never_grows(acts in acts()) {
        // SCN-10: progress never decreases
        let history = history(&acts);
        for (n, fact) in history.iter().enumerate() {
            let scan = scan_of(fact);
            let before = remaining(&history[..n], scan);
            let after = remaining(&history[..=n], scan);
            match fact {
                ScanEvent::ScanStarted { images, .. } => {
                    prop_assert_eq!((before, after), (None, Some(images.clone())));
                }
                ScanEvent::ImageScanned { image_id, .. } => {
                    let mut less = before.unwrap();
                    less.retain(|picture| picture != image_id);
                    prop_assert_eq!(after, Some(less));
                }
                ScanEvent::ScanCompleted { .. } | ScanEvent::ScanFailed { .. } => {
                    prop_assert_eq!((before, after), (Some(vec![]), None));
                }
                ScanEvent::ScanBegun { .. }
                | ScanEvent::ProviderQueried { .. }
                | ScanEvent::ProviderFailed { .. } => prop_assert_eq!(before, after),
            }
        }
    }
}
