//! The committed seeds of the fuzz targets, as plain tests.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod properties;

use std::path::Path;

fn run_each(target: &str, property: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/seeds").join(target);
    let mut count = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        // Shown with the failure, to say which seed it was.
        println!("{}", path.display());
        property(&std::fs::read(&path).unwrap());
        count += 1;
    }
    assert!(count > 0, "no seeds for {target}");
}

#[test]
fn every_query_seed_keeps_the_property() {
    run_each("query", properties::query);
}

#[test]
fn every_answer_seed_keeps_the_property() {
    run_each("answer", properties::answer);
}

#[test]
fn every_upstream_query_seed_keeps_the_property() {
    run_each("upstream_query", properties::upstream_query);
}
