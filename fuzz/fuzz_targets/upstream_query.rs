//! Any name and type: the query for an upstream is read back as the same, in lower case.
#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../../crates/wire/tests/properties/mod.rs"]
mod properties;

fuzz_target!(|octets: &[u8]| properties::upstream_query(octets));
