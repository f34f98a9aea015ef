//! Any client's packet: what is rebuilt says what the policy saw, and every reply can be read.
#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../../crates/wire/tests/properties/mod.rs"]
mod properties;

fuzz_target!(|octets: &[u8]| properties::query(octets));
