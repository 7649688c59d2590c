//! One picture of a scan: fetch the working copy, ask the engine while she agrees and keeps the picture in her library,
//! note how it ended.

use super::{ImageScan, Job, Unfinished, Unit};
use crate::providers::{Consent, CopiesFound, NotSearched, ProviderError};
use async_trait::async_trait;
use bytes::Bytes;
use chrono::{DateTime, Utc};
use domain::ids::ImageId;
use domain::image::Library;
use domain::scan::{
    Answer, FailureCode, FinishImage, RecordAnswer, ScanCommand, Tally, UnitOutcome, Warning,
};
use domain::user::{Purpose, User};
use eventstore::objects::Form;
use eventstore::{Store, edge};

/// What she agreed to, as the log says it at the moment of asking (CON-1), for a picture that she did not put away
/// (IMG-5), by a worker that still has her scan.
struct Agreement<'a> {
    store: &'a Store,
    job: &'a Job,
    image: ImageId,
}

#[async_trait]
impl Consent for Agreement<'_> {
    async fn holds(&self) -> bool {
        if self.job.is_ours().await.is_err() {
            return false;
        }
        let owner = self.job.owner.0;
        let (member, library) = tokio::join!(
            self.store.load::<User>(owner),
            self.store.load::<Library>(owner)
        );
        member.is_ok_and(|member| member.agrees_to(Purpose::WebImageSearch))
            && library.is_ok_and(|library| library.holds(self.image))
    }
}

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

/// Nothing is searched for a picture that she put away. Where it was the only one, the scan had none.
fn put_away(unit: Unit) -> Ending {
    let warnings = unit.is_alone.then_some(Warning::NoImages);
    Ending::without_search(UnitOutcome::Skipped, warnings.into_iter().collect())
}

impl ImageScan {
    pub(super) async fn search_for(&self, job: &Job, unit: Unit) -> Result<(), Unfinished> {
        let image = unit.image;
        let Ending {
            outcome,
            tally,
            warnings,
        } = self.search(job, unit).await?;
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

    async fn search(&self, job: &Job, unit: Unit) -> Result<Ending, Unfinished> {
        let image = unit.image;
        if !self.holds(job, image).await? {
            return Ok(put_away(unit));
        }
        if job.is_given_up() {
            // Every scan reaches a final state, and this one must not look as if it had searched.
            let failed = UnitOutcome::Failed(FailureCode::ScanTimedOut);
            return Ok(Ending::without_search(failed, vec![]));
        }
        let Some(jpeg) = self.working_copy(job, image).await? else {
            let failed = UnitOutcome::Failed(FailureCode::ImageUnreadable);
            return Ok(Ending::without_search(failed, vec![]));
        };
        let asked_at = edge::now();
        let consent = Agreement {
            store: &self.store,
            job,
            image,
        };
        match self.engine.find_copies(jpeg, &consent).await {
            Ok(found) => {
                let results = u32::try_from(found.copies.len()).unwrap_or(u32::MAX);
                self.note(job, image, asked_at, Answer::Results(results))
                    .await?;
                match self.holds(job, image).await? {
                    true => self.found(job, image, found).await,
                    false => Ok(put_away(unit)),
                }
            }
            Err(NotSearched::Failed(error)) => {
                self.note(job, image, asked_at, Answer::Fault(error.fault))
                    .await?;
                Ok(self.not_searched(&error))
            }
            Err(NotSearched::NotAllowed) => self.skipped(job, unit).await,
        }
    }

    async fn note(
        &self,
        job: &Job,
        image: ImageId,
        asked_at: DateTime<Utc>,
        answer: Answer,
    ) -> Result<(), Unfinished> {
        let record = RecordAnswer {
            scan_id: job.scan,
            image_id: image,
            provider: self.engine.name().to_owned(),
            answer,
            asked_at,
            ended_at: edge::now(),
        };
        // A second attempt is a second fact (SCN-8).
        let (id, fence) = (image.to_string(), job.lease.fence().to_string());
        let what = ["answer", &id, &fence];
        self.tell(job, &what, ScanCommand::RecordAnswer(record))
            .await
    }

    async fn found(
        &self,
        job: &Job,
        image: ImageId,
        found: CopiesFound,
    ) -> Result<Ending, Unfinished> {
        let tally = self.record_all(job, image, found.copies).await?;
        let truncated = found.truncated.then_some(Warning::Truncated);
        // Results that could not be read are results all the same: this search is not complete.
        let incomplete =
            (found.left_out > 0).then(|| Warning::ProviderFailed(self.engine.name().to_owned()));
        Ok(Ending {
            outcome: match incomplete {
                Some(_) => UnitOutcome::Partial,
                None => UnitOutcome::Done,
            },
            tally,
            warnings: truncated.into_iter().chain(incomplete).collect(),
        })
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

    /// Whether the picture is ACTIVE: running work for one that was put away stops at its next step (IMG-5).
    async fn holds(&self, job: &Job, image: ImageId) -> Result<bool, Unfinished> {
        let library = self.store.load::<Library>(job.owner.0).await;
        Ok(library.map_err(Unfinished::in_the_way)?.holds(image))
    }

    /// Consent did not hold, the picture was put away, or it could not be found out; only the log tells which. Or the scan
    /// is another worker's.
    async fn skipped(&self, job: &Job, unit: Unit) -> Result<Ending, Unfinished> {
        job.is_ours().await?;
        if !self.holds(job, unit.image).await? {
            return Ok(put_away(unit));
        }
        let member = self.store.load::<User>(job.owner.0).await;
        let member = member.map_err(Unfinished::in_the_way)?;
        if member.agrees_to(Purpose::WebImageSearch) {
            return Err(Unfinished::in_the_way("consent could not be found out"));
        }
        let warning = Warning::ConsentMissing(Purpose::WebImageSearch);
        Ok(Ending::without_search(UnitOutcome::Skipped, vec![warning]))
    }

    /// The bytes an engine is sent; `None` when there are none to be had any more.
    async fn working_copy(&self, job: &Job, image: ImageId) -> Result<Option<Bytes>, Unfinished> {
        match self.objects.find(job.owner, image, Form::Working).await {
            Ok(jpeg) => Ok(jpeg.map(Bytes::from)),
            Err(fault) => {
                if job.lease.is_last() {
                    tracing::error!(%fault, "a picture cannot be read");
                    return Ok(None);
                }
                Err(Unfinished::Failed(fault.to_string()))
            }
        }
    }
}
