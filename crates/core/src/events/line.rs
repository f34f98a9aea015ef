//! An event as a line of JSON.

use std::collections::HashMap;
use std::sync::Arc;

use keyhole_wire::RecordType;
use serde_json::json;

use super::batch::Batch;
use super::entry::{ARRIVED, Shared, StoredCause, StoredCredential, StoredEvent};
use super::fields::Fields;
use super::handshakes::Line;
use super::memo::Memo;
use super::snapshot_names::SnapshotNames;
use super::turned_away::{Kind, Sum};
use crate::budgets::RegisteredDomain;
use crate::policy::GivenAnswer;
use crate::snapshot::Snapshot;
use crate::spiffe_id::SpiffeId;
use crate::tls_version::TlsVersion;
use crate::transport::Transport;

/// Octets of the longest name, in whole words.
const MAX_NAME: usize = 256;
/// The end of a line.
const END: &str = "}\n";

/// Writes lines, one for each event.
pub(super) struct Writer<'s> {
    known: HashMap<u64, &'s Snapshot>,
    memo: &'s mut Memo,
    text: Fields,
    /// When each query arrived, and where its line ends in the text.
    lines: Vec<(u64, usize)>,
    own: Vec<u8>,
    /// Room for the text of an entry.
    octets: Vec<u8>,
    /// Events that were lost.
    pub(super) lost: u64,
}

impl<'s> Writer<'s> {
    /// Lines are written into `room`, which is empty.
    pub(super) fn new(
        known: &'s [Arc<Snapshot>],
        memo: &'s mut Memo,
        began: i64,
        room: Vec<u8>,
    ) -> Self {
        Self {
            known: known.iter().map(|snapshot| (snapshot.id, &**snapshot)).collect(),
            memo,
            text: Fields::new(began, room),
            lines: Vec::new(),
            own: Vec::new(),
            octets: Vec::new(),
            lost: 0,
        }
    }

    /// All lines in the order in which their queries arrived, with one more for what was lost.
    pub(super) fn finish(mut self) -> Batch {
        if !self.lines.is_sorted() {
            self.text.out = self.in_order();
        }
        if self.lost > 0 {
            self.text.out.extend(json!({ "lost": self.lost }).to_string().as_bytes());
            self.text.out.push(b'\n');
        }
        Batch {
            lines: self.text.out,
            events: self.lines.len() as u64,
            lost: self.lost,
            own: self.own,
        }
    }

    fn in_order(&self) -> Vec<u8> {
        let mut start = 0;
        let place = |&(nanos, end): &(u64, usize)| (nanos, std::mem::replace(&mut start, end)..end);
        let mut lines: Vec<_> = self.lines.iter().map(place).collect();
        // Stable, so that what one worker ended first stays first.
        lines.sort_by_key(|(nanos, _)| *nanos);
        let mut out = Vec::with_capacity(self.text.out.len());
        for (_, place) in lines {
            out.extend_from_slice(&self.text.out[place]);
        }
        out
    }

    /// Writes the line of an entry, given by its words, that stands for so many queries.
    pub(super) fn write(&mut self, words: &[u64], count: u64) {
        let shared = Shared::read(words);
        if let Some(shared) = &shared
            && let Some((before, after)) = self.memo.find(shared)
        {
            let nanos = words[ARRIVED];
            let start = self.text.out.len();
            self.text.time(nanos);
            self.text.out.extend_from_slice(before);
            if self.text.host("name", octets(shared.name, &mut [0; MAX_NAME])) {
                self.text.out.extend_from_slice(after);
                self.add_count(count);
                self.lines.push((nanos, self.text.out.len()));
                return;
            }
            self.text.out.truncate(start);
        }
        let mut octets = std::mem::take(&mut self.octets);
        match StoredEvent::read(words, &mut octets) {
            Some(entry) => self.write_whole(&entry, shared.as_ref(), count),
            None => self.lost += count,
        }
        self.octets = octets;
    }

    /// Adds to the line that was written last how many queries it stands for, unless it is one.
    fn add_count(&mut self, count: u64) {
        if count > 1 {
            self.text.out.truncate(self.text.out.len() - END.len());
            self.text.number("count", count);
            self.text.put(END);
        }
    }

    /// Writes a line field by field, and keeps for others what they share with it.
    fn write_whole(&mut self, entry: &StoredEvent<'_>, shared: Option<&Shared<'_>>, count: u64) {
        let start = self.text.out.len();
        let snapshot = self.known.get(&entry.snapshot).copied();
        let policy = snapshot.and_then(|snapshot| snapshot.policies.get(entry.policy?));
        let names = SnapshotNames { snapshot, policy };
        self.text.time(entry.nanos);
        let before = self.text.out.len();
        self.text.word("transport", entry.transport.word());
        // Of the other transports each has TLS, or none has.
        let ended_before = (entry.transport == Transport::Doh).then_some("none");
        self.text.optional("tls", entry.tls.map(TlsVersion::word).or(ended_before));
        self.text.client(entry.client);
        let (identity, token) = match entry.who {
            Some(StoredCredential::Identity(id)) => (Some(id), None),
            Some(StoredCredential::Token(digest)) => {
                (None, snapshot.and_then(|snapshot| snapshot.subjects.token_name(&digest)))
            }
            None => (None, None),
        };
        self.text.text("identity", identity);
        self.text.text("token", token);
        self.text.text("policy", policy.map(|policy| policy.name.as_str()));
        let before = before..self.text.out.len();
        match &entry.question {
            Some((name, _)) => self.text.name("name", name),
            None => self.text.put(",\"name\":null"),
        }
        let after = self.text.out.len();
        match &entry.question {
            Some((_, kind)) => self.text.kind(RecordType(*kind)),
            None => self.text.put(",\"type\":null"),
        }
        self.text.word("outcome", entry.reason.outcome().word());
        self.text.word("reason", entry.reason.word());
        self.text.optional("answer", entry.answer.map(GivenAnswer::word));
        let pause = match entry.cause {
            Some(StoredCause::Pause) => policy.and_then(|policy| policy.paused),
            _ => None,
        };
        let pause = pause.map(|pause| format!("pause until {}", pause.end()));
        let (rule, list) = match entry.cause {
            Some(StoredCause::Rule(index)) => (names.origin(index), None),
            Some(StoredCause::Rewrite(index)) => (names.rewrite(index), None),
            Some(StoredCause::List(index)) => (None, names.list(index)),
            _ => (pause.as_deref(), None),
        };
        self.text.text("rule", rule);
        self.text.text("list", list);
        self.entry_place(entry, &names);
        self.target(entry, &names);
        self.text
            .text("observed", entry.would_block.and_then(|would_block| names.words(would_block)));
        self.strike(entry);
        self.missing(entry);
        self.text.text("upstream", entry.upstream.and_then(|place| names.upstream(place)));
        self.text.optional("upstream_tls", entry.upstream_tls.map(TlsVersion::word));
        let number = snapshot.map(|snapshot| snapshot.number);
        self.text.number("duration_us", entry.micros.into());
        match number {
            Some(number) => self.text.number("snapshot", number),
            None => self.text.put(",\"snapshot\":null"),
        }
        if entry.is_own {
            self.text.put(",\"own\":true}\n");
            self.own.extend(self.text.out.drain(start..));
            return;
        }
        self.text.put(END);
        if let Some(shared) = shared {
            self.memo.keep(shared, &self.text.out[before], &self.text.out[after..]);
        }
        self.add_count(count);
        self.lines.push((entry.nanos, self.text.out.len()));
    }

    /// Refused handshakes of a kind: no question, no policy. What decided is said where a rule stands
    /// else, with how many there were, unless it was one.
    pub(super) fn write_handshake(&mut self, line: &Line, nanos: u64) {
        let Line { transport, client, reason, detail, ref claimed, count, .. } = *line;
        self.text.time(nanos);
        self.text.word("transport", transport.word());
        self.text.client(client);
        self.text.text("identity", claimed.as_ref().map(SpiffeId::as_str));
        self.text.put(",\"token\":null,\"policy\":null,\"name\":null,\"type\":null");
        self.text.word("outcome", reason.outcome().word());
        self.text.word("reason", reason.word());
        let times = if count == 1 { String::new() } else { format!(", {count} times") };
        self.text.text("rule", Some(&format!("{detail}{times}")));
        self.text.put(",\"list\":null,\"observed\":null,\"upstream\":null");
        self.text.number("duration_us", 0);
        self.text.put(",\"snapshot\":null}\n");
        self.lines.push((nanos, self.text.out.len()));
    }

    /// Where the list entry that decided stands; left out where none did.
    fn entry_place(&mut self, entry: &StoredEvent<'_>, names: &SnapshotNames<'_>) {
        let (line, file) = entry.place;
        match entry.cause {
            Some(StoredCause::List(list)) if line > 0 => {
                self.text.text("file", names.file(list, file));
                self.text.number("line", line.into());
            }
            _ => {}
        }
    }

    /// The blocked name that the answer leads to, and the name to allow against that: the one that
    /// was asked for, unless no decision can have precedence over what blocks. Left out where the
    /// answer leads to none.
    fn target(&mut self, entry: &StoredEvent<'_>, names: &SnapshotNames<'_>) {
        let Some(target) = &entry.target else { return };
        self.text.name("target", target);
        if let Some((name, _)) = &entry.question
            && names.yields(entry.cause)
        {
            self.text.name("allow", name);
        }
    }

    /// How many domains the client asked for that do not exist, where a query is noted for that.
    fn missing(&mut self, entry: &StoredEvent<'_>) {
        let causes = [entry.cause, entry.would_block].into_iter().flatten();
        for cause in causes {
            if let StoredCause::MissingDomains(domains) = cause {
                self.text.number("missing", domains.into());
            }
        }
    }

    /// What a budget says of the query: the registered domain that it is of, and the octets that were
    /// on the account. Left out where none does.
    fn strike(&mut self, entry: &StoredEvent<'_>) {
        let strikes = [entry.cause, entry.would_block].into_iter().flatten();
        let mut found = strikes.filter_map(|cause| match cause {
            StoredCause::Tunneling(strike) => Some(strike),
            _ => None,
        });
        if let (Some((name, _)), Some(strike)) = (&entry.question, found.next_back()) {
            self.text.name("domain", &RegisteredDomain::of(name).domain(name));
            self.text.number("octets", strike.octets.into());
            if strike.clients > 0 {
                self.text.number("clients", strike.clients.into());
            }
        }
    }

    /// Queries of a kind that were turned away: no name, no policy, and how many there were.
    pub(super) fn write_sum(&mut self, sum: &Sum, nanos: u64) {
        let Kind { transport, reason, network } = sum.kind;
        self.text.time(nanos);
        self.text.word("transport", transport.word());
        self.text.client(network);
        self.text
            .put(",\"identity\":null,\"token\":null,\"policy\":null,\"name\":null,\"type\":null");
        self.text.word("outcome", reason.outcome().word());
        self.text.word("reason", reason.word());
        self.text.put(",\"rule\":null,\"list\":null,\"observed\":null,\"upstream\":null");
        self.text.number("duration_us", 0);
        self.text.put(",\"snapshot\":null");
        self.text.number("count", sum.count);
        self.text.put("}\n");
        self.lines.push((nanos, self.text.out.len()));
    }
}

/// The first octets of words.
fn octets<'o>((words, length): (&[u64], usize), room: &'o mut [u8; MAX_NAME]) -> &'o [u8] {
    for (eight, word) in room.chunks_exact_mut(8).zip(words) {
        eight.copy_from_slice(&word.to_le_bytes());
    }
    &room[..length]
}
