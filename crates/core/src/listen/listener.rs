//! What a listener knows of every client before the first octet.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use crate::client_identity::ClientIdentity;
use crate::options::{AuthenticationOptions, Options};

/// What is spoken at an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Protocol {
    Udp,
    Tcp,
    Dot,
    Doh,
    DohCleartext,
    Mesh,
}

impl Protocol {
    pub(super) const ALL: [Self; 6] =
        [Self::Udp, Self::Tcp, Self::Dot, Self::Doh, Self::DohCleartext, Self::Mesh];

    /// The word of the options document.
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Udp => "udp",
            Self::Tcp => "tcp",
            Self::Dot => "dot",
            Self::Doh => "doh",
            Self::DohCleartext => "doh_cleartext",
            Self::Mesh => "mesh",
        }
    }

    /// Where it is spoken.
    pub(super) fn addresses(self, options: &Options) -> &[SocketAddr] {
        let listen = &options.listen;
        match self {
            Self::Udp => &listen.udp,
            Self::Tcp => &listen.tcp,
            Self::Dot => &listen.dot,
            Self::Doh => &listen.doh,
            Self::DohCleartext => &listen.doh_cleartext,
            Self::Mesh => &listen.mesh,
        }
    }
}

/// One listener: what is spoken there, and who a client is that shows nothing.
#[derive(Clone)]
pub(super) struct Listener {
    pub(super) protocol: Protocol,
    pub(super) anonymous: Arc<ClientIdentity>,
}

impl Listener {
    /// The listener at its own address, as bound.
    pub(super) fn new(protocol: Protocol, address: IpAddr, wanted: &AuthenticationOptions) -> Self {
        let authentication = match protocol {
            Protocol::Udp => Some(wanted.udp),
            Protocol::Tcp => Some(wanted.tcp),
            Protocol::Dot => Some(wanted.dot),
            Protocol::Doh => Some(wanted.doh),
            Protocol::DohCleartext => Some(wanted.doh_cleartext),
            // The address there is that of a sidecar, which says nothing of the client.
            Protocol::Mesh => None,
        };
        let by_network = authentication.is_some_and(|wanted| wanted.admits_networks(address));
        let anonymous =
            Arc::new(if by_network { ClientIdentity::NETWORK } else { ClientIdentity::NOBODY });
        Self { protocol, anonymous }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::Authentication;

    #[test]
    fn a_listener_serves_by_network_where_it_is_told_so_or_nobody_else_can_reach_it() {
        let by_network = |protocol: Protocol, address: &str, wanted: Authentication| {
            let wanted = AuthenticationOptions {
                udp: wanted,
                tcp: wanted,
                dot: wanted,
                doh: wanted,
                doh_cleartext: wanted,
            };
            Listener::new(protocol, address.parse().unwrap(), &wanted).anonymous.by_network
        };
        for protocol in
            [Protocol::Udp, Protocol::Tcp, Protocol::Dot, Protocol::Doh, Protocol::DohCleartext]
        {
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
                    by_network(protocol, address, Authentication::Auto),
                    is_loopback,
                    "{address}"
                );
                assert!(!by_network(protocol, address, Authentication::Strict), "{address}");
                assert!(by_network(protocol, address, Authentication::Permissive), "{address}");
            }
        }
        assert!(!by_network(Protocol::Mesh, "127.0.0.1", Authentication::Permissive));
    }
}
