//! The way of a query through an engine: what goes in, what comes out, and what leaves.

#![allow(missing_docs, unreachable_pub, clippy::unwrap_used)]

mod amplification;
mod answers;
mod changes;
mod dnssec;
mod dnssec_clients;
mod dnssec_world;
mod domains;
mod events;
mod explanation;
mod identity;
mod judgment;
mod life;
mod message;
mod observing;
mod pausing;
mod policy;
mod reasons;
mod refusals;
mod repeats;
mod shape;
#[path = "../signer/mod.rs"]
mod signer;
mod split;
mod targets;
mod traces;
mod tunneling;
mod upstream;
mod world;
