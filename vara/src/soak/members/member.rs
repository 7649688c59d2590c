//! One member: what she asks for, and what must not come back.

use super::super::checker::Broken;
use super::wire::{Answer, Wire};
use super::{Answered, Asked, Given};
use reqwest::multipart::{Form, Part};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use uuid::Uuid;

/// Longest time after the last fault until she is served (I11).
const SERVED_WITHIN: Duration = Duration::from_secs(30);
/// Time between two tries of one request.
const AGAIN_AFTER: Duration = Duration::from_millis(100);
/// Scans that she starts in one schedule, while things go wrong.
const SCANS: u32 = 2;
const ME: &str = "/users/me";
const ALERTS: &str = "/alerts?limit=100";
/// What everybody may look at of her own.
const HERS: [&str; 6] = [
    ME,
    ALERTS,
    "/scans?limit=20",
    "/protection-plan",
    "/images?limit=100",
    "/matches/flagged?limit=100",
];

/// Paths of what came into being, and whose it is.
#[derive(Debug, Clone, Default)]
pub struct Paths(Arc<Mutex<Vec<(Uuid, String)>>>);

impl Paths {
    fn add(&self, owner: Uuid, path: String) {
        let mut paths = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        paths.push((owner, path));
    }

    fn one(&self, rng: &mut fastrand::Rng, fits: impl Fn(Uuid) -> bool) -> Option<String> {
        let paths = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let fitting: Vec<_> = paths.iter().filter(|(owner, _)| fits(*owner)).collect();
        rng.choice(fitting).map(|(_, path)| path.clone())
    }
}

/// A member.
pub struct Member {
    pub wire: Wire,
    /// Which of the pictures is hers.
    pub place: usize,
    picture: &'static [u8],
    paths: Paths,
    /// Pictures that she has, or may have: an answer may have been lost.
    pub pictures: u32,
    newest: Option<Uuid>,
    texts: u32,
    /// Whether nothing goes wrong any more.
    pub over: Arc<AtomicBool>,
}

impl Member {
    pub fn new(wire: Wire, place: usize, picture: &'static [u8], paths: Paths) -> Self {
        Self {
            wire,
            place,
            picture,
            paths,
            pictures: 0,
            newest: None,
            texts: 0,
            over: Arc::default(),
        }
    }

    /// Asks for one thing after another until it is over.
    ///
    /// # Errors
    /// When an answer shows what it must not, or refuses what no fault excuses.
    pub async fn asks(&mut self, seed: u64) -> Result<(), Broken> {
        let mut rng = fastrand::Rng::with_seed(seed ^ ((self.place as u64) << 32));
        self.uploads().await?;
        let (mut turn, mut scans) = (0_u32, 0);
        while !self.over.load(Ordering::Relaxed) {
            match turn % 8 {
                2 if scans < SCANS => {
                    scans += 1;
                    self.starts_a_scan().await?;
                }
                // The first one may have got no answer.
                3 if self.newest.is_none() => self.uploads().await?,
                5 => self.agrees().await?,
                _ => self.looks(&mut rng).await?,
            }
            turn += 1;
            tokio::time::sleep(Duration::from_millis(rng.u64(20..150))).await;
        }
        self.is_served_again().await
    }

    /// I11: once nothing goes wrong any more, she is answered, may upload and start a scan.
    async fn is_served_again(&mut self) -> Result<(), Broken> {
        let begun = Instant::now();
        while begun.elapsed() < SERVED_WITHIN {
            let request = self.wire.ask(Method::GET, ME);
            let me = self.wire.send(request, &[]).await?;
            if me.is_some_and(|me| me.is_done()) {
                if self.newest.is_none() {
                    self.uploads().await?;
                }
                if self.newest.is_some() && self.starts_a_scan().await? {
                    return Ok(());
                }
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        let me = self.wire.id;
        let what = format!("{me} is not served again within {SERVED_WITHIN:?}");
        Err(Broken::of("I11", what))
    }

    async fn uploads(&mut self) -> Result<(), Broken> {
        self.pictures += 1;
        // Bytes after its end make another file of the same picture.
        let mut bytes = self.picture.to_vec();
        bytes.resize(bytes.len() + self.pictures as usize, 0);
        let request = |wire: &Wire| {
            let request = wire.ask(Method::POST, "/images/upload");
            let part = Part::bytes(bytes.clone()).file_name("picture");
            match part.mime_str("image/jpeg") {
                Ok(part) => request.multipart(Form::new().part("file", part)),
                Err(_) => request,
            }
        };
        // 422: its decoder was given up, because everything stood still.
        let answer = self.changes_once("ImageUploaded", request, &[422]).await?;
        if let Some(image) = answer.made() {
            self.newest = Some(image);
            let me = self.wire.id;
            self.paths.add(me, format!("/images/{image}"));
            self.paths.add(me, format!("/images/{image}/matches"));
        }
        Ok(())
    }

    /// Asks for a scan of her newest picture; whether one is open now.
    async fn starts_a_scan(&mut self) -> Result<bool, Broken> {
        let Some(image) = self.newest else {
            return Ok(false);
        };
        let ask = json!({ "type": "IMAGE_SCAN", "targetId": image });
        let request = |wire: &Wire| wire.ask(Method::POST, "/scans/trigger").json(&ask);
        // 409: the one before has not ended.
        let answer = self.changes_once("ScanStarted", request, &[409]).await?;
        if let Some(scan) = answer.made() {
            let me = self.wire.id;
            self.paths.add(me, format!("/scans/{scan}"));
            self.paths.add(me, format!("/scans/{scan}/matches"));
        }
        Ok(answer.is_done() || answer.status == 409)
    }

    /// Agrees to what no scan needs, under a text she has not seen before, which is a fact of its own.
    async fn agrees(&mut self) -> Result<(), Broken> {
        self.texts += 1;
        let ask = json!({ "granted": true, "textVersion": format!("soak-{}", self.texts) });
        let path = "/users/me/consents/FACE_SEARCH";
        let request = self.wire.ask(Method::PUT, path).json(&ask);
        let id = eventstore::edge::fresh_id();
        let request = request.header("X-Request-Id", id.to_string());
        // 409: somebody else changed the same at once, which a request of hers may be that got no answer.
        let answer = self.wire.send(request, &[409]).await?;
        let done = answer.filter(Answer::is_done);
        let answer = done.map_or(Answered::Unknown, |done| Answered::Done(done.made()));
        self.asked(id, "ConsentGranted", answer, vec![]);
        Ok(())
    }

    /// Asks for a change under a key of its own until it is answered, and then once more, for the same answer.
    async fn changes_once(
        &mut self,
        fact: &'static str,
        request: impl Fn(&Wire) -> RequestBuilder,
        excused: &[u16],
    ) -> Result<Answer, Broken> {
        let key = eventstore::edge::fresh_id();
        let first = self.is_answered(key, &request, excused).await?;
        self.wire.heard.again += 1;
        let again = self.is_answered(key, &request, excused).await?;
        let answer = match first.is_done() {
            true => Answered::Done(first.made()),
            false => Answered::Unknown,
        };
        self.asked(key, fact, answer, vec![first.given(), again.given()]);
        Ok(first)
    }

    /// Asks again and again, under the same key, until there is an answer (I11).
    async fn is_answered(
        &mut self,
        key: Uuid,
        request: impl Fn(&Wire) -> RequestBuilder,
        excused: &[u16],
    ) -> Result<Answer, Broken> {
        let mut calm = None;
        loop {
            let named = request(&self.wire)
                .header("X-Request-Id", key.to_string())
                .header("Idempotency-Key", key.to_string());
            let answer = self.wire.send(named, excused).await?;
            if let Some(answer) = answer.filter(Answer::is_final) {
                return Ok(answer);
            }
            if self.over.load(Ordering::Relaxed)
                && calm.get_or_insert_with(Instant::now).elapsed() > SERVED_WITHIN
            {
                let me = self.wire.id;
                let what = format!("{me} asks {key} and is not answered within {SERVED_WITHIN:?}");
                return Err(Broken::of("I11", what));
            }
            self.wire.heard.again += 1;
            tokio::time::sleep(AGAIN_AFTER).await;
        }
    }

    /// Notes what was asked and answered.
    fn asked(&mut self, request: Uuid, fact: &'static str, answer: Answered, given: Vec<Given>) {
        self.wire.heard.asked.push(Asked {
            request,
            member: self.wire.id,
            fact,
            answer,
            given,
        });
    }

    /// Looks at something of her own, or tries what is somebody else's.
    async fn looks(&mut self, rng: &mut fastrand::Rng) -> Result<(), Broken> {
        let me = self.wire.id;
        let (is_anothers, path) = match rng.u32(0..10) {
            0..2 => (true, self.paths.one(rng, |owner| owner != me)),
            2..4 => (false, self.paths.one(rng, |owner| owner == me)),
            _ => (false, Some(HERS[rng.usize(..HERS.len())].to_owned())),
        };
        let Some(path) = path else {
            return Ok(());
        };
        // 404: not hers, or not shown yet by an API that has just started.
        let request = self.wire.ask(Method::GET, &path);
        let answer = self.wire.send(request, &[404]).await?;
        let Some(answer) = answer.filter(Answer::is_done) else {
            return Ok(());
        };
        if is_anothers {
            let what = format!("{me} was answered at {path}, which is another's");
            return Err(Broken::of("I12", what));
        }
        match path.as_str() {
            ME if !answer.text.contains(&self.wire.marks[0]) => Err(Broken::of(
                "I12",
                format!("{me} is shown another account than hers"),
            )),
            ALERTS => told_once(me, &answer.data()),
            _ => Ok(()),
        }
    }
}

/// I5, as she sees it: one alert about one finding.
fn told_once(me: Uuid, alerts: &Value) -> Result<(), Broken> {
    let mut seen = HashSet::new();
    let alerts = alerts.as_array().into_iter().flatten();
    for finding in alerts.filter_map(|alert| alert["metadata"]["matchId"].as_str()) {
        if !seen.insert(finding) {
            let what = format!("{me} is shown two alerts about {finding}");
            return Err(Broken::of("I5", what));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_alerts_about_one_finding_are_noticed() {
        let about = |id: &str| json!({ "metadata": { "matchId": id } });
        let me = Uuid::nil();
        told_once(me, &json!([about("a"), about("b")])).unwrap();
        let twice = told_once(me, &json!([about("a"), about("b"), about("a")]));
        assert_eq!(twice.unwrap_err().invariant, "I5");
    }

    #[test]
    fn paths_of_others_are_told_apart_from_her_own() {
        let (me, other) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let (paths, mut rng) = (Paths::default(), fastrand::Rng::with_seed(1));
        paths.add(me, "/scans/1".to_owned());
        assert_eq!(paths.one(&mut rng, |owner| owner != me), None);
        paths.add(other, "/scans/2".to_owned());
        let theirs = paths.one(&mut rng, |owner| owner != me);
        assert_eq!(theirs.as_deref(), Some("/scans/2"));
    }
}
