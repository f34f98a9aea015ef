//! The names of the formats.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

macro_rules! formats {
    ($(#[doc = $doc:literal] $name:ident, $word:literal;)*) => {
        /// A format of a list file.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
        #[serde(rename_all = "snake_case")]
        pub enum Format { $(#[doc = $doc] $name),* }

        impl Format {
            /// Every format, in the order of detection.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// The word for it in documents and reports.
            pub const fn word(self) -> &'static str { match self { $(Self::$name => $word),* } }
            /// What a line of it looks like.
            pub const fn meaning(self) -> &'static str { match self { $(Self::$name => $doc),* } }
        }
    };
}

formats! {
    #[doc = "A hosts file: `0.0.0.0 x`."]
    Hosts, "hosts";
    #[doc = "One name a line: `x`."]
    Domains, "domains";
    #[doc = "One name a line, with wildcards: `*.x`."]
    Wildcard, "wildcard";
    #[doc = "Filter rules of ad blockers: `||x^`."]
    Adblock, "adblock";
    #[doc = "Settings of dnsmasq: `address=/x/`, `local=/x/`."]
    Dnsmasq, "dnsmasq";
    #[doc = "Settings of unbound: `local-zone: \"x\" always_null`."]
    Unbound, "unbound";
    #[doc = "A response policy zone: `x CNAME .`."]
    Rpz, "rpz";
}

/// The table of the formats, for the core's catalogue.
pub fn catalogue() -> Value {
    Format::ALL.iter().map(|one| json!({"word": one.word(), "meaning": one.meaning()})).collect()
}
