//! Why a query ended as it did: one closed table for every place that says so.

use keyhole_wire::Rcode;
use serde::Serialize;

/// What kind of end a reason is; the first thing that a person wants to know.
macro_rules! words {
    ($(#[doc = $about:literal])* $type:ident: $(#[doc = $doc:literal] $name:ident, $word:literal;)*) => {
        $(#[doc = $about])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
        #[serde(rename_all = "snake_case")]
        pub enum $type { $(#[doc = $doc] $name),* }

        impl $type {
            /// All of them, in the order of the table.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// The word in log, API and UI.
            pub const fn word(self) -> &'static str { match self { $(Self::$name => $word),* } }
            /// One sentence for people.
            pub const fn meaning(self) -> &'static str { match self { $(Self::$name => $doc),* } }
        }
    };
}

words! {
    #[doc = "What kind of end a reason is; the first thing that a person wants to know."]
    Outcome:
    #[doc = "The client got what the name really says."]
    Answered, "answered";
    #[doc = "Policy withheld the answer."]
    Blocked, "blocked";
    #[doc = "The client or its question is not served."]
    Refused, "refused";
    #[doc = "Keyhole or an upstream could not do it."]
    Failed, "failed";
    #[doc = "Nothing was sent."]
    Dropped, "dropped";
}

words! {
    #[doc = "A stage of the way of a query, in the order in which they run."]
    Stage:
    #[doc = "Takes a message from a transport and sets its deadline."]
    Receive, "receive";
    #[doc = "Reads one well-formed question."]
    Parse, "parse";
    #[doc = "Applies limits and served networks."]
    Admit, "admit";
    #[doc = "Determines the client and its policy."]
    Identify, "identify";
    #[doc = "Decides whether the client may ask, and gives the permit."]
    Authorize, "authorize";
    #[doc = "Stops questions that carry data out."]
    Screen, "screen";
    #[doc = "Finds the answer: local records, cache, upstream."]
    Fetch, "fetch";
    #[doc = "Checks the answer: CNAME targets, private addresses."]
    Vet, "vet";
    #[doc = "Writes the answer for the transport."]
    Reply, "reply";
    #[doc = "Counts the query and records one event."]
    Record, "record";
}

macro_rules! reasons {
    ($(#[doc = $doc:literal] $name:ident, $word:literal, $outcome:ident, $stage:ident, $rcode:expr, $ede:expr;)*) => {
        /// Why a query ended. The table below gives each reason its response code, its extended
        /// DNS error (RFC 8914 section 4) and its word in metrics, log, API and UI.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[repr(u8)]
        pub enum Reason { $(#[doc = $doc] $name),* }

        impl Reason {
            /// Every reason, in the order of the table.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// The word used in metrics, log, API and UI, and as text of the extended error.
            pub const fn word(self) -> &'static str { match self { $(Self::$name => $word),* } }
            /// What kind of end it is.
            pub const fn outcome(self) -> Outcome { match self { $(Self::$name => Outcome::$outcome),* } }
            /// The stage that ends a query for this reason.
            pub const fn stage(self) -> Stage { match self { $(Self::$name => Stage::$stage),* } }
            /// The response code, or none where the answer brings its own or nothing is sent.
            pub const fn rcode(self) -> Option<Rcode> { match self { $(Self::$name => $rcode),* } }
            /// The extended DNS error code, or none (RFC 8914).
            pub const fn extended_error(self) -> Option<u16> { match self { $(Self::$name => $ede),* } }
            /// One sentence for people.
            pub const fn meaning(self) -> &'static str {
                match self { $(Self::$name => $doc),* }
            }
        }
    };
}

// word and spelling: one reason has one spelling in four cases.
reasons! {
    #[doc = "An upstream answered."]
    Forwarded, "forwarded", Answered, Fetch, None, None;
    #[doc = "The cache held a fresh answer."]
    Cached, "cached", Answered, Fetch, None, None;
    #[doc = "Every upstream failed and the cache held an expired answer (RFC 8767)."]
    Stale, "stale", Answered, Fetch, None, Some(3);
    #[doc = "A local record answered."]
    LocalRecord, "local_record", Answered, Fetch, None, None;
    #[doc = "The name is special and answered locally (RFC 6761)."]
    SpecialUse, "special_use", Answered, Fetch, None, None;
    #[doc = "A rule of the policy blocks the name."]
    BlockedByRule, "blocked_by_rule", Blocked, Authorize, None, Some(15);
    #[doc = "A list of the policy blocks the name."]
    BlockedByList, "blocked_by_list", Blocked, Authorize, None, Some(15);
    #[doc = "The policy denies what no rule allows; no data where it allows other types of the name."]
    DeniedByDefault, "denied_by_default", Blocked, Authorize, Some(Rcode::REFUSED), Some(18);
    #[doc = "The answer leads to a name or an address that the policy blocks."]
    BlockedTarget, "blocked_target", Blocked, Vet, None, Some(15);
    #[doc = "A public name answered with a private address (DNS rebinding)."]
    PrivateAddress, "private_address", Blocked, Vet, Some(Rcode::NOERROR), Some(17);
    #[doc = "The TLS handshake failed: no common version or protocol, or it was no TLS."]
    HandshakeFailed, "handshake_failed", Refused, Receive, None, None;
    #[doc = "The client gave up the TLS handshake: it does not accept the certificate of this server."]
    ServerCertificateRefused, "server_certificate_refused", Refused, Receive, None, None;
    #[doc = "The client showed no certificate in the TLS handshake, where one is required."]
    CertificateMissing, "certificate_missing", Refused, Receive, None, None;
    #[doc = "No trusted authority has issued the certificate of the client, or its state is not known."]
    CertificateUntrusted, "certificate_untrusted", Refused, Receive, None, None;
    #[doc = "A certificate in the chain of the client has expired."]
    CertificateExpired, "certificate_expired", Refused, Receive, None, None;
    #[doc = "The certificate of the client, or one that signed it, is not valid yet."]
    CertificateNotYetValid, "certificate_not_yet_valid", Refused, Receive, None, None;
    #[doc = "The certificate of the client, its identity, or one that signed it was revoked."]
    CertificateRevoked, "certificate_revoked", Refused, Receive, None, None;
    #[doc = "The certificate of the client names no identity, is for another purpose, breaks a rule, or is not its own."]
    CertificateInvalid, "certificate_invalid", Refused, Receive, None, None;
    #[doc = "The connection was closed before its client could ask, or a request on it was refused: a limit was reached."]
    ConnectionOverLimit, "connection_over_limit", Refused, Receive, None, None;
    #[doc = "A connection to the mesh listener came from no listed sidecar, or did not begin with its header."]
    SidecarRefused, "sidecar_refused", Refused, Receive, None, None;
    #[doc = "Keyhole has no snapshot yet and refuses everything."]
    NotReady, "not_ready", Refused, Parse, Some(Rcode::REFUSED), Some(14);
    #[doc = "The client's network is not among those served."]
    NetworkNotServed, "network_not_served", Refused, Admit, Some(Rcode::REFUSED), Some(18);
    #[doc = "Too many queries are under way."]
    Overloaded, "overloaded", Failed, Fetch, Some(Rcode::SERVFAIL), Some(0);
    #[doc = "No policy applies to the client."]
    NoPolicy, "no_policy", Refused, Identify, Some(Rcode::REFUSED), Some(18);
    #[doc = "Zone transfers and other meta types are not served."]
    TypeNotServed, "type_not_served", Refused, Authorize, Some(Rcode::REFUSED), Some(18);
    #[doc = "ANY gets one small record instead of everything (RFC 8482)."]
    MinimalAny, "minimal_any", Answered, Fetch, None, None;
    #[doc = "The message breaks the rules of DNS."]
    Malformed, "malformed", Refused, Parse, Some(Rcode::FORMERR), None;
    #[doc = "Not a question: the client asks for a server cookie (RFC 7873)."]
    CookieAlone, "cookie_alone", Answered, Parse, None, None;
    #[doc = "The operation is not implemented."]
    NotImplemented, "not_implemented", Refused, Parse, Some(Rcode::NOTIMP), Some(21);
    #[doc = "The class is not IN."]
    ClassNotServed, "class_not_served", Refused, Parse, Some(Rcode::REFUSED), Some(21);
    #[doc = "The EDNS version is not 0 (RFC 6891)."]
    BadVersion, "bad_version", Refused, Parse, Some(Rcode::BADVERS), None;
    #[doc = "The bytes are no question and deserve no answer."]
    Unparseable, "unparseable", Dropped, Parse, None, None;
    #[doc = "No upstream could be reached."]
    UpstreamUnreachable, "upstream_unreachable", Failed, Fetch, Some(Rcode::SERVFAIL), Some(22);
    #[doc = "No upstream answered in time."]
    UpstreamTimeout, "upstream_timeout", Failed, Fetch, Some(Rcode::SERVFAIL), Some(22);
    #[doc = "The type carries arbitrary bytes and serves tunnels alone."]
    TunnelType, "tunnel_type", Blocked, Screen, Some(Rcode::REFUSED), Some(17);
    #[doc = "The client's budget of octets in names below the domain is used up, which only a tunnel needs."]
    TunnelBudget, "tunnel_budget", Blocked, Screen, Some(Rcode::REFUSED), Some(17);
    #[doc = "The client asks for new names below the domain too fast, close to the end of its budget."]
    TunnelThrottled, "tunnel_throttled", Blocked, Screen, Some(Rcode::REFUSED), Some(17);
    #[doc = "The name is new for the client, and all clients together told the domain more by names than one channel split over them may carry."]
    TunnelSplit, "tunnel_split", Blocked, Screen, Some(Rcode::REFUSED), Some(17);
    #[doc = "The client asked for many domains that do not exist, as malware does that looks for its server; another new domain may pass in ten seconds."]
    MissingDomains, "missing_domains", Blocked, Screen, Some(Rcode::REFUSED), Some(17);
    #[doc = "An upstream could not prove who it is."]
    UpstreamUntrusted, "upstream_untrusted", Failed, Fetch, Some(Rcode::SERVFAIL), Some(22);
    #[doc = "An upstream answered with bytes that are no answer."]
    UpstreamInvalid, "upstream_invalid", Failed, Fetch, Some(Rcode::SERVFAIL), Some(23);
    #[doc = "The same question failed a moment ago (RFC 9520)."]
    CachedFailure, "cached_failure", Failed, Fetch, Some(Rcode::SERVFAIL), Some(13);
    #[doc = "A signature of DNSSEC is not one of its zone."]
    DnssecBogus, "dnssec_bogus", Failed, Fetch, Some(Rcode::SERVFAIL), Some(6);
    #[doc = "The signatures of DNSSEC have expired, or the clock is ahead."]
    DnssecSignatureExpired, "dnssec_signature_expired", Failed, Fetch, Some(Rcode::SERVFAIL), Some(7);
    #[doc = "The signatures of DNSSEC are not valid yet, or the clock is behind."]
    DnssecSignatureNotYetValid, "dnssec_signature_not_yet_valid", Failed, Fetch, Some(Rcode::SERVFAIL), Some(8);
    #[doc = "The zone does not show the key that its parent or a trust anchor names, or that made a signature."]
    DnssecKeyMissing, "dnssec_key_missing", Failed, Fetch, Some(Rcode::SERVFAIL), Some(9);
    #[doc = "Records of a signed zone came without a signature."]
    DnssecSignatureMissing, "dnssec_signature_missing", Failed, Fetch, Some(Rcode::SERVFAIL), Some(10);
    #[doc = "A signed zone gave no proof that the name or the type does not exist."]
    DnssecProofMissing, "dnssec_proof_missing", Failed, Fetch, Some(Rcode::SERVFAIL), Some(12);
    #[doc = "The zone hashes its names too often for its proofs to be checked (RFC 9276)."]
    DnssecIterations, "dnssec_iterations", Failed, Fetch, Some(Rcode::SERVFAIL), Some(27);
    #[doc = "To validate the answer would take more work than any honest zone needs."]
    DnssecOverLimit, "dnssec_over_limit", Failed, Fetch, Some(Rcode::SERVFAIL), Some(5);
    #[doc = "The keys that the answer is to be validated with could not be fetched."]
    DnssecIndeterminate, "dnssec_indeterminate", Failed, Fetch, Some(Rcode::SERVFAIL), Some(5);
    #[doc = "Keyhole made a mistake; it is counted and the next query is not affected."]
    InternalError, "internal_error", Failed, Fetch, Some(Rcode::SERVFAIL), Some(0);
    #[doc = "The client wanted no recursion, and neither cache nor local records know the answer."]
    RecursionNotDesired, "recursion_not_desired", Refused, Fetch, Some(Rcode::REFUSED), Some(20);
    #[doc = "The client showed neither certificate nor token where one is asked for."]
    NoIdentity, "no_identity", Refused, Identify, Some(Rcode::REFUSED), Some(18);
    #[doc = "What the client showed of itself cannot be read."]
    UnreadableIdentity, "unreadable_identity", Refused, Identify, Some(Rcode::REFUSED), Some(18);
    #[doc = "The client's token is not known, or no longer."]
    UnknownToken, "unknown_token", Refused, Identify, Some(Rcode::REFUSED), Some(18);
    #[doc = "The client's certificate or identity was revoked."]
    IdentityRevoked, "identity_revoked", Refused, Identify, Some(Rcode::REFUSED), Some(18);
    #[doc = "Whoever issued the client's certificate is no longer trusted."]
    IdentityUntrusted, "identity_untrusted", Refused, Identify, Some(Rcode::REFUSED), Some(18);
    #[doc = "The client's certificate has expired."]
    IdentityExpired, "identity_expired", Refused, Identify, Some(Rcode::REFUSED), Some(18);
}

impl Reason {
    /// Whether it turns a client away before anything was done for it. Who asks does not pay for
    /// that, so that the query log sums such queries up.
    pub const fn is_turned_away(self) -> bool {
        matches!(self.stage(), Stage::Receive | Stage::Parse | Stage::Admit | Stage::Identify)
            || matches!(self, Self::Overloaded)
    }

    /// Whether an upstream gave an answer that was not validated.
    pub const fn is_dnssec(self) -> bool {
        matches!(
            self,
            Self::DnssecBogus
                | Self::DnssecSignatureExpired
                | Self::DnssecSignatureNotYetValid
                | Self::DnssecKeyMissing
                | Self::DnssecSignatureMissing
                | Self::DnssecProofMissing
                | Self::DnssecIterations
                | Self::DnssecOverLimit
                | Self::DnssecIndeterminate
        )
    }

    /// The same but for keys that an upstream did not give: that says nothing of the answer, and what
    /// was validated before may serve meanwhile (RFC 8767 section 5).
    pub const fn is_withheld(self) -> bool {
        self.is_dnssec() && !matches!(self, Self::DnssecIndeterminate)
    }

    /// Whether the connection ends with it: its owner would not be let in again.
    pub const fn closes_connection(self) -> bool {
        matches!(self, Self::IdentityRevoked | Self::IdentityUntrusted)
    }
}

/// One row of the table, as `catalogue` gives it.
#[derive(Serialize)]
pub struct Row {
    name: String,
    word: &'static str,
    outcome: Outcome,
    stage: Stage,
    rcode: Option<u16>,
    extended_error: Option<u16>,
    meaning: &'static str,
}

/// The whole table, for schema, documentation and tests.
pub fn table() -> Vec<Row> {
    Reason::ALL
        .iter()
        .map(|reason| Row {
            name: format!("{reason:?}"),
            word: reason.word(),
            outcome: reason.outcome(),
            stage: reason.stage(),
            rcode: reason.rcode().map(|rcode| rcode.0),
            extended_error: reason.extended_error(),
            meaning: reason.meaning(),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_the_name_in_snake_case() {
        for reason in Reason::ALL {
            let mut snake = String::new();
            for letter in format!("{reason:?}").chars() {
                if letter.is_ascii_uppercase() && !snake.is_empty() {
                    snake.push('_');
                }
                snake.push(letter.to_ascii_lowercase());
            }
            assert_eq!(reason.word(), snake);
        }
    }

    #[test]
    fn what_is_withheld_or_fails_names_an_extended_error() {
        let withheld =
            |reason: &&Reason| matches!(reason.outcome(), Outcome::Blocked | Outcome::Failed);
        let silent = Reason::ALL.iter().filter(withheld).find(|one| one.extended_error().is_none());
        assert_eq!(silent, None);
        assert!(Reason::ALL.iter().any(|one| withheld(&one)));
    }
}
