//! On whose account something counts.

use std::hash::{BuildHasher, RandomState};
use std::net::{IpAddr, Ipv6Addr};
use std::sync::LazyLock;

/// Bits of an IPv6 address that name its network: what one home or site is given (RFC 6177).
const IPV6_BITS: u32 = 56;

/// Nobody outside knows it, so that nobody can find two clients that share a number (SipHash).
static SEED: LazyLock<RandomState> = LazyLock::new(RandomState::new);

/// The number of an identity or network.
pub(super) type Key = u64;

/// Who something counts for: an identity, a network, both, or Keyhole itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Owner {
    pub(super) identity: Option<Key>,
    pub(super) network: Option<Key>,
    pub(super) is_own: bool,
    /// Whether the address may be forged.
    pub(super) is_unproved: bool,
}

/// Nobody.
const NOBODY: Owner = Owner { identity: None, network: None, is_own: false, is_unproved: false };

impl Owner {
    /// Keyhole's own questions, such as those that see whether an upstream is back.
    pub const OWN: Self = Self { is_own: true, ..NOBODY };
    /// Answers that are fetched again before they expire: one owner for all of them.
    pub const REFRESH: Self = Self { network: Some(0), ..NOBODY };

    /// Everybody who is not served, together.
    pub const STRANGERS: Self = Self { network: Some(1), ..NOBODY };

    /// A client that is known by its network alone.
    pub fn network(address: IpAddr) -> Self {
        Self { network: Some(SEED.hash_one(("network", prefix(address)))), ..NOBODY }
    }

    /// A client that is known by its network alone, with an address that anybody may have written.
    /// It has a share of its own, beside that of the same network where the address is proved.
    pub fn unproved(address: IpAddr) -> Self {
        let network = Some(SEED.hash_one(("unproved", prefix(address))));
        Self { network, is_unproved: true, ..NOBODY }
    }

    /// A client that has proved who it is, and the network that it comes from where that says
    /// something of it. What others send without a proof, perhaps with its address, does not count
    /// against it: the two have shares of their own.
    pub fn identity(identity: &[u8], address: Option<IpAddr>) -> Self {
        let network = address.map(|address| SEED.hash_one(("proved", prefix(address))));
        Self { identity: Some(SEED.hash_one(("identity", identity))), network, ..NOBODY }
    }

    /// One number for the client: of its identity, or of its network where it showed none. Keyhole
    /// itself has none.
    pub fn number(self) -> Option<u64> {
        (!self.is_own).then(|| self.turn())
    }

    /// Whether nobody else can have sent it: an identity was shown, or the address is proved.
    pub fn is_proved(self) -> bool {
        !self.is_unproved
    }

    pub(super) fn keys(self) -> impl Iterator<Item = Key> {
        [self.identity, self.network].into_iter().flatten()
    }

    /// The key whose turn it is when places are given in turns.
    pub(super) fn turn(self) -> Key {
        self.identity.or(self.network).unwrap_or_default()
    }
}

/// The network of an address: the address itself (IPv4, also when mapped) or its /56 (IPv6), out of
/// which one client may pick any.
pub fn prefix(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => {
            Ipv6Addr::from_bits(v6.to_bits() & (u128::MAX << (128 - IPV6_BITS))).into()
        }
        v4 @ IpAddr::V4(_) => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn network(text: &str) -> Owner {
        Owner::network(text.parse().unwrap())
    }

    #[test]
    fn a_network_is_an_ipv4_address_or_an_ipv6_prefix_of_56_bits() {
        assert_eq!(network("192.0.2.1"), network("::ffff:192.0.2.1"));
        assert_ne!(network("192.0.2.1"), network("192.0.2.2"));
        assert_eq!(network("2001:db8:0:1::1"), network("2001:db8:0:ff:9::"));
        assert_ne!(network("2001:db8:0:1::1"), network("2001:db8:0:100::1"));
    }

    #[test]
    fn who_proves_an_identity_does_not_share_with_who_sends_from_the_same_address() {
        let address = "192.0.2.1".parse().unwrap();
        let proved = Owner::identity(b"spiffe://example.org/web", Some(address));
        assert!(proved.keys().all(|key| Owner::network(address).keys().all(|other| other != key)));
        assert!(proved.keys().all(|key| Owner::unproved(address).keys().all(|other| other != key)));
        assert_ne!(Owner::unproved(address).network, Owner::network(address).network);
        assert_eq!(proved.keys().count(), 2);
        assert_eq!(Owner::identity(b"spiffe://example.org/web", None).keys().count(), 1);
    }
}
