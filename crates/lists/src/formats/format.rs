//! The names of the formats.

use serde::{Deserialize, Serialize};

/// A format of a list file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum Format {
    Hosts,
    Domains,
    Wildcard,
    Adblock,
    Dnsmasq,
    Unbound,
    Rpz,
}

impl Format {
    /// Every format, in the order of detection.
    pub const ALL: &'static [Self] = &[
        Self::Hosts,
        Self::Domains,
        Self::Wildcard,
        Self::Adblock,
        Self::Dnsmasq,
        Self::Unbound,
        Self::Rpz,
    ];

    /// The word for it in documents and reports.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Hosts => "hosts",
            Self::Domains => "domains",
            Self::Wildcard => "wildcard",
            Self::Adblock => "adblock",
            Self::Dnsmasq => "dnsmasq",
            Self::Unbound => "unbound",
            Self::Rpz => "rpz",
        }
    }
}
