//! Any upstream's message: what is kept survives being written and read at every limit.
#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../../crates/wire/tests/properties/mod.rs"]
mod properties;

fuzz_target!(|octets: &[u8]| properties::answer(octets));
