//! Her protection plan: a short personal list of things to do (contract, section 11).

use crate::app::App;
use crate::bearer::Member;
use crate::envelope::{One, known, one};
use crate::problem::Problem;
use crate::time::Time;
use crate::trail::{Step, trail};
use chrono::DateTime;
use domain::ids::{UserId, named};
use domain::plan::{Because as Cause, ItemCode};
use eventstore::subscription;
use poem::Request;
use poem_openapi::param::{Path, Query};
use poem_openapi::payload::Json;
use poem_openapi::{Enum, Object, OpenApi};
use projections::freshness;
use projections::plan::{Plan as Model, PlanItemRow};
use projections::projector::ReadModel;
use serde::Deserialize;
use uuid::Uuid;

/// Routes about the plan.
#[derive(Debug)]
pub struct Plan;

/// Her list.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
pub struct ProtectionPlan {
    /// The plan; each member has one.
    id: Uuid,
    /// Whose.
    user_id: Uuid,
    /// When it was first made.
    generated_at: Time,
    /// When anything on it last changed.
    last_updated: Time,
    /// What is on it, most urgent first.
    items: Vec<PlanItem>,
    /// The parts of her safety that it touches.
    focus_areas: Vec<String>,
    /// 0 to 100 (rules, 6.6).
    score: i64,
}

/// One thing to do.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
pub struct PlanItem {
    /// The item.
    id: Uuid,
    /// The plan.
    plan_id: Uuid,
    /// What it is about.
    code: String,
    /// The part of her safety that it belongs to.
    category: Category,
    /// The words to read first.
    title: String,
    /// The words to read next.
    description: String,
    /// Place on the list, from 1.
    priority: i64,
    /// Where it stands.
    status: ItemStatus,
    /// When it should be done.
    due_date: Option<Time>,
    /// When it was put on the list.
    created_at: Time,
    /// When it was done.
    completed_at: Option<Time>,
    /// Who completed it.
    completed_by: Option<String>,
    /// What it follows from (PLN-16).
    because: Because,
}

/// What an item follows from.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
pub struct Because {
    /// Which kind of cause.
    cause: CauseKind,
    /// The alert, where it was one.
    alert_id: Option<Uuid>,
}

/// Kinds of cause.
#[derive(Debug, Enum)]
#[oai(rename_all = "UPPERCASE")]
pub enum CauseKind {
    /// She became a member.
    Joined,
    /// She was told about a finding.
    Alert,
}

/// Parts of her safety.
#[derive(Debug, Enum)]
#[oai(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Category {
    /// What is watched for her.
    MonitoringSetup,
}

/// Where an item stands.
#[derive(Debug, PartialEq, Eq, Enum)]
#[oai(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ItemStatus {
    /// Not begun.
    Pending,
    /// Begun.
    InProgress,
    /// Done.
    Completed,
    /// Left out.
    Skipped,
}

#[OpenApi(prefix_path = "/protection-plan", tag = "crate::Tag::Plan")]
impl Plan {
    /// Her plan; reading never creates anything (USR-3).
    #[oai(path = "/", method = "get", operation_id = "getProtectionPlan")]
    async fn get(
        &self,
        request: &Request,
        member: Member,
        /// A position of the log, or a time: what was shown then. `Vara-Position` of the answer is that position.
        #[oai(name = "asOf")]
        as_of: Query<Option<String>>,
    ) -> Result<Json<One<ProtectionPlan>>, Problem> {
        let (app, user) = (App::of(request)?, member.0.user);
        let items = match as_of.0.as_deref() {
            None => items(app, user).await?,
            then => {
                let mut shown = app.shown::<Model>(request, user, then).await?;
                projections::plan::items(&mut *shown, user).await?
            }
        };
        Ok(one(show(user, items)?))
    }

    /// What put an item on the list, oldest first: each recorded event with its position and time.
    #[oai(
        path = "/items/:id/trail",
        method = "get",
        operation_id = "getPlanItemTrail"
    )]
    async fn trail(
        &self,
        request: &Request,
        member: Member,
        id: Path<Uuid>,
    ) -> Result<Json<One<Vec<Step>>>, Problem> {
        let (app, user) = (App::of(request)?, member.0.user);
        let items = items(app, user).await?;
        let item = items.into_iter().find(|item| item.item_id == id.0);
        let event = item.ok_or(Problem::ItemNotFound)?.event_id;
        Ok(one(trail(app, user, event).await?))
    }
}

/// Her items. Every member has at least the starter item (USR-3), so none at all means that the policy which adds
/// it, or the read model, is late: then this waits a little, and says so rather than show an empty plan.
async fn items(app: &App, user: UserId) -> Result<Vec<PlanItemRow>, Problem> {
    app.fresh.before_read(user).await?;
    let items = projections::plan::items(&app.database, user).await?;
    if !items.is_empty() {
        return Ok(items);
    }
    for reader in [subscription::POLICIES, Model::NAME] {
        freshness::reached(&app.database, &[reader], app.log.head().await?).await?;
    }
    let items = projections::plan::items(&app.database, user).await?;
    if items.is_empty() {
        return Err(Problem::NotShownYet);
    }
    Ok(items)
}

fn show(user: UserId, rows: Vec<PlanItemRow>) -> Result<ProtectionPlan, Problem> {
    let plan = named("plan", &[&user.to_string()]);
    let generated_at = rows.iter().map(|row| row.created_at).min();
    let last_updated = rows.iter().map(|row| row.changed_at).max();
    let items = (1..)
        .zip(rows)
        .map(|(priority, row)| item(plan, priority, row));
    let items = items.collect::<Result<Vec<_>, _>>()?;
    let score = score(&items);
    let mut focus_areas = Vec::new();
    for item in &items {
        let area = domain_code(&item.code)?.category().label().to_owned();
        if !focus_areas.contains(&area) {
            focus_areas.push(area);
        }
    }
    Ok(ProtectionPlan {
        id: plan,
        user_id: user.0,
        generated_at: generated_at.unwrap_or(DateTime::UNIX_EPOCH).into(),
        last_updated: last_updated.unwrap_or(DateTime::UNIX_EPOCH).into(),
        items,
        focus_areas,
        score,
    })
}

fn item(plan_id: Uuid, priority: i64, row: PlanItemRow) -> Result<PlanItem, Problem> {
    let code = domain_code(&row.code)?;
    let because = Cause::deserialize(&row.because)
        .map_err(|_| Problem::ours("a row makes no sense", &"read_plan_items.because"))?;
    let category = match code.category() {
        domain::plan::Category::MonitoringSetup => Category::MonitoringSetup,
    };
    Ok(PlanItem {
        id: row.item_id,
        plan_id,
        title: code.title().to_owned(),
        description: code.description().to_owned(),
        code: row.code,
        category,
        priority,
        status: known("read_plan_items.status", &row.status)?,
        due_date: Some(row.due_at.into()),
        created_at: row.created_at.into(),
        completed_at: None,
        completed_by: None,
        because: match because {
            Cause::Joined => Because {
                cause: CauseKind::Joined,
                alert_id: None,
            },
            Cause::Alert(alert) => Because {
                cause: CauseKind::Alert,
                alert_id: Some(alert.0),
            },
        },
    })
}

fn domain_code(code: &str) -> Result<ItemCode, Problem> {
    serde_json::from_value(serde_json::Value::String(code.to_owned()))
        .map_err(|_| Problem::ours("a row makes no sense", &"read_plan_items.code"))
}

/// Rules, 6.6: `min(100, 20 + round(80 · (100·completed + 50·inProgress) / (100·n)))`, 0 without items.
fn score(items: &[PlanItem]) -> i64 {
    let count = |status| items.iter().filter(|item| item.status == status).count() as i64;
    let n = items.len() as i64;
    if n == 0 {
        return 0;
    }
    let earned = 100 * count(ItemStatus::Completed) + 50 * count(ItemStatus::InProgress);
    // Rounded to nearest by adding half of the divisor.
    (20 + (80 * earned + 50 * n) / (100 * n)).min(100)
}
