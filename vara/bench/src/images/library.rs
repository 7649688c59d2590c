//! Which pictures of a large library are like one of them: asked of PostgreSQL, and compared with what comparing with each one
//! in memory says.

use super::Images;
use super::embedding::cosine;
use super::figures::Figures;
use crate::ground::Ground;
use anyhow::ensure;
use domain::ids::{ImageId, UserId};
use pictures::clip::DIMENSIONS;
use projections::likeness::{ALIKE_MAX, ALIKE_MIN, alike};
use sqlx::PgPool;
use std::collections::HashMap;
use std::time::Instant;
use uuid::Uuid;

/// Pictures of the owner, around so many scenes.
const PICTURES: usize = 3_000;
const SCENES: usize = 40;
/// Questions of one run.
const QUESTIONS: usize = 200;
const MODEL: &str = "bench@1";
const OWNER: UserId = UserId(Uuid::from_u128(1));
/// What floats of four bytes may be off.
const ROUNDING: f64 = 1e-6;
/// Rows as the projector writes them, where fifty pictures are not the most that a member may have.
const IMAGES: &str = "\
    INSERT INTO images_1.read_images (image_id, owner, content_type, size_bytes, width, height, uploaded_at)
    SELECT n.id, $1, 'image/jpeg', 1000000, 4000, 3000, now() FROM unnest($2::uuid[]) AS n(id)";
const VECTORS: &str = "\
    INSERT INTO images_1.read_image_vectors (owner, model, image_id, vector)
    SELECT $1, $2, n.id, n.numbers::vector FROM unnest($3::uuid[], $4::text[]) AS n(id, numbers)";
/// As autovacuum and checkpoints do in their time.
const SETTLE: [&str; 3] = [
    "VACUUM (ANALYZE) images_1.read_images",
    "VACUUM (ANALYZE) images_1.read_image_vectors",
    "CHECKPOINT",
];

type Library = HashMap<Uuid, Vec<f32>>;

/// Every answer must be the one that comparing with each gives.
pub async fn measured(ground: &Ground, ask: Images) -> anyhow::Result<Vec<Figures>> {
    let library = library(PICTURES);
    let mut figures = Figures::new("own-library", "vara", false);
    let pool = ground.connect(2).await?;
    fill(&pool, &library).await?;
    let mut ids: Vec<Uuid> = library.keys().copied().collect();
    ids.sort_unstable();
    let asked: Vec<Uuid> = ids.into_iter().step_by(PICTURES / QUESTIONS).collect();
    for _ in 0..ask.rounds {
        let (mut singly, mut answers) = (Vec::new(), Vec::new());
        for id in &asked {
            let begun = Instant::now();
            let found = alike(&pool, OWNER, MODEL, ImageId(*id), ALIKE_MAX).await?;
            singly.push(begun.elapsed());
            answers.push(found);
        }
        // Afterwards: comparing in between would push the rows out of the processor's memory.
        for (id, found) in asked.iter().zip(&answers) {
            is_right(&library, *id, found)?;
        }
        figures.add_in_turn(singly);
    }
    pool.close().await;
    Ok(vec![figures])
}

/// Vectors of length 1 around scenes, so that similarities of every height occur; the same in every run.
fn library(pictures: usize) -> Library {
    let mut chance = fastrand::Rng::with_seed(5);
    let mut any = || -> Vec<f32> {
        let numbers = std::iter::repeat_with(|| chance.f32() * 2.0 - 1.0);
        numbers.take(DIMENSIONS).collect()
    };
    let scenes: Vec<Vec<f32>> = (0..SCENES).map(|_| any()).collect();
    let picture = |n: usize| {
        let apart = (n % 17) as f32 / 12.0;
        let scene = scenes[n % SCENES].iter().zip(any());
        let numbers: Vec<f32> = scene.map(|(scene, noise)| scene + apart * noise).collect();
        let length = numbers.iter().map(|n| n * n).sum::<f32>().sqrt();
        let unit = numbers.into_iter().map(|number| number / length);
        (Uuid::from_u128(n as u128 + 1), unit.collect())
    };
    (0..pictures).map(picture).collect()
}

/// The right similarities in the right order, each that of its picture. Which of two that differ by less than a rounding comes
/// first is nobody's mistake.
fn is_right(library: &Library, asked: Uuid, found: &[(ImageId, f64)]) -> anyhow::Result<()> {
    let to = &library[&asked];
    let mut right: Vec<f64> = library
        .iter()
        .filter(|(id, _)| **id != asked)
        .map(|(_, vector)| cosine(vector, to))
        .filter(|similarity| *similarity >= ALIKE_MIN)
        .collect();
    right.sort_unstable_by(|a, b| b.total_cmp(a));
    right.truncate(usize::try_from(ALIKE_MAX)?);
    let is_same = |one: f64, other: f64| (one - other).abs() < ROUNDING;
    let all_right = found.iter().zip(&right).all(|((image, told), right)| {
        let own = library.get(&image.0).map(|vector| cosine(vector, to));
        image.0 != asked && is_same(*told, *right) && own.is_some_and(|own| is_same(*told, own))
    });
    ensure!(
        all_right && found.len() == right.len(),
        "what is found in a library is not what is there: {found:?}, where {right:?} is right"
    );
    Ok(())
}

async fn fill(pool: &PgPool, library: &Library) -> anyhow::Result<()> {
    let ids: Vec<Uuid> = library.keys().copied().collect();
    sqlx::query(IMAGES)
        .bind(OWNER.0)
        .bind(&ids)
        .execute(pool)
        .await?;
    // pgvector's text form is that of a list in JSON.
    let numbers = library.values().map(serde_json::to_string);
    let numbers = numbers.collect::<Result<Vec<_>, _>>()?;
    sqlx::query(VECTORS)
        .bind(OWNER.0)
        .bind(MODEL)
        .bind(&ids)
        .bind(numbers)
        .execute(pool)
        .await?;
    for statement in SETTLE {
        sqlx::query(statement).execute(pool).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What comparing with each says.
    fn each(library: &Library, asked: Uuid) -> Vec<(ImageId, f64)> {
        let others = library.iter().filter(|(id, _)| **id != asked);
        let compared = others.map(|(id, vector)| (ImageId(*id), cosine(vector, &library[&asked])));
        let mut found: Vec<_> = compared.filter(|(_, said)| *said >= ALIKE_MIN).collect();
        found.sort_unstable_by(|a, b| b.1.total_cmp(&a.1));
        found.truncate(10);
        found
    }

    #[test]
    fn an_answer_is_right_only_whole_in_its_order_and_with_its_similarities() {
        let library = library(600);
        let asked = Uuid::from_u128(1);
        let found = each(&library, asked);
        assert_eq!(found.len(), 10);
        is_right(&library, asked, &found).unwrap();
        let mut turned = found.clone();
        turned.reverse();
        let mut doubled = found.clone();
        doubled[1] = doubled[0];
        let mut other = found.clone();
        other[9].0 = ImageId(asked);
        for wrong in [found[..9].to_vec(), turned, doubled, other] {
            assert!(is_right(&library, asked, &wrong).is_err());
        }
    }
}
