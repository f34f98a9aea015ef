//! Names as sets ask for them: lower-case, with one hash for each of their suffixes.
//!
//! A name is hashed once, from its last label to its first. The hash of `www.example.org` grows out
//! of that of `example.org`, so every parent costs nothing more, and each set of names (rules,
//! records, lists) is probed with the same numbers.
//!
//! The hash has a fixed key, because compiled list files depend on it. Whoever knows the key can
//! make two names collide; that gains nothing, since each hit compares the octets.

use std::fmt::Write as _;

use keyhole_wire::Name;
use keyhole_wire::name::MAX_LABELS;

/// Odd constants without structure: digits of the square roots of 2, 3 and 5.
const SEED: u64 = 0x6a09_e667_f3bc_c909;
const STEP: u64 = 0xbb67_ae85_84ca_a73b;
const TAIL: u64 = 0x3c6e_f372_fe94_f82b;

/// The most octets of the text form: each octet of the name escaped as `\ddd`.
const MAX_TEXT: usize = 1020;

/// A name in lower case (RFC 4343) with the hash of each of its suffixes.
#[derive(Clone)]
pub struct HashedName {
    name: Name,
    labels: usize,
    /// `hashes[n]` is the hash of the name from its label `n` on, counted from the left.
    hashes: [u64; MAX_LABELS],
}

/// The last labels of a name, as a set stores them.
#[derive(Clone, Copy, Debug)]
pub struct Suffix<'a> {
    /// [`hash_wire`] of `wire`.
    pub hash: u64,
    /// Lower-case wire form, the root label included.
    pub wire: &'a [u8],
    /// How many labels it has, the root not counted: 1 to 127.
    pub labels: usize,
}

impl HashedName {
    /// Lowers and hashes a name; no allocation.
    #[inline]
    pub fn new(name: &Name) -> Self {
        let mut hashed = Self { name: name.to_lower(), labels: 0, hashes: [0; MAX_LABELS] };
        hashed.labels = hash_suffixes(hashed.name.as_wire(), &mut hashed.hashes);
        hashed
    }

    /// The name in lower case.
    #[inline]
    pub fn name(&self) -> &Name {
        &self.name
    }

    /// How many labels the name has, the root not counted: 0 to 127.
    #[inline]
    pub fn labels(&self) -> usize {
        self.labels
    }

    /// The hash of the whole name; equal to [`hash_wire`] of its wire form.
    #[inline]
    pub fn hash(&self) -> u64 {
        if self.labels == 0 { SEED } else { self.hashes[0] }
    }

    /// The name itself and each of its parents, longest first, without the root.
    #[inline]
    pub fn suffixes(&self) -> impl Iterator<Item = Suffix<'_>> {
        let mut wire = self.name.as_wire();
        let mut left = self.hashes[..self.labels].iter();
        std::iter::from_fn(move || {
            let labels = left.len();
            let suffix = Suffix { hash: *left.next()?, wire, labels };
            wire = wire.get(1 + usize::from(*wire.first()?)..)?;
            Some(suffix)
        })
    }

    /// The text that expressions are matched against: lower case, without the last dot, what is not
    /// printable escaped (RFC 1035 section 5.1).
    pub fn text(&self) -> Text {
        let mut text = Text { len: 0, octets: [0; MAX_TEXT] };
        let plain = |octet: &u8| octet.is_ascii_alphanumeric() || matches!(octet, b'-' | b'_');
        if self.labels > 0 && self.name.labels().all(|label| label.iter().all(plain)) {
            for label in self.name.labels() {
                text.push(label);
                text.push(b".");
            }
            text.len -= 1;
        } else {
            // Cannot fail: `Text` holds the longest text form there is.
            let _ = write!(text, "{}", self.name);
        }
        text
    }
}

impl std::fmt::Debug for HashedName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "HashedName({})", self.name)
    }
}

/// The text form of a name, held in place.
#[derive(Clone)]
pub struct Text {
    len: usize,
    octets: [u8; MAX_TEXT],
}

impl Text {
    /// The octets of the text, all ASCII.
    #[inline]
    pub fn as_bytes(&self) -> &[u8] {
        &self.octets[..self.len]
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(self.as_bytes()).unwrap_or_default()
    }

    fn push(&mut self, octets: &[u8]) {
        if let Some(free) = self.octets.get_mut(self.len..self.len + octets.len()) {
            free.copy_from_slice(octets);
            self.len += octets.len();
        }
    }
}

impl std::fmt::Write for Text {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        self.push(text.as_bytes());
        Ok(())
    }
}

/// The hash of a name or suffix in lower-case wire form, the root label included: the one that
/// [`Suffix::hash`] carries, for building sets. Octets that are no name get some number as well.
pub fn hash_wire(lower_wire: &[u8]) -> u64 {
    let mut hashes = [0; MAX_LABELS];
    if hash_suffixes(lower_wire, &mut hashes) == 0 { SEED } else { hashes[0] }
}

/// Hashes each suffix and gives the number of labels.
#[inline]
fn hash_suffixes(wire: &[u8], hashes: &mut [u64; MAX_LABELS]) -> usize {
    // First each label by itself, so that the processor works on several at once ...
    let mut labels = 0;
    let mut rest = wire;
    while let Some((&len, behind)) = rest.split_first()
        && len != 0
        && let Some(slot) = hashes.get_mut(labels)
        && let Some((label, behind)) = behind.split_at_checked(usize::from(len))
    {
        *slot = hash_label(label);
        labels += 1;
        rest = behind;
    }
    // ... then the chain from the last label to the first.
    let mut hash = SEED;
    for slot in hashes[..labels].iter_mut().rev() {
        hash = fold(hash ^ *slot, STEP);
        *slot = hash;
    }
    labels
}

/// The hash of one label. Its length goes in as well, so that `ab.c` and `a.bc` differ.
#[inline]
fn hash_label(label: &[u8]) -> u64 {
    let mut hash = label.len() as u64;
    let mut rest = label;
    while let Some((eight, behind)) = rest.split_first_chunk::<8>() {
        hash = fold(hash ^ u64::from_le_bytes(*eight), STEP);
        rest = behind;
    }
    fold(hash ^ few_octets(rest), TAIL)
}

/// Up to seven octets as one number; the length of the label tells apart what this does not.
#[inline]
fn few_octets(octets: &[u8]) -> u64 {
    match octets {
        [] => 0,
        [a] => u64::from(*a),
        [a, b] => u64::from(*a) | u64::from(*b) << 8,
        [a, b, c] => u64::from(*a) | u64::from(*b) << 8 | u64::from(*c) << 16,
        _ => {
            let first = octets.first_chunk::<4>().map_or(0, |four| u32::from_le_bytes(*four));
            let last = octets.last_chunk::<4>().map_or(0, |four| u32::from_le_bytes(*four));
            u64::from(first) | u64::from(last) << 32
        }
    }
}

/// Multiplies to 128 bits and folds the halves: each bit of the input reaches all of the hash.
#[inline]
fn fold(a: u64, b: u64) -> u64 {
    let product = u128::from(a) * u128::from(b);
    (product as u64) ^ ((product >> 64) as u64)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use std::collections::HashSet;

    use super::*;

    fn hashed(text: &str) -> HashedName {
        HashedName::new(&Name::from_text(text).unwrap())
    }

    #[test]
    fn suffixes_run_from_the_whole_name_to_its_last_label() {
        let name = hashed("WWW.Example.org");
        let seen: Vec<_> = name.suffixes().map(|s| (s.wire.to_vec(), s.labels)).collect();
        assert_eq!(
            seen,
            [
                (b"\x03www\x07example\x03org\x00".to_vec(), 3),
                (b"\x07example\x03org\x00".to_vec(), 2),
                (b"\x03org\x00".to_vec(), 1),
            ]
        );
        assert_eq!(HashedName::new(&Name::ROOT).suffixes().count(), 0);
    }

    #[test]
    fn a_suffix_has_the_hash_of_the_same_name_standing_alone() {
        for text in ["www.example.org", &"a.".repeat(127), &format!("{}.x.y", "b".repeat(63))] {
            let name = hashed(text);
            for suffix in name.suffixes() {
                assert_eq!(suffix.hash, hash_wire(suffix.wire));
                let alone = HashedName::new(&Name::from_wire(suffix.wire).unwrap());
                assert_eq!(suffix.hash, alone.hash());
            }
        }
        assert_eq!(HashedName::new(&Name::ROOT).hash(), hash_wire(&[0]));
    }

    #[test]
    fn case_does_not_change_the_hash() {
        assert_eq!(hashed("EXAMPLE.ORG").hash(), hashed("example.org").hash());
    }

    #[test]
    fn label_borders_and_every_octet_count() {
        let mut seen = HashSet::new();
        for text in ["ab.c", "a.bc", "abc", "a.b.c", "c.ab", "c.b.a", "abcdefgh", "abcdefgh.a"] {
            assert!(seen.insert(hashed(text).hash()), "{text}");
        }
        for len in 1..=63 {
            for at in 0..len {
                let mut label = vec![b'a'; len];
                label[at] = b'b';
                let text = String::from_utf8(label).unwrap();
                assert!(seen.insert(hashed(&text).hash()), "{text}");
            }
        }
    }

    #[test]
    fn hashes_spread_evenly_over_high_and_low_bits() {
        let mut high = [0u32; 256];
        let mut low = [0u32; 256];
        for number in 0..65_536 {
            let hash = hashed(&format!("host{number}.example.org")).hash();
            high[(hash >> 56) as usize] += 1;
            low[(hash & 255) as usize] += 1;
        }
        for count in high.iter().chain(&low) {
            assert!((150..=370).contains(count), "{count} of an expected 256");
        }
    }

    #[test]
    fn the_hash_of_a_known_name_never_changes_because_files_depend_on_it() {
        assert_eq!(hashed("www.example.org").hash(), KNOWN);
    }

    #[test]
    fn octets_that_are_no_name_do_not_panic() {
        for octets in [&b""[..], b"\x05ab", b"\xff", b"\x01a\x01", &[1; 400]] {
            hash_wire(octets);
        }
    }

    #[test]
    fn the_text_form_is_lower_case_without_the_last_dot() {
        assert_eq!(hashed("WWW.Example.org.").text().as_str(), "www.example.org");
        assert_eq!(hashed(r"a\.b\000.org").text().as_str(), r"a\.b\000.org");
        assert_eq!(HashedName::new(&Name::ROOT).text().as_str(), ".");
        let longest = [0xff; 63];
        let mut builder = keyhole_wire::name::NameBuilder::new();
        for len in [63, 63, 63, 61] {
            builder.push(&longest[..len]).unwrap();
        }
        let name = builder.finish().unwrap();
        assert_eq!(HashedName::new(&name).text().as_str(), name.to_string());
    }

    const KNOWN: u64 = 748_257_416_061_229_488;
}
