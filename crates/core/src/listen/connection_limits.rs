//! How many connections and open requests there may be: in all, of one network, of one identity, and
//! of strangers.
//!
//! The network is looked up when a connection is accepted, before its handshake. Addresses that are
//! not served have few places of their own: whatever they open, they take none of the others'.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use super::listener::Protocol;
use crate::client_identity::ClientIdentity;
use crate::connections::ClosedConnection;
use crate::options::{Limits, Options};
use crate::shares::{Full, Owner, Place, Rates, Room, Share};

/// Open connections of one network that is not served.
const PER_STRANGER: usize = 8;
/// Connections that all such networks together may open in a second: each costs a handshake.
const STRANGERS_PER_SECOND: u32 = 50;

/// Places of connections, shared by the listeners of all workers.
pub struct ConnectionLimits {
    served: Arc<Room>,
    strangers: Arc<Room>,
    requests: Arc<Room>,
    of_strangers: Rates,
    per_network: Rates,
    per_identity: Rates,
}

impl ConnectionLimits {
    /// Nothing is open yet.
    pub fn new(limits: &Limits) -> Self {
        let unserved = limits.connections_unserved;
        Self {
            served: Room::new(Share {
                all: limits.connections,
                per_identity: limits.connections_per_identity,
                per_network: limits.connections_per_client,
            }),
            strangers: Room::new(Share { per_network: PER_STRANGER, ..Share::of(unserved) }),
            requests: Room::new(open_requests(limits)),
            of_strangers: Rates::new(STRANGERS_PER_SECOND),
            per_network: Rates::new(limits.new_connections_per_network),
            per_identity: Rates::new(limits.new_connections_per_identity),
        }
    }

    /// Open connections, all together.
    pub fn open(&self) -> usize {
        self.served.taken() + self.strangers.taken()
    }

    /// A slot for a connection from this address, before anything is read from it.
    pub(super) fn take(
        &self,
        options: &Options,
        protocol: Protocol,
        client: SocketAddr,
    ) -> Result<ConnectionSlot, ClosedConnection> {
        let is_sidecar = options.mesh.lists(client.ip());
        let is_served = match protocol {
            Protocol::Mesh => is_sidecar,
            _ => options.clients.iter().any(|network| network.contains(client.ip())),
        };
        let network = Owner::network(client.ip());
        if !is_served {
            let place = self.strangers.take(network).ok();
            let place = place.filter(|_| self.of_strangers.take(Owner::STRANGERS, Instant::now()));
            return place.map(|place| ConnectionSlot { place }).ok_or(ClosedConnection::Unserved);
        }
        // The address of a sidecar says nothing of its clients; they are counted when it names them.
        let speaks_for_others =
            protocol == Protocol::Mesh || (protocol == Protocol::DohCleartext && is_sidecar);
        let owner = if speaks_for_others { Owner::default() } else { network };
        if !speaks_for_others && !self.per_network.take(network, Instant::now()) {
            return Err(ClosedConnection::TooManyNew);
        }
        self.served.take(owner).map(|place| ConnectionSlot { place }).map_err(closed)
    }

    /// A place for a request that stays open: its body is not whole, or its answer is not taken.
    pub(super) fn open_request(&self, owner: Owner) -> Result<Place, Full> {
        self.requests.take(owner)
    }

    /// Requests that are open, all together.
    #[cfg(test)]
    pub(super) fn open_requests(&self) -> usize {
        self.requests.taken()
    }

    /// Counts the connection for the client that it turned out to be of.
    pub(super) fn identify(
        &self,
        slot: &mut ConnectionSlot,
        identity: &ClientIdentity,
    ) -> Result<(), ClosedConnection> {
        let now = Instant::now();
        if let Some(shown) = identity.shown() {
            let owner = Owner::identity(shown, None);
            if !self.per_identity.take(owner, now) {
                return Err(ClosedConnection::TooManyNew);
            }
            slot.place.add(owner).map_err(closed)?;
        }
        Ok(())
    }
}

/// Never fewer than those that may wait for an upstream: an answer that comes is taken at once.
fn open_requests(limits: &Limits) -> Share {
    Share {
        all: limits.open_requests.max(limits.waiting),
        per_identity: limits.open_requests_per_identity.max(limits.waiting_per_identity),
        per_network: limits.open_requests_per_network.max(limits.waiting_per_network),
    }
}

/// The cause that the log has for a share that is used up.
pub(super) fn closed(full: Full) -> ClosedConnection {
    match full {
        Full::All => ClosedConnection::Full,
        Full::Identity => ClosedConnection::OverIdentityShare,
        Full::Network => ClosedConnection::OverNetworkShare,
    }
}

/// A slot for one connection; it is given back when dropped.
pub(super) struct ConnectionSlot {
    place: Place,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client_identity::Credential;

    fn options(set: impl FnOnce(&mut Options)) -> Options {
        let mut options = crate::explain::options();
        options.clients = vec!["10.0.0.0/8".parse().unwrap(), "2001:db8::/32".parse().unwrap()];
        let limits = &mut options.limits;
        (limits.connections, limits.connections_unserved) = (100, 20);
        (limits.connections_per_client, limits.connections_per_identity) = (3, 2);
        (limits.new_connections_per_network, limits.new_connections_per_identity) = (50, 50);
        set(&mut options);
        options
    }

    fn fill(limits: &ConnectionLimits, options: &Options, address: &str) -> Vec<ConnectionSlot> {
        let client = SocketAddr::new(address.parse().unwrap(), 5_353);
        let take = || limits.take(options, Protocol::Dot, client).ok();
        std::iter::from_fn(take).collect()
    }

    #[test]
    fn strangers_have_places_of_their_own_and_take_none_of_the_served() {
        let options = options(|options| options.limits.connections = 3);
        let limits = ConnectionLimits::new(&options.limits);
        let one = fill(&limits, &options, "198.51.100.1");
        assert_eq!(one.len(), PER_STRANGER);
        let others: Vec<_> = (2..99)
            .flat_map(|last| fill(&limits, &options, &format!("198.51.100.{last}")))
            .collect();
        assert_eq!(one.len() + others.len(), 20);
        assert_eq!(fill(&limits, &options, "10.0.0.1").len(), 2, "one is left for others");
        assert_eq!(limits.open(), 20);
        drop((one, others));
        // The handshakes of strangers are counted by the second, too.
        let again = (0..99).map(|_| fill(&limits, &options, "198.51.100.1").len()).sum::<usize>();
        assert!(again <= 50, "{again}");
    }

    #[test]
    fn a_network_is_an_ipv4_address_or_an_ipv6_prefix() {
        let options = options(|_| ());
        let limits = ConnectionLimits::new(&options.limits);
        for (address, count) in [
            ("10.0.0.1", 3),
            ("::ffff:10.0.0.1", 0),
            ("10.0.0.2", 3),
            ("2001:db8:0:1::1", 3),
            ("2001:db8:0:ff::1", 0),
            ("2001:db8:0:100::1", 3),
        ] {
            let slots = fill(&limits, &options, address);
            assert_eq!(slots.len(), count, "{address}");
            std::mem::forget(slots);
        }
    }

    #[test]
    fn an_identity_has_a_share_wherever_it_comes_from() {
        let options = options(|_| ());
        let limits = ConnectionLimits::new(&options.limits);
        let identity = ClientIdentity::showing(Credential::Token([7; 32]));
        let open = |address: &str| {
            let client = SocketAddr::new(address.parse().unwrap(), 5_353);
            let mut slot = limits.take(&options, Protocol::Dot, client).ok().unwrap();
            limits.identify(&mut slot, &identity).map(|()| slot)
        };
        let first = open("10.0.0.1").ok().unwrap();
        let _second = open("10.0.0.2").ok().unwrap();
        assert_eq!(open("10.0.0.3").err(), Some(ClosedConnection::OverIdentityShare));
        drop(first);
        assert!(open("10.0.0.3").is_ok());
    }

    #[test]
    fn a_network_opens_so_many_connections_in_a_second() {
        let options = options(|options| options.limits.new_connections_per_network = 5);
        let limits = ConnectionLimits::new(&options.limits);
        let client = SocketAddr::new("10.0.0.1".parse().unwrap(), 5_353);
        let take = || limits.take(&options, Protocol::Tcp, client).err();
        let ends: Vec<_> = (0..100).map(|_| take()).collect();
        assert!(ends.iter().filter(|end| end.is_none()).count() >= 5);
        assert_eq!(ends.last(), Some(&Some(ClosedConnection::TooManyNew)));
    }
}
