//! Any HTTP request: one message has one spelling, and what is refused leaves nothing behind.
#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../../crates/core/tests/properties/doh_request.rs"]
mod properties;

fuzz_target!(|octets: &[u8]| properties::doh_request(octets));
