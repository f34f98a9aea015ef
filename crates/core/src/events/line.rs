//! An event as a line of JSON.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

use keyhole_wire::RecordType;
use serde_json::json;

use super::entry::{StoredCause, StoredCredential, StoredEvent};
use super::handshakes::Line;
use super::snapshot_names::SnapshotNames;
use super::turned_away::{Kind, Sum};
use crate::date;
use crate::snapshot::Snapshot;
use crate::spiffe_id::SpiffeId;

const NANOS: i128 = 1_000_000_000;

/// Writes lines, one for each event.
pub(super) struct Writer<'s> {
    known: HashMap<u64, &'s Snapshot>,
    /// When the engine began, in nanoseconds of Unix time.
    began: i128,
    /// The last second and the last address that were written, and their text.
    second: (i64, String),
    client: (Option<IpAddr>, String),
    out: Vec<u8>,
    /// When each query arrived, and where its line ends in `out`.
    lines: Vec<(u64, usize)>,
    /// Events that were lost.
    pub(super) lost: u64,
}

impl<'s> Writer<'s> {
    pub(super) fn new(known: &'s [Arc<Snapshot>], began: i128) -> Self {
        Self {
            known: known.iter().map(|snapshot| (snapshot.id, &**snapshot)).collect(),
            began,
            second: (i64::MIN, String::new()),
            client: (None, String::new()),
            out: Vec::new(),
            lines: Vec::new(),
            lost: 0,
        }
    }

    /// All lines in the order in which their queries arrived, with one more for what was lost.
    pub(super) fn finish(mut self) -> Vec<u8> {
        if !self.lines.is_sorted() {
            self.out = self.in_order();
        }
        if self.lost > 0 {
            self.out.extend(json!({ "lost": self.lost }).to_string().as_bytes());
            self.out.push(b'\n');
        }
        self.out
    }

    fn in_order(&self) -> Vec<u8> {
        let mut start = 0;
        let place = |&(nanos, end): &(u64, usize)| (nanos, std::mem::replace(&mut start, end)..end);
        let mut lines: Vec<_> = self.lines.iter().map(place).collect();
        // Stable, so that what one worker ended first stays first.
        lines.sort_by_key(|(nanos, _)| *nanos);
        let mut out = Vec::with_capacity(self.out.len());
        for (_, place) in lines {
            out.extend_from_slice(&self.out[place]);
        }
        out
    }

    pub(super) fn write(&mut self, entry: &StoredEvent<'_>) {
        let snapshot = self.known.get(&entry.snapshot).copied();
        let policy = snapshot.and_then(|snapshot| snapshot.policies.get(entry.policy?));
        let names = SnapshotNames { snapshot, policy };
        self.time(entry.nanos);
        self.word("transport", entry.transport.word());
        self.client(entry.client);
        let (identity, token) = match entry.who {
            Some(StoredCredential::Identity(id)) => (Some(id), None),
            Some(StoredCredential::Token(digest)) => {
                (None, snapshot.and_then(|snapshot| snapshot.subjects.token_name(&digest)))
            }
            None => (None, None),
        };
        self.text("identity", identity);
        self.text("token", token);
        self.text("policy", policy.map(|policy| policy.name.as_str()));
        match &entry.question {
            Some((name, kind)) => {
                self.name("name", name);
                self.kind(RecordType(*kind));
            }
            None => self.put(",\"name\":null,\"type\":null"),
        }
        self.word("outcome", entry.reason.outcome().word());
        self.word("reason", entry.reason.word());
        let pause = match entry.cause {
            Some(StoredCause::Pause) => policy.and_then(|policy| policy.paused),
            _ => None,
        };
        let pause = pause.map(|pause| format!("pause until {}", pause.end()));
        let (rule, list) = match entry.cause {
            Some(StoredCause::Rule(index)) => (names.origin(index), None),
            Some(StoredCause::List(index)) => (None, names.list(index)),
            _ => (pause.as_deref(), None),
        };
        self.text("rule", rule);
        self.text("list", list);
        self.entry_place(entry, &names);
        self.target(entry, &names);
        self.text("observed", entry.would_block.and_then(|would_block| names.words(would_block)));
        self.text("upstream", entry.upstream.and_then(|place| names.upstream(place)));
        let number = snapshot.map(|snapshot| snapshot.number);
        self.number("duration_us", entry.micros.into());
        match number {
            Some(number) => self.number("snapshot", number),
            None => self.put(",\"snapshot\":null"),
        }
        self.put(if entry.is_own { ",\"own\":true}\n" } else { "}\n" });
        self.lines.push((entry.nanos, self.out.len()));
    }

    /// Refused handshakes of a kind: no question, no policy. What decided is said where a rule stands
    /// else, with how many there were, unless it was one.
    pub(super) fn write_handshake(&mut self, line: &Line, nanos: u64) {
        let Line { transport, client, reason, detail, ref claimed, count, .. } = *line;
        self.time(nanos);
        self.word("transport", transport.word());
        self.client(client);
        self.text("identity", claimed.as_ref().map(SpiffeId::as_str));
        self.put(",\"token\":null,\"policy\":null,\"name\":null,\"type\":null");
        self.word("outcome", reason.outcome().word());
        self.word("reason", reason.word());
        let times = if count == 1 { String::new() } else { format!(", {count} times") };
        self.text("rule", Some(&format!("{detail}{times}")));
        self.put(",\"list\":null,\"observed\":null,\"upstream\":null");
        self.number("duration_us", 0);
        self.put(",\"snapshot\":null}\n");
        self.lines.push((nanos, self.out.len()));
    }

    /// Where the list entry that decided stands; left out where none did.
    fn entry_place(&mut self, entry: &StoredEvent<'_>, names: &SnapshotNames<'_>) {
        let (line, file) = entry.place;
        match entry.cause {
            Some(StoredCause::List(list)) if line > 0 => {
                self.text("file", names.file(list, file));
                self.number("line", line.into());
            }
            _ => {}
        }
    }

    /// The blocked name that the answer leads to, and the name to allow against that: the one that
    /// was asked for, unless no decision can have precedence over what blocks. Left out where the
    /// answer leads to none.
    fn target(&mut self, entry: &StoredEvent<'_>, names: &SnapshotNames<'_>) {
        let Some(target) = &entry.target else { return };
        self.name("target", target);
        if let Some((name, _)) = &entry.question
            && names.yields(entry.cause)
        {
            self.name("allow", name);
        }
    }

    /// Queries of a kind that were turned away: no name, no policy, and how many there were.
    pub(super) fn write_sum(&mut self, sum: &Sum, nanos: u64) {
        let Kind { transport, reason, network } = sum.kind;
        self.time(nanos);
        self.word("transport", transport.word());
        self.client(network);
        self.put(",\"identity\":null,\"token\":null,\"policy\":null,\"name\":null,\"type\":null");
        self.word("outcome", reason.outcome().word());
        self.word("reason", reason.word());
        self.put(",\"rule\":null,\"list\":null,\"observed\":null,\"upstream\":null");
        self.number("duration_us", 0);
        self.put(",\"snapshot\":null");
        self.number("count", sum.count);
        self.put("}\n");
        self.lines.push((nanos, self.out.len()));
    }

    /// RFC 3339 with microseconds, always in UTC; most events share their second with the one
    /// before.
    fn time(&mut self, nanos: u64) {
        let wall = self.began + i128::from(nanos);
        let second = i64::try_from(wall.div_euclid(NANOS)).unwrap_or_default();
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

    fn client(&mut self, client: Option<IpAddr>) {
        let Some(address) = client else { return self.text("client", None) };
        if self.client.0 != client {
            self.client = (client, address.to_string());
        }
        self.key("client");
        self.put("\"");
        self.out.extend_from_slice(self.client.1.as_bytes());
        self.put("\"");
    }

    fn put(&mut self, text: &str) {
        self.out.extend_from_slice(text.as_bytes());
    }

    fn key(&mut self, key: &str) {
        self.put(",\"");
        self.put(key);
        self.put("\":");
    }

    fn text(&mut self, key: &str, value: Option<&str>) {
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
    fn word(&mut self, key: &str, word: &str) {
        self.key(key);
        self.put("\"");
        self.put(word);
        self.put("\"");
    }

    fn kind(&mut self, kind: RecordType) {
        match kind {
            RecordType::A => self.word("type", "A"),
            RecordType::AAAA => self.word("type", "AAAA"),
            RecordType::HTTPS => self.word("type", "HTTPS"),
            other => self.word("type", &other.to_string()),
        }
    }

    fn number(&mut self, key: &str, value: u64) {
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
    fn name(&mut self, key: &str, name: &keyhole_wire::Name) {
        let is_host = |octet: &u8| octet.is_ascii_alphanumeric() || matches!(octet, b'-' | b'_');
        if name.is_root() || !name.labels().all(|label| label.iter().all(is_host)) {
            return self.text(key, Some(&name.to_string()));
        }
        self.key(key);
        let mut before = b'"';
        for label in name.labels() {
            self.out.push(before);
            self.out.extend_from_slice(label);
            before = b'.';
        }
        self.out.push(b'"');
    }
}

/// Whether JSON takes an octet as it is (RFC 8259 section 7); beyond ASCII is left to the library.
fn is_plain(octet: u8) -> bool {
    matches!(octet, 0x20..=0x7e) && octet != b'"' && octet != b'\\'
}
