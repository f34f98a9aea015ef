//! Any list file in any format: compiling and asking never panic, and keep what they promise.
#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../../crates/lists/tests/properties/lists.rs"]
mod properties;

fuzz_target!(|octets: &[u8]| properties::lists(octets));
