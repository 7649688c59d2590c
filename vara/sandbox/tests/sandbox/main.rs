//! The sandbox from outside: over HTTP, as its callers meet it.

#[cfg(test)]
mod search;
#[cfg(test)]
mod served;
#[cfg(test)]
mod wire;
