//! A zone that signs whatever it is told to, and messages made of what it signed.
#![allow(dead_code, reason = "each test program uses its own part")]

use std::time::{SystemTime, UNIX_EPOCH};

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, SHA256, digest};
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use data_encoding::{BASE32_DNSSEC, HEXLOWER};
use keyhole_wire::Name;
use serde_json::{Value, json};

pub const A: u16 = 1;
pub const NS: u16 = 2;
pub const CNAME: u16 = 5;
pub const SOA: u16 = 6;
pub const DNAME: u16 = 39;
pub const DS: u16 = 43;
pub const RRSIG: u16 = 46;
pub const NSEC: u16 = 47;
pub const DNSKEY: u16 = 48;
pub const NSEC3: u16 = 50;
pub const TTL: u32 = 300;
const DAY: i64 = 86_400;
const ED25519: u8 = 15;

pub fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    i64::try_from(since.as_secs()).unwrap()
}

pub fn name(text: &str) -> Name {
    Name::from_text(text).unwrap().to_lower()
}

/// The key of a zone.
pub struct Zone {
    pub apex: Name,
    pair: Ed25519KeyPair,
}

/// A set of records and how it is signed.
#[derive(Clone)]
pub struct Set {
    pub owner: Name,
    pub kind: u16,
    pub data: Vec<Vec<u8>>,
    pub signatures: Vec<Vec<u8>>,
}

impl Zone {
    pub fn new(apex: &str) -> Self {
        Self { apex: name(apex), pair: Ed25519KeyPair::generate().unwrap() }
    }

    pub fn dnskey(&self) -> Vec<u8> {
        [&[1, 1, 3, ED25519], self.pair.public_key().as_ref()].concat()
    }

    pub fn tag(&self) -> u16 {
        tag(&self.dnskey())
    }

    /// Another key with the same tag.
    pub fn twin(&self, number: u8) -> Vec<u8> {
        let mut key = self.dnskey();
        // Two words change places by so much that their sum stays.
        key[4] = key[4].wrapping_add(number);
        let lost = i64::from(self.dnskey()[4]) - i64::from(key[4]);
        for low in 0..=u16::MAX {
            key[34..36].copy_from_slice(&low.to_be_bytes());
            if tag(&key) == self.tag() {
                return key;
            }
        }
        panic!("no twin {number} {lost}")
    }

    pub fn ds(&self) -> Vec<u8> {
        let owned = [self.apex.as_wire(), &self.dnskey()].concat();
        [&self.tag().to_be_bytes()[..], &[ED25519, 2], digest(&SHA256, &owned).as_ref()].concat()
    }

    /// The anchor as the snapshot has it.
    pub fn anchor(&self) -> Value {
        json!({
            "name": self.apex.to_string(), "tag": self.tag(), "algorithm": ED25519,
            "digest_type": 2, "digest": HEXLOWER.encode(&self.ds()[4..]),
        })
    }

    /// A set that is signed from yesterday until tomorrow.
    pub fn signed(&self, owner: &str, kind: u16, data: &[&[u8]]) -> Set {
        self.signed_as(owner, kind, data, (-DAY, DAY), None)
    }

    /// The same with another window in seconds from now, and by a wildcard of so many labels.
    pub fn signed_as(
        &self,
        owner: &str,
        kind: u16,
        data: &[&[u8]],
        window: (i64, i64),
        labels: Option<u8>,
    ) -> Set {
        let owner = name(owner);
        let mut data: Vec<Vec<u8>> = data.iter().map(|one| one.to_vec()).collect();
        data.sort();
        let mut set = Set { owner, kind, data, signatures: Vec::new() };
        self.sign(&mut set, window, labels);
        set
    }

    pub fn sign(&self, set: &mut Set, (from, to): (i64, i64), labels: Option<u8>) {
        let own = set.owner.labels().filter(|label| *label != b"*").count() as u8;
        let labels = labels.unwrap_or(own);
        let time = |offset: i64| ((now() + offset) as u32).to_be_bytes();
        let head = [
            &set.kind.to_be_bytes()[..],
            &[ED25519, labels],
            &TTL.to_be_bytes(),
            &time(to),
            &time(from),
            &self.tag().to_be_bytes(),
            self.apex.as_wire(),
        ]
        .concat();
        let owner = match own > labels {
            true => {
                let kept: Vec<&[u8]> = set.owner.labels().skip(usize::from(own - labels)).collect();
                let mut wire = b"\x01*".to_vec();
                for label in kept {
                    wire.push(label.len() as u8);
                    wire.extend(label);
                }
                wire.push(0);
                wire
            }
            false => set.owner.as_wire().to_vec(),
        };
        let mut message = head.clone();
        for data in &set.data {
            message.extend(&owner);
            message.extend(set.kind.to_be_bytes());
            message.extend([0, 1]);
            message.extend(TTL.to_be_bytes());
            message.extend((data.len() as u16).to_be_bytes());
            message.extend(data);
        }
        set.signatures.push([&head[..], self.pair.sign(&message).as_ref()].concat());
    }

    pub fn keys(&self) -> Set {
        let apex = self.apex.to_string();
        self.signed(&apex, DNSKEY, &[&self.dnskey()])
    }

    pub fn soa(&self) -> Set {
        let apex = self.apex.to_string();
        let data = [b"\x02ns\x00\x04host\x00", &[0; 16][..], &60_u32.to_be_bytes()].concat();
        self.signed(&apex, SOA, &[&data])
    }

    pub fn nsec(&self, owner: &str, next: &str, kinds: &[u16]) -> Set {
        let data = [name(next).as_wire(), &bitmap(kinds)].concat();
        self.signed(owner, NSEC, &[&data])
    }

    /// The record of the hash of a name, up to the hash of another.
    pub fn nsec3(
        &self,
        (owner, next): ([u8; 20], [u8; 20]),
        (flags, iterations): (u8, u16),
        kinds: &[u16],
    ) -> Set {
        let owner = format!("{}.{}", BASE32_DNSSEC.encode(&owner), self.apex);
        let [high, low] = iterations.to_be_bytes();
        let data = [&[1, flags, high, low, 0, 20], &next[..], &bitmap(kinds)].concat();
        self.signed(&owner, NSEC3, &[&data])
    }
}

fn tag(data: &[u8]) -> u16 {
    let words = data.chunks(2).map(|word| u32::from(word[0]) << 8 | u32::from(word[1]));
    let sum: u32 = words.sum();
    (sum + (sum >> 16)) as u16
}

/// The hash of a name without salt and further iterations.
pub fn hash(of: &str) -> [u8; 20] {
    digest(&SHA1_FOR_LEGACY_USE_ONLY, name(of).as_wire()).as_ref().try_into().unwrap()
}

/// The hash before or after another.
pub fn beside(hash: [u8; 20], by: i8) -> [u8; 20] {
    let mut beside = hash;
    for octet in beside.iter_mut().rev() {
        let (sum, over) = octet.overflowing_add_signed(by);
        *octet = sum;
        if !over {
            break;
        }
    }
    beside
}

fn bitmap(kinds: &[u16]) -> Vec<u8> {
    let mut bits = [0_u8; 32];
    for kind in kinds {
        bits[usize::from(*kind) / 8] |= 0x80 >> (kind % 8);
    }
    [&[0, 32][..], &bits].concat()
}

/// A reply under construction.
pub struct Message {
    octets: Vec<u8>,
}

impl Message {
    pub fn new(id: u16, owner: &Name, kind: u16, rcode: u8) -> Self {
        let mut octets = id.to_be_bytes().to_vec();
        octets.extend([0x81, 0x80 | rcode, 0, 1, 0, 0, 0, 0, 0, 0]);
        octets.extend(owner.as_wire());
        octets.extend(kind.to_be_bytes());
        octets.extend([0, 1]);
        Self { octets }
    }

    pub fn answer(self, set: &Set) -> Self {
        self.add(3, set)
    }

    pub fn authority(self, set: &Set) -> Self {
        self.add(4, set)
    }

    pub fn finish(self) -> Vec<u8> {
        self.octets
    }

    /// `count` is the word of the header that counts the records.
    fn add(mut self, count: usize, set: &Set) -> Self {
        let data = set.data.iter().map(|data| (set.kind, data));
        for (kind, data) in data.chain(set.signatures.iter().map(|one| (RRSIG, one))) {
            self.octets[2 * count + 1] += 1;
            self.octets.extend(set.owner.as_wire());
            self.octets.extend(kind.to_be_bytes());
            self.octets.extend([0, 1]);
            self.octets.extend(TTL.to_be_bytes());
            self.octets.extend((data.len() as u16).to_be_bytes());
            self.octets.extend(data);
        }
        self
    }
}
