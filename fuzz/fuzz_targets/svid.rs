//! Any certificate: one identity or a refusal, and nobody is believed without roots.
#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../../crates/core/tests/properties/svid.rs"]
mod properties;

fuzz_target!(|octets: &[u8]| properties::svid(octets));
