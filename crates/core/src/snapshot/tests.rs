//! What compiling a snapshot promises.

use keyhole_names::HashedName;
use keyhole_wire::{Name, RecordType};
use serde_json::{Value, json};

use super::*;

/// A snapshot document with one policy, without lists.
fn document() -> Value {
    json!({
        "version": 1,
        "number": 7,
        "list_file": null,
        "lists": [],
        "upstreams": [{
            "name": "upstream",
            "protocol": "doh",
            "addresses": ["192.0.2.53:443"],
            "server_name": "dns.example.org",
            "path": "/dns-query",
            "pins": [],
            "server_id": null,
            "roots": "public",
            "crls": "",
            "client_identity": null,
        }],
        "upstream_sets": [
            {"name": "upstream", "upstreams": [0], "hedge_ms": 100, "timeout_ms": 1000},
        ],
        "records": [{
            "name": "printer.example.org",
            "ttl": 300,
            "data": {"a": "192.0.2.7"},
            "origin": "records.yaml:7 Record/printer",
        }],
        "record_sets": [[0]], "schedules": [], "trust": {"domains": [], "revoked": {"identities": [], "certificates": []}},
        "subjects": {"identities": [], "below": [], "tokens": [], "networks": [], "expired": null},
        "policies": [{
            "name": "base",
            "mode": "enforce",
            "log": "full",
            "default": "allow",
            "rules": [{
                "action": "block",
                "matches": [{"below": "ads.example"}],
                "types": [],
                "answer": {"address": "192.0.2.1"},
                "mode": "enforce",
                "when": null,
                "important": false, "decision": false, "during": null,
                "origin": "policy.yaml:12 Policy/base spec.rules[0]",
            }],
            "lists": [],
            "list_answer": "nxdomain",
            "list_mode": "enforce", "paused": null,
            "private_addresses": "block", "private_names": [], "forwarded_names": [], "blocked_ttl": 10,
            "upstream_set": 0,
            "record_set": 0,
            "origin": "policy.yaml:1 Policy/base",
        }],
        "default_policy": 0, "unlogged": [],
    })
}

fn compile(document: &Value) -> Result<Snapshot, Error> {
    Snapshot::compile(document.to_string().as_bytes(), &Upstreams::new())
}

fn fault(document: &Value) -> (String, String) {
    match compile(document).map(drop).unwrap_err() {
        Error::Invalid { path, why } => (path, why),
        other => panic!("{other}"),
    }
}

#[test]
fn a_whole_document_compiles_without_asking_any_upstream() {
    let snapshot = compile(&document()).unwrap();
    assert_eq!(snapshot.number, 7);
    assert_eq!(snapshot.default_policy().unwrap().name, "base");
    assert_eq!(snapshot.upstream_sets.len(), 1);
    let mut without_default = document();
    without_default["default_policy"] = Value::Null;
    assert!(compile(&without_default).unwrap().default_policy().is_none());
}

#[test]
fn another_version_is_refused_before_anything_else_is_read() {
    let (path, why) = fault(&json!({"version": 2, "shape": "unknown"}));
    assert_eq!(path, "snapshot.version");
    assert!(why.contains("version 2") && why.contains("reads version 1"), "{why}");
    assert_eq!(fault(&json!({"number": 1})).0, "snapshot");
}

#[test]
fn an_unknown_or_missing_field_is_refused_by_its_name() {
    let mut unknown = document();
    unknown["policies"][0]["color"] = json!("red");
    assert!(fault(&unknown).1.contains("color"));
    let mut missing = document();
    missing["policies"][0].as_object_mut().unwrap().remove("list_mode");
    assert!(fault(&missing).1.contains("list_mode"));
}

#[test]
fn all_faults_are_told_at_once_each_with_its_place() {
    let mut document = document();
    document["default_policy"] = json!(3);
    document["policies"][0]["lists"] = json!([1]);
    document["policies"][0]["upstream_set"] = json!(9);
    document["policies"][0]["rules"][0]["matches"] = json!([{"regex": "("}, {"exact": ".."}]);
    document["records"][0]["name"] = json!("a..b");
    document["upstream_sets"][0]["upstreams"] = json!([4]);
    document["policies"][0]["record_set"] = json!(2);
    document["record_sets"] = json!([[0], [0, 1]]);
    document["policies"][0]["rules"][0]["when"] = json!(0);
    document["subjects"]["expired"] = json!(1);
    let (path, why) = fault(&document);
    assert_eq!(path, "snapshot");
    for place in [
        "snapshot.records[0].name: ",
        "snapshot.upstream_sets[0].upstreams: ",
        "snapshot.list_file: ",
        "snapshot.default_policy: ",
        "snapshot.policies[0].lists[0]: ",
        "snapshot.policies[0].upstream_set: ",
        "snapshot.policies[0].record_set: record set 2 of only 2",
        "snapshot.record_sets[1][1]: record 1 of only 1",
        "snapshot.policies[0].rules[0].when: ",
        "snapshot.subjects.expired: ",
        "snapshot.policies[0].rules[0].matches[0]: ",
        "snapshot.policies[0].rules[0].matches[1]: ",
    ] {
        assert!(why.contains(&format!("\n{place}")), "{place} is not in {why}");
    }
    assert!(why.starts_with("12 faults\n"), "{why}");
    assert!(why.contains("policy.yaml:12 Policy/base spec.rules[0]"), "{why}");
}

#[test]
fn a_single_fault_keeps_its_own_place() {
    let mut document = document();
    document["policies"][0]["upstream_set"] = json!(1);
    let (path, why) = fault(&document);
    assert_eq!(path, "snapshot.policies[0].upstream_set");
    assert_eq!(why, "upstream set 1 of only 1 (policy.yaml:1 Policy/base)");
}

#[test]
fn equal_sets_of_records_are_compiled_once_and_seen_by_their_policies_alone() {
    let mut document = document();
    let other = json!({
        "name": "nas.example.org", "ttl": 300, "data": {"a": "192.0.2.8"}, "origin": "test",
    });
    document["records"].as_array_mut().unwrap().push(other);
    document["record_sets"] = json!([[0], [0, 1], [0], []]);
    let policy = document["policies"][0].clone();
    let policies = (0..4).map(|set| {
        let mut policy = policy.clone();
        policy["record_set"] = json!(set);
        policy
    });
    document["policies"] = policies.collect();
    let snapshot = compile(&document).unwrap();
    assert!(Arc::ptr_eq(&snapshot.record_sets[0], &snapshot.record_sets[2]));
    let sees = |policy: usize, name: &str| {
        let hashed = HashedName::new(&Name::from_text(name).unwrap());
        snapshot.records(&snapshot.policies[policy]).find(&hashed, RecordType::A).is_some()
    };
    for (policy, printer, nas) in
        [(0, true, false), (1, true, true), (2, true, false), (3, false, false)]
    {
        assert_eq!(sees(policy, "printer.example.org"), printer, "{policy}");
        assert_eq!(sees(policy, "nas.example.org"), nas, "{policy}");
    }
}

#[test]
fn compiled_lists_that_are_missing_refuse_the_snapshot() {
    let mut document = document();
    document["list_file"] = json!({"path": "/nonexistent/lists.khl", "sha256": "0".repeat(64)});
    assert!(compile(&document).is_err());
}

#[test]
fn compiled_lists_must_be_those_that_the_snapshot_names_in_their_order() {
    let folder = std::env::temp_dir().join(format!("keyhole-snapshot-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let (source, output) = (folder.join("ads.txt"), folder.join("lists.khl"));
    std::fs::write(&source, "ads.example\n").unwrap();
    let list = |name: &str| json!({"name": name, "files": [{"path": source, "format": "domains"}]});
    let request = json!({
        "version": 1, "output": output, "protected": [], "lists": [list("ads"), list("more")],
    });
    let report = keyhole_lists::compile(request.to_string().as_bytes()).unwrap();
    let report: Value = serde_json::from_slice(&report).unwrap();
    let mut document = document();
    document["list_file"] = json!({"path": output, "sha256": report["sha256"]});
    document["policies"][0]["lists"] = json!([0, 1]);
    let named = |names: &[&str]| -> Value {
        names.iter().map(|name| json!({"name": name, "kind": "block"})).collect()
    };
    document["lists"] = named(&["ads", "more"]);
    let snapshot = compile(&document).unwrap();
    assert_eq!(snapshot.lists.names(), ["ads", "more"]);
    document["lists"] = named(&["more", "ads"]);
    let (_, why) = fault(&document);
    assert!(why.contains("snapshot.lists[0].name: \"more\", but the file holds \"ads\""), "{why}");
    document["lists"] = named(&["ads", "more", "third"]);
    assert!(fault(&document).1.contains("holds 2 lists, the snapshot names 3"));
    std::fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn workers_can_share_a_snapshot() {
    fn shared<T: Send + Sync>() {}
    shared::<Snapshot>();
}
