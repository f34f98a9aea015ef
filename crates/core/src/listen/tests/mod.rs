//! The promises of the listeners, over real sockets and real TLS.

mod asked;
mod bind;
mod certificates;
mod client_identities;
mod dot;
mod drain;
mod http;
mod http1;
mod http2;
mod http2_limits;
mod life;
mod limits;
mod mesh;
mod open_requests;
mod tcp;
mod udp;
mod world;
