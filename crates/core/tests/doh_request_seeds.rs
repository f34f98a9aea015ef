//! The committed seeds of the fuzz target for DoH requests, as a plain test.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

#[path = "properties/doh_request.rs"]
mod doh_request;

use std::path::Path;

#[test]
fn every_request_seed_keeps_the_property() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/seeds/doh_request");
    let mut count = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        // Shown with the failure, to say which seed it was.
        println!("{}", path.display());
        doh_request::doh_request(&std::fs::read(&path).unwrap());
        count += 1;
    }
    assert!(count > 0, "no seeds");
}
