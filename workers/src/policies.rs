//! Carries out what the policies ask for: event after event, each reaction once.

use domain::alert::{Alert, AlertCommand};
use domain::ids::UserId;
use domain::plan::{Plan, PlanCommand};
use domain::policies::{POLICIES, Reaction, command_id};
use domain::user::User;
use eventstore::feed::Feed;
use eventstore::work::Attempt;
use eventstore::{ExecuteError, Opened, Receipt, Store, Why, subscription};
use std::error::Error;

/// Reacts to every event of the log until the process ends.
pub async fn run(store: Store, feed: Feed) {
    let reacting = store.clone();
    subscription::run(store, subscription::POLICIES, feed, |event| {
        react(reacting.clone(), event)
    })
    .await;
}

/// Everything that follows from one event.
pub async fn react(store: Store, event: Opened) -> Attempt {
    for (policy, rule) in POLICIES {
        let Some(reaction) = rule(&event.event) else {
            continue;
        };
        let cause = event.recorded.event_id;
        let why = event.why.following(
            cause,
            &format!("policy:{policy}"),
            command_id(policy, cause),
        );
        let subject = why.subject;
        match carry_out(&store, reaction, why).await {
            Attempt::Done => {}
            // Her key is gone, so nothing can be recorded for her; and nothing follows for her any more (AUD-4).
            Attempt::GiveUp(_) if is_erased(&store, subject).await => {}
            stopped @ (Attempt::TryAgain | Attempt::GiveUp(_)) => return stopped,
        }
    }
    Attempt::Done
}

/// Whether the log says that she was erased.
async fn is_erased(store: &Store, subject: UserId) -> bool {
    let member = store.load::<User>(subject.0).await;
    matches!(member, Ok(User::Erased))
}

async fn carry_out(store: &Store, reaction: Reaction, why: Why) -> Attempt {
    match reaction {
        Reaction::RaiseAlert(ask) => {
            let stream = ask.alert_id.0;
            ended(
                store
                    .execute::<Alert>(stream, AlertCommand::Raise(ask), why)
                    .await,
            )
        }
        Reaction::AddPlanItem(ask) => {
            let stream = ask.owner.0;
            ended(
                store
                    .execute::<Plan>(stream, PlanCommand::AddItem(ask), why)
                    .await,
            )
        }
    }
}

/// A refusal is an answer: what the policy wanted is so already, or can no longer be.
fn ended<E: Error>(answer: Result<Receipt, ExecuteError<E>>) -> Attempt {
    match answer {
        Ok(_) | Err(ExecuteError::Refused(_)) => Attempt::Done,
        Err(ExecuteError::Broken(why)) => Attempt::GiveUp(why),
        Err(fault @ (ExecuteError::Conflict | ExecuteError::Unreachable(_))) => {
            tracing::warn!(%fault, "a policy could not act yet; it tries again");
            Attempt::TryAgain
        }
    }
}
