//! What a listener knows of every client before the first octet.

use std::net::IpAddr;
use std::sync::Arc;

use super::bind::Door;
use crate::caller::Caller;
use crate::options::AuthenticationOptions;

/// One listener: what is spoken there, and who a client is that shows nothing.
#[derive(Clone)]
pub(super) struct Gate {
    pub(super) door: Door,
    pub(super) nobody: Arc<Caller>,
}

impl Gate {
    /// The gate at the listener's own address, as bound.
    pub(super) fn new(door: Door, address: IpAddr, wanted: &AuthenticationOptions) -> Self {
        let authentication = match door {
            Door::Udp => Some(wanted.udp),
            Door::Tcp => Some(wanted.tcp),
            Door::Dot => Some(wanted.dot),
            Door::Doh => Some(wanted.doh),
            Door::DohCleartext => Some(wanted.doh_cleartext),
            // The address there is that of a sidecar, which says nothing of the client.
            Door::Mesh => None,
        };
        let by_network = authentication.is_some_and(|wanted| wanted.admits_networks(address));
        let nobody = Arc::new(if by_network { Caller::NETWORK } else { Caller::NOBODY });
        Self { door, nobody }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::Authentication;

    #[test]
    fn a_listener_serves_by_network_where_it_is_told_so_or_nobody_else_can_reach_it() {
        let by_network = |door: Door, address: &str, wanted: Authentication| {
            let wanted = AuthenticationOptions {
                udp: wanted,
                tcp: wanted,
                dot: wanted,
                doh: wanted,
                doh_cleartext: wanted,
            };
            Gate::new(door, address.parse().unwrap(), &wanted).nobody.by_network
        };
        for door in [Door::Udp, Door::Tcp, Door::Dot, Door::Doh, Door::DohCleartext] {
            for (address, is_loopback) in [
                ("127.0.0.1", true),
                ("127.9.9.9", true),
                ("::1", true),
                ("::ffff:127.0.0.1", true),
                ("0.0.0.0", false),
                ("::", false),
                ("192.0.2.1", false),
            ] {
                assert_eq!(
                    by_network(door, address, Authentication::Auto),
                    is_loopback,
                    "{address}"
                );
                assert!(!by_network(door, address, Authentication::Strict), "{address}");
                assert!(by_network(door, address, Authentication::Permissive), "{address}");
            }
        }
        assert!(!by_network(Door::Mesh, "127.0.0.1", Authentication::Permissive));
    }
}
