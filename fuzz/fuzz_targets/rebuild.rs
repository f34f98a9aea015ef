//! Any name and type: the rebuilt query is read back as the same, in lower case.
#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../../crates/wire/tests/properties/mod.rs"]
mod properties;

fuzz_target!(|octets: &[u8]| properties::rebuild(octets));
