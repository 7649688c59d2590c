//! Writes a batch as one statement, on a connection that only the lane uses.

use super::{Append, Outcome};
use crate::kept::{Kept, answered};
use sqlx::postgres::PgArguments;
use sqlx::query::QueryAs;
use sqlx::{PgPool, Postgres};

/// What the function of the database tells: the position before the batch; then, unless every command was appended,
/// where each was done before, and whether its stream moved on.
type Answer = (i64, Option<Vec<Option<i64>>>, Option<Vec<bool>>);

/// The connection and what is asked on it. A dead connection is an outage like any other: the same command id is tried
/// again.
#[derive(Debug)]
pub(super) struct Writer {
    kept: Kept,
    statement: String,
}

impl Writer {
    pub(super) fn new(pool: &PgPool, function: &str) -> Self {
        Self {
            kept: Kept::to(pool),
            statement: format!(
                "SELECT base, done, stale FROM {function}($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)"
            ),
        }
    }

    /// What became of each command, in their order.
    pub(super) async fn write(&mut self, appends: &[Append]) -> Result<Vec<Outcome>, sqlx::Error> {
        let answer = match self.ask(appends, false).await {
            // A stream that was to begin was there already: which one, the careful way tells.
            Err(fault) if is_taken(&fault) => self.ask(appends, true).await?,
            answer => answer?,
        };
        outcomes(appends, answer).ok_or(sqlx::Error::RowNotFound)
    }

    async fn ask(&mut self, appends: &[Append], careful: bool) -> Result<Answer, sqlx::Error> {
        let mut connection = self.kept.take().await?;
        let asked = bound(sqlx::query_as(&self.statement), appends).bind(careful);
        let answer = answered(asked.fetch_one(&mut connection)).await;
        if answer.as_ref().map_or_else(is_taken, |_| true) {
            self.kept.give_back(connection);
        }
        answer
    }
}

/// Whether the database refused a sequence that its stream has already.
fn is_taken(fault: &sqlx::Error) -> bool {
    let refusal = fault.as_database_error();
    refusal.is_some_and(|refusal| refusal.is_unique_violation())
}

type Asked<'q> = QueryAs<'q, Postgres, Answer, PgArguments>;

/// Each command's id, stream and first sequence; then each event, with the number of its command.
fn bound<'q>(asked: Asked<'q>, appends: &'q [Append]) -> Asked<'q> {
    let commands = || appends.iter();
    let events = || appends.iter().flat_map(|append| &append.events);
    let first = |append: &Append| append.events.first().map_or(0, |event| event.sequence);
    let number_of_each = commands()
        .zip(1_i32..)
        .flat_map(|(append, n)| append.events.iter().map(move |_| n));
    asked
        .bind(commands().map(|a| a.command_id).collect::<Vec<_>>())
        .bind(commands().map(|a| a.noun.as_str()).collect::<Vec<_>>())
        .bind(commands().map(|a| a.stream.as_str()).collect::<Vec<_>>())
        .bind(commands().map(first).collect::<Vec<_>>())
        .bind(number_of_each.collect::<Vec<_>>())
        .bind(events().map(|e| e.sequence).collect::<Vec<_>>())
        .bind(events().map(|e| e.event_id).collect::<Vec<_>>())
        .bind(events().map(|e| e.event_type.as_str()).collect::<Vec<_>>())
        .bind(
            events()
                .map(|e| e.event_version.as_str())
                .collect::<Vec<_>>(),
        )
        .bind(events().map(|e| e.payload.as_str()).collect::<Vec<_>>())
        .bind(events().map(|e| e.metadata.as_str()).collect::<Vec<_>>())
}

/// Those that were appended stand after `base` in their order; `None` when the answer is not about this batch.
fn outcomes(appends: &[Append], (base, done, stale): Answer) -> Option<Vec<Outcome>> {
    let (done, stale) = (done.unwrap_or_default(), stale.unwrap_or_default());
    let all_appended = done.is_empty() && stale.is_empty();
    if !all_appended && (done.len(), stale.len()) != (appends.len(), appends.len()) {
        return None;
    }
    let mut position = base;
    let mut outcome = |(n, append): (usize, &Append)| {
        if let Some(position) = done.get(n).copied().flatten() {
            return Some(Outcome::AlreadyDone(position));
        }
        if stale.get(n) == Some(&true) {
            return Some(Outcome::Conflict);
        }
        position += i64::try_from(append.events.len()).ok()?;
        Some(Outcome::Appended(position))
    };
    appends.iter().enumerate().map(&mut outcome).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lane::an_append;
    use uuid::Uuid;

    fn append(events: i64) -> Append {
        an_append("", Uuid::nil(), events, "")
    }

    #[test]
    fn when_all_are_appended_positions_follow_one_another() {
        let told = outcomes(&[append(1), append(3), append(2)], (10, None, None)).unwrap();
        assert_eq!(told, [11, 14, 16].map(Outcome::Appended));
    }

    #[test]
    fn what_was_done_before_or_came_too_late_takes_no_position() {
        let batch = [append(2), append(1), append(4), append(1)];
        let done = vec![None, Some(7), None, None];
        // What was done before is stale as well, because it moved its own stream.
        let stale = vec![false, true, true, false];
        let told = outcomes(&batch, (10, Some(done), Some(stale))).unwrap();
        let expected = [
            Outcome::Appended(12),
            Outcome::AlreadyDone(7),
            Outcome::Conflict,
            Outcome::Appended(13),
        ];
        assert_eq!(told, expected);
    }

    #[test]
    fn an_answer_about_another_batch_is_none() {
        assert_eq!(
            outcomes(&[append(1)], (0, Some(vec![]), Some(vec![true]))),
            None
        );
    }
}
