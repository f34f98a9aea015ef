//! What answers tell a client: new data counts at the rate of names, on the same account.

use std::hash::{BuildHasher, Hasher};

use keyhole_wire::{Record, RecordType, Section};

use super::slots::Slots;
use super::{Asked, Budgets, Charge, Hashes, Level, Limits, MIN_CHARGE, Price};

impl Budgets {
    /// Charges the data of an answer that this client did not get before, unless `is_spared` says
    /// that it does not count. None where nothing in it is new.
    ///
    /// It is charged before it is known whether it may be given: what is withheld uses the budget up.
    pub fn charge_answer<'a>(
        &self,
        asked: &Asked<'_>,
        limits: Limits,
        records: impl Iterator<Item = Record<'a>>,
        is_spared: impl FnOnce() -> bool,
    ) -> Option<Charge> {
        let mut carrying = records.filter(|record| carries(asked, record)).peekable();
        carrying.peek()?;
        let (at, hashes) = (Slots::at(asked.seconds), self.hashes(asked));
        let free = self.is_free(asked, &hashes, at);
        let mut price = Price::default();
        for record in carrying {
            let (hash, octets) = self.data(&hashes, &record);
            price.add(octets.max(MIN_CHARGE), self.names.remember(hash, hashes.client, at));
        }
        if free || price.is_nothing() || is_spared() {
            return None;
        }
        let before = self.pairs.totals(hashes.pair(), at);
        let (totals, forgot) = self.pairs.add(hashes.pair(), at, price.hour, price.day);
        let level: Level = limits.level(totals);
        let is_first = before.hour < limits.alert && totals.hour >= limits.alert;
        let charge = Charge::nothing(level, totals);
        Some(Charge { is_first, octets: price.hour, forgot, ..charge })
    }

    /// Whether it is the first answer of a day about the domain itself. What mail and its checks ask
    /// there is long: one answer of each of these types counts nothing, whatever else does.
    fn is_free(&self, asked: &Asked<'_>, hashes: &Hashes, at: Slots) -> bool {
        if asked.domain.octets() > 0 || !matches!(asked.kind, RecordType::TXT | RecordType::MX) {
            return false;
        }
        let hash = self.seed.hash_one((hashes.pair, "first", asked.kind.0));
        !self.names.remember(hash, hashes.client, at).in_day
    }

    /// The hash of a record's data for this client and domain, and how many octets it has.
    fn data(&self, hashes: &Hashes, record: &Record<'_>) -> (u64, u32) {
        let mut hasher = self.seed.build_hasher();
        hasher.write_u64(hashes.pair);
        hasher.write_u16(record.kind.0);
        // A name counts in full: how short it is in a message depends on what stands before it.
        let octets = match record.target() {
            Some(target) => {
                hasher.write(target.as_wire());
                target.as_wire().len()
            }
            None => {
                hasher.write(record.stored());
                record.stored().len()
            }
        };
        (hasher.finish(), u32::try_from(octets).unwrap_or(u32::MAX))
    }
}

/// Whether records of this type may carry what their author likes, and count. Addresses, services and
/// name servers are what names are asked for, and few in number. What DNSSEC adds (RFC 4034) comes
/// with every answer of a signed zone, also to clients that did not ask for it, and changes each time
/// that the zone is signed.
#[inline]
pub fn may_carry(kind: RecordType) -> bool {
    !matches!(
        kind,
        RecordType::A
            | RecordType::AAAA
            | RecordType::HTTPS
            | RecordType::SVCB
            | RecordType::NS
            | RecordType::RRSIG
            | RecordType::NSEC
            | RecordType::NSEC3
            | RecordType::DNSKEY
            | RecordType::DS
    )
}

/// Whether a record counts. Names of addresses belong to a network, not to who asks.
fn carries(asked: &Asked<'_>, record: &Record<'_>) -> bool {
    let is_of_address = record.kind == RecordType::PTR && asked.domain.is_network(asked.name);
    record.section == Section::Answer && may_carry(record.kind) && !is_of_address
}

#[cfg(test)]
mod tests {
    use keyhole_wire::{Answer, AnswerBuilder, Name, Rcode};

    use super::*;
    use crate::budgets::RegisteredDomain;

    const LIMITS: Limits =
        Limits { alert: 128, throttle: 256, block: 1_024, day: 1_024, split: None };
    const TXT: RecordType = RecordType::TXT;

    fn answer(name: &str, kind: RecordType, data: &[&[u8]]) -> Answer {
        let name = Name::from_text(name).unwrap();
        let begun = AnswerBuilder::new(&name, kind, Rcode::NOERROR);
        data.iter().fold(begun, |answer, data| answer.push(&name, kind, 60, data)).finish().unwrap()
    }

    fn told(budgets: &Budgets, name: &str, answer: &Answer) -> u32 {
        let (asked, kind) = (Name::from_text(name).unwrap(), answer.question().1);
        let domain = RegisteredDomain::of(&asked);
        let asked = Asked { client: 1, is_proved: true, name: &asked, domain, kind, seconds: 0 };
        let charge = budgets.charge_answer(&asked, LIMITS, answer.records(), || false);
        charge.map_or(0, |charge| charge.octets)
    }

    #[test]
    fn new_data_counts_once_and_addresses_count_nothing() {
        let budgets = Budgets::small();
        let txt = answer("a.evil.example", TXT, &[b"\x0cxxxxxxxxxxxx", b"\x01y"]);
        assert_eq!(told(&budgets, "a.evil.example", &txt), 13 + 8);
        assert_eq!(told(&budgets, "a.evil.example", &txt), 0);
        assert_eq!(told(&budgets, "b.evil.example", &txt), 0, "the same under another name");
        let address = answer("a.evil.example", RecordType::A, &[&[192, 0, 2, 1]]);
        assert_eq!(told(&budgets, "a.evil.example", &address), 0);
        let alias = answer("c.evil.example", RecordType::CNAME, &[b"\x09elsewhere\x03net\0"]);
        assert_eq!(told(&budgets, "c.evil.example", &alias), 15);
        let pointer = answer("1.2.0.192.in-addr.arpa", RecordType::PTR, &[b"\x04host\x03net\0"]);
        assert_eq!(told(&budgets, "1.2.0.192.in-addr.arpa", &pointer), 0);
        assert_eq!(told(&budgets, "x.evil.example", &pointer), 10, "below any other domain");
    }

    #[test]
    fn the_first_long_answer_about_the_domain_itself_is_free_and_a_changed_one_is_not() {
        let budgets = Budgets::small();
        let long = |octet: u8| [&[200][..], &[octet; 200]].concat();
        let first = answer("evil.example", TXT, &[&long(1), &long(2)]);
        assert_eq!(told(&budgets, "evil.example", &first), 0);
        assert_eq!(told(&budgets, "evil.example", &first), 0, "the same again");
        let changed = answer("evil.example", TXT, &[&long(1), &long(3)]);
        assert_eq!(told(&budgets, "evil.example", &changed), 201);
    }

    /// The sum of an hour in which one client got these answers, each twice: names and data.
    fn after(answers: &[(&str, u16, Vec<Vec<u8>>)]) -> u32 {
        let budgets = Budgets::small();
        let limits =
            Limits { alert: 1_024, throttle: 2_048, block: 4_096, day: 8_192, split: None };
        let mut most = 0;
        for (name, kind, data) in answers.iter().chain(answers) {
            let (name, kind) = (Name::from_text(name).unwrap(), RecordType(*kind));
            let begun = AnswerBuilder::new(&name, RecordType::A, Rcode::NOERROR);
            let push = |answer: AnswerBuilder, data: &Vec<u8>| answer.push(&name, kind, 60, data);
            let answer = data.iter().fold(begun, push).finish().unwrap();
            let domain = RegisteredDomain::of(&name);
            let asked = Asked { client: 1, is_proved: true, name: &name, domain, kind, seconds: 0 };
            budgets.charge(&asked, limits, true, || false);
            budgets.charge_answer(&asked, limits, answer.records(), || false);
            most = most.max(budgets.totals(&asked).hour);
        }
        most
    }

    fn text(octets: u8) -> Vec<u8> {
        [vec![octets], vec![b'x'; octets.into()]].concat()
    }

    fn alias(name: &str) -> Vec<u8> {
        Name::from_text(name).unwrap().as_wire().to_vec()
    }

    #[test]
    fn what_people_and_mail_servers_ask_for_stays_below_the_budget_that_throttles() {
        let names: Vec<String> = (0..9).map(|host| format!("static{host}.shop.example")).collect();
        let chain = |at: usize| {
            let hops = [format!("shop{at}.edge.cdn.example"), format!("e{at}.dscb.cdn.example")];
            hops.iter().map(|hop| alias(hop)).collect()
        };
        let page = names.iter().enumerate().map(|(at, name)| (name.as_str(), 5, chain(at)));
        assert!(
            (400..1_024).contains(&after(&page.collect::<Vec<_>>())),
            "a page whose hosts are aliases"
        );
        let services = ["_imaps._tcp", "_submission._tcp", "_autodiscover._tcp", "_sip._tls"];
        let services = services.map(|service| format!("{service}.shop.example"));
        let target = [&[0, 1, 0, 1, 1, 187][..], &alias("mail.shop.example")].concat();
        let found = services.iter().map(|name| (name.as_str(), 33, vec![target.clone()]));
        assert!((60..512).contains(&after(&found.collect::<Vec<_>>())), "services");
        let mail = [
            ("shop.example", 16, (100..120).map(text).collect()),
            ("shop.example", 15, vec![[&[0, 10][..], &alias("mx.shop.example")].concat()]),
            ("_dmarc.shop.example", 16, vec![text(90)]),
            ("s1._domainkey.shop.example", 16, vec![[text(255), text(150)].concat()]),
            ("_mta-sts.shop.example", 16, vec![text(30)]),
            ("_acme-challenge.shop.example", 16, vec![text(43), text(44)]),
        ];
        assert!((600..1_024).contains(&after(&mail)), "checks of mail and of a certificate");
        // Signatures and keys come with each answer of a signed zone.
        for kind in [46, 47, 48, 50, 43] {
            let signed = names.iter().map(|name| (name.as_str(), kind, vec![vec![0; 900]]));
            assert!(after(&signed.collect::<Vec<_>>()) < 200, "{kind}");
        }
    }
}
