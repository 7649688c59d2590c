//! Her protection plan: what is on her list.

use crate::codes::code;
use crate::projector::{ERASURE, Facts, ReadModel};
use crate::source::Source;
use crate::table::{AnyTable, Place, Row, Table};
use chrono::{DateTime, Utc};
use domain::Event;
use domain::ids::UserId;
use domain::plan::{Because, PlanEvent};
use domain::user::UserEvent;
use eventstore::Opened;
use serde::Serialize;
use serde_json::Value;
use uuid::Uuid;

/// One item of a plan; its words stand in the domain's catalogue.
#[derive(Debug, Clone, Serialize, sqlx::FromRow)]
pub struct PlanItemRow {
    /// The item.
    pub item_id: Uuid,
    /// Whose.
    pub owner: Uuid,
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

impl Row for PlanItemRow {
    const TABLE: &'static str = "read_plan_items";
    const KEY: &'static [&'static str] = &["item_id"];
    const JSON: &'static [&'static str] = &["because"];
    type Key = Uuid;

    fn key(&self) -> Uuid {
        self.item_id
    }

    fn owner(&self) -> Uuid {
        self.owner
    }
}

/// The read model.
#[derive(Debug, Default)]
pub struct Plan {
    items: Table<PlanItemRow>,
}

impl ReadModel for Plan {
    const NAME: &'static str = "plan";
    const SHAPE: i32 = 1;
    const READS: &'static [Facts] = &[("plan", &[]), ERASURE];

    fn tables(&mut self) -> Vec<&mut dyn AnyTable> {
        vec![&mut self.items]
    }

    async fn apply(&mut self, place: &mut Place<'_>, event: &Opened) -> Result<(), sqlx::Error> {
        match &event.event {
            Event::Plan(plan) => self.change(place, plan, event.recorded.event_id).await,
            Event::User(UserEvent::SubjectErased { user_id, .. }) => {
                self.items.remove_all_of(place, user_id.0).await
            }
            Event::User(_)
            | Event::Image(_)
            | Event::Scan(_)
            | Event::Match(_)
            | Event::Alert(_)
            | Event::HashCase(_) => Ok(()),
        }
    }
}

impl Plan {
    async fn change(
        &mut self,
        place: &mut Place<'_>,
        event: &PlanEvent,
        event_id: Uuid,
    ) -> Result<(), sqlx::Error> {
        match event {
            PlanEvent::PlanItemAdded {
                owner,
                item_id,
                code: item,
                urgency,
                due_at,
                because,
                added_at,
            } => self.items.insert(PlanItemRow {
                item_id: item_id.0,
                owner: owner.0,
                event_id,
                code: code(item)?,
                urgency: i16::from(u8::from(*urgency)),
                status: "PENDING".to_owned(),
                due_at: *due_at,
                because: reason(because)?,
                created_at: *added_at,
                changed_at: *added_at,
            }),
            PlanEvent::PlanItemUrgencyRaised {
                item_id,
                urgency,
                due_at,
                because,
                raised_at,
                ..
            } => {
                if let Some(item) = self.items.get(place, &item_id.0).await? {
                    item.urgency = i16::from(u8::from(*urgency));
                    item.due_at = *due_at;
                    item.because = reason(because)?;
                    item.changed_at = *raised_at;
                    item.event_id = event_id;
                }
            }
        }
        Ok(())
    }
}

fn reason(because: &Because) -> Result<Value, sqlx::Error> {
    serde_json::to_value(because).map_err(|fault| sqlx::Error::Encode(fault.into()))
}

/// Her items, most urgent first.
///
/// # Errors
/// When the database does not answer.
pub async fn items(
    from: impl Into<Source<'_>>,
    owner: UserId,
) -> Result<Vec<PlanItemRow>, sqlx::Error> {
    let mut db = from.into().open().await?;
    sqlx::query_as(
        "SELECT item_id, owner, event_id, code, urgency, status, due_at, because, created_at, changed_at
           FROM read_plan_items WHERE owner = $1 ORDER BY urgency, created_at, item_id",
    )
    .bind(owner.0)
    .fetch_all(&mut *db)
    .await
}
