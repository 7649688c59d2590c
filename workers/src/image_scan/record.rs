//! What an engine found becomes matches: one bad finding is left out alone (PIP-11), each page counts once.

use super::{ImageScan, Job, Unfinished, settled};
use crate::providers::FoundCopy;
use domain::ids::{ImageId, MatchId};
use domain::matches::{
    CopyFinding, Discarded, Disposition, Match, MatchCommand, PageAddress, RecordMatch, Verdict,
    classify_copy,
};
use domain::scan::Tally;
use eventstore::edge;
use std::collections::HashSet;

impl ImageScan {
    pub(super) async fn record_all(
        &self,
        job: &Job,
        image: ImageId,
        copies: Vec<FoundCopy>,
    ) -> Result<Tally, Unfinished> {
        let mut tally = Tally::default();
        let mut pages = HashSet::new();
        for copy in copies {
            match judged(&copy) {
                Ok((page, verdict)) => {
                    // Strongest first: a page that is named again says nothing new.
                    if pages.insert(page.as_str().to_owned()) {
                        self.record(job, image, copy, page, verdict, &mut tally)
                            .await?;
                    }
                }
                Err(Discarded::BelowThreshold) => tally.below_threshold += 1,
                Err(Discarded::ClipMismatch) => tally.clip_mismatch += 1,
                Err(Discarded::BadUrl) => tally.bad_url += 1,
            }
        }
        Ok(tally)
    }

    async fn record(
        &self,
        job: &Job,
        image: ImageId,
        copy: FoundCopy,
        page: PageAddress,
        verdict: Verdict,
        tally: &mut Tally,
    ) -> Result<(), Unfinished> {
        let match_id = self.match_id(job, image, &page).await?;
        let ask = RecordMatch {
            owner: job.owner,
            match_id,
            image_id: image,
            scan_id: job.scan,
            page,
            picture: copy
                .picture
                .and_then(|picture| PageAddress::parse(&picture).ok()),
            engine: self.engine.name().to_owned(),
            similarity: copy.score,
            verdict,
            is_mock: self.is_mock,
            detected_at: edge::now(),
        };
        let why = job.why(&["match", &match_id.to_string()]);
        let command = MatchCommand::Record(Box::new(ask));
        job.is_ours().await?;
        settled(self.store.execute::<Match>(match_id.0, command, why).await)?;
        self.count(job, match_id, verdict, tally).await
    }

    /// Counts by what the match itself remembers, so that a repeated unit of work counts the same.
    async fn count(
        &self,
        job: &Job,
        id: MatchId,
        verdict: Verdict,
        tally: &mut Tally,
    ) -> Result<(), Unfinished> {
        let known: Match = self
            .store
            .load(id.0)
            .await
            .map_err(Unfinished::in_the_way)?;
        match known {
            Match::Found { first_seen_in, .. } if first_seen_in == job.scan => {
                tally.matches_found += 1;
                if verdict.disposition == Disposition::Review {
                    tally.flagged_for_review += 1;
                }
            }
            Match::Found { .. } => tally.seen_again += 1,
            Match::Unknown => {}
        }
        Ok(())
    }

    /// The same picture on the same page is the same match (MAT-1); the id tells nothing without her key.
    async fn match_id(
        &self,
        job: &Job,
        image: ImageId,
        page: &PageAddress,
    ) -> Result<MatchId, Unfinished> {
        let key = self
            .store
            .vault()
            .key_to_seal(job.owner)
            .await
            .map_err(Unfinished::in_the_way)?;
        let id = key
            .name("match", &[&image.to_string(), page.as_str()])
            .map_err(Unfinished::in_the_way)?;
        Ok(MatchId(id))
    }
}

/// What one result means, or why it is none. The found picture is not fetched yet, so vectors are not compared.
fn judged(copy: &FoundCopy) -> Result<(PageAddress, Verdict), Discarded> {
    let page = PageAddress::parse(&copy.page).map_err(|_| Discarded::BadUrl)?;
    let verdict = classify_copy(CopyFinding {
        score: copy.score,
        query_share: copy.query_share,
        vector_similarity: None,
        stock: copy.stock,
    })?;
    Ok((page, verdict))
}
