//! From the document to what packets ask, with everything checked.

use std::collections::HashSet;

use super::networks::SubjectNetwork;
use super::{Networks, PolicyChoice, SubjectEntry, SubjectMatch, Subjects};
use crate::document::{
    BelowDocument, IdentityDocument, SubjectNetworkDocument, SubjectsDocument, TokenDocument,
};
use crate::faults::Faults;
use crate::network::Network;
use crate::spiffe_id::SpiffeId;

const PATH: &str = "snapshot.subjects";

impl Subjects {
    /// Compiles the subjects of `policies` policies, one of which may be the default. With faults,
    /// the result must not be used.
    pub(crate) fn compile(
        document: SubjectsDocument,
        default: Option<usize>,
        policies: usize,
        faults: &mut Faults,
    ) -> Self {
        let mut compilation = Compilation { subjects: Self::default(), policies, faults };
        let expired = format!("{PATH}.expired");
        compilation.subjects.expired = compilation.policy(document.expired, &expired, "expired");
        compilation.subjects.default =
            compilation.policy(default, "snapshot.default_policy", "default");
        // What lies below a path comes first: identities that only name a client look there.
        for (index, below) in document.below.into_iter().enumerate() {
            compilation.below(&format!("{PATH}.below[{index}]"), below);
        }
        for (index, identity) in document.identities.into_iter().enumerate() {
            compilation.identity(&format!("{PATH}.identities[{index}]"), identity);
        }
        for (index, token) in document.tokens.into_iter().enumerate() {
            compilation.token(&format!("{PATH}.tokens[{index}]"), token);
        }
        compilation.networks(document.networks);
        compilation.subjects
    }
}

struct Compilation<'f> {
    subjects: Subjects,
    policies: usize,
    faults: &'f mut Faults,
}

impl Compilation<'_> {
    /// The index of a policy, if there is such a policy.
    fn policy(&mut self, policy: Option<usize>, path: &str, subject: &str) -> Option<u32> {
        let index = policy?;
        if index >= self.policies {
            let why = format!("policy {index} of only {} ({subject})", self.policies);
            self.faults.add(path, why);
        }
        u32::try_from(index).ok()
    }

    /// Keeps one line of the document; gives its index, and what it says of its policy.
    fn entry(&mut self, path: &str, line: SubjectLine) -> (u32, Option<PolicyChoice>) {
        let policy = self.policy(line.policy, &format!("{path}.policy"), &line.subject);
        self.subjects.choose_policies |= policy.is_some();
        let entry = self.subjects.entries.len() as u32;
        self.subjects.entries.push(SubjectEntry {
            subject: line.subject.into(),
            client: line.client.map(Into::into),
            token: line.token.map(Into::into),
        });
        (entry, policy.map(|policy| PolicyChoice { entry, policy }))
    }

    fn twice(&mut self, path: String, what: &str) {
        self.faults.add(path, format!("{what} is given twice; one policy speaks for one subject"));
    }

    fn below(&mut self, path: &str, document: BelowDocument) {
        let BelowDocument { prefix, policy, subject } = document;
        let place = format!("{path}.prefix");
        // A trust domain alone is a prefix, but no identity (SPIFFE-ID section 2.1).
        if SpiffeId::read(&format!("{prefix}/x")).is_none() {
            let why = format!(
                "{prefix:?} is not the beginning of a SPIFFE ID such as spiffe://example.org/ns \
                 ({subject})"
            );
            return self.faults.add(place, why);
        }
        let line = SubjectLine { subject, policy: Some(policy), ..SubjectLine::default() };
        if let (_, Some(choice)) = self.entry(path, line)
            && !self.subjects.identities.add_below(&prefix, choice)
        {
            self.twice(place, &prefix);
        }
    }

    fn identity(&mut self, path: &str, document: IdentityDocument) {
        let IdentityDocument { id, client, policy, subject } = document;
        let place = format!("{path}.id");
        let Some(read) = SpiffeId::read(&id) else {
            let why = format!(
                "{id:?} is not a SPIFFE ID such as spiffe://example.org/ns/shop/sa/web ({subject})"
            );
            return self.faults.add(place, why);
        };
        let (entry, choice) =
            self.entry(path, SubjectLine { subject, client, policy, token: None });
        if !self.subjects.identities.add(&read, entry, choice) {
            self.twice(place, &id);
        }
    }

    fn token(&mut self, path: &str, document: TokenDocument) {
        let TokenDocument { name, sha256, client, policy, subject } = document;
        let Some(digest) = digest(&sha256) else {
            let why = format!("{sha256:?} is not 64 digits of lower-case hexadecimal ({name})");
            return self.faults.add(format!("{path}.sha256"), why);
        };
        let line = SubjectLine { subject, client, policy, token: Some(name.clone()) };
        let (entry, choice) = self.entry(path, line);
        let found = SubjectMatch { named: Some(entry), choice };
        if self.subjects.tokens.insert(digest, found).is_some() {
            self.twice(format!("{path}.sha256"), &format!("the token {name}"));
        }
        if self.subjects.digests.insert(name.as_str().into(), digest).is_some() {
            self.twice(format!("{path}.name"), &format!("the token {name}"));
        }
    }

    fn networks(&mut self, documents: Vec<SubjectNetworkDocument>) {
        let mut known: HashSet<Network> = HashSet::new();
        let mut networks = Vec::with_capacity(documents.len());
        for (index, document) in documents.into_iter().enumerate() {
            let path = format!("{PATH}.networks[{index}]");
            let SubjectNetworkDocument { network, client, policy, subject } = document;
            let is_named = client.is_some();
            let (entry, choice) =
                self.entry(&path, SubjectLine { subject, client, policy, token: None });
            if !known.insert(network) {
                self.twice(format!("{path}.network"), &network.to_string());
            }
            // Addresses are compared in their IPv4 form, so no address would ever lie in such a
            // network.
            if network.first() != network.first().to_canonical() {
                let why = format!("{network} is IPv4 in IPv6 form; write it as IPv4");
                self.faults.add(format!("{path}.network"), why);
            }
            let found = SubjectMatch { named: is_named.then_some(entry), choice };
            networks.push(SubjectNetwork { network, found });
        }
        self.subjects.networks = Networks::lay_out(&networks);
    }
}

/// What a line of the document says.
#[derive(Default)]
struct SubjectLine {
    subject: String,
    client: Option<String>,
    token: Option<String>,
    policy: Option<usize>,
}

/// A SHA-256 in lower-case hexadecimal.
fn digest(text: &str) -> Option<[u8; 32]> {
    let value = |digit: u8| match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    };
    let mut digest = [0; 32];
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    if pairs.len() != digest.len() || !rest.is_empty() {
        return None;
    }
    for (octet, [high, low]) in digest.iter_mut().zip(pairs) {
        *octet = value(*high)? << 4 | value(*low)?;
    }
    Some(digest)
}
