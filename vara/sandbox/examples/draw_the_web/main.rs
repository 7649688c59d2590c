//! Draws the pictures of the starting corpus anew: `cargo run -p sandbox --example draw_the_web -- <folder>`.
//!
//! Everything in them is computed here from circles, slopes and seeded noise, so nobody's picture
//! and nobody's face is in this repository.

mod scenes;

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use image::codecs::jpeg::JpegEncoder;
use image::imageops::{FilterType, flip_horizontal, resize, rotate90};
use image::{Rgb, RgbImage};
use scenes::Scene;

/// The picture that a demonstration uploads, at its full size.
const DEMO: (u32, u32) = (640, 480);
/// The pictures it must not be taken for.
const STRANGER: (u32, u32) = (440, 330);

fn main() -> anyhow::Result<()> {
    let folder = std::env::args_os()
        .nth(1)
        .map(PathBuf::from)
        .context("name the folder to draw into")?;
    let demo = draw(scenes::lake_at_dusk, DEMO);
    let half = resize(&demo, DEMO.0 / 2, DEMO.1 / 2, FilterType::CatmullRom);
    write(&folder, "demo", &demo, 85)?;
    write(&folder, "demo_recompressed", &demo, 30)?;
    write(&folder, "demo_half", &half, 80)?;
    write(&folder, "demo_rotated", &rotate90(&demo), 60)?;
    write(&folder, "demo_mirrored", &flip_horizontal(&demo), 60)?;
    for (name, scene) in scenes::STRANGERS {
        write(&folder, name, &draw(scene, STRANGER), 75)?;
    }
    Ok(())
}

/// Asks the scene for the colour of every pixel; heights run from 0 to 1, widths as far as the shape does.
fn draw(scene: Scene, (width, height): (u32, u32)) -> RgbImage {
    let scale = f64::from(height);
    RgbImage::from_fn(width, height, |x, y| {
        let colour = scene(f64::from(x) / scale, f64::from(y) / scale);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "clamped to 0..=255 first"
        )]
        Rgb(colour.map(|part| (part * 255.0).clamp(0.0, 255.0).round() as u8))
    })
}

fn write(folder: &Path, name: &str, picture: &RgbImage, quality: u8) -> anyhow::Result<()> {
    let mut jpeg = Vec::new();
    JpegEncoder::new_with_quality(&mut jpeg, quality).encode_image(picture)?;
    std::fs::write(folder.join(name).with_extension("jpg"), jpeg)
        .with_context(|| format!("{name} could not be written"))
}
