//! The data plane of Keyhole: everything that must run per packet.

pub mod engine;
pub mod error;
pub mod listen;
pub mod network;
pub mod options;
pub mod pipeline;
pub mod reason;
pub mod snapshot;
pub mod stages;
pub mod tls;

pub use error::Error;
pub use reason::Reason;
