//! The member herself: who she is, what she agreed to (contract, sections 6 and 15).

use crate::app::App;
use crate::bearer::Member;
use crate::edge::request_id;
use crate::envelope::{One, known, one};
use crate::faces;
use crate::identity::Account as SignedIn;
use crate::problem::Problem;
use crate::time::Time;
use domain::ids::UserId;
use domain::user::{
    ChangeConsent, Purpose, RegisterUser, TextVersion, User as Account, UserCommand,
};
use eventstore::{Why, edge, subscription};
use poem::Request;
use poem_openapi::param::Path;
use poem_openapi::payload::Json;
use poem_openapi::{Enum, Object, OpenApi};
use projections::users::{ConsentRow, UserRow, Users as UsersModel};
use projections::{plan, projector::ReadModel};
use uuid::Uuid;

/// Routes about the member herself.
#[derive(Debug)]
pub struct Users;

/// A member.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
pub struct User {
    /// Her id.
    pub(crate) id: String,
    /// Her address.
    pub(crate) email: String,
    /// Whether she proved that the address is hers.
    email_verified: bool,
    /// When she became a member.
    created_at: Time,
    /// Her profile.
    pub(crate) profile: Profile,
}

/// What Vara knows about her situation.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
pub struct Profile {
    /// The profile; one for each member.
    id: String,
    /// The member.
    user_id: String,
    /// What she wants to be called.
    display_name: Option<String>,
    /// How much care is called for (USR-2: LOW until she answered the questions).
    risk_level: RiskLevel,
    /// Whether she answered the questions.
    onboarding_completed: bool,
    /// When it was made.
    created_at: Time,
}

/// How much care is called for.
#[derive(Debug, Enum)]
#[oai(rename_all = "UPPERCASE")]
pub enum RiskLevel {
    /// Little.
    Low,
}

/// What something may be done for.
#[derive(Debug, Clone, Copy, Enum)]
#[oai(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ConsentPurpose {
    /// Looking for her pictures with outside engines.
    WebImageSearch,
    /// Sending her face to a face search engine.
    FaceSearch,
    /// Looking up her address in breach collections.
    BreachLookup,
    /// Reading linked accounts.
    AccountMonitoring,
}

impl From<ConsentPurpose> for Purpose {
    fn from(purpose: ConsentPurpose) -> Self {
        match purpose {
            ConsentPurpose::WebImageSearch => Self::WebImageSearch,
            ConsentPurpose::FaceSearch => Self::FaceSearch,
            ConsentPurpose::BreachLookup => Self::BreachLookup,
            ConsentPurpose::AccountMonitoring => Self::AccountMonitoring,
        }
    }
}

/// What she said about one purpose.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
pub struct Consent {
    /// What for.
    purpose: ConsentPurpose,
    /// Whether she agrees.
    granted: bool,
    /// When she last said so.
    changed_at: Time,
    /// Version of the text she was shown.
    text_version: String,
}

/// What she says about one purpose now.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
pub struct ConsentChange {
    /// Whether she agrees.
    granted: Option<bool>,
    /// Version of the text she was shown.
    text_version: Option<String>,
}

#[OpenApi(prefix_path = "/users/me", tag = "crate::Tag::Users")]
impl Users {
    /// Who is signed in.
    #[oai(path = "/", method = "get", operation_id = "getMe")]
    async fn me(&self, request: &Request, member: Member) -> Result<Json<One<User>>, Problem> {
        let app = App::of(request)?;
        Ok(one(
            shown(app, member.0.user, member.0.email_verified).await?
        ))
    }

    /// What she agreed to, or not.
    #[oai(path = "/consents", method = "get", operation_id = "listConsents")]
    async fn consents(
        &self,
        request: &Request,
        member: Member,
    ) -> Result<Json<One<Vec<Consent>>>, Problem> {
        let app = App::of(request)?;
        app.fresh.before_read(member.0.user).await?;
        let rows = projections::users::consents(&app.database, member.0.user).await?;
        let consents = rows.into_iter().map(show).collect::<Result<Vec<_>, _>>()?;
        Ok(one(consents))
    }

    /// Grants or withdraws one purpose (CON-2).
    #[oai(
        path = "/consents/:purpose",
        method = "put",
        operation_id = "changeConsent"
    )]
    async fn change_consent(
        &self,
        request: &Request,
        member: Member,
        purpose: Path<ConsentPurpose>,
        body: Json<ConsentChange>,
    ) -> Result<Json<One<Consent>>, Problem> {
        let (app, user) = (App::of(request)?.clone(), member.0.user);
        let ask = consent_change(user, purpose.0, body.0)?;
        let why = Why::member(user, request_id(request), edge::fresh_id());
        let said = ConsentRow {
            user_id: user.0,
            purpose: ask.purpose.code().to_owned(),
            granted: ask.granted,
            text_version: ask.text_version.as_str().to_owned(),
            changed_at: ask.at,
        };
        app.clone()
            .to_the_end(async move {
                let command = UserCommand::ChangeConsent(ask);
                let receipt = app.store.execute::<Account>(user.0, command, why).await?;
                faces::forget_withdrawn(&app, user, &said).await;
                app.show(user, &[UsersModel::NAME], receipt.position).await;
                if !receipt.already_done {
                    return Ok(one(show(said)?));
                }
                let rows = projections::users::consents(&app.database, user).await?;
                let row = rows.into_iter().find(|row| row.purpose == said.purpose);
                Ok(one(show(row.unwrap_or(said))?))
            })
            .await
    }
}

fn consent_change(
    user_id: UserId,
    purpose: ConsentPurpose,
    body: ConsentChange,
) -> Result<ChangeConsent, Problem> {
    let granted = body
        .granted
        .ok_or_else(|| Problem::field("granted", "Please say yes or no.", "CON-2"))?;
    let text_version = body.text_version.unwrap_or_default();
    let text_version = TextVersion::parse(&text_version).map_err(|_| {
        let words = "Please name the version of the text that was shown.";
        Problem::field("textVersion", words, "CON-2")
    })?;
    Ok(ChangeConsent {
        user_id,
        purpose: purpose.into(),
        granted,
        text_version,
        at: edge::now(),
    })
}

fn show(row: ConsentRow) -> Result<Consent, Problem> {
    Ok(Consent {
        purpose: known("read_consents.purpose", &row.purpose)?,
        granted: row.granted,
        changed_at: row.changed_at.into(),
        text_version: row.text_version,
    })
}

/// The member as she is shown to herself.
async fn shown(app: &App, user: UserId, verified: bool) -> Result<User, Problem> {
    app.fresh.before_read(user).await?;
    let row = projections::users::find(&app.database, user).await?;
    Ok(member(row.ok_or(Problem::NotShownYet)?, verified))
}

/// The member who just signed in. A read model that is late cannot turn a made account into an error.
pub(crate) async fn signed_in(app: &App, account: &SignedIn) -> Result<User, Problem> {
    let user = account.id;
    let row = projections::users::find(&app.database, user).await?;
    let row = row.unwrap_or_else(|| UserRow {
        user_id: user.0,
        email: Some(account.email.clone()),
        registered_at: edge::now(),
    });
    Ok(member(row, account.email_confirmed_at.is_some()))
}

fn member(row: UserRow, email_verified: bool) -> User {
    let (user, created_at) = (row.user_id, row.registered_at.into());
    User {
        id: user.to_string(),
        email: row.email.unwrap_or_default(),
        email_verified,
        created_at,
        profile: Profile {
            id: domain::ids::named("profile", &[&user.to_string()]).to_string(),
            user_id: user.to_string(),
            display_name: None,
            risk_level: RiskLevel::Low,
            onboarding_completed: false,
            created_at,
        },
    }
}

/// Sees to it that whoever the provider vouches for is a member, once (USR-1).
pub(crate) async fn be_known(
    app: &App,
    user: UserId,
    email: &str,
    request: Uuid,
) -> Result<(), Problem> {
    let known = projections::users::find(&app.database, user).await?;
    if known.is_some() {
        return Ok(());
    }
    register(app, user, email, request).await
}

/// Lets a member come into being, and waits until she and her starter plan are shown (USR-3).
pub(crate) async fn register(
    app: &App,
    user: UserId,
    email: &str,
    request: Uuid,
) -> Result<(), Problem> {
    let ask = RegisterUser {
        user_id: user,
        email: email.to_owned().into(),
        registered_at: edge::now(),
    };
    let command_id = domain::ids::named("register", &[&user.to_string()]);
    let why = Why::member(user, request, command_id);
    let app = app.clone();
    app.clone()
        .to_the_end(async move {
            let command = UserCommand::Register(ask);
            let receipt = app.store.execute::<Account>(user.0, command, why).await?;
            if receipt.already_done && app.is_erased(user).await? {
                return Err(Problem::AccountDeleted);
            }
            app.show(user, &[UsersModel::NAME], receipt.position).await;
            if !receipt.already_done {
                // Her first item comes from a policy, so its position is known only when that has acted.
                app.show(user, &[subscription::POLICIES], receipt.position)
                    .await;
                let head = app.log.head().await?;
                app.show(user, &[plan::Plan::NAME], head).await;
            }
            Ok(())
        })
        .await
}
