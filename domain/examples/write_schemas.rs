//! Writes the schema of every fact into `domain/catalogue`; review the difference as a change of contract.
//!
//! `cargo run -p domain --example write_schemas`

use std::path::Path;

fn main() -> std::io::Result<()> {
    let catalogue = Path::new(env!("CARGO_MANIFEST_DIR")).join("catalogue");
    for schema in domain::schema::all() {
        std::fs::write(catalogue.join(schema.file()), schema.text())?;
    }
    Ok(())
}
