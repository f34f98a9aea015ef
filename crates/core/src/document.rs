//! The snapshot as Python writes it: policy with all defaults resolved and all names absolute.
//!
//! These types are the source of its schema. No field is optional in meaning; an unknown field or
//! version is an error.

use std::net::SocketAddr;
use std::path::PathBuf;

pub use keyhole_names::list_file::ListKind;
use serde::{Deserialize, Serialize};

mod identity;
mod rule;
mod tunneling;

pub use identity::{
    BelowDocument, IdentityDocument, NotBeforeDocument, RevokedCertificateDocument,
    RevokedDocument, SubjectNetworkDocument, SubjectsDocument, TokenDocument, TrustDocument,
    TrustDomainDocument,
};
pub use rule::{
    Action, AnswerDocument, MatchDocument, Mode, RuleDocument, ScheduleDocument, SpanDocument,
};
pub use tunneling::{ExemptDocument, SplitDocument, TunnelingDocument};

/// The version of this document; another one is an error.
pub const SNAPSHOT_VERSION: u32 = 1;

/// One compiled set of documents.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct SnapshotDocument {
    /// Always [`SNAPSHOT_VERSION`].
    pub version: u32,
    /// Grows with each snapshot; shown wherever a decision is shown.
    pub number: u64,
    /// The compiled lists, or none when no policy uses a list.
    pub list_file: Option<ListFileDocument>,
    /// The lists in the order of their ids in the compiled file.
    pub lists: Vec<ListDocument>,
    /// Every upstream that a set may name.
    pub upstreams: Vec<UpstreamDocument>,
    /// Groups of upstreams; a policy asks one of them.
    pub upstream_sets: Vec<UpstreamSetDocument>,
    /// Local records.
    pub records: Vec<RecordDocument>,
    /// Groups of local records, by index; each policy sees one of them.
    pub record_sets: Vec<Vec<usize>>,
    /// Names whose addresses are those of another name, in groups; a policy uses one of them. A
    /// snapshot of an earlier version has none.
    #[serde(default)]
    pub rewrite_sets: Vec<Vec<RewriteDocument>>,
    /// When rules act that do not always.
    pub schedules: Vec<ScheduleDocument>,
    /// Whose certificates are accepted.
    pub trust: TrustDocument,
    /// Which policy applies to which client.
    pub subjects: SubjectsDocument,
    /// Names whose queries are not logged, whoever asks.
    pub unlogged: Vec<MatchDocument>,
    /// Policies.
    pub policies: Vec<PolicyDocument>,
    /// The index of the policy of a client that no subject means; none refuses it.
    pub default_policy: Option<usize>,
}

/// Where the compiled lists are.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct ListFileDocument {
    /// Absolute path.
    pub path: PathBuf,
    /// SHA-256 of the file in lower-case hexadecimal; a file that differs is refused.
    pub sha256: String,
}

/// A list by name.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct ListDocument {
    /// `metadata.name` of the document.
    pub name: String,
    /// What a hit means.
    pub kind: ListKind,
}

/// One upstream.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct UpstreamDocument {
    /// `metadata.name` of the document.
    pub name: String,
    /// How it is asked.
    pub protocol: UpstreamProtocol,
    /// Bootstrap addresses, tried in order; finding DNS needs no DNS.
    pub addresses: Vec<SocketAddr>,
    /// The name or address that the certificate must carry as a SAN; empty for `tcp`. With a
    /// `server_id` it is only the name to ask for (SNI, authority of DoH), or empty.
    pub server_name: String,
    /// The path of DoH; empty otherwise.
    pub path: String,
    /// SHA-256 of acceptable SubjectPublicKeyInfo in base64; empty: any that chains to the roots.
    pub pins: Vec<String>,
    /// The SPIFFE ID that the certificate must carry instead of a name or address.
    pub server_id: Option<String>,
    /// The roots of the certificate.
    pub roots: RootsDocument,
    /// Certificate revocation lists (RFC 5280 section 5), PEM; empty for none.
    pub crls: String,
    /// The identity, given by `install_identity`, whose certificate is shown; none shows nothing.
    pub client_identity: Option<String>,
    /// Whether nothing encrypts the queries, not even a mesh, as the document says. One of an
    /// earlier version never said so.
    #[serde(default)]
    pub cleartext: bool,
}

/// How an upstream is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum UpstreamProtocol {
    /// DNS over HTTPS with HTTP/2 (RFC 8484).
    Doh,
    /// DNS over TLS (RFC 7858).
    Dot,
    /// DNS over HTTP/2 in the clear, for a mesh that encrypts it (`insecure`).
    DohCleartext,
    /// DNS over TCP in the clear, only where the document says why (`insecure`).
    Tcp,
}

/// Trust anchors of an upstream.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum RootsDocument {
    /// The public roots that Mozilla trusts, compiled in.
    Public,
    /// Exactly these certificates, PEM.
    Pem(String),
}

/// A group of upstreams that answer the same question the same way.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct UpstreamSetDocument {
    /// Its name in explanations.
    pub name: String,
    /// Indices of upstreams, preferred first.
    pub upstreams: Vec<usize>,
    /// Milliseconds without an answer after which a second upstream is asked as well.
    pub hedge_ms: u64,
    /// Milliseconds after which a try counts as failed.
    pub timeout_ms: u64,
    /// How answers are validated; none where nobody does. A snapshot of an earlier version has none.
    #[serde(default)]
    pub validation: Option<ValidationDocument>,
}

/// DNSSEC validation of what the upstreams of a set say.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct ValidationDocument {
    /// Whether it acts.
    pub mode: ValidationMode,
    /// Where trust begins. With none, mode `on` takes everything as insecure: no AD is passed on.
    pub anchors: Vec<AnchorDocument>,
    /// Domains that are left out for a while (RFC 7646).
    pub exempt: Vec<NegativeAnchorDocument>,
}

/// Whether what validation finds out acts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ValidationMode {
    /// It is only counted, and told by `explain`.
    Log,
    /// Answers that fail are withheld.
    On,
}

/// A trust anchor: a DS record (RFC 4034 section 5).
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct AnchorDocument {
    /// The zone, absolute; `.` for the root.
    pub name: String,
    /// The tag of the key.
    pub tag: u16,
    /// The algorithm of the key.
    pub algorithm: u8,
    /// The algorithm of the digest.
    pub digest_type: u8,
    /// The digest in hexadecimal.
    pub digest: String,
}

/// A negative trust anchor.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct NegativeAnchorDocument {
    /// The domain, absolute; it stands for all names at and below it.
    pub name: String,
    /// Until when, in seconds of Unix time.
    pub until: i64,
}

/// One local record.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct RecordDocument {
    /// The owner, absolute without the last dot; `*.` in front covers every name below without
    /// records of its own.
    pub name: String,
    /// Seconds, 0 to 604800.
    pub ttl: u32,
    /// What it says.
    pub data: RecordDataDocument,
    /// Where it was declared, such as `records.yaml:7 Record/printer`.
    pub origin: String,
}

/// What a local record says.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[allow(missing_docs)]
pub enum RecordDataDocument {
    A(std::net::Ipv4Addr),
    Aaaa(std::net::Ipv6Addr),
    Cname(String),
    Ptr(String),
    /// The character strings of one TXT record, each at most 255 octets.
    Txt(Vec<String>),
}

/// A name whose addresses are those of another name.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct RewriteDocument {
    /// The name, absolute without the last dot; names below it are not rewritten.
    pub name: String,
    /// The name whose addresses it gets.
    pub target: String,
    /// What rewrites it, for people, such as `safe search: google`.
    pub title: String,
}

/// One policy.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct PolicyDocument {
    /// `metadata.name` of the document.
    pub name: String,
    /// Whether it acts, or answers everything and only records what it would have done.
    pub mode: Mode,
    /// How much of each query may be written down.
    pub log: LogLevel,
    /// What happens to a name that no rule and no list decides.
    pub default: DefaultDocument,
    /// Rules in the order of the document.
    pub rules: Vec<RuleDocument>,
    /// Ids of the lists in use.
    pub lists: Vec<usize>,
    /// How a name on a block list is answered.
    pub list_answer: AnswerDocument,
    /// Whether lists act or only record what they would have done.
    pub list_mode: Mode,
    /// While blocking is paused: block rules and block lists only record; none for never.
    pub paused: Option<SpanDocument>,
    /// Whether answers with private addresses for public names are withheld.
    pub private_addresses: PrivateAddresses,
    /// Public names whose answers may have private addresses, whatever is said for all.
    pub private_names: Vec<MatchDocument>,
    /// Names with a special use that the upstreams are asked for, because they serve them.
    pub forwarded_names: Vec<MatchDocument>,
    /// What happens when names carry much data out; none where nobody looks.
    pub tunneling: Option<TunnelingDocument>,
    /// What happens when a client asks for many domains that do not exist; none where nobody looks.
    /// That of an earlier version has none.
    #[serde(default)]
    pub missing_domains: Option<Mode>,
    /// Seconds for which a client may keep the answer for a blocked name, 0 to 86400.
    pub blocked_ttl: u32,
    /// Domains for which other upstream sets are asked. A snapshot of an earlier version has none.
    #[serde(default)]
    pub domains: Vec<ForwardedDomainDocument>,
    /// The index of the upstream set that answers for all other names.
    pub upstream_set: usize,
    /// The index of the records that its clients see.
    pub record_set: usize,
    /// The index of the names that are rewritten for its clients; none rewrites nothing. One of an
    /// earlier version has none.
    #[serde(default)]
    pub rewrite_set: Option<usize>,
    /// Where it was declared.
    pub origin: String,
}

/// A domain and who is asked for it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct ForwardedDomainDocument {
    /// The domain, absolute without the last dot; it stands for all names at and below it.
    pub name: String,
    /// The index of the upstream set that is asked for them, and no other.
    pub upstream_set: usize,
}

/// What happens to a name that nothing decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum DefaultDocument {
    Allow,
    Deny,
}

/// How much of a query may be written down, from the most to the least.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum LogLevel {
    /// Who asked for what.
    Full,
    /// What was asked for, not by whom.
    Anonymous,
    /// Nothing; it is only counted.
    None,
}

/// What happens to a private address in the answer for a public name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum PrivateAddresses {
    Allow,
    Block,
}
