//! The documents of the boundary, as both languages read them: Python writes the golden ones
//! (`tests/contract/test_golden.py`), and what is read here must be what was written there.

use std::path::PathBuf;

use keyhole_core::document::SnapshotDocument;
use keyhole_core::options::Options;
use serde_json::Value;

fn golden(name: &str) -> Vec<u8> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/contract/golden");
    std::fs::read(folder.join(name)).expect("the golden documents are in the repository")
}

#[test]
fn the_golden_options_are_read_and_written_back_unchanged() {
    let written = golden("options.json");
    let read = Options::read(&written).unwrap();
    let again: Value = serde_json::to_value(&read).unwrap();
    assert_eq!(again, serde_json::from_slice::<Value>(&written).unwrap());
}

#[test]
fn the_golden_snapshot_is_read_and_written_back_unchanged() {
    let written = golden("snapshot.json");
    let read: SnapshotDocument = serde_json::from_slice(&written).unwrap();
    let again = serde_json::to_value(&read).unwrap();
    assert_eq!(again, serde_json::from_slice::<Value>(&written).unwrap());
}

#[test]
fn a_field_that_is_not_known_is_an_error_wherever_it_stands() {
    for (pointer, name) in [("", "snapshot.json"), ("/policies/0", "snapshot.json")] {
        let mut document: Value = serde_json::from_slice(&golden(name)).unwrap();
        document.pointer_mut(pointer).unwrap()["surprise"] = Value::Null;
        let error = serde_json::from_value::<SnapshotDocument>(document).unwrap_err();
        assert!(error.to_string().contains("surprise"), "{error}");
    }
    let mut options: Value = serde_json::from_slice(&golden("options.json")).unwrap();
    options["limits"]["surprise"] = Value::Null;
    let error = Options::read(options.to_string().as_bytes()).unwrap_err();
    assert!(error.to_string().contains("surprise"), "{error}");
}

#[test]
fn another_version_is_an_error_that_names_the_known_one() {
    let mut options: Value = serde_json::from_slice(&golden("options.json")).unwrap();
    options["version"] = Value::from(2);
    let error = Options::read(options.to_string().as_bytes()).unwrap_err().to_string();
    assert!(error.contains("options.version") && error.contains('1'), "{error}");
}
