//! The committed seeds of the fuzz target for lists, as a plain test.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

#[path = "properties/lists.rs"]
mod lists;

use std::path::Path;

#[test]
fn every_list_seed_keeps_the_property() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/seeds/lists");
    let mut count = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        // Shown with the failure, to say which seed it was.
        println!("{}", path.display());
        lists::lists(&std::fs::read(&path).unwrap());
        count += 1;
    }
    assert!(count > 0, "no seeds");
}
