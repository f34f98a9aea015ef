//! Zones, an upstream that knows them, and what becomes of its answers, for the tests of validation.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use keyhole_core::Reason;
use keyhole_core::dnssec::{Counts, Fetch, Rules, Security, validate};
use keyhole_wire::{Answer, Name, RecordType};
use serde_json::json;

use super::signer::{A, DNSKEY, DS, Message, NS, NSEC, RRSIG, Set, Zone, name, now};

/// Zones whose keys and delegations can be asked for.
#[derive(Default)]
pub struct Upstream {
    pub answers: HashMap<(String, u16), Arc<Answer>>,
    pub asked: AtomicUsize,
    pub forgotten: AtomicUsize,
    /// Why what is not known does not come.
    pub fails_with: Option<Reason>,
}

impl Fetch for Upstream {
    async fn fetch(&self, name: &Name, kind: RecordType) -> Result<Arc<Answer>, Reason> {
        self.asked.fetch_add(1, Relaxed);
        let found = self.answers.get(&(name.to_string(), kind.0)).cloned();
        found.ok_or(self.fails_with.unwrap_or(Reason::DnssecIndeterminate))
    }

    async fn pause(&self) {}

    fn forget(&self, _: &Name, _: RecordType) {
        self.forgotten.fetch_add(1, Relaxed);
    }
}

/// Reads an answer to a question.
pub fn answer(owner: &str, kind: u16, rcode: u8, fill: impl FnOnce(Message) -> Message) -> Answer {
    let message = fill(Message::new(7, &name(owner), kind, rcode)).finish();
    Answer::read(&message, 7, &name(owner), RecordType(kind)).unwrap()
}

impl Upstream {
    pub fn knows(&mut self, owner: &str, kind: u16, answer: Answer) {
        self.answers.insert((owner.into(), kind), Arc::new(answer));
    }
}

/// A zone `example`, the anchor, with a signed `child.example` and an unsigned `plain.example`.
pub struct World {
    pub zone: Zone,
    pub child: Zone,
    /// What an attacker has.
    pub evil: Zone,
    pub upstream: Upstream,
    pub rules: Rules,
    pub counts: Counts,
}

impl World {
    pub fn new() -> Self {
        let (zone, child, evil) =
            (Zone::new("example"), Zone::new("child.example"), Zone::new("evil.example"));
        let mut upstream = Upstream::default();
        for one in [&zone, &child, &evil] {
            let apex = one.apex.to_string();
            upstream.knows(&apex, DNSKEY, answer(&apex, DNSKEY, 0, |m| m.answer(&one.keys())));
        }
        let ds = zone.signed("child.example", DS, &[&child.ds()]);
        upstream.knows("child.example", DS, answer("child.example", DS, 0, |m| m.answer(&ds)));
        for plain in ["plain.example", "evil.example"] {
            let nsec = zone.nsec(plain, &format!("\\000.{plain}"), &[NS, RRSIG, NSEC]);
            let denied = answer(plain, DS, 0, |m| m.authority(&zone.soa()).authority(&nsec));
            upstream.knows(plain, DS, denied);
        }
        for inside in ["www.example", "x.example", "wild.example", "a.wild.example"] {
            let nsec = zone.nsec(inside, &format!("\\000.{inside}"), &[A, RRSIG, NSEC]);
            let denied = answer(inside, DS, 0, |m| m.authority(&zone.soa()).authority(&nsec));
            upstream.knows(inside, DS, denied);
        }
        let rules = rules(&zone, &json!([]));
        Self { zone, child, evil, upstream, rules, counts: Counts::default() }
    }

    pub async fn check(&self, answer: &Answer) -> Security {
        validate(answer, &self.rules, &self.upstream, &self.counts, now()).await.security
    }

    /// What becomes of an answer to a question for A.
    pub async fn judge(
        &self,
        owner: &str,
        rcode: u8,
        fill: impl FnOnce(Message) -> Message,
    ) -> Security {
        self.check(&answer(owner, A, rcode, fill)).await
    }
}

pub fn rules(zone: &Zone, exempt: &serde_json::Value) -> Rules {
    let document = json!({"mode": "on", "anchors": [zone.anchor()], "exempt": exempt});
    Rules::read("test", &serde_json::from_value(document).unwrap()).unwrap()
}

pub fn failed(security: Security) -> Reason {
    match security {
        Security::Failed(reason) => reason,
        other => panic!("{other:?}"),
    }
}

pub fn unsigned(owner: &str, kind: u16, data: &[u8]) -> Set {
    Set { owner: name(owner), kind, data: vec![data.to_vec()], signatures: Vec::new() }
}
