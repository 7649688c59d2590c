//! The vector of a picture that comes in, where there is a model and it has time.

use crate::problem::Problem;
use domain::image::{Embedding, Vector};
use pictures::{Embedder, Picture};
use std::time::Duration;

/// Longest wait of an upload for its vector. A model in this process needs a tenth of a second; what a service does not give
/// in this time, the workers ask for later (`workers::embedding`).
const WAIT_MAX: Duration = Duration::from_secs(5);

/// The vector, or none for now: a model that is away takes no picture from her (PIP-5, GEN-4).
pub(super) async fn of(
    embedder: Option<&dyn Embedder>,
    seen: &Picture,
) -> Result<Option<Embedding>, Problem> {
    let Some(embedder) = embedder else {
        return Ok(None);
    };
    let numbers = match tokio::time::timeout(WAIT_MAX, embedder.embed(seen.clone())).await {
        Ok(Ok(numbers)) => numbers,
        Ok(Err(fault)) => {
            tracing::warn!(model = embedder.model(), %fault, "a picture is taken in without a vector");
            return Ok(None);
        }
        Err(_) => {
            tracing::warn!(
                model = embedder.model(),
                "a picture is taken in before its vector is there"
            );
            return Ok(None);
        }
    };
    let vector = Vector::try_new(&numbers)
        .map_err(|fault| Problem::ours("the picture model's answer", &fault))?;
    let model = embedder.model().to_owned();
    Ok(Some(Embedding { model, vector }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use async_trait::async_trait;
    use pictures::NotEmbedded;

    /// Answers as it is told; nothing means never.
    #[derive(Debug)]
    struct Told(Option<Result<Vec<f32>, NotEmbedded>>);

    #[async_trait]
    impl Embedder for Told {
        fn model(&self) -> &str {
            "told@1"
        }

        fn is_available(&self) -> bool {
            true
        }

        async fn embed(&self, _: Picture) -> Result<Vec<f32>, NotEmbedded> {
            match &self.0 {
                Some(answer) => answer.clone(),
                None => std::future::pending().await,
            }
        }
    }

    async fn of_told(told: Told) -> Option<Embedding> {
        let seen = Picture::from_rgb(1, 1, vec![1, 2, 3]).unwrap();
        of(Some(&told), &seen).await.unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn a_model_that_is_away_slow_or_at_a_loss_costs_her_nothing_but_the_vector() {
        // PIP-5, GEN-4: no vector rather than no picture, and none that is made up
        let away = NotEmbedded::TryAgain("no connection".to_owned());
        let at_a_loss = NotEmbedded::GiveUp("no direction".to_owned());
        for told in [Some(Err(away)), Some(Err(at_a_loss)), None] {
            assert!(of_told(Told(told)).await.is_none());
        }
    }

    #[tokio::test]
    async fn a_vector_carries_the_name_of_its_space() {
        // PIP-5
        let mut numbers = vec![0.0; 512];
        numbers[3] = 1.0;
        let embedding = of_told(Told(Some(Ok(numbers.clone())))).await.unwrap();
        assert_eq!(embedding.model, "told@1");
        assert_eq!(embedding.vector.numbers().unwrap(), numbers);
    }
}
