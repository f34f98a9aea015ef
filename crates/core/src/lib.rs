//! The data plane of Keyhole: everything that must run per packet.

pub mod cache;
pub mod engine;
pub mod error;
pub mod lookup;
pub mod network;
pub mod options;
pub mod pipeline;
pub mod reason;
pub mod snapshot;
pub mod stages;
pub mod upstream;

pub use error::Error;
pub use reason::Reason;
