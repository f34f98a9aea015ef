//! Trust out of a snapshot document, with every name and certificate checked.

use std::collections::{HashMap, HashSet};

use super::domain::Domain;
use super::{Trust, next_generation};
use crate::document::{RevokedDocument, TrustDocument};
use crate::faults::Faults;
use crate::spiffe_id::SpiffeId;

impl Trust {
    /// Compiles the document at `snapshot.trust`. What cannot be read is a fault, never left out:
    /// half of a list of what was revoked would let somebody in.
    pub(crate) fn compile(document: TrustDocument, faults: &mut Faults) -> Self {
        let domains = compile_domains(&document, faults);
        let identities = compile_identities(&document.revoked, faults);
        let certificates = compile_certificates(&document.revoked, faults);
        let not_before = compile_not_before(&document.revoked, faults);
        let generation = next_generation();
        Self { generation, document, domains, identities, certificates, not_before }
    }
}

fn compile_domains(document: &TrustDocument, faults: &mut Faults) -> HashMap<String, Domain> {
    let mut seen = HashMap::new();
    let mut domains = HashMap::new();
    for (index, one) in document.domains.iter().enumerate() {
        let place = format!("snapshot.trust.domains[{index}]");
        if !SpiffeId::is_trust_domain(&one.name) {
            let why = format!("{} ({})", not_a_domain(&one.name), one.origin);
            faults.add(format!("{place}.name"), why);
        }
        if let Some(first) = seen.insert(&*one.name, &*one.origin) {
            let why = format!(
                "{} is declared twice, in {first} and in {}; join their bundles",
                one.name, one.origin
            );
            faults.add(format!("{place}.name"), why);
        }
        if let Some(domain) = Domain::compile(one, &place, faults) {
            domains.insert(one.name.clone(), domain);
        }
    }
    domains
}

fn compile_identities(revoked: &RevokedDocument, faults: &mut Faults) -> HashSet<String> {
    for (index, id) in revoked.identities.iter().enumerate() {
        check_id(id, &format!("identities[{index}]"), faults);
    }
    revoked.identities.iter().cloned().collect()
}

/// Of two times for one identity the later one counts.
fn compile_not_before(revoked: &RevokedDocument, faults: &mut Faults) -> HashMap<String, i64> {
    let mut found: HashMap<String, i64> = HashMap::new();
    for (index, one) in revoked.not_before.iter().enumerate() {
        check_id(&one.id, &format!("not_before[{index}].id"), faults);
        let at = found.entry(one.id.clone()).or_insert(one.at);
        *at = one.at.max(*at);
    }
    found
}

fn check_id(id: &str, place: &str, faults: &mut Faults) {
    if SpiffeId::read(id).is_none() {
        let why = format!("{id:?} is not a SPIFFE ID such as spiffe://keyhole.lab/ns/shop/sa/web");
        faults.add(format!("snapshot.trust.revoked.{place}"), why);
    }
}

fn compile_certificates(
    revoked: &RevokedDocument,
    faults: &mut Faults,
) -> HashMap<String, HashSet<String>> {
    let mut certificates: HashMap<String, HashSet<String>> = HashMap::new();
    for (index, one) in revoked.certificates.iter().enumerate() {
        let place = format!("snapshot.trust.revoked.certificates[{index}]");
        if !SpiffeId::is_trust_domain(&one.domain) {
            faults.add(format!("{place}.domain"), not_a_domain(&one.domain));
        }
        if !is_serial(&one.serial) {
            let why = format!(
                "{:?} is not a serial number; write it in lower-case hexadecimal without leading \
                 zeros, such as 8f01",
                one.serial
            );
            faults.add(format!("{place}.serial"), why);
        }
        certificates.entry(one.domain.clone()).or_default().insert(one.serial.clone());
    }
    certificates
}

/// Another spelling would never match that of a certificate, and revoke nothing.
fn is_serial(text: &str) -> bool {
    let is_digit = |c: u8| c.is_ascii_digit() || (b'a'..=b'f').contains(&c);
    text == "0" || (!text.is_empty() && !text.starts_with('0') && text.bytes().all(is_digit))
}

fn not_a_domain(name: &str) -> String {
    format!("{name:?} is not a trust domain; one has lower-case letters, digits, '.', '-' and '_'")
}
