//! The committed seeds of two fuzz targets, as plain tests.

use std::path::Path;

#[path = "../properties/proxy_protocol.rs"]
mod proxy_protocol;
#[path = "../properties/svid.rs"]
mod svid;

fn each_of(target: &str, property: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/seeds").join(target);
    let mut count = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        // Shown with the failure, to say which seed it was.
        println!("{}", path.display());
        property(&std::fs::read(&path).unwrap());
        count += 1;
    }
    assert!(count > 0, "no seeds");
}

#[test]
fn every_seed_of_a_proxy_header_keeps_the_property() {
    each_of("proxy_protocol", proxy_protocol::proxy_protocol);
}

#[test]
fn every_seed_of_a_certificate_keeps_the_property() {
    each_of("svid", svid::svid);
}
