//! Lists as a whole: what is compiled, what the file answers, what a damaged file does.

mod addresses;
mod exceptions;
mod model;

use keyhole_names::list_file::{Action, ListFile, ListKind, MAX_LISTS};
use keyhole_names::{Error, HashedName, Suffix};
use keyhole_wire::{Name, RecordType};

use super::*;

fn name(text: &str) -> Name {
    Name::from_text(text).unwrap()
}

fn hashed(text: &str) -> HashedName {
    HashedName::new(&name(text))
}

/// Compiles lists of kind and text; formats are found out.
fn compiled(protected: &[&str], lists: &[(ListKind, &str)]) -> (Vec<u8>, Report) {
    let protected: Vec<Name> = protected.iter().map(|text| name(text)).collect();
    let mut compiler = Compiler::new(&protected);
    for (index, (kind, text)) in lists.iter().enumerate() {
        compiler.begin_list(&format!("list{index}"), *kind).unwrap();
        compiler.read_file(&format!("list{index}.txt"), None, text.as_bytes()).unwrap();
    }
    compiler.finish().unwrap()
}

fn opened(lists: &[(ListKind, &str)]) -> (ListFile, Vec<ListKind>) {
    let (octets, _) = compiled(&[], lists);
    let kinds = lists.iter().map(|(kind, _)| *kind).collect();
    (ListFile::from_octets(octets).unwrap(), kinds)
}

/// The decision of all lists as `block list:line pattern`, or `-`.
fn decided(lists: &[(ListKind, &str)], text: &str, kind: RecordType) -> String {
    let (file, kinds) = opened(lists);
    let in_use = (0..lists.len()).collect();
    file.decide(&in_use, &kinds, &hashed(text), kind).map_or("-".into(), |hit| {
        let action = if hit.action == Action::Block { "block" } else { "allow" };
        format!("{action} {}:{} {}", hit.list, hit.line, file.pattern(&hit))
    })
}

fn decided_by(list: &str, text: &str) -> String {
    decided(&[(ListKind::Block, list)], text, RecordType::A)
}

#[test]
fn a_plain_name_is_meant_alone_and_a_wildcard_covers_what_lies_below_too() {
    let plain = "ads.example.org";
    assert_eq!(decided_by(plain, "ADS.example.org"), "block 0:1 ads.example.org");
    assert_eq!(decided_by(plain, "x.ads.example.org"), "-");
    assert_eq!(decided_by(plain, "example.org"), "-");
    let below = "*.ads.example.org";
    assert_eq!(decided_by(below, "ads.example.org"), "block 0:1 ||ads.example.org^");
    assert_eq!(decided_by(below, "x.y.ads.example.org"), "block 0:1 ||ads.example.org^");
    let both = "! t\n||ads.example.org^";
    assert_eq!(decided_by(both, "ads.example.org"), "block 0:2 ||ads.example.org^");
    assert_eq!(decided_by(both, "x.ads.example.org"), "block 0:2 ||ads.example.org^");
    assert_eq!(decided_by(both, "badads.example.org"), "-");
}

#[test]
fn an_exception_beats_a_block_and_important_beats_both() {
    let list = "||a.example.org^\n@@||ok.a.example.org^\n||bad.ok.a.example.org^$important\n\
                @@|best.bad.ok.a.example.org^$important";
    assert_eq!(decided_by(list, "a.example.org"), "block 0:1 ||a.example.org^");
    assert_eq!(decided_by(list, "x.ok.a.example.org"), "allow 0:2 @@||ok.a.example.org^");
    assert_eq!(
        decided_by(list, "x.bad.ok.a.example.org"),
        "block 0:3 ||bad.ok.a.example.org^$important"
    );
    assert_eq!(
        decided_by(list, "best.bad.ok.a.example.org"),
        "allow 0:4 @@best.bad.ok.a.example.org$important"
    );
}

#[test]
fn an_entry_of_an_allow_list_allows_however_it_is_written() {
    for text in ["a.example.org", "@@||a.example.org^", "||a.example.org^"] {
        let lists = [(ListKind::Block, "||example.org^"), (ListKind::Allow, text)];
        assert!(decided(&lists, "a.example.org", RecordType::A).starts_with("allow 1:1"), "{text}");
        assert!(decided(&lists, "b.example.org", RecordType::A).starts_with("block 0:1"), "{text}");
    }
}

#[test]
fn among_equals_the_longest_name_wins_and_then_the_first_list() {
    let lists = [
        (ListKind::Block, "||example.org^"),
        (ListKind::Block, "||a.example.org^"),
        (ListKind::Block, "||a.example.org^"),
    ];
    assert_eq!(decided(&lists, "a.example.org", RecordType::A), "block 1:1 ||a.example.org^");
}

#[test]
fn only_the_lists_in_use_are_asked() {
    let (file, kinds) =
        opened(&[(ListKind::Block, "a.example.org"), (ListKind::Block, "a.example.org")]);
    let decide = |lists: &[usize]| {
        let in_use = lists.iter().copied().collect();
        file.decide(&in_use, &kinds, &hashed("a.example.org"), RecordType::A).map(|hit| hit.list)
    };
    assert_eq!(decide(&[]), None);
    assert_eq!(decide(&[0]), Some(0));
    assert_eq!(decide(&[1]), Some(1));
    assert_eq!(decide(&[0, 1]), Some(0));
    assert_eq!(decide(&[2, 700]), None);
}

#[test]
fn types_and_spared_names_narrow_an_entry_down() {
    let list = "||a.example.org^$dnstype=AAAA|HTTPS\n||b.example.org^$dnstype=~A\n\
                ||c.example.org^$denyallow=ok.c.example.org";
    let says = |text, kind| decided(&[(ListKind::Block, list)], text, kind);
    assert_eq!(
        says("a.example.org", RecordType::AAAA),
        "block 0:1 ||a.example.org^$dnstype=AAAA|HTTPS"
    );
    assert_eq!(says("a.example.org", RecordType::A), "-");
    assert_eq!(says("b.example.org", RecordType::A), "-");
    assert_eq!(says("b.example.org", RecordType::TXT), "block 0:2 ||b.example.org^$dnstype=~A");
    assert!(says("x.c.example.org", RecordType::A).starts_with("block 0:3"));
    assert_eq!(says("x.ok.c.example.org", RecordType::A), "-");
}

#[test]
fn patterns_find_names_by_their_text() {
    let list = "||ads*.example.org^\n/^track[0-9]+\\./\n@@/^track7\\./\n/[a-f0-9]{24}\\.example/";
    assert_eq!(decided_by(list, "x.ads7.example.org"), "block 0:1 ||ads*.example.org^");
    assert_eq!(decided_by(list, "Track12.example.net"), "block 0:2 /^track[0-9]+\\./");
    assert_eq!(decided_by(list, "track7.example.net"), "allow 0:3 @@/^track7\\./");
    assert!(decided_by(list, "0123456789abcdef01234567.example.net").starts_with("block 0:4"));
    assert_eq!(decided_by(list, "www.example.net"), "-");
}

#[test]
fn no_list_blocks_a_name_that_serves_keyhole() {
    let reason = "would block a name that serves Keyhole itself";
    for (line, is_left_out) in [
        ("||example.net^", false),
        ("*.example.net", false),
        ("|dns.example.net^", true),
        ("dns.example.net", true),
        ("||dns*.net^", false),
        ("/^dns\\./", false),
        ("||dns.example.net^$important,dnstype=A", false),
    ] {
        let list = format!("! t\n||other.example.org^\n{line}");
        let (octets, report) = compiled(&["DNS.example.net"], &[(ListKind::Block, &list)]);
        let of_list = &report.lists[0];
        let skipped = of_list.skipped.by_reason.get(reason).copied().unwrap_or(0);
        assert_eq!((skipped == 1, of_list.spared == 1), (is_left_out, !is_left_out), "{line}");
        let file = ListFile::from_octets(octets).unwrap();
        assert!(file.search(&hashed("dns.example.net")).is_empty(), "{line}");
    }
    for line in ["||x.dns.example.net^", "*.x.dns.example.net", "@@||example.net^"] {
        let (_, report) = compiled(&["dns.example.net"], &[(ListKind::Block, line)]);
        assert_eq!(report.lists[0].skipped.count, 0, "{line}");
    }
    let (_, report) = compiled(&["dns.example.net"], &[(ListKind::Allow, "dns.example.net")]);
    assert_eq!(report.lists[0].taken, 1);
}

#[test]
fn an_entry_that_covers_a_protected_name_spares_that_name_alone() {
    for (line, met) in [
        ("||example.net^", &["example.net", "x.dns.example.net", "www.example.net"][..]),
        ("||dns.example.net^", &["x.dns.example.net"][..]),
        ("/^dns\\./", &["dns.example.org"][..]),
        ("||example.net^$denyallow=www.example.net", &["example.net", "x.dns.example.net"][..]),
    ] {
        let protected = ["dns.example.net", "a.b.dns.example.net"];
        let (octets, _) = compiled(&protected, &[(ListKind::Block, line)]);
        let file = ListFile::from_octets(octets).unwrap();
        for name in met {
            assert_eq!(file.search(&hashed(name)).len(), 1, "{line} {name}");
        }
        for name in protected {
            assert!(file.search(&hashed(name)).is_empty(), "{line} {name}");
        }
    }
    // One that spares the name by itself is taken as it is.
    let list = "||example.net^$denyallow=dns.example.net";
    let (_, report) = compiled(&["dns.example.net"], &[(ListKind::Block, list)]);
    assert_eq!((report.lists[0].taken, report.lists[0].spared), (1, 0));
}

#[test]
fn the_first_line_of_a_list_wins_and_later_ones_are_duplicates() {
    let list = "||b.example.org^\na.example.org\nA.example.org.\n||b.example.org^\n\
                ||a.example.org^\n||ads*.org^\n||ads*.org^";
    let (octets, report) = compiled(&[], &[(ListKind::Block, list), (ListKind::Block, list)]);
    for report in &report.lists {
        assert_eq!((report.taken, report.duplicates, report.skipped.count), (4, 3, 0));
    }
    assert_eq!(report.names, 2);
    let file = ListFile::from_octets(octets).unwrap();
    let hits = file.search(&hashed("a.example.org"));
    let places: Vec<_> = hits.iter().map(|hit| (hit.list, hit.line)).collect();
    assert_eq!(places, [(0, 2), (0, 5), (1, 2), (1, 5)]);
}

#[test]
fn a_list_cannot_say_more_than_sixteen_things_about_a_name() {
    let list: String =
        (1..=40).map(|kind| format!("||a.example.org^$dnstype=TYPE{kind}\n")).collect();
    let (_, report) = compiled(&[], &[(ListKind::Block, &list)]);
    assert_eq!((report.lists[0].taken, report.lists[0].skipped.count), (16, 24));
}

#[test]
fn a_collision_of_hashes_never_decides() {
    let mut compiler = Compiler::new(&[]).with_hash(|_| 42);
    compiler.begin_list("ads", ListKind::Block).unwrap();
    let listed: Vec<String> = (0..200).map(|n| format!("host{n}.example.org")).collect();
    compiler.read_file("ads.txt", None, listed.join("\n").as_bytes()).unwrap();
    let file = ListFile::from_octets(compiler.finish().unwrap().0).unwrap();
    let find = |text: &str| {
        let name = name(text);
        file.find(&Suffix { hash: 42, wire: name.as_wire(), labels: 3 })
    };
    let places: std::collections::HashSet<_> = listed.iter().map(|text| find(text)).collect();
    assert_eq!(places.len(), 200);
    assert!(!places.contains(&None));
    for text in ["host200.example.org", "example.org", "ost1.example.org", "host1.example.orgs"] {
        assert_eq!(find(text), None, "{text}");
    }
}

#[test]
fn absurd_input_gives_reasons() {
    let long = "a".repeat(1 << 20);
    for (text, reason) in [
        ("<!DOCTYPE html>\n<html><body>404</body></html>", "a web page instead of a list"),
        ("/\n", "not a name"),
        ("*\n", "would match nearly every name"),
        ("||1^\n", "not a name"),
        ("a\0b.example.org\n", "not text"),
        (long.as_str(), "the line is longer than 4096 octets"),
        ("\u{feff}\u{feff}?", "not a name"),
    ] {
        let (_, report) = compiled(&[], &[(ListKind::Block, text)]);
        let skipped = &report.lists[0].skipped;
        assert_eq!((report.lists[0].taken, skipped.count), (0, 1), "{reason}");
        assert!(skipped.examples[0].reason.starts_with(reason), "{:?}", skipped.examples[0]);
        assert!(skipped.examples[0].text.chars().count() <= 101);
    }
    let (octets, report) = compiled(&[], &[(ListKind::Block, ""), (ListKind::Block, "\r\n\n")]);
    assert_eq!((report.names, report.lists[0].skipped.count), (0, 0));
    let file = ListFile::from_octets(octets).unwrap();
    assert!(file.search(&hashed("example.org")).is_empty());
    assert!(file.search(&HashedName::new(&Name::ROOT)).is_empty());
}

#[test]
fn broken_utf_8_costs_only_the_name_that_it_stands_in() {
    let mut compiler = Compiler::new(&[]);
    compiler.begin_list("ads", ListKind::Block).unwrap();
    let octets =
        b"\xff\xfe.example.org\r\na.example.org\r\n# f\xfcr\n0.0.0.0 b.example.org # f\xfcr\n\
                   ||c.example.org^ # \x07\nd.example.org\r\r\ne.example.org\0\n\x1a";
    compiler.read_file("ads.txt", None, octets.as_slice()).unwrap();
    let (_, report) = compiler.finish().unwrap();
    assert_eq!((report.lists[0].taken, report.lists[0].skipped.count), (5, 1));
    assert!(report.lists[0].skipped.examples[0].reason.starts_with("not text"));
}

#[test]
fn a_byte_order_mark_is_not_part_of_the_first_name() {
    let list = "\u{feff}a.example.org\r\nb.example.org\r\n";
    assert_eq!(decided_by(list, "a.example.org"), "block 0:1 a.example.org");
}

/// A file with something in every section.
fn whole() -> Vec<u8> {
    let list = "||a.example.org^\n@@|b.example.org^$important\n||c.example.org^$dnstype=A|~AAAA,\
                denyallow=d.c.example.org\n||ads*.example.org^\n/^track[0-9]+\\./\n";
    compiled(&[], &[(ListKind::Block, list), (ListKind::Block, "a.example.org")]).0
}

/// Asks a file for everything that it can tell.
fn ask(file: &ListFile) {
    let in_use = (0..MAX_LISTS).collect();
    for text in
        ["a.example.org", "b.example.org", "d.c.example.org", "ads1.example.org", "track1.x"]
    {
        for hit in file.search(&hashed(text)) {
            let _ =
                (file.pattern(&hit), file.file_path(&hit).len(), file.list_name(hit.list).len());
        }
        let _ = file.decide(&in_use, &[], &hashed(text), RecordType::A);
    }
}

#[test]
fn a_flipped_octet_is_an_error_or_harmless() {
    let octets = whole();
    for at in 0..octets.len() {
        for flip in [0x01, 0x80, 0xff] {
            let mut damaged = octets.clone();
            damaged[at] ^= flip;
            if let Ok(file) = ListFile::from_octets(damaged) {
                ask(&file);
            }
        }
    }
}

#[test]
fn a_cut_file_is_an_error() {
    let octets = whole();
    for end in 0..octets.len() {
        assert!(ListFile::from_octets(octets[..end].to_vec()).is_err(), "{end}");
    }
    ask(&ListFile::from_octets(octets).unwrap());
}

mod requests {
    use std::path::PathBuf;

    use serde_json::{Value, json};

    use super::*;

    /// A folder of its own for each test, removed in the end.
    struct Folder(PathBuf);

    impl Folder {
        fn new(test: &str) -> Self {
            let path = std::env::temp_dir().join(format!("keyhole-{test}-{}", std::process::id()));
            std::fs::create_dir_all(&path).unwrap();
            Self(path)
        }

        fn file(&self, name: &str, text: &str) -> String {
            let path = self.0.join(name);
            std::fs::write(&path, text).unwrap();
            path.to_str().unwrap().to_owned()
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }

    fn call(f: fn(&[u8]) -> Result<Vec<u8>, Error>, request: &Value) -> Result<Value, String> {
        let answer = f(request.to_string().as_bytes()).map_err(|error| error.to_string())?;
        Ok(serde_json::from_slice(&answer).unwrap())
    }

    #[test]
    fn a_request_becomes_a_file_that_can_be_searched() {
        let folder = Folder::new("request");
        let ads = folder.file("ads.txt", "0.0.0.0 ads.example.org\n0.0.0.0 0.0.0.0\n");
        let output = folder.0.join("lists.khl");
        let report = call(
            compile,
            &json!({"version": 1, "output": output, "protected": ["dns.example.net"], "lists": [
                {"name": "ads", "files": [{"path": ads, "format": "auto"}]}
            ]}),
        )
        .unwrap();
        let written = std::fs::metadata(&output).unwrap().len();
        assert_eq!(report["octets"], written);
        assert_eq!(report["names"], 1);
        assert_eq!(
            report["lists"],
            json!([{
                "name": "ads", "taken": 1, "duplicates": 0, "spared": 0,
                "skipped": {"count": 1, "by_reason": {"names of the machine itself": 1},
                            "examples": [
                    {"file": ads, "line": 2, "text": "0.0.0.0 0.0.0.0",
                     "reason": "names of the machine itself"}
                ]},
                "files": [{"path": ads, "format": "hosts", "lines": 2}],
            }])
        );
        assert_eq!(std::fs::read_dir(&folder.0).unwrap().count(), 2, "no other file is left");

        let mut request = json!({"version": 1, "path": output, "sha256": report["sha256"],
                                 "name": "Ads.example.org"});
        let found = call(search, &request).unwrap();
        assert_eq!(
            found,
            json!({"version": 1, "name": "ads.example.org", "hits": [
                {"list": "ads", "file": ads, "line": 1, "action": "block", "important": false,
                 "pattern": "ads.example.org"}
            ]})
        );
        request["sha256"] = json!("00");
        assert!(call(search, &request).unwrap_err().contains("is not the file that was compiled"));
    }

    #[test]
    fn a_request_that_is_not_valid_says_where_and_what_would_be_right() {
        let folder = Folder::new("invalid");
        let ads = folder.file("ads.txt", "ads.example.org\n");
        let output = folder.0.join("lists.khl");
        let request = |version: u32, path: &str, format: &str, protected: &str| {
            json!({"version": version, "output": output, "protected": [protected], "lists": [
                {"name": "ads", "files": [{"path": path, "format": format}]}
            ]})
        };
        for (request, expected) in [
            (request(2, &ads, "auto", "a.b"), "request.version: version 2 is not known"),
            (
                request(1, &ads, "host", "a.b"),
                "files[0].format: \"host\" is not a format; use auto",
            ),
            (request(1, "/nowhere", "auto", "a.b"), "request.lists[0].files[0].path /nowhere"),
            (request(1, &ads, "auto", "a..b"), "request.protected[0]: \"a..b\": a label is empty"),
            (json!({"version": 1, "nonsense": 1}), "unknown field `nonsense`"),
        ] {
            let error = call(compile, &request).unwrap_err();
            assert!(error.contains(expected), "{error}");
            assert!(!output.exists());
        }
    }

    #[test]
    fn an_output_that_cannot_be_written_leaves_nothing_behind() {
        let folder = Folder::new("output");
        let output = folder.0.join("missing").join("lists.khl");
        let request = json!({"version": 1, "output": output, "protected": [], "lists": []});
        assert!(call(compile, &request).unwrap_err().contains("cannot write the list file"));
        assert_eq!(std::fs::read_dir(&folder.0).unwrap().count(), 0);
    }

    #[test]
    fn a_file_that_was_changed_is_not_opened() {
        let folder = Folder::new("changed");
        let (octets, report) = compiled(&[], &[(ListKind::Block, "ads.example.org")]);
        let path = folder.0.join("lists.khl");
        std::fs::write(&path, &octets).unwrap();
        assert!(ListFile::open(&path, &report.sha256).is_ok());
        for at in [0, 9, octets.len() / 2, octets.len() - 1] {
            let mut damaged = octets.clone();
            damaged[at] ^= 1;
            std::fs::write(folder.0.join("damaged.khl"), &damaged).unwrap();
            assert!(ListFile::open(&folder.0.join("damaged.khl"), &report.sha256).is_err());
        }
        std::fs::write(&path, b"").unwrap();
        assert!(ListFile::open(&path, &report.sha256).is_err());
    }
}
