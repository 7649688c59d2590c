//! Words to the person at the terminal: results on standard output, problems on standard error.

use std::io::Write;

/// One line of result. A closed pipe is no fault: nobody listens any more.
pub fn line(text: impl AsRef<str>) {
    drop(writeln!(std::io::stdout(), "{}", text.as_ref()));
}

/// What went wrong, with everything that led to it.
pub fn problem(fault: &anyhow::Error) {
    drop(writeln!(std::io::stderr(), "vara: {fault:#}"));
}
