//! vara
fn main() {}
