//! Hints for a failed bind.

use std::io;
use std::net::SocketAddr;

use super::listener::Protocol;
use crate::Error;

/// An error that names address, transport, cause and way out.
pub(super) fn explain(protocol: Protocol, address: SocketAddr, error: io::Error) -> Error {
    let word = protocol.word();
    let port = address.port();
    let why = match error.raw_os_error() {
        Some(libc::EADDRINUSE) => format!(
            "port {port} is in use; keyhole doctor names the program that holds it and says how \
             to make room, or give another port under listen.{word}"
        ),
        Some(libc::EACCES | libc::EPERM) => format!(
            "port {port} is privileged; give a port from 1024 up under listen.{word}, or grant \
             the program CAP_NET_BIND_SERVICE"
        ),
        Some(libc::EADDRNOTAVAIL) => format!(
            "no interface of this machine has the address {}; give one that `ip address` lists \
             under listen.{word}, or 127.0.0.1",
            address.ip()
        ),
        Some(libc::EAFNOSUPPORT) => format!(
            "this machine has no {}; remove the address from listen.{word}",
            if address.is_ipv6() { "IPv6" } else { "IPv4" }
        ),
        Some(libc::EMFILE | libc::ENFILE) => {
            "too many files are open; raise the limit (ulimit -n)".to_owned()
        }
        _ => error.to_string(),
    };
    Error::system(format!("listen on {address} ({word})"), io::Error::new(error.kind(), why))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_refusal_of_the_system_says_what_to_do() {
        for (code, said) in [
            (libc::EADDRINUSE, "port 53 is in use; keyhole doctor names the program"),
            (libc::EACCES, "port 53 is privileged; give a port from 1024 up under listen.dot"),
            (libc::EADDRNOTAVAIL, "no interface of this machine has the address 192.0.2.1"),
            (libc::EAFNOSUPPORT, "this machine has no IPv4"),
            (libc::EMFILE, "too many files are open"),
        ] {
            let error = io::Error::from_raw_os_error(code);
            let text = explain(Protocol::Dot, "192.0.2.1:53".parse().unwrap(), error).to_string();
            assert!(text.starts_with("cannot listen on 192.0.2.1:53 (dot): "), "{text}");
            assert!(text.contains(said), "{text}");
        }
    }
}
