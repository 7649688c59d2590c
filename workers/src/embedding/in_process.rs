//! A model in this process, on a thread of its own: whatever waits is looked at together, up to a full run of the model.

use async_trait::async_trait;
use pictures::clip::{ClipFault, Model};
use pictures::{Embedder, NotEmbedded, Picture};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Instant;
use std::{fmt, io, thread};
use tokio::sync::{mpsc, oneshot};

/// Pictures that may wait for the model; more wait at the caller. Each is a square of 150 kB when it comes from an upload.
const WAITING_MAX: usize = 64;

/// A model that was loaded, and so has run once already: nobody's first picture waits for it.
pub struct InProcess {
    model: String,
    queue: mpsc::Sender<Asked>,
}

struct Asked {
    picture: Picture,
    answer: oneshot::Sender<Result<Vec<f32>, NotEmbedded>>,
}

impl fmt::Debug for InProcess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "InProcess({})", self.model)
    }
}

impl InProcess {
    /// Gives the model its thread, which ends when nobody can ask any more.
    ///
    /// # Errors
    /// When the machine has no thread left.
    pub fn start(model: Model) -> io::Result<Self> {
        let (queue, waiting) = mpsc::channel(WAITING_MAX);
        let name = model.name().to_owned();
        thread::Builder::new()
            .name("picture vectors".to_owned())
            .spawn(move || run(&model, waiting))?;
        Ok(Self { model: name, queue })
    }
}

#[async_trait]
impl Embedder for InProcess {
    fn model(&self) -> &str {
        &self.model
    }

    fn is_available(&self) -> bool {
        !self.queue.is_closed()
    }

    async fn embed(&self, seen: Picture) -> Result<Vec<f32>, NotEmbedded> {
        let gone = || NotEmbedded::TryAgain("the model's thread has ended".to_owned());
        let (answer, answered) = oneshot::channel();
        let asked = Asked {
            picture: seen,
            answer,
        };
        self.queue.send(asked).await.map_err(|_| gone())?;
        answered.await.map_err(|_| gone())?
    }
}

fn run(model: &Model, mut waiting: mpsc::Receiver<Asked>) {
    while let Some(first) = waiting.blocking_recv() {
        let mut together = vec![first];
        while together.len() < model.at_once()
            && let Ok(next) = waiting.try_recv()
        {
            together.push(next);
        }
        // Whoever went away needs no vector any more.
        together.retain(|asked| !asked.answer.is_closed());
        look_at(together, |pictures| vectors(model, pictures));
    }
}

/// What a run of the model gives: a vector for each picture, or a fault of the whole run.
type Vectors = Result<Vec<Result<Vec<f32>, NotEmbedded>>, NotEmbedded>;

fn vectors(model: &Model, pictures: &[Picture]) -> Vectors {
    let begun = Instant::now();
    let given_up = |fault: ClipFault| NotEmbedded::GiveUp(fault.to_string());
    let answer = model.embed_all(pictures).map_err(given_up)?;
    let (pictures, took) = (pictures.len(), begun.elapsed().as_millis());
    tracing::debug!(pictures, took, "a run of the picture model");
    Ok(answer
        .into_iter()
        .map(|vector| vector.map_err(given_up))
        .collect())
}

/// Looks at all of them in one run; where that fails, at each alone, so that one picture cannot take the vectors of others.
fn look_at(together: Vec<Asked>, run: impl Fn(&[Picture]) -> Vectors + Copy) {
    let (pictures, answers): (Vec<_>, Vec<_>) = together
        .into_iter()
        .map(|asked| (asked.picture, asked.answer))
        .unzip();
    if pictures.is_empty() {
        return;
    }
    let vectors = match held(&pictures, run) {
        Ok(vectors) if vectors.len() == pictures.len() => vectors,
        Ok(_) | Err(_) => pictures.iter().map(|picture| alone(picture, run)).collect(),
    };
    for (answer, vector) in answers.into_iter().zip(vectors) {
        // Whoever went away meanwhile has no need of it.
        drop(answer.send(vector));
    }
}

fn alone(picture: &Picture, run: impl Fn(&[Picture]) -> Vectors) -> Result<Vec<f32>, NotEmbedded> {
    let vectors = held(std::slice::from_ref(picture), run)?;
    let none = || NotEmbedded::GiveUp("the model gave nothing".to_owned());
    vectors.into_iter().next().ok_or_else(none)?
}

/// A run that breaks ends neither the thread nor the pictures behind it.
fn held(pictures: &[Picture], run: impl Fn(&[Picture]) -> Vectors) -> Vectors {
    catch_unwind(AssertUnwindSafe(|| run(pictures))).unwrap_or_else(|_| {
        tracing::error!(
            pictures = pictures.len(),
            "a run of the picture model broke"
        );
        Err(NotEmbedded::GiveUp("the run broke".to_owned()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    const MODEL: &str = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../pictures/testdata/tiny_clip.onnx"
    );

    fn picture(shade: u8) -> Picture {
        Picture::from_rgb(40, 40, [shade, 90, 200].repeat(1_600)).unwrap()
    }

    fn asked(shade: u8) -> (Asked, oneshot::Receiver<Result<Vec<f32>, NotEmbedded>>) {
        let (answer, answered) = oneshot::channel();
        let picture = picture(shade);
        (Asked { picture, answer }, answered)
    }

    #[tokio::test]
    async fn pictures_that_come_at_once_get_the_vectors_they_get_alone() {
        // PIP-3
        let model = pictures::clip::load(MODEL.as_ref()).unwrap();
        let expected: Vec<Vec<f32>> = (0..30)
            .map(|n| model.embed(&picture(n * 8)).unwrap())
            .collect();
        let embedder = InProcess::start(model).unwrap();
        assert!(embedder.is_available() && embedder.model().starts_with("sha256:"));
        let asked = (0..30).map(|n| embedder.embed(picture(n * 8)));
        let vectors = futures::future::join_all(asked).await;
        for (vector, expected) in vectors.into_iter().zip(expected) {
            let cosine: f32 = vector
                .unwrap()
                .iter()
                .zip(&expected)
                .map(|(a, b)| a * b)
                .sum();
            assert!(cosine > 0.999_999, "{cosine}");
        }
    }

    /// A model that breaks at one shade, whoever shares the run with it.
    fn breaks_at_white(runs: &AtomicUsize) -> impl Fn(&[Picture]) -> Vectors + Copy {
        move |pictures| {
            runs.fetch_add(1, Ordering::Relaxed);
            assert!(
                pictures.iter().all(|picture| picture.rgb()[0] != 255),
                "it breaks"
            );
            Ok(pictures
                .iter()
                .map(|picture| Ok(vec![f32::from(picture.rgb()[0])]))
                .collect())
        }
    }

    #[test]
    fn a_picture_on_which_the_model_breaks_takes_no_vector_of_another() {
        let runs = AtomicUsize::new(0);
        let (asked, mut answered): (Vec<_>, Vec<_>) = [1, 255, 3].map(asked).into_iter().unzip();
        look_at(asked, breaks_at_white(&runs));
        assert_eq!(runs.into_inner(), 4, "together, then each alone");
        let answers: Vec<_> = answered
            .iter_mut()
            .map(|answer| answer.try_recv().unwrap())
            .collect();
        assert_eq!((&answers[0], &answers[2]), (&Ok(vec![1.0]), &Ok(vec![3.0])));
        assert!(matches!(answers[1], Err(NotEmbedded::GiveUp(_))));
    }

    #[test]
    fn pictures_that_wait_together_share_one_run() {
        let runs = AtomicUsize::new(0);
        let (asked, mut answered): (Vec<_>, Vec<_>) = [1, 2, 3].map(asked).into_iter().unzip();
        look_at(asked, breaks_at_white(&runs));
        assert_eq!(runs.into_inner(), 1);
        for (shade, answer) in [1.0, 2.0, 3.0].into_iter().zip(&mut answered) {
            assert_eq!(answer.try_recv().unwrap(), Ok(vec![shade]));
        }
    }
}
