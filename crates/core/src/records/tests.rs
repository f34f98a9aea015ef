//! What local records promise.

use keyhole_wire::{Rcode, Section};

use keyhole_wire::Name;

use super::*;
use crate::Error;
use crate::document::RecordDataDocument as Data;

fn record(name: &str, data: Data) -> RecordDocument {
    RecordDocument { name: name.to_owned(), ttl: 300, data, origin: "r.yaml:3".to_owned() }
}

fn a(name: &str, address: &str) -> RecordDocument {
    record(name, Data::A(address.parse().unwrap()))
}

fn cname(name: &str, target: &str) -> RecordDocument {
    record(name, Data::Cname(target.to_owned()))
}

fn compile(documents: &[RecordDocument]) -> Result<Records, Error> {
    let mut faults = Faults::default();
    let all: Vec<usize> = (0..documents.len()).collect();
    let records = Records::compile(documents, &all, "snapshot.records", &mut faults);
    faults.into_result("snapshot", records)
}

fn records(documents: &[RecordDocument]) -> Records {
    compile(documents).unwrap()
}

fn fault(documents: &[RecordDocument]) -> (String, String) {
    match compile(documents).map(drop).unwrap_err() {
        Error::Invalid { path, why } => (path, why),
        other => panic!("{other}"),
    }
}

fn find(records: &Records, name: &str, kind: RecordType) -> Option<Local> {
    records.find(&HashedName::new(&Name::from_text(name).unwrap()), kind)
}

/// What was said, as text: the code and one `owner type data` for each record.
fn said(records: &Records, name: &str, kind: RecordType) -> String {
    let Some(local) = find(records, name, kind) else {
        return "upstream".to_owned();
    };
    match local {
        Local::Synthetic { what, .. } => format!("{what:?}"),
        Local::Alias { chain, target } => {
            let links: Vec<_> =
                chain.iter().map(|(owner, to, _)| format!("{owner}={to}")).collect();
            format!("{} then {target}", links.join(" "))
        }
        Local::Answer(answer) => {
            let (asked, asked_kind) = answer.question();
            assert_eq!((asked, asked_kind), (Name::from_text(name).unwrap(), kind));
            let mut parts = Vec::new();
            if answer.rcode() == Rcode::NXDOMAIN {
                parts.push("nxdomain".to_owned());
            }
            for record in answer.records().filter(|record| record.section == Section::Answer) {
                let told = match (record.address(), record.target()) {
                    (Some(address), _) => address.to_string(),
                    (_, Some(target)) => target.to_string(),
                    _ => String::from_utf8_lossy(&record.data()).into_owned(),
                };
                parts.push(format!("{} {} {told}", record.owner(), record.kind));
            }
            parts.join(", ")
        }
    }
}

use keyhole_wire::RecordType as T;

#[test]
fn a_record_answers_for_its_name_in_any_case_and_for_nothing_else() {
    let records = records(&[a("printer.example.org", "192.0.2.7")]);
    let answer = "printer.example.org A 192.0.2.7";
    assert_eq!(said(&records, "printer.example.org", T::A), answer);
    assert_eq!(said(&records, "PRINTER.example.org", T::A), answer);
    for other in ["example.org", "org", ".", "a.printer.example.org", "rinter.example.org"] {
        assert_eq!(said(&records, other, T::A), "upstream", "{other}");
    }
}

#[test]
fn a_name_with_records_of_another_type_has_no_data() {
    let records = records(&[a("printer.example.org", "192.0.2.7")]);
    for kind in [T::AAAA, T::HTTPS, T::MX, T::CNAME, T::SOA] {
        assert_eq!(said(&records, "printer.example.org", kind), "NoData", "{kind}");
    }
}

#[test]
fn all_records_of_a_type_come_together_once_each_with_the_smallest_ttl() {
    let short = RecordDocument { ttl: 60, ..a("a.test", "192.0.2.2") };
    let records = records(&[a("a.test", "192.0.2.1"), short, a("A.test", "192.0.2.1")]);
    assert_eq!(said(&records, "a.test", T::A), "a.test A 192.0.2.1, a.test A 192.0.2.2");
    let Some(Local::Answer(answer)) = find(&records, "a.test", T::A) else { panic!("no answer") };
    assert_eq!(answer.ttl(), 60);
    assert!(answer.records().all(|record| record.ttl == 60));
}

#[test]
fn every_type_of_record_is_answered_as_declared() {
    let name = "x.example.org";
    let records = records(&[
        record(name, Data::Aaaa("2001:db8::7".parse().unwrap())),
        record(name, Data::Txt(vec!["a=b".to_owned(), "c".to_owned()])),
        record("7.2.0.192.in-addr.arpa", Data::Ptr(name.to_owned())),
    ]);
    assert_eq!(said(&records, name, T::AAAA), "x.example.org AAAA 2001:db8::7");
    assert_eq!(said(&records, name, T::TXT), "x.example.org TXT \u{3}a=b\u{1}c");
    let Some(Local::Answer(answer)) = find(&records, "7.2.0.192.in-addr.arpa", T::PTR) else {
        panic!("no answer");
    };
    let data = answer.records().next().unwrap().data().into_owned();
    assert_eq!(Name::from_wire(&data).unwrap(), Name::from_text(name).unwrap());
}

#[test]
fn a_wildcard_answers_for_names_below_that_do_not_exist() {
    let records = records(&[a("*.example.org", "192.0.2.1"), a("b.example.org", "192.0.2.2")]);
    assert_eq!(said(&records, "a.example.org", T::A), "a.example.org A 192.0.2.1");
    assert_eq!(said(&records, "x.y.example.org", T::A), "x.y.example.org A 192.0.2.1");
    assert_eq!(said(&records, "a.example.org", T::AAAA), "NoData");
    assert_eq!(said(&records, "*.example.org", T::A), "*.example.org A 192.0.2.1");
    assert_eq!(said(&records, "example.org", T::A), "upstream");
    assert_eq!(said(&records, "b.example.org", T::A), "b.example.org A 192.0.2.2");
}

#[test]
fn a_name_that_exists_keeps_the_wildcard_from_it_and_from_all_below() {
    let records = records(&[
        a("*.example.org", "192.0.2.1"),
        record("host.sub.example.org", Data::Txt(vec!["x".to_owned()])),
    ]);
    assert_eq!(said(&records, "host.sub.example.org", T::A), "NoData");
    // `sub` exists because `host.sub` does (RFC 4592 section 2.2.2).
    assert_eq!(said(&records, "sub.example.org", T::A), "NoData");
    assert_eq!(said(&records, "other.sub.example.org", T::A), "Nxdomain");
    assert_eq!(said(&records, "below.host.sub.example.org", T::A), "Nxdomain");
}

#[test]
fn of_two_wildcards_the_closer_one_answers() {
    let records = records(&[a("*.example.org", "192.0.2.1"), a("*.b.example.org", "192.0.2.2")]);
    assert_eq!(said(&records, "x.b.example.org", T::A), "x.b.example.org A 192.0.2.2");
    assert_eq!(said(&records, "x.c.example.org", T::A), "x.c.example.org A 192.0.2.1");
    assert_eq!(said(&records, "b.example.org", T::A), "NoData");
}

#[test]
fn a_wildcard_below_the_root_answers_for_every_name() {
    let records = records(&[a("*", "192.0.2.1"), a("a.test", "192.0.2.2")]);
    assert_eq!(said(&records, "x.example.org", T::A), "x.example.org A 192.0.2.1");
    assert_eq!(said(&records, "b.test", T::A), "Nxdomain");
    assert_eq!(said(&records, ".", T::A), "upstream");
}

#[test]
fn an_alias_inside_local_data_is_followed_to_its_end() {
    let records = records(&[
        cname("www.test", "web.test"),
        cname("web.test", "host.test"),
        a("host.test", "192.0.2.1"),
    ]);
    let aliases = "www.test CNAME web.test, web.test CNAME host.test";
    assert_eq!(said(&records, "www.test", T::A), format!("{aliases}, host.test A 192.0.2.1"));
    assert_eq!(said(&records, "www.test", T::AAAA), aliases);
    assert_eq!(said(&records, "www.test", T::MX), aliases);
    assert_eq!(said(&records, "www.test", T::CNAME), "www.test CNAME web.test");
}

#[test]
fn an_alias_that_leaves_local_data_names_where_to_go_on() {
    let records = records(&[cname("a.test", "b.test"), cname("b.test", "www.example.org")]);
    let told = "a.test=b.test b.test=www.example.org then www.example.org";
    for kind in [T::A, T::AAAA, T::HTTPS, T::MX] {
        assert_eq!(said(&records, "a.test", kind), told, "{kind}");
    }
    assert_eq!(said(&records, "a.test", T::CNAME), "a.test CNAME b.test");
}

#[test]
fn an_alias_may_stand_at_a_wildcard_and_lead_to_one() {
    let records = records(&[
        cname("*.a.test", "x.b.test"),
        a("*.b.test", "192.0.2.1"),
        cname("out.test", "below.known.b.test"),
        a("known.b.test", "192.0.2.2"),
        cname("*.c.test", "www.example.org"),
    ]);
    assert_eq!(said(&records, "q.a.test", T::A), "q.a.test CNAME x.b.test, x.b.test A 192.0.2.1");
    assert_eq!(said(&records, "out.test", T::A), "nxdomain, out.test CNAME below.known.b.test");
    assert_eq!(said(&records, "q.c.test", T::A), "q.c.test=www.example.org then www.example.org");
}

#[test]
fn aliases_in_a_circle_are_refused_with_the_way_they_go() {
    let (path, why) =
        fault(&[cname("a.test", "b.test"), cname("b.test", "c.test"), cname("c.test", "b.test")]);
    assert_eq!(path, "snapshot.records[0].data");
    assert_eq!(why, "a circle of aliases: a.test -> b.test -> c.test -> b.test (r.yaml:3)");
    assert!(fault(&[cname("a.test", "A.test")]).1.contains("a circle"));
    assert!(fault(&[cname("*.a.test", "x.a.test")]).1.contains("a circle"));
}

#[test]
fn too_long_a_chain_of_aliases_is_refused() {
    let chain = |links: usize| -> Vec<_> {
        (0..links).map(|n| cname(&format!("{n}.test"), &format!("{}.test", n + 1))).collect()
    };
    assert!(compile(&chain(16)).is_ok());
    assert!(fault(&chain(17)).1.contains("too long a chain"));
}

#[test]
fn an_alias_stands_alone() {
    for pair in [
        [a("a.test", "192.0.2.1"), cname("a.test", "b.test")],
        [cname("a.test", "b.test"), a("a.test", "192.0.2.1")],
    ] {
        let (path, why) = fault(&pair);
        assert_eq!(path, "snapshot.records[1].data");
        assert!(why.contains("a.test has a CNAME and other records"), "{why}");
    }
    let (_, why) = fault(&[cname("a.test", "b.test"), cname("a.test", "c.test")]);
    assert!(why.contains("only one target"), "{why}");
    assert!(compile(&[cname("a.test", "b.test"), cname("a.test", "B.test")]).is_ok());
}

#[test]
fn every_record_that_cannot_be_is_told_with_its_place() {
    let long = RecordDocument { ttl: 604_801, ..a("a.test", "192.0.2.1") };
    let (path, why) = fault(&[
        long,
        a("a..test", "192.0.2.1"),
        cname("b.test", "x..y"),
        record("c.test", Data::Txt(vec!["x".repeat(256)])),
        record("d.test", Data::Txt(Vec::new())),
    ]);
    assert_eq!(path, "snapshot");
    for part in [
        "snapshot.records[0].ttl: 604801 s is longer than a week",
        "snapshot.records[1].name: \"a..test\": a label is empty (r.yaml:3)",
        "snapshot.records[2].data: \"x..y\": a label is empty",
        "snapshot.records[3].data: a string of 256 octets",
        "snapshot.records[4].data: a TXT record needs at least one string",
    ] {
        assert!(why.contains(part), "{part} is not in {why}");
    }
}

#[test]
fn what_answers_for_a_name_can_be_followed_back_to_its_document() {
    let records = records(&[a("*.example.org", "192.0.2.1")]);
    let origin = |name: &str| {
        records.origin(&HashedName::new(&Name::from_text(name).unwrap())).map(str::to_owned)
    };
    assert_eq!(origin("x.example.org").as_deref(), Some("r.yaml:3"));
    assert_eq!(origin("example.org"), None);
}

fn ptr(name: &str, target: &str) -> RecordDocument {
    record(name, Data::Ptr(target.to_owned()))
}

/// The names of an address; none are asked upstream.
fn names_of(records: &Records, reverse: &str) -> Vec<String> {
    match find(records, reverse, T::PTR) {
        Some(Local::Answer(answer)) => {
            let targets = answer.records().filter(|record| record.kind == T::PTR);
            targets.map(|one| Name::from_wire(&one.data()).unwrap().to_string()).collect()
        }
        other => vec![format!("{other:?}")],
    }
}

#[test]
fn an_address_has_the_name_that_was_declared_with_it_first() {
    let records = records(&[
        a("nas.example.org", "192.0.2.7"),
        a("files.example.org", "192.0.2.7"),
        record("nas.example.org", Data::Aaaa("2001:db8::7".parse().unwrap())),
        a("*.apps.example.org", "192.0.2.8"),
        a("localhost.example.org", "127.0.0.1"),
        a("nothing.example.org", "0.0.0.0"),
    ]);
    assert_eq!(names_of(&records, "7.2.0.192.in-addr.arpa"), ["nas.example.org"]);
    let v6 = format!("7.{}8.b.d.0.1.0.0.2.ip6.arpa", "0.".repeat(23));
    assert_eq!(names_of(&records, &v6), ["nas.example.org"]);
    for other in ["8.2.0.192.in-addr.arpa", "1.0.0.127.in-addr.arpa", "0.0.0.0.in-addr.arpa"] {
        assert!(find(&records, other, T::PTR).is_none(), "{other}");
    }
}

#[test]
fn a_declared_name_of_an_address_is_its_only_one() {
    let records = records(&[
        a("nas.example.org", "192.0.2.7"),
        a("tv.example.org", "192.0.2.8"),
        a("radio.example.org", "198.51.100.1"),
        ptr("7.2.0.192.in-addr.arpa", "declared.example.org"),
        cname("8.2.0.192.in-addr.arpa", "8.tv.example.org"),
        ptr("*.100.51.198.in-addr.arpa", "some.example.org"),
    ]);
    assert_eq!(names_of(&records, "7.2.0.192.in-addr.arpa"), ["declared.example.org"]);
    let alias = said(&records, "8.2.0.192.in-addr.arpa", T::PTR);
    assert!(alias.ends_with("then 8.tv.example.org"), "{alias}");
    assert_eq!(names_of(&records, "1.100.51.198.in-addr.arpa"), ["some.example.org"]);
}
