//! Signing up, in and out: the provider does it; Vara lets the member come into being (contract, section 5).

use crate::app::App;
use crate::edge::request_id;
use crate::envelope::{One, one};
use crate::identity::{IdentityFault, SignedUp};
use crate::problem::{Misfit, Problem};
use crate::users::{self, Profile, User};
use poem::Request;
use poem::http::header;
use poem_openapi::payload::Json;
use poem_openapi::{ApiResponse, Object, OpenApi};

/// Longest address, in characters (LIM-7).
const EMAIL_MAX: usize = 255;

/// Routes about accounts and sessions.
#[derive(Debug)]
pub struct Auth;

/// What signing up needs.
#[derive(Object)]
#[oai(rename_all = "camelCase")]
pub struct SignUp {
    /// The address to sign in with; at most 255 characters (LIM-7).
    email: Option<String>,
    /// 8 to 128 characters with an upper-case letter, a lower-case letter and a digit (LIM-8).
    password: Option<String>,
    /// The same again.
    confirm_password: Option<String>,
}

/// What signing in needs.
#[derive(Object)]
pub struct SignIn {
    /// The address.
    email: Option<String>,
    /// The password.
    password: Option<String>,
}

/// What renewing a session needs.
#[derive(Object)]
#[oai(rename_all = "camelCase")]
pub struct Renewal {
    /// The token of the last sign-in or renewal; it is spent by this call.
    refresh_token: Option<String>,
}

/// A new member.
#[derive(Debug, Object)]
pub struct NewMember {
    /// Her id.
    id: String,
    /// Her address.
    email: String,
    /// Her profile.
    profile: Profile,
}

/// A session. Deliberately without `Debug`.
#[derive(Object)]
#[oai(rename_all = "camelCase")]
pub struct Tokens {
    /// Send it as `Authorization: Bearer`.
    access_token: String,
    /// Good for one renewal.
    refresh_token: String,
    /// When the access token ends, in seconds since 1970.
    expires_at: i64,
}

/// A session and whose it is. Deliberately without `Debug`.
#[derive(Object)]
#[oai(rename_all = "camelCase")]
pub struct SignedIn {
    /// The member.
    user: User,
    /// Send it as `Authorization: Bearer`.
    access_token: String,
    /// Good for one renewal.
    refresh_token: String,
    /// When the access token ends, in seconds since 1970.
    expires_at: i64,
}

/// Signing up was accepted.
#[derive(Debug, ApiResponse)]
pub enum Created {
    /// The member came into being.
    #[oai(status = 201)]
    Member(Json<One<NewMember>>),
    /// The rest happens by mail; the same answer whether or not the address has an account.
    #[oai(status = 202)]
    ByMail(Json<One<Message>>),
}

/// Words to read.
#[derive(Debug, Object)]
pub struct Message {
    /// The words.
    message: String,
}

/// Done, and nothing to say.
#[derive(Debug, ApiResponse)]
pub enum Done {
    /// Done.
    #[oai(status = 204)]
    Done,
}

#[OpenApi(prefix_path = "/auth", tag = "crate::Tag::Auth")]
impl Auth {
    /// Makes an account; the member, her consents and her first plan item follow at once (USR-1 to USR-3).
    #[oai(path = "/signup", method = "post", operation_id = "signUp")]
    async fn sign_up(&self, request: &Request, body: Json<SignUp>) -> Result<Created, Problem> {
        let app = App::of(request)?;
        let (email, password) = checked(body.0)?;
        let account = match app.identity.sign_up(&email, &password).await {
            Ok(SignedUp::Ready(account)) => account,
            Ok(SignedUp::ByMail) => {
                let message = "We have sent you an e-mail. Please follow it to go on.".to_owned();
                return Ok(Created::ByMail(one(Message { message })));
            }
            // Which reason it was would tell whether the address has an account.
            Err(fault) => return Err(fault.or(Problem::SignupFailed)),
        };
        users::register(app, account.id, &account.email, request_id(request)).await?;
        let member = users::signed_in(app, &account).await?;
        let (id, email, profile) = (member.id, member.email, member.profile);
        Ok(Created::Member(one(NewMember { id, email, profile })))
    }

    /// Opens a session.
    #[oai(path = "/login", method = "post", operation_id = "signIn")]
    async fn sign_in(
        &self,
        request: &Request,
        body: Json<SignIn>,
    ) -> Result<Json<One<SignedIn>>, Problem> {
        let app = App::of(request)?;
        let SignIn { email, password } = body.0;
        let (Some(email), Some(password)) = (email, password) else {
            let misfit = Misfit::of("email", "Please give your e-mail address and password.", "");
            return Err(Problem::Validation(vec![misfit]));
        };
        let session = app.identity.sign_in(&email, &password).await;
        let session = session.map_err(|fault| fault.or(Problem::LoginFailed))?;
        let account = &session.user;
        users::be_known(app, account.id, &account.email, request_id(request)).await?;
        let user = users::signed_in(app, account).await?;
        Ok(one(SignedIn {
            user,
            access_token: session.access_token,
            refresh_token: session.refresh_token,
            expires_at: session.expires_at,
        }))
    }

    /// Renews a session; the token given is spent.
    #[oai(path = "/refresh", method = "post", operation_id = "refresh")]
    async fn refresh(
        &self,
        request: &Request,
        body: Json<Renewal>,
    ) -> Result<Json<One<Tokens>>, Problem> {
        let app = App::of(request)?;
        let token = body.0.refresh_token.filter(|token| !token.is_empty());
        let token = token.ok_or(Problem::MissingRefreshToken)?;
        match app.identity.renew(&token).await {
            Ok(session) => Ok(one(Tokens {
                access_token: session.access_token,
                refresh_token: session.refresh_token,
                expires_at: session.expires_at,
            })),
            Err(IdentityFault::Refused(code)) if code == "session_expired" => {
                Err(Problem::RefreshExpired)
            }
            Err(fault) => Err(fault.or(Problem::RefreshFailed)),
        }
    }

    /// Ends the session, if there is one.
    #[oai(path = "/logout", method = "post", operation_id = "signOut")]
    async fn sign_out(&self, request: &Request) -> Result<Done, Problem> {
        let app = App::of(request)?;
        let bearer = request.header(header::AUTHORIZATION).unwrap_or_default();
        let scheme = bearer
            .split_once(' ')
            .filter(|(s, _)| s.eq_ignore_ascii_case("bearer"));
        if let Some(token) = scheme.map(|(_, token)| token.trim()) {
            let ended = app.identity.sign_out(token).await;
            app.verifier.forget(token).await;
            match ended {
                // A bad or ended token leaves nothing to do.
                Ok(()) | Err(IdentityFault::Refused(_)) => {}
                // She must not believe that she is signed out when she is not.
                Err(IdentityFault::Unavailable) => return Err(Problem::AuthUnavailable),
            }
        }
        Ok(Done::Done)
    }
}

fn checked(ask: SignUp) -> Result<(String, String), Problem> {
    let mut misfits = Vec::new();
    let email = ask.email.unwrap_or_default().trim().to_owned();
    let host = email
        .rsplit_once('@')
        .map(|(local, host)| (!local.is_empty(), host));
    if email.chars().count() > EMAIL_MAX || !host.is_some_and(|(local, h)| local && h.contains('.'))
    {
        let words = "Please give a complete e-mail address.";
        misfits.push(Misfit::of("email", words, "LIM-7"));
    }
    let password = ask.password.unwrap_or_default();
    if !is_strong(&password) {
        let words = "A password has 8 to 128 characters, with an upper-case letter, a lower-case \
                     letter and a digit.";
        misfits.push(Misfit::of("password", words, "LIM-8"));
    }
    if ask.confirm_password.as_deref() != Some(password.as_str()) {
        let words = "The two passwords differ.";
        misfits.push(Misfit::of("confirmPassword", words, ""));
    }
    if misfits.is_empty() {
        Ok((email, password))
    } else {
        Err(Problem::Validation(misfits))
    }
}

/// LIM-8.
fn is_strong(password: &str) -> bool {
    (8..=128).contains(&password.chars().count())
        && password.chars().any(char::is_uppercase)
        && password.chars().any(char::is_lowercase)
        && password.chars().any(|c| c.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_needs_length_both_cases_and_a_digit() {
        // LIM-8
        assert!(is_strong("Abcdefg1"));
        for weak in [
            "Abcdef1",
            "abcdefg1",
            "ABCDEFG1",
            "Abcdefgh",
            &"Aa1".repeat(43),
        ] {
            assert!(!is_strong(weak), "{weak}");
        }
    }

    #[test]
    fn every_misfit_is_told_at_once() {
        let nothing = SignUp {
            email: None,
            password: None,
            confirm_password: Some("x".to_owned()),
        };
        let Err(Problem::Validation(misfits)) = checked(nothing) else {
            panic!("a validation problem")
        };
        let paths: Vec<_> = misfits.iter().map(|m| m.path[0].as_str()).collect();
        assert_eq!(paths, ["email", "password", "confirmPassword"]);
    }
}
