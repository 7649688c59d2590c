//! The pages and pictures of a folder, with the hashes by which pictures are found again.

use std::collections::HashMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, ensure};
use pictures::Format;
use pictures::pdq::{self, Fingerprint, Hash};
use sha2::{Digest as _, Sha256};

use crate::address::Address;
use crate::pages::{self, Page, Tag};
use crate::{edge, start};

/// Largest picture that can be added, in bytes.
const PICTURE_BYTES_MAX: u64 = 20 * 1024 * 1024;

/// A small web: pages, the pictures on them, and a hash of each picture.
#[derive(Debug)]
pub struct Web {
    pictures: Vec<Arc<Hung>>,
}

/// A picture and every page that it hangs on.
#[derive(Debug)]
pub(crate) struct Hung {
    pub(crate) seen: Arc<Seen>,
    /// In the order in which they were added; never empty.
    pub(crate) pages: Vec<Page>,
    pub(crate) tags: Vec<Tag>,
}

/// What is known of a picture once it was looked at.
#[derive(Debug)]
pub(crate) struct Seen {
    /// File name below `pictures/`: its SHA-256 and its format.
    pub(crate) file: String,
    pub(crate) format: Format,
    pub(crate) width: u32,
    pub(crate) height: u32,
    pub(crate) bytes: usize,
    hash: Hash,
}

impl Web {
    /// Reads the web of a folder; makes it with the starting corpus when it is missing.
    ///
    /// # Errors
    /// When the folder cannot be made, or holds a list or a picture that cannot be read.
    pub fn open(folder: &Path) -> anyhow::Result<Self> {
        if !pages::list_in(folder).exists() {
            let _held = pages::hold(folder)?;
            // Somebody else may have laid it while this one waited.
            if !pages::list_in(folder).exists() {
                start::lay(folder)?;
            }
        }
        Self::read(folder, None)
    }

    /// Adds a page with the picture from this file; a running sandbox sees it at its next search.
    ///
    /// The picture is copied into the folder. Adding the same again changes nothing.
    ///
    /// # Errors
    /// When `page` is no `http` or `https` address, the file holds no picture, or one that is too
    /// plain to be found again, or when the folder cannot be written to.
    pub fn add(folder: &Path, page: &str, image: &Path) -> anyhow::Result<()> {
        let page = Address::parse(page)?;
        let bytes = picture_bytes(image)?;
        look(&bytes).context("this picture could never be found again")?;
        Self::open(folder)?;
        let _held = pages::hold(folder)?;
        let mut list = pages::read(folder)?;
        let picture = keep(folder, &bytes)?;
        if list
            .iter()
            .any(|old| old.page == page && old.picture == picture)
        {
            return Ok(());
        }
        list.push(Page {
            page,
            picture,
            seen: edge::now().date_naive(),
            tags: Vec::new(),
        });
        pages::write(folder, list)
    }

    /// Reads a folder, taking over what an earlier reading knows, so that only new pictures are looked at.
    pub(crate) fn read(folder: &Path, before: Option<&Self>) -> anyhow::Result<Self> {
        let known: HashMap<&str, &Arc<Seen>> = before
            .iter()
            .flat_map(|web| &web.pictures)
            .map(|hung| (hung.seen.file.as_str(), &hung.seen))
            .collect();
        let mut pictures: Vec<(String, Vec<Page>)> = Vec::new();
        for page in pages::read(folder)? {
            match pictures.iter_mut().find(|(file, _)| *file == page.picture) {
                Some((_, on)) => on.push(page),
                None => pictures.push((page.picture.clone(), vec![page])),
            }
        }
        let hang = |(file, on): (String, Vec<Page>)| {
            let seen = match known.get(file.as_str()) {
                Some(seen) => Arc::clone(seen),
                None => Arc::new(look_at(folder, file)?),
            };
            let mut tags: Vec<Tag> = on.iter().flat_map(|page| page.tags.clone()).collect();
            tags.sort_unstable();
            tags.dedup();
            Ok(Arc::new(Hung {
                seen,
                pages: on,
                tags,
            }))
        };
        let pictures = pictures
            .into_iter()
            .map(hang)
            .collect::<anyhow::Result<_>>()?;
        Ok(Self { pictures })
    }

    /// How many pictures there are.
    pub(crate) fn len(&self) -> usize {
        self.pictures.len()
    }

    /// Every picture that is a near copy of this one, with its distance (HSH-1).
    pub(crate) fn copies_of(&self, picture: &Fingerprint) -> Vec<(Arc<Hung>, u16)> {
        let near = |hung: &Arc<Hung>| {
            let distance = pdq::nearest(picture, &hung.seen.hash);
            (distance <= pdq::DISTANCE_MAX).then(|| (Arc::clone(hung), distance))
        };
        self.pictures.iter().filter_map(near).collect()
    }

    /// The bytes of the picture that stands at this very address, if it is one of this web.
    pub(crate) fn picture_at(&self, folder: &Path, address: &str) -> Option<Vec<u8>> {
        let mut pages = self.pictures.iter().flat_map(|hung| &hung.pages);
        let page = pages.find(|page| page.picture_address() == address)?;
        fs::read(pages::pictures_in(folder).join(&page.picture)).ok()
    }
}

/// The picture's fingerprint, or nothing when it is too small or too plain to be told apart (HSH-1).
pub(crate) fn fingerprint(picture: &pictures::Picture) -> Option<Fingerprint> {
    pdq::fingerprint(picture).filter(|print| print.quality >= pdq::QUALITY_MIN)
}

/// Puts a picture into the folder under its own name, and says which. The caller holds the folder.
pub(crate) fn keep(folder: &Path, bytes: &[u8]) -> anyhow::Result<String> {
    let file = file_name(bytes)?;
    let place = pages::pictures_in(folder).join(&file);
    if !place.exists() {
        pages::put(&place, bytes).context("the picture could not be copied into the folder")?;
    }
    Ok(file)
}

fn file_name(bytes: &[u8]) -> anyhow::Result<String> {
    let ending = match Format::of(bytes).context("that is no JPEG, PNG or WebP picture")? {
        Format::Jpeg => "jpg",
        Format::Png => "png",
        Format::Webp => "webp",
    };
    Ok(format!("{}.{ending}", hex::encode(Sha256::digest(bytes))))
}

fn picture_bytes(image: &Path) -> anyhow::Result<Vec<u8>> {
    let size = fs::metadata(image)
        .context("the picture could not be read")?
        .len();
    ensure!(
        size <= PICTURE_BYTES_MAX,
        "the picture is larger than 20 MiB"
    );
    fs::read(image).context("the picture could not be read")
}

fn look_at(folder: &Path, file: String) -> anyhow::Result<Seen> {
    // The list is a file that people may edit; it must not lead out of the folder.
    let plain = Path::new(&file).file_name() == Some(file.as_ref());
    ensure!(plain, "pages.json names a picture outside of its folder");
    let bytes = fs::read(pages::pictures_in(folder).join(&file))
        .with_context(|| format!("the picture {file} could not be read"))?;
    let seen = look(&bytes).with_context(|| format!("the picture {file} cannot be used"))?;
    Ok(Seen { file, ..seen })
}

fn look(bytes: &[u8]) -> anyhow::Result<Seen> {
    let file = file_name(bytes)?;
    let format = Format::of(bytes).context("that is no picture")?;
    let picture = pictures::decode(bytes)?;
    let print = fingerprint(&picture).context("it is too small or too plain")?;
    Ok(Seen {
        file,
        format,
        width: picture.width(),
        height: picture.height(),
        bytes: bytes.len(),
        hash: print.hash,
    })
}
