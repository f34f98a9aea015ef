//! The way of a query through an engine: what goes in, what comes out, and what leaves.

#![allow(missing_docs, unreachable_pub, clippy::unwrap_used)]

mod answers;
mod changes;
mod explanation;
mod life;
mod message;
mod policy;
mod reasons;
mod refusals;
mod shape;
mod upstream;
mod world;
