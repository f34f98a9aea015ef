//! replay: a capture of queries against the budgets of names, as fast as it can be read.
//!
//! This is what `keyhole screen replay` asks: the same functions count as in the engine. Nothing is
//! held back, because what was captured has left.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::hash::{BuildHasher, RandomState};

use keyhole_names::HashedName;
use keyhole_names::error::read_document;
use keyhole_wire::{Name, RecordType};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::Error;
use crate::budgets::{
    Asked, Budgets, Charge, Existence, Level, Limits, Missed, RegisteredDomain, SplitLimit,
    Together, shipped,
};
use crate::replay_baselines::{Baselines, WORDS};

/// What is replayed.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Request {
    alert: u32,
    throttle: u32,
    block: u32,
    day: u32,
    /// What all clients together may tell a domain, beside what each adds.
    split: u32,
    /// Whether the domains that Keyhole ships are exempt.
    shipped: bool,
}

/// Replays queries, a line of text each: seconds, client, name and type, with tabs between, and where it
/// is known the response code. Gives how
/// many there were (`queries`, `clients`, `domains`), the lines that were none (`unreadable`), and each
/// pair of client and domain with its `level` above `free` (`pairs`), with the octets of distinct names
/// and the second at which it was flagged and blocked, and by which of the public rules of
/// [`crate::replay_baselines`] (`baselines`). Also each domain that all clients together told more than
/// a channel may carry (`split`), with octets, clients and second when they had; and each client that asked for more
/// domains that do not exist than clients do (`missing`).
///
/// # Errors
/// A request that cannot be read.
pub fn replay(request: &[u8], queries: &[u8]) -> Result<Value, Error> {
    let Request { alert, throttle, block, day, split, shipped } =
        read_document("request", request)?;
    let split = Some(SplitLimit { octets: split, acts: false });
    let limits = Limits { alert, throttle, block, day, split };
    let mut replay = Replay { limits, shipped, ..Replay::default() };
    for line in String::from_utf8_lossy(queries).lines() {
        match read(line) {
            Some(query) => replay.count(&query),
            None => replay.unreadable += 1,
        }
    }
    Ok(replay.report())
}

/// One query of a capture.
struct Query<'l> {
    seconds: f64,
    client: &'l str,
    name: Name,
    kind: RecordType,
    /// How it ended, where the capture has that.
    existence: Option<Existence>,
}

fn read(line: &str) -> Option<Query<'_>> {
    let mut columns = line.split('\t');
    let mut next = || columns.next();
    let (seconds, client, name, kind) = (next()?.parse().ok()?, next()?, next()?, next()?);
    let name = Name::from_text(name).ok()?.to_lower();
    let existence = match columns.next() {
        Some("NXDOMAIN") => Some(Existence::Missing),
        Some("NOERROR") => Some(Existence::Answered),
        _ => None,
    };
    Some(Query { seconds, client, name, kind: RecordType::from_text(kind)?, existence })
}

#[derive(Default)]
struct Replay {
    limits: Limits,
    shipped: bool,
    budgets: Budgets,
    hasher: RandomState,
    began: Option<f64>,
    queries: u64,
    unreadable: u64,
    clients: HashSet<String>,
    domains: HashSet<String>,
    pairs: HashMap<(String, String), Pair>,
    split: BTreeMap<String, (f64, Together)>,
    cached: HashSet<(Vec<u8>, RecordType)>,
    missing: BTreeMap<String, (f64, Missed)>,
}

/// What became of one client and domain.
#[derive(Default)]
struct Pair {
    queries: u64,
    octets: u32,
    level: Option<Level>,
    flagged: Option<Moment>,
    blocked: Option<Moment>,
    baselines: Baselines,
    struck: [Option<Moment>; 2],
}

/// When something happened, and how many octets of distinct names had left before that query.
#[derive(Clone, Copy)]
struct Moment {
    seconds: f64,
    octets: u32,
}

impl Replay {
    fn count(&mut self, query: &Query<'_>) {
        let began = *self.began.get_or_insert(query.seconds);
        let since = (query.seconds - began).max(0.0);
        let domain = RegisteredDomain::of(&query.name);
        let asked = Asked {
            client: self.hasher.hash_one(query.client),
            is_proved: true,
            name: &query.name,
            domain,
            kind: query.kind,
            seconds: since as u64,
        };
        let is_spared = || self.shipped && shipped(&HashedName::new(&query.name)).is_some();
        let charge = self.budgets.charge(&asked, self.limits, false, is_spared);
        self.end(query, &asked, since);
        let in_front = domain.octets();
        let domain = domain.domain(&query.name).to_string();
        self.queries += 1;
        if !self.clients.contains(query.client) {
            self.clients.insert(query.client.to_owned());
        }
        if !self.domains.contains(&domain) {
            self.domains.insert(domain.clone());
        }
        if charge.is_first_split {
            self.split.entry(domain.clone()).or_insert((since, charge.together));
        }
        let pair = self.pairs.entry((query.client.to_owned(), domain)).or_default();
        pair.count(&charge, since);
        pair.compare(&query.name, in_front, since);
    }

    /// What was asked for before is answered out of the cache.
    fn end(&mut self, query: &Query<'_>, asked: &Asked<'_>, since: f64) {
        let Some(existence) = query.existence else { return };
        let is_new = self.cached.insert((query.name.as_wire().to_vec(), query.kind));
        if existence == Existence::Answered && !is_new {
            return;
        }
        if let Some((_, missed)) = self.budgets.ended(asked, existence)
            && missed.is_over()
            && !self.missing.contains_key(query.client)
        {
            self.missing.insert(query.client.to_owned(), (since, missed));
        }
    }

    fn report(self) -> Value {
        let by_rule = |pair: &Pair, rule: usize| pair.struck[rule].is_some();
        let struck = |pair: &Pair| {
            let by_budget = pair.flagged.is_some() || pair.blocked.is_some();
            by_budget || by_rule(pair, 0) || by_rule(pair, 1)
        };
        let mut pairs: Vec<_> = self.pairs.iter().filter(|(_, pair)| struck(pair)).collect();
        pairs.sort_by(|(one, a), (other, b)| b.octets.cmp(&a.octets).then(one.cmp(other)));
        let of = |is: &dyn Fn(&Pair) -> bool| {
            let domains: BTreeSet<&String> =
                pairs.iter().filter(|(_, pair)| is(pair)).map(|((_, domain), _)| domain).collect();
            domains.len()
        };
        json!({
            "queries": self.queries,
            "unreadable": self.unreadable,
            "clients": self.clients.len(),
            "domains": self.domains.len(),
            "flagged_domains": of(&|pair| pair.flagged.is_some()),
            "blocked_domains": of(&|pair| pair.blocked.is_some()),
            "baseline_domains": {
                WORDS[0]: of(&|pair| by_rule(pair, 0)),
                WORDS[1]: of(&|pair| by_rule(pair, 1)),
            },
            "split": self.split.iter().map(|(domain, (seconds, together))| json!({
                "domain": domain,
                "seconds": rounded(*seconds),
                "octets": together.octets,
                "clients": together.clients,
            })).collect::<Vec<_>>(),
            "missing": self.missing.iter().map(|(client, (seconds, missed))| json!({
                "client": client,
                "seconds": rounded(*seconds),
                "domains": missed.domains,
                "answers": missed.answers,
            })).collect::<Vec<_>>(),
            "pairs": pairs.iter().map(|(key, pair)| pair.document(key)).collect::<Vec<_>>(),
        })
    }
}

impl Pair {
    fn count(&mut self, charge: &Charge, seconds: f64) {
        self.queries += 1;
        self.octets += charge.octets;
        self.level = self.level.max(Some(charge.level));
        let moment = Moment { seconds, octets: self.octets - charge.octets };
        if charge.is_first {
            self.flagged.get_or_insert(moment);
        }
        if charge.level == Level::Block {
            self.blocked.get_or_insert(moment);
        }
    }

    /// What the public rules say. The octets had left when they did.
    fn compare(&mut self, name: &Name, in_front: u32, seconds: f64) {
        let moment = Moment { seconds, octets: self.baselines.octets };
        let struck = self.baselines.count(name, in_front, seconds as u64);
        for (first, _) in self.struck.iter_mut().zip(struck).filter(|(_, struck)| *struck) {
            first.get_or_insert(moment);
        }
    }

    fn document(&self, (client, domain): &(String, String)) -> Value {
        json!({
            "client": client,
            "domain": domain,
            "queries": self.queries,
            "level": self.level.map(Level::word),
            "flagged": self.flagged.map(Moment::document),
            "blocked": self.blocked.map(Moment::document),
            "baselines": {
                WORDS[0]: self.struck[0].map(Moment::document),
                WORDS[1]: self.struck[1].map(Moment::document),
            },
        })
    }
}

impl Moment {
    fn document(self) -> Value {
        json!({ "seconds": rounded(self.seconds), "octets": self.octets })
    }
}

/// To a thousandth.
fn rounded(seconds: f64) -> f64 {
    (seconds * 1e3).round() / 1e3
}

#[cfg(test)]
mod tests {
    use super::*;

    const REQUEST: &[u8] = br#"{"alert": 1024, "throttle": 2048, "block": 4096,
        "day": 8192, "split": 4096, "shipped": true}"#;

    fn lines(lines: impl Iterator<Item = String>) -> Value {
        replay(REQUEST, lines.collect::<Vec<_>>().join("\n").as_bytes()).unwrap()
    }

    #[test]
    fn a_tunnel_is_flagged_by_the_alert_and_blocked_by_the_budget() {
        let name = |number: u32| format!("{number}.5\tc\t{number:040}.t.example.org\tA");
        let report = lines((0..500).map(name));
        let pair = &report["pairs"][0];
        assert_eq!((&report["queries"], &report["clients"]), (&json!(500), &json!(1)));
        assert_eq!((&pair["client"], &pair["domain"]), (&json!("c"), &json!("example.org")));
        assert_eq!(pair["flagged"], json!({ "seconds": 24.0, "octets": 24 * 42 }));
        assert_eq!(pair["blocked"], json!({ "seconds": 97.0, "octets": 97 * 42 }));
        assert_eq!(pair["baselines"]["long_names"], json!({ "seconds": 99.0, "octets": 99 * 42 }));
        assert_eq!(pair["baselines"]["sub_names"], Value::Null);
        assert_eq!(report["baseline_domains"], json!({ "long_names": 1, "sub_names": 0 }));
    }

    #[test]
    fn what_repeats_or_is_spread_is_neither() {
        let repeated = lines((0..9_000).map(|n| format!("{n}\tc\t{:040}.example.org\tA", n % 20)));
        assert_eq!(repeated["pairs"], json!([]));
        let spread = lines((0..900).map(|n| format!("{n}\tc{n}\t{n:040}.example.org\tA")));
        assert_eq!((&spread["pairs"], &spread["clients"]), (&json!([]), &json!(900)));
        assert_eq!(spread["split"], json!([]), "a name for each of many clients");
        let shipped = lines((0..900).map(|n| format!("{n}\tc\t{n:040}.fbcdn.net\tA")));
        assert_eq!(shipped["blocked_domains"], 0);
    }

    #[test]
    fn a_tunnel_that_is_split_over_many_clients_is_flagged_by_what_they_told_together() {
        let line = |n: u32| format!("{n}\tc{}\t{n:060}.example.org\tA", n % 50);
        let report = lines((0..600).map(line));
        assert_eq!(report["flagged_domains"], 0, "none of them by itself");
        let split = &report["split"][0];
        assert_eq!(
            (&split["domain"], report["split"].as_array().unwrap().len()),
            (&json!("example.org"), 1)
        );
        let octets = split["octets"].as_u64().unwrap();
        assert!((8_500..13_000).contains(&octets), "{octets} of 4,096 and 128 for each of 50");
        let shipped = lines((0..600).map(|n| line(n).replace("example.org", "fbcdn.net")));
        assert_eq!(shipped["split"], json!([]));
    }

    #[test]
    fn a_client_that_asks_for_domains_that_do_not_exist_is_named_and_failures_are_not() {
        let line = |rcode| move |n: u32| format!("{n}\tc\txk{n}qz.com\tA\t{rcode}");
        let report = lines((0..60).map(line("NXDOMAIN")));
        let expected = json!([{ "client": "c", "seconds": 50.0, "domains": 51, "answers": 0 }]);
        assert_eq!(report["missing"], expected);
        assert_eq!(lines((0..900).map(line("SERVFAIL")))["missing"], json!([]));
    }

    #[test]
    fn lines_that_are_no_queries_are_counted_and_skipped() {
        let report = lines(
            ["x\tc\ta.example\tA", "1\tc", "", "2\tc\ta..b\tA"].map(String::from).into_iter(),
        );
        assert_eq!((&report["queries"], &report["unreadable"]), (&json!(0), &json!(4)));
        assert!(replay(b"{}", b"").is_err());
    }
}
