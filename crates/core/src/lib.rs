//! The data plane of Keyhole: everything that must run per packet.
//!
//! Start reading at [`pipeline`]: the way of a query in one function.

pub mod cache;
pub mod client_identity;
pub mod clock;
pub mod connections;
pub mod cookie;
pub mod counters;
mod date;
pub mod engine;
pub mod events;
pub mod explain;
pub mod judge;
pub mod listen;
pub mod lookup;
pub mod network;
pub mod options;
pub mod pipeline;
pub mod policy;
pub mod reason;
pub mod records;
pub mod snapshot;
pub mod stages;
pub mod state;
pub mod subjects;
pub mod tls;
pub mod trust;
pub mod upstream;

pub use keyhole_names::Error;
pub use reason::Reason;
