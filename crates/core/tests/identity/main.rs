//! Who asks, from outside: an engine with sockets, certificates made by the test, and connections
//! that stay open while what is believed changes.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

#[path = "../authority/mod.rs"]
mod authority;
mod change;
mod seeds;
mod world;
