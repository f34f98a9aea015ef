//! What a listener knows of every client before the first octet.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use crate::client_identity::ClientIdentity;
use crate::options::{Authentication, ClientCertificates, Options};
use crate::transport::Transport;

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

    /// What queries over it are counted and logged as.
    pub(super) const fn transport(self) -> Transport {
        match self {
            Self::Udp => Transport::Udp,
            Self::Tcp => Transport::Tcp,
            Self::Dot => Transport::Dot,
            Self::Doh | Self::DohCleartext => Transport::Doh,
            Self::Mesh => Transport::Mesh,
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

    /// Whether clients are asked for a certificate at the listener with this address, as written.
    pub(super) fn certificates(self, options: &Options, address: SocketAddr) -> ClientCertificates {
        let wanted = &options.client_certificates;
        match self {
            Self::Dot => wanted.of_listener(address, wanted.dot),
            Self::Doh => wanted.of_listener(address, wanted.doh),
            // Without TLS there is nothing to ask with.
            Self::Udp | Self::Tcp | Self::DohCleartext | Self::Mesh => ClientCertificates::Never,
        }
    }
}

/// One listener: what is spoken there, and who a client is that shows nothing.
#[derive(Clone)]
pub(super) struct Listener {
    pub(super) protocol: Protocol,
    pub(super) anonymous: Arc<ClientIdentity>,
    /// Whether its clients are asked for a certificate, unless the server name says otherwise.
    pub(super) certificates: ClientCertificates,
}

impl Listener {
    /// The listener at its own address, as bound.
    pub(super) fn new(protocol: Protocol, address: IpAddr, options: &Options) -> Self {
        let wanted = &options.authentication;
        let authentication = match protocol {
            Protocol::Udp => Some(wanted.udp),
            Protocol::Tcp => Some(wanted.tcp),
            Protocol::Dot => Some(wanted.dot),
            Protocol::Doh => Some(wanted.doh),
            // Behind sidecars every connection comes from this machine: a client of whom they say
            // nothing would be served as the machine itself.
            Protocol::DohCleartext
                if wanted.doh_cleartext == Authentication::Auto && options.mesh.is_used() =>
            {
                None
            }
            Protocol::DohCleartext => Some(wanted.doh_cleartext),
            // The address there is that of a sidecar, which says nothing of the client.
            Protocol::Mesh => None,
        };
        let by_network = authentication.is_some_and(|wanted| wanted.admits_networks(address));
        let anonymous =
            Arc::new(if by_network { ClientIdentity::NETWORK } else { ClientIdentity::NOBODY });
        Self { protocol, anonymous, certificates: ClientCertificates::Never }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn by_network(
        protocol: Protocol,
        address: &str,
        wanted: Authentication,
        set: impl FnOnce(&mut Options),
    ) -> bool {
        let mut options = crate::explain::options();
        options.authentication.udp = wanted;
        options.authentication.tcp = wanted;
        options.authentication.dot = wanted;
        options.authentication.doh = wanted;
        options.authentication.doh_cleartext = wanted;
        set(&mut options);
        Listener::new(protocol, address.parse().unwrap(), &options).anonymous.by_network
    }

    #[test]
    fn a_listener_serves_by_network_where_it_is_told_so_or_nobody_else_can_reach_it() {
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
                let found = |wanted| by_network(protocol, address, wanted, |_| ());
                assert_eq!(found(Authentication::Auto), is_loopback, "{address}");
                assert!(!found(Authentication::Strict), "{address}");
                assert!(found(Authentication::Permissive), "{address}");
            }
        }
        assert!(!by_network(Protocol::Mesh, "127.0.0.1", Authentication::Permissive, |_| ()));
    }

    #[test]
    fn behind_sidecars_that_name_clients_nobody_is_served_by_network_unless_told_so() {
        let mesh = |options: &mut Options| {
            options.mesh.trust_domains = vec!["cluster.local".to_owned()];
        };
        let found = |protocol, wanted| by_network(protocol, "127.0.0.1", wanted, mesh);
        assert!(!found(Protocol::DohCleartext, Authentication::Auto));
        assert!(!found(Protocol::DohCleartext, Authentication::Strict));
        assert!(found(Protocol::DohCleartext, Authentication::Permissive));
        assert!(found(Protocol::Doh, Authentication::Auto));
    }
}
