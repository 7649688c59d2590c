//! Hashing the same pixels: ours with eight turns and quality, and the reference's own C++ by its Python binding.

use super::Images;
use super::figures::Figures;
use super::files::scene;
use anyhow::{Context, ensure};
use pictures::{Picture, pdq};
use serde::Deserialize;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};
use tokio::process::Command;

/// A common size on the web, as the reference's own figures have it.
const SIZE: (u32, u32) = (1_600, 1_004);
/// Hashes of one run.
const HASHES: u32 = 30;
/// Eight turns and quality, as ours; only the hashing is timed. Arguments: file of pixels, width, height, how often.
const THEIRS: &str = "\
import json, sys, time
import numpy, pdqhash
path, width, height, times = sys.argv[1], *map(int, sys.argv[2:])
pixels = numpy.fromfile(path, dtype=numpy.uint8).reshape(height, width, 3)
singly = []
for _ in range(times + 1):
    begun = time.perf_counter()
    turns, quality = pdqhash.compute_dihedral(pixels)
    singly.append((time.perf_counter() - begun) * 1e3)
bits = ''.join(str(int(bit)) for bit in turns[0])
print(json.dumps({'singly_ms': singly[1:], 'hash': '%064x' % int(bits, 2), 'quality': int(quality)}))
";

#[derive(Deserialize)]
struct Theirs {
    singly_ms: Vec<f64>,
    hash: String,
    quality: u8,
}

/// Both variants in turns; theirs only where Python has it, and then their hash must be ours.
pub async fn measured(
    folder: &Path,
    ask: Images,
    notes: &mut Vec<String>,
) -> anyhow::Result<Vec<Figures>> {
    let rgb = scene(SIZE.0, SIZE.1);
    let file = folder.join("pixels");
    std::fs::write(&file, &rgb)?;
    let picture = Picture::from_rgb(SIZE.0, SIZE.1, rgb).context("a picture of no size")?;
    let mut ours = Figures::new("pdq", "vara", false);
    let mut theirs = Figures::new("pdq", "pdqhash-c++", true);
    for _ in 0..ask.rounds {
        let once = |_| {
            let begun = Instant::now();
            let print = pdq::fingerprint(&picture);
            (begun.elapsed(), print)
        };
        let (singly, prints): (Vec<_>, Vec<_>) = (0..HASHES).map(once).unzip();
        ours.add_in_turn(singly);
        if let Some(run) = theirs_of(&file).await? {
            let print = prints.first().cloned().flatten().context("no hash")?;
            let (same, quality) = (print.hash.to_string() == run.hash, print.quality);
            ensure!(
                same && quality == run.quality,
                "the hash is {} of quality {quality}, and theirs {} of {}",
                print.hash,
                run.hash,
                run.quality
            );
            theirs.add_in_turn(
                run.singly_ms
                    .iter()
                    .map(|ms| Duration::from_secs_f64(ms / 1e3))
                    .collect(),
            );
        }
    }
    if theirs.rates.is_empty() {
        notes.push("pdqhash: not found by Python here (pip install pdqhash numpy), so hashing is compared with nothing".to_owned());
        return Ok(vec![ours]);
    }
    notes.push("pdqhash: 0 bits off, the same quality".to_owned());
    Ok(vec![ours, theirs])
}

/// Nothing where Python, numpy or the binding are missing.
async fn theirs_of(file: &Path) -> anyhow::Result<Option<Theirs>> {
    let asked = Command::new("python3")
        .args(["-c", THEIRS])
        .arg(file)
        .args([SIZE.0, SIZE.1, HASHES].map(|number| number.to_string()))
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    let Ok(Ok(said)) = tokio::time::timeout(Duration::from_secs(120), asked).await else {
        return Ok(None);
    };
    if !said.status.success() {
        return Ok(None);
    }
    Ok(Some(
        serde_json::from_slice(&said.stdout).context("pdqhash told no figures")?,
    ))
}
