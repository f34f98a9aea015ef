//! What must hold for every list file, also for one that was made to do harm.

use keyhole_lists::{Compiler, Format};
use keyhole_names::HashedName;
use keyhole_names::list_file::{Action, ListFile, ListKind, ListMask};
use keyhole_wire::{Name, RecordType};

/// A name that no block list may block.
const PROTECTED: &str = "dns.example.net";
/// How many names out of the text are asked.
const ASKED: usize = 64;

/// The first octet chooses the format and the kind of the list, the rest is its file.
///
/// Compiling and asking never panic; a decision is among the entries that a search finds, and each
/// entry can be written down; a block list leaves the protected name alone.
pub(crate) fn lists(octets: &[u8]) {
    let Some((&choice, text)) = octets.split_first() else {
        return;
    };
    let format = Format::ALL.get(usize::from(choice & 0x0f)).copied();
    let kind = if choice & 0x80 == 0 { ListKind::Block } else { ListKind::Allow };
    let protected = Name::from_text(PROTECTED).expect("a name");
    let mut compiler = Compiler::new(&[protected]);
    compiler.begin_list("fuzzed", kind).expect("one list is not too many");
    compiler.read_file("fuzzed.txt", format, text).expect("memory can be read");
    let (file, report) = compiler.finish().expect("a small list can be written");
    let file = ListFile::from_octets(file).expect("what was written can be read");

    let in_use: ListMask = [0].into_iter().collect();
    let taken = report.lists[0].taken;
    for name in std::iter::once(protected).chain(names_in(text).take(ASKED)) {
        let hashed = HashedName::new(&name);
        let hits = file.search(&hashed);
        assert!(hits.len() <= taken, "more hits than entries");
        for hit in &hits {
            assert!(!file.pattern(hit).is_empty() && hit.line <= report.lists[0].files[0].lines);
        }
        for record_type in [RecordType::A, RecordType::AAAA, RecordType(65_280)] {
            let Some(hit) = file.decide(&in_use, &[kind], &hashed, record_type) else {
                continue;
            };
            assert!(hits.iter().any(|found| found.line == hit.line), "decided but not found");
            assert!(hit.action == Action::Allow || name != protected, "blocks a protected name");
            assert!(kind == ListKind::Block || hit.action == Action::Allow, "an allow list blocks");
        }
    }
}

/// Whatever in the text is a name.
fn names_in(text: &[u8]) -> impl Iterator<Item = Name> {
    text.split(|octet| !octet.is_ascii_alphanumeric() && !matches!(octet, b'.' | b'-' | b'_'))
        .filter_map(|word| Name::from_text(std::str::from_utf8(word).ok()?).ok())
}
