//! Signing up, in, on and out.

use crate::member::{Member, client, fresh, sent};
use crate::running::shared;
use serde_json::json;

#[test]
fn a_known_address_is_not_told_from_other_refusals() {
    let member = Member::joins(&shared().api);
    let again = json!({ "email": member.email, "password": "Other-Pass-1", "confirmPassword": "Other-Pass-1" });
    let refused = member.post("/auth/signup", &again);
    assert_eq!(
        (refused.status, refused.code()),
        (400, "AUTH_SIGNUP_FAILED")
    );
    assert!(!refused.body.to_string().contains(&member.email));
}

#[test]
fn a_wrong_password_and_an_unknown_address_get_the_same_answer() {
    let member = Member::joins(&shared().api);
    let wrong = member.post(
        "/auth/login",
        &json!({ "email": member.email, "password": "Wrong-Pass-1" }),
    );
    let unknown =
        json!({ "email": format!("{}@example.test", fresh()), "password": "Wrong-Pass-1" });
    let unknown = member.post("/auth/login", &unknown);
    assert_eq!((wrong.status, wrong.code()), (401, "AUTH_LOGIN_FAILED"));
    assert_eq!(wrong.body, unknown.body);
}

#[test]
fn a_weak_password_is_refused_with_the_rule() {
    // LIM-8
    let weak =
        json!({ "email": "a@example.test", "password": "short", "confirmPassword": "short" });
    let request = client()
        .post(format!("{}/api/v1/auth/signup", shared().api))
        .json(&weak);
    let refused = sent(request);
    assert_eq!((refused.status, refused.code()), (400, "VALIDATION_ERROR"));
    assert_eq!(refused.body["error"]["details"][0]["rule"], "LIM-8");
    assert!(!refused.body.to_string().contains("short\""));
}

#[test]
fn a_refresh_token_is_good_once() {
    let member = Member::joins(&shared().api);
    let ask = json!({ "refreshToken": member.refresh_token });
    let renewed = member.post("/auth/refresh", &ask).data();
    assert_ne!(renewed["refreshToken"], member.refresh_token.as_str());
    let next = json!({ "refreshToken": renewed["refreshToken"] });
    member.post("/auth/refresh", &next).data();
    let spent = member.post("/auth/refresh", &ask);
    assert_eq!((spent.status, spent.code()), (401, "AUTH_REFRESH_FAILED"));
}

#[test]
fn signing_out_ends_the_session_at_once() {
    let member = Member::joins(&shared().api);
    assert_eq!(member.get("/users/me").status, 200);
    assert_eq!(member.post("/auth/logout", &json!({})).status, 204);
    let after = member.get("/users/me");
    assert_eq!((after.status, after.code()), (401, "AUTH_INVALID_TOKEN"));
    assert_eq!(
        member.post("/auth/logout", &json!({})).status,
        204,
        "again is fine"
    );
}

#[test]
fn ten_first_requests_of_a_new_identity_make_one_member_with_her_starter_plan() {
    // USR-1, USR-3 and checks 2 and 3 of the contract: she signed up at the provider, not here
    let api = &shared().api;
    let ask =
        json!({ "email": format!("{}@example.test", fresh()), "password": "Quiet-Harbour-7" });
    let signed_up = sent(client().post(format!("{api}/auth/v1/signup")).json(&ask));
    let token = signed_up.body["access_token"].as_str().unwrap();
    let first = || {
        let request = client().get(format!("{api}/api/v1/protection-plan"));
        sent(request.bearer_auth(token)).data()
    };
    let plans: Vec<_> = std::thread::scope(|threads| {
        let asking: Vec<_> = (0..10).map(|_| threads.spawn(first)).collect();
        asking
            .into_iter()
            .map(|plan| plan.join().unwrap())
            .collect()
    });
    for plan in &plans {
        assert_eq!(plan["id"], plans[0]["id"]);
        assert_eq!(plan["items"].as_array().unwrap().len(), 1);
        assert_eq!(plan["items"][0]["code"], "COMPLETE_ASSESSMENT");
    }
}

#[test]
fn signing_out_works_however_the_scheme_is_written() {
    let member = Member::joins(&shared().api);
    let request = member
        .http()
        .post(member.url("/auth/logout"))
        .json(&json!({}));
    let request = request.header("authorization", format!("bearer {}", member.token));
    assert_eq!(sent(request).status, 204);
    assert_eq!(member.get("/users/me").status, 401);
    let renew = json!({ "refreshToken": member.refresh_token });
    assert_eq!(member.post("/auth/refresh", &renew).status, 401);
}

#[test]
fn a_member_knows_who_she_is() {
    // USR-2
    let member = Member::joins(&shared().api);
    let me = member.get("/users/me").data();
    assert_eq!(me["email"], member.email.as_str());
    assert_eq!(me["emailVerified"], true);
    assert_eq!(me["profile"]["riskLevel"], "LOW");
    assert_eq!(me["profile"]["onboardingCompleted"], false);
    assert!(me["profile"]["displayName"].is_null());
}
