//! The data plane of Keyhole: everything that must run per packet.
//!
//! Start reading at [`pipeline`]: the way of a query in one function.

pub mod arrival;
pub mod budgets;
pub mod cache;
pub mod catalogue;
pub mod client_identity;
pub mod clock;
mod close_notify;
pub mod connections;
pub mod cookie;
pub mod counters;
mod date;
pub mod dnssec;
pub mod document;
pub mod engine;
pub mod events;
pub mod explain;
pub(crate) mod faults;
pub mod histogram;
pub mod judge;
pub mod list_table;
pub mod listen;
pub mod lookup;
pub mod network;
pub mod options;
pub(crate) mod pem;
pub mod pipeline;
pub mod policy;
pub mod question;
pub mod reason;
pub mod records;
pub mod replay;
pub mod replay_baselines;
pub mod shares;
pub mod snapshot;
pub mod special_addresses;
pub mod spiffe_id;
pub mod stages;
pub mod state;
pub mod subjects;
pub mod tls;
pub mod tls_version;
pub mod trace_context;
pub mod traces;
pub mod transport;
pub mod trust;
pub mod upstream;

pub use keyhole_names::Error;
pub use reason::Reason;
