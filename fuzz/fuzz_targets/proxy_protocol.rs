//! Any beginning of a connection to the mesh listener: what is understood is what was written.
#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../../crates/core/tests/properties/proxy_protocol.rs"]
mod properties;

fuzz_target!(|octets: &[u8]| properties::proxy_protocol(octets));
