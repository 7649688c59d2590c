//! Shares: bounds are exact, order is kept, nothing is rounded up to a bound.

use domain::Share;
use domain::share::NotAShare;
use proptest::prelude::*;

proptest! {
    #[test]
    fn a_number_is_a_share_exactly_between_nothing_and_all(unit in -2.0..3.0f64) {
        prop_assert_eq!(Share::try_from_unit(unit).is_ok(), (0.0..=1.0).contains(&unit));
    }

    #[test]
    fn a_score_is_a_share_exactly_between_nothing_and_a_hundred(score in -50.0..150.0f64) {
        prop_assert_eq!(Share::try_from_score(score).is_ok(), (0.0..=100.0).contains(&score));
    }

    #[test]
    fn every_number_that_a_machine_can_hold_is_read_or_refused(unit in prop::num::f64::ANY) {
        if let Ok(share) = Share::try_from_unit(unit) {
            prop_assert!(share >= Share::ZERO && share <= Share::ONE);
        }
    }

    #[test]
    fn a_larger_number_is_never_a_smaller_share(a in 0.0..=1.0f64, b in 0.0..=1.0f64) {
        let (low, high) = if a <= b { (a, b) } else { (b, a) };
        prop_assert!(Share::try_from_unit(low).unwrap() <= Share::try_from_unit(high).unwrap());
    }

    #[test]
    fn a_share_is_the_number_cut_after_four_places(unit in 0.0..=1.0f64) {
        // Boundaries are exact: what is below a bound stays below it
        let back = Share::try_from_unit(unit).unwrap().as_unit();
        prop_assert!(back <= unit + 1e-9, "{unit} became {back}");
        prop_assert!(back > unit - 1.001e-4, "{unit} became {back}");
    }

    #[test]
    fn a_score_below_a_bound_stays_below_it(percent in 1u16..=100, under in 0.0001..1.0f64) {
        let score = f64::from(percent) - under;
        prop_assert!(Share::try_from_score(score).unwrap() < Share::percent(percent));
        let whole = Share::try_from_score(f64::from(percent)).unwrap();
        prop_assert_eq!(whole, Share::percent(percent));
    }

    #[test]
    fn a_share_stands_in_the_log_as_a_whole_number_and_comes_back(number in any::<u16>()) {
        match Share::try_from(number) {
            Ok(share) => {
                prop_assert!(number <= 10_000);
                let json = serde_json::to_value(share).unwrap();
                prop_assert_eq!(&json, &serde_json::json!(number));
                prop_assert_eq!(serde_json::from_value::<Share>(json).unwrap(), share);
                prop_assert_eq!(u16::from(share), number);
            }
            Err(NotAShare) => {
                prop_assert!(number > 10_000);
                prop_assert!(serde_json::from_value::<Share>(serde_json::json!(number)).is_err());
            }
        }
    }

    #[test]
    fn whole_percent_are_read_back_as_themselves(percent in any::<u16>()) {
        let share = Share::percent(percent);
        prop_assert_eq!(share.as_percent(), percent.min(100));
        prop_assert!(share <= Share::ONE);
    }

    #[test]
    fn percent_for_people_are_off_by_half_a_percent_at_most(number in 0u16..=10_000) {
        let shown = i32::from(Share::try_from(number).unwrap().as_percent()) * 100;
        prop_assert!((shown - i32::from(number)).abs() <= 50);
        prop_assert!(shown <= 10_000);
    }
}

#[test]
fn a_share_is_never_read_from_a_fraction_or_a_text() {
    // EXAMPLES, section 4: no floats in the log
    for wrong in ["0.97", "97.0", "\"9700\"", "-1", "10001", "70000", "null"] {
        assert!(serde_json::from_str::<Share>(wrong).is_err(), "{wrong}");
    }
}
