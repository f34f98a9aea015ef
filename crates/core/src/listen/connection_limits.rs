//! How many connections there may be: in all, and from one client.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;

use parking_lot::Mutex;

use crate::options::Limits;

/// What the listeners of all workers share: the count of open connections.
pub struct ConnectionLimits {
    connections: usize,
    connections_per_client: usize,
    taken: Mutex<OpenConnections>,
}

#[derive(Default)]
struct OpenConnections {
    total: usize,
    by_client: HashMap<IpAddr, usize, foldhash::fast::RandomState>,
}

impl ConnectionLimits {
    /// Nothing is open yet.
    pub fn new(limits: &Limits) -> Self {
        Self {
            connections: limits.connections,
            connections_per_client: limits.connections_per_client,
            taken: Mutex::default(),
        }
    }

    /// Open connections, all together.
    pub fn open(&self) -> usize {
        self.taken.lock().total
    }

    /// A slot for a connection from this address, or none when they are all taken.
    pub(super) fn take(self: &Arc<Self>, client: IpAddr) -> Option<ConnectionSlot> {
        let client = one_client(client);
        let mut taken = self.taken.lock();
        let own = taken.by_client.get(&client).copied().unwrap_or(0);
        if taken.total >= self.connections || own >= self.connections_per_client {
            return None;
        }
        taken.total += 1;
        taken.by_client.insert(client, own + 1);
        Some(ConnectionSlot { limits: Arc::clone(self), client })
    }
}

/// A slot for one connection; it is given back when dropped.
pub(super) struct ConnectionSlot {
    limits: Arc<ConnectionLimits>,
    client: IpAddr,
}

impl Drop for ConnectionSlot {
    fn drop(&mut self) {
        let mut taken = self.limits.taken.lock();
        taken.total -= 1;
        if let Some(own) = taken.by_client.get_mut(&self.client) {
            *own -= 1;
            if *own == 0 {
                // The table holds open connections only; no flood of addresses makes it grow.
                taken.by_client.remove(&self.client);
            }
        }
    }
}

/// What counts as one client: an IPv4 address, or a whole IPv6 /64, because that is what one
/// host is given (RFC 4291 section 2.5.1) and may pick any address out of.
fn one_client(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => Ipv6Addr::from_bits(v6.to_bits() & !u128::from(u64::MAX)).into(),
        v4 @ IpAddr::V4(_) => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits(connections: usize, connections_per_client: usize) -> Arc<ConnectionLimits> {
        let taken = Mutex::default();
        Arc::new(ConnectionLimits { connections, connections_per_client, taken })
    }

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn a_place_given_back_can_be_taken_again() {
        let limits = limits(1, 1);
        let slot = limits.take(address("192.0.2.1")).unwrap();
        assert!(limits.take(address("192.0.2.2")).is_none());
        drop(slot);
        assert!(limits.take(address("192.0.2.2")).is_some());
        assert_eq!(limits.open(), 0);
        assert!(limits.taken.lock().by_client.is_empty());
    }

    #[test]
    fn one_client_is_an_ipv4_address_or_an_ipv6_network() {
        let limits = limits(9, 1);
        let _first = limits.take(address("2001:db8::1")).unwrap();
        assert!(limits.take(address("2001:db8::ffff:1")).is_none());
        let _next = limits.take(address("2001:db8:0:1::1")).unwrap();
        let _v4 = limits.take(address("192.0.2.1")).unwrap();
        assert!(limits.take(address("::ffff:192.0.2.1")).is_none());
    }
}
