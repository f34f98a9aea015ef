//! Domains that are known to need many names, shipped with Keyhole: one a line, with the reason.
//!
//! A domain belongs here if its operator alone answers for every name below it. Where customers can
//! run name servers of their own, one of them may be the end of a tunnel.

use std::sync::LazyLock;

use keyhole_names::{HashedName, NameMap};
use keyhole_wire::Name;

/// `domain<TAB>reason`; lines that begin with `#` are comments.
const TABLE: &str = include_str!("shipped.tsv");

static SHIPPED: LazyLock<NameMap<&'static str>> = LazyLock::new(|| {
    let mut domains = NameMap::default();
    for (domain, reason) in rows() {
        if let Ok(name) = Name::from_text(domain) {
            domains.entry(&name, || reason);
        }
    }
    domains
});

fn rows() -> impl Iterator<Item = (&'static str, &'static str)> {
    TABLE.lines().filter(|line| !line.starts_with('#')).filter_map(|line| line.split_once('\t'))
}

/// Why the name needs no budget: it is one of the shipped domains or lies below one.
pub fn shipped(hashed: &HashedName) -> Option<&'static str> {
    hashed.suffixes().find_map(|suffix| SHIPPED.get(&suffix).copied())
}

#[cfg(test)]
mod tests {
    use super::super::RegisteredDomain;
    use super::*;

    #[test]
    fn each_entry_is_a_registered_domain_with_a_reason() {
        let mut before = "";
        for line in TABLE.lines().filter(|line| !line.starts_with('#')) {
            let (domain, reason) = line.split_once('\t').unwrap();
            assert!(before < domain, "{domain} is not in order");
            before = domain;
            let name = Name::from_text(domain).unwrap();
            assert_eq!(RegisteredDomain::of(&name).octets(), 0, "{domain}");
            assert!(RegisteredDomain::of(&name).domain(&name) == name, "{domain}");
            assert!(reason.len() > 20 && reason.ends_with('.'), "{domain}: {reason}");
        }
        assert!(rows().count() > 10);
    }

    #[test]
    fn a_name_below_a_shipped_domain_is_spared_and_no_other() {
        let reason = |name: &str| shipped(&HashedName::new(&Name::from_text(name).unwrap()));
        assert!(reason("r3---sn-4g5ednsd.googlevideo.com").is_some());
        assert!(reason("googlevideo.com").is_some());
        assert_eq!(reason("googlevideo.com.example.org"), None);
        assert_eq!(reason("com"), None);
    }
}
