//! Vectors of pictures by a model of the size of CLIP's ViT-B/32 and of chance numbers: ours with plain and with prepacked
//! weights, and onnxruntime by Python, each in a process of its own.

use super::Images;
use super::figures::Figures;
use super::files::scene;
use anyhow::{Context, ensure};
use indicatif::ProgressBar;
use nix::sched::{CpuSet, sched_getaffinity, sched_setaffinity};
use nix::sys::resource::{UsageWho, getrusage};
use nix::unistd::Pid;
use pictures::Picture;
use pictures::clip::{self, Weights};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};
use tokio::process::Command;

/// Makes the model, and has onnxruntime run it.
const TOWER: &str = include_str!("tower.py");
/// What [`TOWER`] needs, and which onnxruntime it is.
const VERSION: &str = "import numpy, onnx, onnxruntime; print(onnxruntime.__version__)";
/// The word under which the program runs a model again and again.
const RUNNER: &str = "bench-embed";
const THEIRS: &str = "onnxruntime";
const PREPACKED: &str = "vara-prepacked";
const VARIANTS: [&str; 3] = ["vara", PREPACKED, THEIRS];
/// Processors, and pictures of one run of the model. onnxruntime gets as many threads as processors, which is its own choice too;
/// ours has its own number of threads on them.
pub const CELLS: [(u32, usize); 4] = [(1, 1), (2, 1), (1, 8), (2, 8)];
/// Pictures of one process that count, after one run of the model that does not.
const PICTURES: usize = 32;
/// Different pictures that are looked at.
const SEEN: usize = 8;
/// Pixels along each side.
const SIDE: u32 = 224;
/// Least cosine between our vector of a picture and theirs.
const SAME: f64 = 0.999_99;
/// Longest time of one process.
const PATIENCE: Duration = Duration::from_secs(600);

/// What one process did, ours or theirs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Embedding {
    /// Each run of the model, in milliseconds.
    pub runs_ms: Vec<f64>,
    /// The vectors of the last one.
    pub vectors: Vec<Vec<f32>>,
    /// The most memory that it held, in KiB.
    pub peak_kib: u64,
}

/// Runs a model of a file so many times, after one that does not count, on the first `batch` pictures of another file: squares of
/// 224 pixels, red, green and blue, byte by byte. Ours gets the squares, and brings them to the model's scale itself.
///
/// # Errors
/// When a file cannot be read, or the model gives no vector.
pub fn embed_many(
    model: &Path,
    pixels: &Path,
    weights: Weights,
    batch: usize,
    runs: usize,
) -> anyhow::Result<Embedding> {
    let model = clip::load_with(model, weights)?;
    let rgb = std::fs::read(pixels)?;
    let squares = rgb.chunks_exact((SIDE * SIDE * 3) as usize).take(batch);
    let squares = squares.map(|rgb| Picture::from_rgb(SIDE, SIDE, rgb.to_vec()));
    let squares: Vec<Picture> = squares.collect::<Option<_>>().context("no square")?;
    ensure!(
        squares.len() == batch,
        "there are fewer than {batch} pictures"
    );
    let (mut runs_ms, mut vectors) = (Vec::new(), Vec::new());
    for _ in 0..=runs {
        let begun = Instant::now();
        let run = model.embed_all(&squares)?;
        runs_ms.push(begun.elapsed().as_secs_f64() * 1e3);
        vectors = run.into_iter().collect::<Result<_, _>>()?;
    }
    runs_ms.remove(0);
    Ok(Embedding {
        runs_ms,
        vectors,
        // A process begins with what the one that started it held: the bench holds less than a model.
        peak_kib: u64::try_from(getrusage(UsageWho::RUSAGE_SELF)?.max_rss())?,
    })
}

/// Leaves the process, and whatever threads it starts, so many of the processors that it may use.
///
/// # Errors
/// When there are fewer, or the system refuses.
pub fn stay_on(cores: usize) -> anyhow::Result<()> {
    let this = Pid::from_raw(0);
    let all = sched_getaffinity(this)?;
    let (mut some, mut taken) = (CpuSet::new(), 0);
    for cpu in 0..CpuSet::count() {
        if taken < cores && all.is_set(cpu)? {
            some.set(cpu)?;
            taken += 1;
        }
    }
    ensure!(taken == cores, "there are {taken} processors, not {cores}");
    Ok(sched_setaffinity(this, &some)?)
}

/// All cells, variants in turns; nothing where Python cannot make the model.
pub async fn measured(
    folder: &Path,
    program: &Path,
    ask: Images,
    bar: &ProgressBar,
    notes: &mut Vec<String>,
) -> anyhow::Result<Vec<Figures>> {
    let Ok(version) = said(Command::new("python3").args(["-c", VERSION])).await else {
        notes.push("onnxruntime: not found by Python here (pip install onnxruntime onnx numpy), so no model is made, and none is run".to_owned());
        return Ok(Vec::new());
    };
    bar.set_message("making a model");
    let bench = Bench {
        program,
        model: folder.join("tower.onnx"),
        pixels: folder.join("squares"),
    };
    std::fs::write(&bench.pixels, squares())?;
    said(theirs(&["write"]).arg(&bench.model)).await?;
    let (mut all, mut least) = (Vec::new(), 1.0_f64);
    for (cores, batch) in CELLS {
        let work = work(cores, batch);
        let mut figures = VARIANTS.map(|variant| Figures::new(&work, variant, variant == THEIRS));
        for _ in 0..ask.rounds {
            bar.set_message(work.clone());
            let mut vectors = Vec::new();
            for own in &mut figures {
                let run = bench.run(own.variant, cores, batch).await?;
                own.add_runs(&run, batch);
                vectors.push(run.vectors);
            }
            least = least.min(agreement(&vectors)?);
            bar.inc(1);
        }
        all.extend(figures);
    }
    std::fs::remove_file(&bench.model)?;
    notes.push(format!(
        "onnxruntime: {}; cosine to its vectors at least {least:.9}",
        version.trim()
    ));
    Ok(all)
}

/// The name of a cell's work, as `embed-t1-b8`.
pub fn work(cores: u32, batch: usize) -> String {
    format!("embed-t{cores}-b{batch}")
}

/// Different parts of one scene.
fn squares() -> Vec<u8> {
    scene(SIDE, SIDE * SEEN as u32)
}

/// The least cosine of our vectors with theirs, which come last.
fn agreement(vectors: &[Vec<Vec<f32>>]) -> anyhow::Result<f64> {
    let (theirs, ours) = vectors.split_last().context("nobody ran")?;
    let mut least = 1.0_f64;
    for own in ours {
        ensure!(own.len() == theirs.len(), "a variant left pictures out");
        for (own, other) in own.iter().zip(theirs) {
            let cosine = cosine(own, other);
            ensure!(
                cosine >= SAME,
                "our vector and that of {THEIRS} have a cosine of {cosine}"
            );
            least = least.min(cosine);
        }
    }
    Ok(least)
}

/// VEC-2, of vectors of any length; no number where one has no direction.
pub fn cosine(one: &[f32], other: &[f32]) -> f64 {
    let dot = |a: &[f32], b: &[f32]| -> f64 {
        let products = a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b));
        products.sum()
    };
    dot(one, other) / (dot(one, one) * dot(other, other)).sqrt()
}

/// What all processes are given.
struct Bench<'a> {
    program: &'a Path,
    model: PathBuf,
    pixels: PathBuf,
}

impl Bench<'_> {
    fn ours(&self, prepacked: bool, cores: &str) -> Command {
        let mut command = Command::new(self.program);
        command.args([RUNNER, "--cores", cores]);
        command.args(prepacked.then_some("--prepacked"));
        command
    }

    async fn run(&self, variant: &str, cores: u32, batch: usize) -> anyhow::Result<Embedding> {
        let runs = PICTURES / batch;
        let cores = cores.to_string();
        let mut command = match variant {
            THEIRS => theirs(&["run", &cores]),
            _ => self.ours(variant == PREPACKED, &cores),
        };
        command.arg(&self.model).arg(&self.pixels);
        command.args([batch, runs].map(|number| number.to_string()));
        let run: Embedding = serde_json::from_str(said(&mut command).await?.trim())
            .with_context(|| format!("{variant} told no figures"))?;
        ensure!(
            (run.runs_ms.len(), run.vectors.len()) == (runs, batch),
            "{variant} left pictures out"
        );
        Ok(run)
    }
}

fn theirs(words: &[&str]) -> Command {
    let mut command = Command::new("python3");
    command.args(["-c", TOWER]).args(words);
    command
}

/// What a program says; its complaints, where it fails.
async fn said(command: &mut Command) -> anyhow::Result<String> {
    let asked = command.stdin(Stdio::null()).kill_on_drop(true).output();
    let asked = tokio::time::timeout(PATIENCE, asked).await;
    let said = asked.with_context(|| format!("a run took longer than {PATIENCE:?}"))??;
    let complaints = String::from_utf8_lossy(&said.stderr);
    ensure!(
        said.status.success(),
        "a run ended with {}: {}",
        said.status,
        complaints.trim()
    );
    Ok(String::from_utf8(said.stdout)?)
}

impl Figures {
    /// The runs of one process, each as if every picture of it had taken the same.
    fn add_runs(&mut self, run: &Embedding, batch: usize) {
        let each = |ms: &f64| Duration::from_secs_f64(ms / 1e3 / batch as f64);
        self.add_in_turn(run.runs_ms.iter().map(each).collect());
        self.peak_kib = self.peak_kib.max(Some(run.peak_kib));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MODEL: &str = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../pictures/testdata/tiny_clip.onnx"
    );

    #[test]
    fn a_process_tells_its_runs_and_a_vector_for_each_picture_however_weights_are_held() {
        let folder = tempfile::tempdir().unwrap();
        let pixels = folder.path().join("squares");
        std::fs::write(&pixels, squares()).unwrap();
        let run = |weights, batch| embed_many(MODEL.as_ref(), &pixels, weights, batch, 3);
        let plain = run(Weights::Plain, SEEN).unwrap();
        assert_eq!((plain.runs_ms.len(), plain.vectors.len()), (3, SEEN));
        let packed = run(Weights::Prepacked, SEEN).unwrap();
        assert!(agreement(&[packed.vectors, plain.vectors]).unwrap() >= SAME);
        assert!(
            run(Weights::Plain, SEEN + 1).is_err(),
            "there are only eight"
        );
    }

    #[test]
    fn another_vector_than_theirs_is_a_fault() {
        let (one, other) = (vec![vec![1.0, 0.0]], vec![vec![1.0, 0.01]]);
        assert_eq!(agreement(&[one.clone(), one.clone()]).unwrap(), 1.0);
        assert!(agreement(&[one.clone(), other.clone(), one.clone()]).is_err());
        assert!(agreement(&[one, vec![]]).is_err(), "a picture is left out");
        assert!(
            agreement(&[other, vec![vec![0.0, 0.0]]]).is_err(),
            "no direction"
        );
    }

    #[test]
    fn a_run_counts_for_each_of_its_pictures() {
        let mut figures = Figures::new(&work(2, 8), THEIRS, true);
        let run = Embedding {
            runs_ms: vec![80.0, 240.0],
            vectors: Vec::new(),
            peak_kib: 1_000,
        };
        figures.add_runs(&run, 8);
        assert_eq!(figures.work, "embed-t2-b8");
        assert_eq!((figures.per_s(), figures.ms(0.99)), (50.0, 30.0));
        assert_eq!(figures.peak_mb(), Some(1.024));
    }
}
