//! Forwarding by name: the domains for which a policy asks upstreams of their own.

use keyhole_names::{HashedName, NameMap};
use keyhole_wire::{Name, RecordType};

use crate::document::ForwardedDomainDocument;
use crate::faults::Faults;

/// Domains and the upstream sets that are asked for them.
#[derive(Default)]
pub struct Domains {
    domains: NameMap<Domain>,
    /// Every name between a domain and the root.
    above: NameMap<()>,
}

/// One domain.
pub struct Domain {
    /// Its name.
    pub name: Name,
    /// The index of the upstream set that is asked for names at and below it.
    pub upstream_set: usize,
}

impl Domains {
    /// Compiles them; `path` is where they are in the snapshot, `sets` how many upstream sets there
    /// are.
    pub(crate) fn compile(
        documents: &[ForwardedDomainDocument],
        sets: usize,
        path: &str,
        origin: &str,
        faults: &mut Faults,
    ) -> Self {
        let mut compiled = Self::default();
        for (index, document) in documents.iter().enumerate() {
            if let Err(why) = compiled.add(document, sets) {
                faults.add(format!("{path}[{index}]"), format!("{why} ({origin})"));
            }
        }
        compiled
    }

    fn add(&mut self, document: &ForwardedDomainDocument, sets: usize) -> Result<(), String> {
        let ForwardedDomainDocument { name: text, upstream_set } = document;
        let name = keyhole_names::read_name(text).map_err(|error| format!("{text:?}: {error}"))?;
        if name.is_root() {
            return Err("the root is no domain: upstreams without domains are asked for it".into());
        }
        if *upstream_set >= sets {
            return Err(format!("upstream set {upstream_set} of only {sets}"));
        }
        if self.domains.get_name(&name).is_some() {
            return Err(format!("{text} twice"));
        }
        self.domains.entry(&name, || Domain { name, upstream_set: *upstream_set });
        for ancestor in HashedName::new(&name).suffixes().skip(1) {
            if let Ok(ancestor) = Name::from_wire(ancestor.wire) {
                self.above.entry(&ancestor, || ());
            }
        }
        Ok(())
    }

    /// Whether there are none.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.domains.is_empty()
    }

    /// The most specific domain in which a name lies. A DS record belongs to the zone above the name
    /// (RFC 4035 section 3.1.4.1), so at the top of a domain it is not of the domain. Costs nothing
    /// where there are none, else a probe per label.
    #[inline]
    pub fn find(&self, hashed: &HashedName, kind: RecordType) -> Option<&Domain> {
        if self.is_empty() {
            return None;
        }
        let above = usize::from(kind == RecordType::DS);
        hashed.suffixes().skip(above).find_map(|suffix| self.domains.get(&suffix))
    }

    /// Whether a domain lies below the name.
    #[inline]
    pub fn lie_below(&self, hashed: &HashedName) -> bool {
        !self.is_empty()
            && hashed.suffixes().next().is_none_or(|name| self.above.get(&name).is_some())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hashed(text: &str) -> HashedName {
        HashedName::new(&Name::from_text(text).unwrap())
    }

    fn compile(domains: &[(&str, usize)]) -> (Domains, String) {
        let documents: Vec<_> = domains
            .iter()
            .map(|&(name, upstream_set)| ForwardedDomainDocument {
                name: name.into(),
                upstream_set,
            })
            .collect();
        let mut faults = Faults::default();
        let domains = Domains::compile(&documents, 4, "domains", "p.yaml:1", &mut faults);
        (domains, faults.into_result("", ()).err().map_or_else(String::new, |e| e.to_string()))
    }

    #[test]
    fn the_most_specific_domain_is_found_at_and_below_its_name_and_nowhere_else() {
        let (domains, fault) =
            compile(&[("corp.example", 1), ("eu.corp.example", 2), ("168.192.in-addr.arpa", 3)]);
        assert_eq!(fault, "");
        let set = |text| domains.find(&hashed(text), RecordType::A).map(|one| one.upstream_set);
        for (name, wanted) in [
            ("corp.example", Some(1)),
            ("a.b.CORP.example", Some(1)),
            ("eu.corp.example", Some(2)),
            ("x.eu.corp.example", Some(2)),
            ("xeu.corp.example", Some(1)),
            ("7.1.168.192.in-addr.arpa", Some(3)),
            ("example", None),
            ("xcorp.example", None),
            ("corp.example.org", None),
            (".", None),
        ] {
            assert_eq!(set(name), wanted, "{name}");
        }
    }

    #[test]
    fn a_ds_record_is_asked_where_the_name_above_is() {
        let (domains, _) = compile(&[("corp.example", 1), ("eu.corp.example", 2)]);
        let set = |text| domains.find(&hashed(text), RecordType::DS).map(|one| one.upstream_set);
        assert_eq!(set("corp.example"), None);
        assert_eq!(set("eu.corp.example"), Some(1));
        assert_eq!(set("a.eu.corp.example"), Some(2));
    }

    #[test]
    fn names_above_a_domain_are_known() {
        let (domains, _) = compile(&[("eu.corp.example", 1)]);
        for (name, below) in [
            (".", true),
            ("example", true),
            ("corp.EXAMPLE", true),
            ("eu.corp.example", false),
            ("us.corp.example", false),
            ("org", false),
        ] {
            assert_eq!(domains.lie_below(&hashed(name)), below, "{name}");
        }
        assert!(!compile(&[]).0.lie_below(&hashed(".")));
    }

    #[test]
    fn each_fault_is_named_with_its_place() {
        for (domains, fault) in [
            (&[(".", 0)][..], "domains[0]: the root is no domain"),
            (&[("corp.example", 4)], "domains[0]: upstream set 4 of only 4"),
            (&[("a.example", 0), ("A.example", 0)], "domains[1]: A.example twice"),
            (&[("a..example", 0)], "domains[0]: \"a..example\""),
            (&[("\\000address", 0)], "domains[0]: \"\\\\000address\": such names stand for"),
        ] {
            let found = compile(domains).1;
            assert!(found.contains(fault), "{found}");
        }
    }
}
