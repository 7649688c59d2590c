//! Questions to PostgreSQL by its own client program, since no client library lives here.

use std::path::PathBuf;
use std::process::Stdio;

use crate::{StackError, account::Account};

const NAME_LENGTH_MAX: usize = 63;
/// The superuser of the database and the user of NATS.
pub(crate) const USER: &str = "vara";

/// One PostgreSQL that answers on loopback, with the password of its superuser.
pub(crate) struct Psql {
    pub(crate) program: PathBuf,
    pub(crate) port: u16,
    pub(crate) password: String,
}

impl Psql {
    /// The address of one database, with the password in it.
    pub(crate) fn url(&self, database: &str) -> String {
        format!(
            "postgres://{USER}:{}@127.0.0.1:{}/{database}",
            self.password, self.port
        )
    }

    /// Makes a database, empty or as a copy. One that is already there stays as it is.
    pub(crate) fn create_database(
        &self,
        name: &str,
        template: Option<&str>,
    ) -> Result<(), StackError> {
        check_name(name)?;
        let copied = match template {
            None => String::new(),
            Some(template) => {
                check_name(template)?;
                format!(" TEMPLATE \"{template}\"")
            }
        };
        match self.run(&format!("CREATE DATABASE \"{name}\"{copied}")) {
            Err(StackError::Refused { detail }) if detail.contains("already exists") => Ok(()),
            other => other,
        }
    }

    /// Runs one statement in the database `postgres`.
    pub(crate) fn run(&self, sql: &str) -> Result<(), StackError> {
        // Our own account, not the servers': the password stands in the environment of psql.
        let done = Account::Own
            .command(&self.program)
            .args([
                "--no-psqlrc",
                "--quiet",
                "--no-password",
                "--set=ON_ERROR_STOP=1",
            ])
            .args([
                "--host=127.0.0.1",
                "--username",
                USER,
                "--port",
                &self.port.to_string(),
            ])
            .args(["--dbname=postgres", "--command", sql])
            .env("PGPASSWORD", &self.password)
            .env("PGCONNECT_TIMEOUT", "10")
            .stdin(Stdio::null())
            .output();
        let detail = match done {
            Ok(done) if done.status.success() => return Ok(()),
            Ok(done) => String::from_utf8_lossy(&done.stderr).trim().to_owned(),
            Err(e) => {
                let (program, detail) = (self.program.clone(), e.to_string());
                return Err(StackError::CannotRun { program, detail });
            }
        };
        Err(StackError::Refused { detail })
    }
}

/// A name that cannot end its quotes in SQL and needs no escaping in an address.
pub(crate) fn check_name(name: &str) -> Result<(), StackError> {
    let good = name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.len() <= NAME_LENGTH_MAX
        && name
            .bytes()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'_');
    if good {
        Ok(())
    } else {
        Err(StackError::DatabaseName {
            name: name.to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_sql_would_misread_is_refused() {
        for good in ["vara", "vara_17", "a"] {
            check_name(good).unwrap();
        }
        let long = "a".repeat(64);
        for bad in [
            "",
            "Vara",
            "1a",
            "_a",
            "a-b",
            "a; drop database vara",
            "ä",
            long.as_str(),
        ] {
            assert!(
                matches!(check_name(bad), Err(StackError::DatabaseName { .. })),
                "{bad}"
            );
        }
    }
}
