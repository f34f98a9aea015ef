//! The fields of a line of JSON, as text.

use std::net::IpAddr;

use keyhole_wire::RecordType;

use crate::date;

const NANOS: i64 = 1_000_000_000;

/// Lines of JSON, written field by field.
pub(super) struct Fields {
    /// When the engine began, in nanoseconds of Unix time.
    began: i64,
    /// The last second and the last address that were written, and their text.
    second: (i64, String),
    client: (Option<IpAddr>, String),
    pub(super) out: Vec<u8>,
}

impl Fields {
    /// Lines after those in `out`.
    pub(super) fn new(began: i64, out: Vec<u8>) -> Self {
        Self { began, second: (i64::MIN, String::new()), client: (None, String::new()), out }
    }

    /// RFC 3339 with microseconds, always in UTC; most events share their second with the one
    /// before.
    pub(super) fn time(&mut self, nanos: u64) {
        let wall = self.began.saturating_add(i64::try_from(nanos).unwrap_or(i64::MAX));
        let second = wall.div_euclid(NANOS);
        if self.second.0 != second {
            self.second = (second, date::words(second));
        }
        let micros = (wall.rem_euclid(NANOS) / 1_000) as u64;
        self.put("{\"time\":\"");
        self.out.extend_from_slice(self.second.1.as_bytes());
        self.put(".");
        self.digits(micros, 6);
        self.put("Z\"");
    }

    pub(super) fn client(&mut self, client: Option<IpAddr>) {
        let Some(address) = client else { return self.text("client", None) };
        if self.client.0 != client {
            self.client = (client, address.to_string());
        }
        self.key("client");
        self.put("\"");
        self.out.extend_from_slice(self.client.1.as_bytes());
        self.put("\"");
    }

    pub(super) fn put(&mut self, text: &str) {
        self.out.extend_from_slice(text.as_bytes());
    }

    fn key(&mut self, key: &str) {
        self.put(",\"");
        self.put(key);
        self.put("\":");
    }

    pub(super) fn text(&mut self, key: &str, value: Option<&str>) {
        self.key(key);
        match value {
            Some(text) if text.bytes().all(is_plain) => {
                self.put("\"");
                self.put(text);
                self.put("\"");
            }
            // Writing into memory cannot fail.
            Some(text) => {
                let _ = serde_json::to_writer(&mut self.out, text);
            }
            None => self.put("null"),
        }
    }

    /// A fixed word, which never needs an escape.
    pub(super) fn word(&mut self, key: &str, word: &str) {
        self.key(key);
        self.put("\"");
        self.put(word);
        self.put("\"");
    }

    /// A fixed word that is left out where there is none.
    pub(super) fn optional(&mut self, key: &str, word: Option<&str>) {
        if let Some(word) = word {
            self.word(key, word);
        }
    }

    pub(super) fn kind(&mut self, kind: RecordType) {
        match kind {
            RecordType::A => self.word("type", "A"),
            RecordType::AAAA => self.word("type", "AAAA"),
            RecordType::HTTPS => self.word("type", "HTTPS"),
            other => self.word("type", &other.to_string()),
        }
    }

    pub(super) fn number(&mut self, key: &str, value: u64) {
        self.key(key);
        self.digits(value, 1);
    }

    /// A number with at least so many digits. Through the library's formatting, a line would take
    /// half as long again.
    fn digits(&mut self, value: u64, least: usize) {
        let mut digits = [b'0'; 20];
        let (mut rest, mut at) = (value, digits.len());
        while rest > 0 {
            at -= 1;
            digits[at] = b'0' + (rest % 10) as u8;
            rest /= 10;
        }
        self.out.extend_from_slice(&digits[at.min(digits.len() - least)..]);
    }

    /// The text form of a name (RFC 1035 section 5.1).
    pub(super) fn name(&mut self, key: &str, name: &keyhole_wire::Name) {
        if !self.host(key, name.as_wire()) {
            self.text(key, Some(&name.to_string()));
        }
    }

    /// A name in wire form whose labels need no escape; false, and nothing written, for others.
    pub(super) fn host(&mut self, key: &str, wire: &[u8]) -> bool {
        let start = self.out.len();
        self.key(key);
        let mut before = b'"';
        let mut rest = wire;
        while let Some((&length, behind)) = rest.split_first()
            && length > 0
            && let Some((label, behind)) = behind.split_at_checked(length.into())
            && label.iter().all(|octet| IS_HOST[usize::from(*octet)])
        {
            self.out.push(before);
            self.out.extend_from_slice(label);
            (before, rest) = (b'.', behind);
        }
        if rest != [0] || before == b'"' {
            self.out.truncate(start);
            return false;
        }
        self.out.push(b'"');
        true
    }
}

/// The octets of host names, which stand in a line as they are.
const IS_HOST: [bool; 256] = {
    let mut table = [false; 256];
    let mut octet = 0;
    while octet < 256 {
        table[octet] = (octet as u8).is_ascii_alphanumeric() || matches!(octet as u8, b'-' | b'_');
        octet += 1;
    }
    table
};

/// Whether JSON takes an octet as it is (RFC 8259 section 7); beyond ASCII is left to the library.
fn is_plain(octet: u8) -> bool {
    matches!(octet, 0x20..=0x7e) && octet != b'"' && octet != b'\\'
}
