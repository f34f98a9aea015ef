//! identify: who asks, and which policy applies?
//!
//! What a client shows is accepted or refused; a bad credential never falls back to the network of
//! the client. Without a policy the query is refused.

use std::net::IpAddr;
use std::ops::ControlFlow;

use serde_json::{Value, json};

use super::End;
use super::admit::Admitted;
use crate::Reason;
use crate::client_identity::{ClientIdentity, Credential};
use crate::policy::{Policy, Step, Trace};
use crate::reason::Stage;
use crate::snapshot::Snapshot;
use crate::spiffe_id::SpiffeId;
use crate::subjects::ClientRef;
use crate::trust::CertificateStatus;

/// A client whose policy is known.
pub struct Identified<'s> {
    /// The policy that decides; exactly one does.
    pub policy: &'s Policy,
    /// Who asks; [`Snapshot::subjects`] has the names.
    pub client_ref: ClientRef,
}

/// Finds the policy of the client at the other end of a connection from `address`.
#[inline]
pub fn identify<'s>(
    snapshot: &'s Snapshot,
    identity: &ClientIdentity,
    address: IpAddr,
    _: Admitted,
    trace: &mut impl Trace,
) -> ControlFlow<End, Identified<'s>> {
    trace.step(|| shown(snapshot, identity, address));
    let subjects = &snapshot.subjects;
    let client_ref = match &identity.credential {
        Credential::Nothing if identity.by_network => subjects.decide(subjects.address(address)),
        Credential::Nothing => return refuse(Reason::NoIdentity, trace),
        Credential::Certificate(svid) => match snapshot.trust.status(svid) {
            CertificateStatus::Good => by_identity(snapshot, &svid.id, svid.expired, trace)?,
            CertificateStatus::Revoked => return refuse(Reason::IdentityRevoked, trace),
            CertificateStatus::Untrusted => return refuse(Reason::IdentityUntrusted, trace),
        },
        Credential::Mesh(id) if snapshot.trust.revokes(id) => {
            return refuse(Reason::IdentityRevoked, trace);
        }
        Credential::Mesh(id) => by_identity(snapshot, id, false, trace)?,
        Credential::Token(digest) => match subjects.token(digest) {
            Some(found) => subjects.decide(found),
            None => return refuse(Reason::UnknownToken, trace),
        },
        Credential::Unreadable => return refuse(Reason::UnreadableIdentity, trace),
    };
    let known = client_ref
        .and_then(|client_ref| Some((client_ref, snapshot.policies.get(client_ref.policy())?)));
    let Some((client_ref, policy)) = known else { return refuse(Reason::NoPolicy, trace) };
    trace.step(|| spoken_for(snapshot, &client_ref, policy));
    ControlFlow::Continue(Identified { policy, client_ref })
}

/// The subjects that mean an identity. With an expired certificate only the policy for those speaks
/// for it: enough to get a new one, where a document says so.
#[inline]
fn by_identity(
    snapshot: &Snapshot,
    id: &SpiffeId,
    expired: bool,
    trace: &mut impl Trace,
) -> ControlFlow<End, Option<ClientRef>> {
    let found = snapshot.subjects.identity(id);
    if !expired {
        return ControlFlow::Continue(snapshot.subjects.decide(found));
    }
    match snapshot.subjects.decide_expired(found) {
        Some(client_ref) => ControlFlow::Continue(Some(client_ref)),
        None => refuse(Reason::IdentityExpired, trace),
    }
}

#[cold]
fn refuse<T>(reason: Reason, trace: &mut impl Trace) -> ControlFlow<End, T> {
    trace.step(|| step("subjects", reason.meaning(), true, Value::Null));
    ControlFlow::Break(End::because(reason))
}

/// The step that says what the client showed.
fn shown(snapshot: &Snapshot, identity: &ClientIdentity, address: IpAddr) -> Step {
    let (result, detail) = match &identity.credential {
        Credential::Nothing => ("nothing", json!({ "address": address })),
        Credential::Certificate(svid) if svid.expired => {
            ("an expired certificate", json!({ "identity": svid.id.as_str() }))
        }
        Credential::Certificate(svid) => ("a certificate", json!({ "identity": svid.id.as_str() })),
        Credential::Mesh(id) => ("an identity in the mesh", json!({ "identity": id.as_str() })),
        Credential::Token(digest) => {
            ("a token", json!({ "token": snapshot.subjects.token_name(digest) }))
        }
        Credential::Unreadable => ("something that cannot be read", Value::Null),
    };
    step("shown", result, false, detail)
}

/// The step that says which subject chose which policy.
fn spoken_for(snapshot: &Snapshot, client_ref: &ClientRef, policy: &Policy) -> Step {
    let subjects = &snapshot.subjects;
    let detail = json!({
        "client": subjects.client(client_ref),
        "policy": policy.name,
        "origin": policy.origin,
    });
    Step {
        result: subjects.subject(client_ref).to_owned().into(),
        ..step("subjects", "", true, detail)
    }
}

fn step(what: &'static str, result: &'static str, decides: bool, detail: Value) -> Step {
    Step { stage: Stage::Identify, what: what.into(), result: result.into(), decides, detail }
}
