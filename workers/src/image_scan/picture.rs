//! One picture of a scan: ask consent, fetch the working copy, ask the engine, note how it ended.

use super::{ImageScan, Job, Later};
use crate::providers::ProviderError;
use bytes::Bytes;
use domain::ids::ImageId;
use domain::scan::{
    Answer, FailureCode, FinishImage, RecordAnswer, ScanCommand, Tally, UnitOutcome, Warning,
};
use domain::user::{Purpose, User};
use eventstore::edge;
use eventstore::objects::{Form, ObjectFault};

/// How the work on one picture ended.
struct Ending {
    outcome: UnitOutcome,
    tally: Tally,
    warnings: Vec<Warning>,
}

impl Ending {
    fn without_search(outcome: UnitOutcome, warnings: Vec<Warning>) -> Self {
        Self {
            outcome,
            tally: Tally::default(),
            warnings,
        }
    }
}

impl ImageScan {
    pub(super) async fn search_for(&self, job: &Job, image: ImageId) -> Result<(), Later> {
        let Ending {
            outcome,
            tally,
            warnings,
        } = self.search(job, image).await?;
        let finish = FinishImage {
            scan_id: job.scan,
            image_id: image,
            outcome,
            tally,
            warnings,
            scanned_at: edge::now(),
        };
        let id = image.to_string();
        self.tell(job, &["finish", &id], ScanCommand::FinishImage(finish))
            .await
    }

    async fn search(&self, job: &Job, image: ImageId) -> Result<Ending, Later> {
        if job.is_given_up() {
            // Every scan reaches a final state, and this one must not look as if it had searched.
            let failed = UnitOutcome::Failed(FailureCode::ScanTimedOut);
            return Ok(Ending::without_search(failed, vec![]));
        }
        let Some(jpeg) = self.working_copy(job, image).await? else {
            let failed = UnitOutcome::Failed(FailureCode::ImageUnreadable);
            return Ok(Ending::without_search(failed, vec![]));
        };
        // Asked right before the call, because she may have withdrawn since the trigger (CON-1).
        let member: User = self.store.load(job.owner.0).await.map_err(Later::because)?;
        if !member.agrees_to(Purpose::WebImageSearch) {
            let warning = Warning::ConsentMissing(Purpose::WebImageSearch);
            return Ok(Ending::without_search(UnitOutcome::Skipped, vec![warning]));
        }
        let asked_at = edge::now();
        let found = self.engine.find_copies(jpeg).await;
        let answer = match &found {
            Ok(found) => Answer::Results(u32::try_from(found.copies.len()).unwrap_or(u32::MAX)),
            Err(error) => Answer::Fault(error.fault),
        };
        let record = RecordAnswer {
            scan_id: job.scan,
            image_id: image,
            provider: self.engine.name().to_owned(),
            answer,
            asked_at,
            ended_at: edge::now(),
        };
        let (id, attempt) = (image.to_string(), job.delivered.to_string());
        self.tell(
            job,
            &["answer", &id, &attempt],
            ScanCommand::RecordAnswer(record),
        )
        .await?;
        match found {
            Ok(found) => {
                let tally = self.record_all(job, image, found.copies).await?;
                let warnings = found.truncated.then_some(Warning::Truncated);
                Ok(Ending {
                    outcome: UnitOutcome::Done,
                    tally,
                    warnings: warnings.into_iter().collect(),
                })
            }
            Err(error) => Ok(self.not_searched(&error)),
        }
    }

    /// The adapter has made its own attempts (rules, section 16), so what it gives up on is given up: "not
    /// searched", never "clear" (GEN-3).
    fn not_searched(&self, error: &ProviderError) -> Ending {
        tracing::warn!(engine = self.engine.name(), fault = ?error.fault, detail = %error.detail,
            "an engine did not search");
        let warning = Warning::ProviderFailed(self.engine.name().to_owned());
        let failed = UnitOutcome::Failed(error.fault.failure());
        Ending::without_search(failed, vec![warning])
    }

    /// The bytes an engine is sent; `None` when there are none to be had any more.
    async fn working_copy(&self, job: &Job, image: ImageId) -> Result<Option<Bytes>, Later> {
        match self.objects.get(job.owner, image, Form::Working).await {
            Ok(jpeg) => Ok(Some(jpeg.into())),
            Err(ObjectFault::Missing) => Ok(None),
            Err(fault @ (ObjectFault::Storage(_) | ObjectFault::Key(_))) => {
                if job.is_last_attempt() {
                    tracing::error!(%fault, "a picture cannot be read");
                    return Ok(None);
                }
                Err(Later::because(fault))
            }
        }
    }
}
