//! Whether a client is asked for a certificate in the TLS handshake: by listener and by server name.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

use crate::Error;

/// Whether the server asks its client for a certificate (RFC 8446 section 4.3.2). In order: each
/// lets in fewer clients than the one before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ClientCertificates {
    /// It does not ask. Some clients give up where they are asked and have none: Chromium for DoH.
    Never,
    /// It asks. A client without a certificate may have a token, or be served by its network.
    Ask,
    /// It asks, and a handshake without a certificate fails.
    Require,
}

/// The setting of each listener with TLS, and of server names.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct ClientCertificateOptions {
    /// DNS over TLS.
    pub dot: ClientCertificates,
    /// DNS over HTTPS.
    pub doh: ClientCertificates,
    /// Single listeners, by their address in `listen`, instead of the setting of their transport.
    pub listeners: BTreeMap<SocketAddr, ClientCertificates>,
    /// Names of the server: for a client that asks for one of them, instead of the setting of the
    /// listener.
    pub names: BTreeMap<String, ClientCertificates>,
}

impl Default for ClientCertificateOptions {
    fn default() -> Self {
        Self {
            dot: ClientCertificates::Ask,
            doh: ClientCertificates::Never,
            listeners: BTreeMap::new(),
            names: BTreeMap::new(),
        }
    }
}

impl ClientCertificateOptions {
    /// The setting of the listener at `address`, as written, whose transport has the setting
    /// `transport`.
    pub fn of_listener(
        &self,
        address: SocketAddr,
        transport: ClientCertificates,
    ) -> ClientCertificates {
        self.listeners.get(&address).copied().unwrap_or(transport)
    }

    /// The setting of the server name that a client asks for, or none where the listener decides.
    /// What stands before a name of the server is a token and does not matter here. `names` are all
    /// names of the server: the longest one that fits counts.
    pub fn of_name(&self, asked: Option<&str>, names: &[String]) -> Option<ClientCertificates> {
        if self.names.is_empty() {
            return None;
        }
        let asked = asked?.trim_end_matches('.').to_ascii_lowercase();
        let is_meant = |name: &&String| {
            asked
                .strip_suffix(name.as_str())
                .is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
        };
        let name = names.iter().filter(is_meant).max_by_key(|name| name.len())?;
        self.names.get(name).copied()
    }

    /// A name or an address that is none of the server's own would never act.
    pub(super) fn check(&self, names: &[String], listeners: &[&[SocketAddr]]) -> Result<(), Error> {
        if let Some(name) = self.names.keys().find(|name| !names.contains(name)) {
            return Err(Error::invalid(
                "options.client_certificates.names",
                format!("{name} is not among the names of this server"),
            ));
        }
        let is_unknown = |address: &&SocketAddr| !listeners.iter().any(|all| all.contains(address));
        match self.listeners.keys().find(is_unknown) {
            None => Ok(()),
            Some(address) => Err(Error::invalid(
                "options.client_certificates.listeners",
                format!("{address} is no listener of DNS over TLS or DNS over HTTPS"),
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::ClientCertificates::{Ask, Never, Require};
    use super::*;

    #[test]
    fn a_server_name_decides_with_or_without_a_token_before_it() {
        let names = ["dns.example.org", "work.dns.example.org", "other.example"];
        let names = names.map(str::to_owned);
        let options = ClientCertificateOptions {
            names: [
                ("dns.example.org".to_owned(), Never),
                ("work.dns.example.org".into(), Require),
            ]
            .into(),
            ..Default::default()
        };
        for (asked, expected) in [
            (None, None),
            (Some("dns.example.org"), Some(Never)),
            (Some("DNS.Example.org."), Some(Never)),
            (Some("token.dns.example.org"), Some(Never)),
            (Some("work.dns.example.org"), Some(Require)),
            (Some("token.work.dns.example.org"), Some(Require)),
            (Some("network.example.org"), None),
            (Some("homework.dns.example.org"), Some(Never)),
            (Some("other.example"), None),
            (Some("x.other.example"), None),
            (Some(""), None),
        ] {
            assert_eq!(options.of_name(asked, &names), expected, "{asked:?}");
        }
        assert!(options.check(&names, &[]).is_ok());
        assert!(options.check(&names[1..], &[]).is_err());
    }

    #[test]
    fn a_listener_may_differ_from_its_transport() {
        let [first, second] = ["127.0.0.1:8443", "127.0.0.1:8445"].map(|one| one.parse().unwrap());
        let listeners = [(second, Ask)].into();
        let options = ClientCertificateOptions { listeners, ..Default::default() };
        assert_eq!(options.of_listener(first, options.doh), Never);
        assert_eq!(options.of_listener(second, options.doh), Ask);
        assert!(options.check(&[], &[&[first, second]]).is_ok());
        assert!(options.check(&[], &[&[first]]).is_err());
    }
}
