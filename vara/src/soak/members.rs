//! Members at the other end of the wire, while things go wrong: each uploads, starts scans, changes her mind and looks, and no
//! answer may ever show her anything of somebody else's.

mod member;
mod wire;

use super::checker::Broken;
use super::ground::Ground;
use anyhow::{Context, ensure};
use member::{Member, Paths};
use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use tokio::task::JoinSet;
use uuid::Uuid;
use wire::Wire;

/// Pictures of one member before another one takes her place: fewer than a library holds (50).
const PICTURES_MAX: u32 = 40;
/// Longest time until the API takes somebody in before a schedule begins.
const JOINS_WITHIN: Duration = Duration::from_secs(60);

/// A change that a member asked for over HTTP.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// The id of the request, chosen by the client; it stands in the log. One that is sent again has it as its
    /// `Idempotency-Key` too, so all that comes of that key stands under it.
    pub request: Uuid,
    pub member: Uuid,
    /// The fact that it leads to.
    pub fact: &'static str,
    /// What came back.
    pub answer: Answered,
    /// Every answer under its key, for as often as it was asked again; none without a key.
    pub given: Vec<Given>,
}

/// An answer, by what tells it from another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Given {
    pub status: u16,
    /// A hash of the body.
    pub body: u64,
}

/// What came back of a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answered {
    /// 2xx, with the id of what came into being, where something did.
    Done(Option<Uuid>),
    /// Something else, or nothing: it may have happened all the same, once.
    Unknown,
}

/// What was seen over HTTP.
#[derive(Debug, Default)]
pub struct Heard {
    pub asked: Vec<Asked>,
    /// Answers by their status, as `503`, or `none`.
    pub answers: BTreeMap<String, u64>,
    /// Requests that were sent again under their key.
    pub again: u64,
    /// Answers in which somebody saw a canary of her own: the search for those of others looks in the right places.
    pub own_seen: u64,
}

impl Heard {
    fn add(&mut self, other: Self) {
        self.asked.extend(other.asked);
        self.own_seen += other.own_seen;
        self.again += other.again;
        for (status, count) in other.answers {
            *self.answers.entry(status).or_default() += count;
        }
    }
}

/// All of them. At any time there are as many as there are pictures of which none looks like another.
pub struct Members {
    api: String,
    seed: u64,
    joined: usize,
    active: Vec<Member>,
    /// Everybody who ever joined.
    pub ids: HashSet<Uuid>,
    canaries: HashSet<String>,
    paths: Paths,
    pub heard: Heard,
    running: JoinSet<Result<Member, Broken>>,
    over: Arc<AtomicBool>,
}

impl Members {
    /// Nobody yet; `api` is where they will ask.
    pub fn new(api: String, seed: u64) -> Self {
        Self {
            api,
            seed,
            joined: 0,
            active: Vec::new(),
            ids: HashSet::new(),
            canaries: HashSet::new(),
            paths: Paths::default(),
            heard: Heard::default(),
            running: JoinSet::new(),
            over: Arc::default(),
        }
    }

    /// Whoever is missing joins, before anything goes wrong.
    pub async fn be_there(&mut self) -> anyhow::Result<()> {
        self.active.retain(|member| member.pictures < PICTURES_MAX);
        for (place, picture) in sandbox::unlike_pictures().into_iter().enumerate() {
            if self.active.iter().any(|member| member.place == place) {
                continue;
            }
            let marks = [
                format!("canary{:x}n{:06}", self.seed, self.joined),
                page_mark(self.seed, place),
            ];
            self.joined += 1;
            let wire = joined(Wire::new(&self.api, marks)?).await?;
            self.ids.insert(wire.id);
            self.canaries.extend(wire.canaries());
            let paths = self.paths.clone();
            self.active.push(Member::new(wire, place, picture, paths));
        }
        Ok(())
    }

    /// From now on they ask.
    pub fn begin(&mut self, seed: u64) {
        self.over = Arc::default();
        for mut member in self.active.drain(..) {
            member.wire.minds(&self.canaries);
            member.over = Arc::clone(&self.over);
            self.running.spawn(async move {
                member.asks(seed).await?;
                Ok(member)
            });
        }
    }

    /// They end what they are at. I5 and I12 were looked at with each answer.
    pub async fn end(&mut self) -> anyhow::Result<()> {
        self.over.store(true, Ordering::Relaxed);
        while let Some(ended) = self.running.join_next().await {
            let mut member = ended??;
            self.heard.add(std::mem::take(&mut member.wire.heard));
            self.active.push(member);
        }
        Ok(())
    }

    /// I12 says nothing where nobody ever saw even her own.
    pub fn saw_their_own(&self) -> anyhow::Result<()> {
        ensure!(
            self.heard.own_seen > 0,
            "I12: nobody saw a canary of her own, so nothing was looked for"
        );
        Ok(())
    }
}

/// Puts each member's picture on one more page of the little web, whose address nobody else may see.
pub fn hang_pages(ground: &Ground, seed: u64) -> anyhow::Result<()> {
    for (place, picture) in sandbox::unlike_pictures().into_iter().enumerate() {
        let file = ground.web.with_extension(format!("{place}.jpg"));
        std::fs::write(&file, picture).context("a picture cannot be written")?;
        let page = format!("https://{}.example/album/1", page_mark(seed, place));
        sandbox::Web::add(&ground.web, &page, &file)?;
    }
    Ok(())
}

async fn joined(mut wire: Wire) -> anyhow::Result<Wire> {
    let begun = Instant::now();
    while let Err(fault) = wire.joins().await {
        ensure!(
            begun.elapsed() < JOINS_WITHIN,
            "I11: nobody can join: {fault:#}"
        );
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    Ok(wire)
}

fn page_mark(seed: u64, place: usize) -> String {
    format!("page{seed:x}of{place}")
}
