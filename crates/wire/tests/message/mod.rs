//! Messages put together octet by octet, right or wrong, for the tests.
#![allow(
    dead_code,
    unreachable_pub,
    clippy::unwrap_used,
    reason = "each test binary uses a part; tests may panic"
)]

use keyhole_wire::{Cookie, Name, Query, RecordType, parse};

pub const ID: u16 = 0x1234;

pub fn name(text: &str) -> Name {
    Name::from_text(text).unwrap()
}

/// A message under construction; sections must be filled in their order.
#[derive(Clone, Debug)]
pub struct Message(pub Vec<u8>);

impl Message {
    /// A header with RD set and one question of class IN.
    pub fn query(asked: &str, kind: RecordType) -> Self {
        let mut octets = vec![0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
        octets.extend(name(asked).as_wire());
        octets.extend(kind.0.to_be_bytes());
        octets.extend([0, 1]);
        Self(octets)
    }

    /// The same with QR and RA set.
    pub fn response(asked: &str, kind: RecordType) -> Self {
        Self::query(asked, kind).flags(0x8180)
    }

    pub fn flags(mut self, flags: u16) -> Self {
        self.0[2..4].copy_from_slice(&flags.to_be_bytes());
        self
    }

    /// Sets the count of a section: 0 question, 1 answer, 2 authority, 3 additional.
    pub fn count(mut self, section: usize, count: u16) -> Self {
        self.0[4 + 2 * section..6 + 2 * section].copy_from_slice(&count.to_be_bytes());
        self
    }

    pub fn class(mut self, class: u16) -> Self {
        let at = self.0.len() - 2;
        self.0[at..].copy_from_slice(&class.to_be_bytes());
        self
    }

    pub fn octets(mut self, octets: &[u8]) -> Self {
        self.0.extend(octets);
        self
    }

    /// Appends a record whose owner is given in wire form, and counts it.
    pub fn raw(
        self,
        section: usize,
        owner: &[u8],
        (kind, class, ttl): (RecordType, u16, u32),
        data: &[u8],
    ) -> Self {
        let at = 4 + 2 * section;
        let count = u16::from_be_bytes([self.0[at], self.0[at + 1]]) + 1;
        self.count(section, count)
            .octets(owner)
            .octets(&kind.0.to_be_bytes())
            .octets(&class.to_be_bytes())
            .octets(&ttl.to_be_bytes())
            .octets(&(data.len() as u16).to_be_bytes())
            .octets(data)
    }

    /// Appends an answer record.
    pub fn answer(self, owner: &str, kind: RecordType, ttl: u32, data: &[u8]) -> Self {
        self.raw(1, name(owner).as_wire(), (kind, 1, ttl), data)
    }

    /// Appends an authority record.
    pub fn authority(self, owner: &str, kind: RecordType, ttl: u32, data: &[u8]) -> Self {
        self.raw(2, name(owner).as_wire(), (kind, 1, ttl), data)
    }

    /// Appends an OPT record of 1232 octets, without DO.
    pub fn opt(self, options: &[u8]) -> Self {
        self.raw(3, &[0], (RecordType::OPT, 1232, 0), options)
    }

    /// Appends an OPT record with this TTL field: extended code, version, flags.
    pub fn opt_ttl(self, ttl: u32) -> Self {
        self.raw(3, &[0], (RecordType::OPT, 1232, ttl), &[])
    }

    pub fn parsed(&self) -> Query {
        parse(&self.0).unwrap()
    }
}

/// One EDNS option.
pub fn option(code: u16, data: &[u8]) -> Vec<u8> {
    let mut octets = code.to_be_bytes().to_vec();
    octets.extend((data.len() as u16).to_be_bytes());
    octets.extend(data);
    octets
}

/// Data of a SOA record.
pub fn soa(minimum: u32) -> Vec<u8> {
    let mut data = name("ns.example.org").as_wire().to_vec();
    data.extend(name("admin.example.org").as_wire());
    data.extend([0; 16]);
    data.extend(minimum.to_be_bytes());
    data
}

/// Data of an RRSIG record over `covered`.
pub fn signature(covered: RecordType) -> Vec<u8> {
    let mut data = covered.0.to_be_bytes().to_vec();
    data.extend([0; 16]);
    data.extend(name("example.org").as_wire());
    data.extend([7; 64]);
    data
}

/// A cookie's whole data.
pub fn whole(cookie: &Cookie) -> Vec<u8> {
    [cookie.client(), cookie.server()].concat()
}
