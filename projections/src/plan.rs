//! Her protection plan: what is on her list.

use crate::codes::code;
use crate::projector::ReadModel;
use chrono::{DateTime, Utc};
use domain::Event;
use domain::ids::UserId;
use domain::plan::{Because, PlanEvent};
use eventstore::Opened;
use serde_json::Value;
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

/// One item of a plan; its words stand in the domain's catalogue.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct PlanItemRow {
    /// The item.
    pub item_id: Uuid,
    /// The event that put it on the list.
    pub event_id: Uuid,
    /// Its code, as `REVIEW_ALERTS`.
    pub code: String,
    /// 1 is the most urgent.
    pub urgency: i16,
    /// `PENDING`.
    pub status: String,
    /// When it should be done.
    pub due_at: DateTime<Utc>,
    /// What it follows from (PLN-16).
    pub because: Value,
    /// When it was put on the list.
    pub created_at: DateTime<Utc>,
    /// When it last changed.
    pub changed_at: DateTime<Utc>,
}

/// The read model.
#[derive(Debug)]
pub struct Plan;

impl ReadModel for Plan {
    const NAME: &'static str = "plan_v1";

    async fn apply(tx: &mut PgConnection, event: &Opened) -> Result<(), sqlx::Error> {
        match &event.event {
            Event::Plan(PlanEvent::PlanItemAdded {
                owner,
                item_id,
                code: item,
                urgency,
                due_at,
                because,
                added_at,
            }) => {
                sqlx::query(
                    "INSERT INTO read_plan_items (item_id, owner, event_id, code, urgency, status, due_at,
                                                  because, created_at, changed_at)
                     VALUES ($1, $2, $3, $4, $5, 'PENDING', $6, $7, $8, $8)",
                )
                .bind(item_id.0)
                .bind(owner.0)
                .bind(event.recorded.event_id)
                .bind(code(item)?)
                .bind(i16::from(u8::from(*urgency)))
                .bind(due_at)
                .bind(reason(because)?)
                .bind(added_at)
                .execute(tx)
                .await?;
                Ok(())
            }
            Event::Plan(PlanEvent::PlanItemUrgencyRaised {
                item_id,
                urgency,
                due_at,
                because,
                raised_at,
                ..
            }) => {
                sqlx::query(
                    "UPDATE read_plan_items
                        SET urgency = $2, due_at = $3, because = $4, changed_at = $5, event_id = $6
                      WHERE item_id = $1",
                )
                .bind(item_id.0)
                .bind(i16::from(u8::from(*urgency)))
                .bind(due_at)
                .bind(reason(because)?)
                .bind(raised_at)
                .bind(event.recorded.event_id)
                .execute(tx)
                .await?;
                Ok(())
            }
            Event::User(_)
            | Event::Image(_)
            | Event::Scan(_)
            | Event::Match(_)
            | Event::Alert(_) => Ok(()),
        }
    }
}

fn reason(because: &Because) -> Result<Value, sqlx::Error> {
    serde_json::to_value(because).map_err(|fault| sqlx::Error::Encode(fault.into()))
}

/// Her items, most urgent first.
///
/// # Errors
/// When the database does not answer.
pub async fn items(pool: &PgPool, owner: UserId) -> Result<Vec<PlanItemRow>, sqlx::Error> {
    sqlx::query_as(
        "SELECT item_id, event_id, code, urgency, status, due_at, because, created_at, changed_at
           FROM read_plan_items WHERE owner = $1 ORDER BY urgency, created_at, item_id",
    )
    .bind(owner.0)
    .fetch_all(pool)
    .await
}
