//! Which faults of a database pass by themselves: whoever asks again later may be served.

use crate::migrate::DatabaseFault;

/// States of PostgreSQL (its manual, appendix A) that say nothing about what was asked, by their beginning: the
/// connection broke (08), a session was ended because it stood still (25P), two transactions collided (40), something is
/// used up, as disk or connections (53), a lock was not given (55P), the statement took too long or the server is stopping
/// or starting (57), the machine failed (58).
const PASSING: [&str; 7] = ["08", "25P", "40", "53", "55P", "57", "58"];
/// A server that was the first and is now a standby; the next connection finds the first one.
const READ_ONLY: &str = "25006";

/// Whether a fault is one of reaching the database, rather than of what was asked of it.
///
/// True: the same may be asked again; whether it was done meanwhile, only its command id tells. False: asked again it
/// fails again.
#[must_use]
pub fn is_outage(fault: &DatabaseFault) -> bool {
    if let sqlx::Error::Database(cause) = fault {
        return cause.code().is_some_and(|code| passes(&code));
    }
    matches!(
        fault,
        sqlx::Error::Io(_)
            | sqlx::Error::Tls(_)
            | sqlx::Error::Protocol(_)
            | sqlx::Error::PoolTimedOut
            | sqlx::Error::PoolClosed
            | sqlx::Error::WorkerCrashed
            | sqlx::Error::BeginFailed
    )
}

fn passes(code: &str) -> bool {
    // 25P02 is ours: a transaction was used on after it had failed.
    let ours = code == "25P02";
    code == READ_ONLY || (!ours && PASSING.iter().any(|class| code.starts_with(class)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_that_is_away_full_late_or_turned_is_an_outage() {
        for code in [
            "08006", "25006", "25P03", "40001", "40P01", "53100", "53300", "55P03", "57014",
            "57P01", "57P02", "57P03", "58030",
        ] {
            assert!(passes(code), "{code}");
        }
        let io = std::io::Error::from(std::io::ErrorKind::ConnectionReset);
        for fault in [
            sqlx::Error::Io(io),
            sqlx::Error::PoolTimedOut,
            sqlx::Error::PoolClosed,
            sqlx::Error::Protocol("unexpected message".to_owned()),
        ] {
            assert!(is_outage(&fault), "{fault}");
        }
    }

    #[test]
    fn what_was_asked_wrongly_or_reads_wrongly_is_none() {
        for code in [
            "22P02", "23505", "25001", "25P02", "28P01", "3D000", "42501", "42P01", "P0001",
            "XX001",
        ] {
            assert!(!passes(code), "{code}");
        }
        for fault in [
            sqlx::Error::RowNotFound,
            sqlx::Error::ColumnNotFound("state".to_owned()),
            sqlx::Error::Decode("not a number".into()),
        ] {
            assert!(!is_outage(&fault), "{fault}");
        }
    }
}
