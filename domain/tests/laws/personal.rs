//! Personal values: never printed, always read back (AUD-2, AUD-5).

use domain::Personal;
use proptest::prelude::*;

/// Texts long enough that finding one in a printed form is no accident.
fn secret() -> impl Strategy<Value = String> {
    "[a-zA-Z0-9@.+_é-]{24,60}"
}

#[derive(Debug)]
#[expect(dead_code, reason = "only its printed form is looked at")]
struct Letter {
    to: Personal<String>,
    copies: Vec<Personal<String>>,
    reply: Option<Personal<(String, u8)>>,
}

proptest! {
    #[test]
    fn a_value_is_printed_nowhere_however_deep_it_lies(
        a in secret(),
        b in secret(),
        c in secret(),
    ) {
        let letter = Letter {
            to: a.clone().into(),
            copies: vec![b.clone().into()],
            reply: Some((c.clone(), 7).into()),
        };
        for printed in [format!("{letter:?}"), format!("{letter:#?}")] {
            let told = [&a, &b, &c].iter().any(|secret| printed.contains(*secret));
            prop_assert!(!told, "{printed}");
        }
    }

    #[test]
    fn all_values_look_the_same_when_printed(a in any::<String>(), b in any::<String>()) {
        prop_assert_eq!(format!("{:?}", Personal::Known(a)), format!("{:?}", Personal::Known(b)));
    }

    #[test]
    fn every_text_comes_back_from_the_log(text in any::<String>()) {
        let value = Personal::Known(text.clone());
        let json = serde_json::to_string(&value).unwrap();
        let back: Personal<String> = serde_json::from_str(&json).unwrap();
        prop_assert_eq!(back.known(), Some(&text));
        prop_assert_eq!(back.into_known(), Some(text));
    }

    #[test]
    fn values_of_any_shape_come_back(
        numbers in prop::collection::vec(any::<i64>(), 0..6),
        nothing in any::<bool>(),
    ) {
        let value = Personal::Known((!nothing).then_some(numbers));
        let json = serde_json::to_value(&value).unwrap();
        prop_assert_eq!(serde_json::from_value::<Personal<Option<Vec<i64>>>>(json).unwrap(), value);
    }

    #[test]
    fn a_text_that_looks_like_a_marker_is_only_a_text(
        key in prop::sample::select(vec!["$personal", "$erased", "$sealed"]),
    ) {
        let text = format!("{{\"{key}\":true}}");
        let json = serde_json::to_value(Personal::Known(text.clone())).unwrap();
        let back: Personal<String> = serde_json::from_value(json).unwrap();
        prop_assert_eq!(back.into_known(), Some(text));
    }

    #[test]
    fn a_refusal_to_read_quotes_no_value(text in secret()) {
        let sealed = serde_json::json!({ "$sealed": text });
        let twice = serde_json::json!({ "$personal": text, "note": text });
        for json in [sealed, twice] {
            let fault = serde_json::from_value::<Personal<String>>(json).unwrap_err();
            prop_assert!(!fault.to_string().contains(&text), "{fault}");
        }
    }
}
