# What this house can do; each recipe is one line.
default:
    @just --list

# Start everything on this machine.
up:
    cargo run --release

# Tell the whole story once against the running Vara.
demo:
    cargo run --release -- demo

# All tests, on servers of their own.
test:
    cargo test --workspace

# Formatting and lints, as CI wants them.
lint:
    cargo fmt --all --check && cargo clippy --workspace --all-targets -- -D warnings

# Write the OpenAPI document anew; review the difference as a change of contract.
openapi:
    cargo run --release -- openapi

# Build the module that hashes pictures in a browser, and note what it was made of.
wasm:
    RUSTFLAGS="--remap-path-prefix=$HOME=home --remap-path-prefix=$PWD=." cargo build --locked --package pdq-wasm --lib --profile wasm --target wasm32-unknown-unknown && cp target/wasm32-unknown-unknown/wasm/pdq_wasm.wasm pictures/wasm/page/pdq.wasm && cd pictures/wasm && sha256sum Cargo.toml src/lib.rs ../src/area.rs ../src/picture.rs ../src/turn.rs ../src/pdq/*.rs > page/pdq.wasm.sources

# A long run while servers and processes are killed.
soak:
    cargo run --release -- soak --schedules 200 --events 1000000

# A million pictures of nonsense and more for everything that reads a stranger's bytes; needs a C++ compiler.
fuzz *targets:
    pictures/fuzz/run {{targets}}

# Everything CI runs.
ci:
    bash .ci/run
