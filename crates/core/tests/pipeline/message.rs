//! Messages by hand: queries as clients write them, and what is in the replies.

use keyhole_wire::Name;

pub const A: u16 = 1;
pub const AAAA: u16 = 28;
pub const HTTPS: u16 = 65;

/// A query under construction: id 0x1234, RD, class IN, no EDNS.
#[derive(Clone)]
pub struct Query {
    pub name: String,
    pub kind: u16,
    pub class: u16,
    pub id: u16,
    pub flags: u16,
    /// Version and options of an OPT record.
    pub edns: Option<(u8, Vec<u8>)>,
}

pub fn query(name: &str, kind: u16) -> Query {
    Query { name: name.into(), kind, class: 1, id: 0x1234, flags: 0x0100, edns: None }
}

impl Query {
    pub fn edns(mut self, options: &[u8]) -> Self {
        self.edns = Some((0, options.to_vec()));
        self
    }

    pub fn octets(&self) -> Vec<u8> {
        let mut out = Vec::new();
        for word in [self.id, self.flags, 1, 0, 0, u16::from(self.edns.is_some())] {
            out.extend(word.to_be_bytes());
        }
        out.extend(Name::from_text(&self.name).unwrap().as_wire());
        out.extend(self.kind.to_be_bytes());
        out.extend(self.class.to_be_bytes());
        if let Some((version, options)) = &self.edns {
            out.extend([0, 0, 41, 16, 0, 0, *version, 0, 0]);
            out.extend((options.len() as u16).to_be_bytes());
            out.extend(options);
        }
        out
    }
}

/// A record of a reply.
pub struct Record {
    pub kind: u16,
    pub ttl: u32,
    pub data: Vec<u8>,
}

/// A reply, taken apart.
pub struct Reply {
    pub octets: Vec<u8>,
    pub records: Vec<Record>,
}

impl Reply {
    pub fn read(octets: Vec<u8>) -> Self {
        let word = |at: usize| u16::from_be_bytes([octets[at], octets[at + 1]]);
        let mut at = 12;
        for _ in 0..word(4) {
            at = skip_name(&octets, at) + 4;
        }
        let mut records = Vec::new();
        for _ in 0..word(6) + word(8) + word(10) {
            at = skip_name(&octets, at);
            let ttl = u32::from(word(at + 4)) << 16 | u32::from(word(at + 6));
            let end = at + 10 + usize::from(word(at + 8));
            records.push(Record { kind: word(at), ttl, data: octets[at + 10..end].to_vec() });
            at = end;
        }
        assert_eq!(at, octets.len(), "nothing stands behind the last record");
        Self { octets, records }
    }

    pub fn rcode(&self) -> u8 {
        self.octets[3] & 0x0f
    }

    pub fn is_truncated(&self) -> bool {
        self.octets[2] & 2 != 0
    }

    pub fn of(&self, kind: u16) -> Vec<&Record> {
        self.records.iter().filter(|record| record.kind == kind).collect()
    }

    /// The data of an EDNS option.
    pub fn option(&self, code: u16) -> Option<&[u8]> {
        let mut rest = &self.of(41).first()?.data[..];
        while let [c0, c1, l0, l1, behind @ ..] = rest {
            let (data, next) = behind.split_at(usize::from(u16::from_be_bytes([*l0, *l1])));
            if u16::from_be_bytes([*c0, *c1]) == code {
                return Some(data);
            }
            rest = next;
        }
        None
    }

    /// Code and text of the extended error (RFC 8914).
    pub fn extended_error(&self) -> Option<(u16, &str)> {
        let data = self.option(15)?;
        let text = std::str::from_utf8(&data[2..]).unwrap();
        Some((u16::from_be_bytes([data[0], data[1]]), text))
    }

    /// The word of the reason, which is the text of the extended error.
    pub fn word(&self) -> Option<&str> {
        self.extended_error().map(|(_, text)| text)
    }
}

fn skip_name(octets: &[u8], mut at: usize) -> usize {
    loop {
        match octets[at] {
            0 => return at + 1,
            length if length >= 0xc0 => return at + 2,
            length => at += 1 + usize::from(length),
        }
    }
}
