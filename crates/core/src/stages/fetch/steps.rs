//! What `fetch` tells those who explain a query.

use keyhole_names::HashedName;
use keyhole_wire::RecordType;
use serde_json::{Value, json};

use crate::dnssec::{Rules, Security};
use crate::document::Mode;
use crate::policy::{Domain, Policy, Step, Trace};
use crate::question::Question;
use crate::reason::Stage;
use crate::records::{Records, Rewrite, SpecialZone};
use crate::upstream::UpstreamSet;

pub(super) fn trace_records(
    trace: &mut impl Trace,
    records: &Records,
    question: &Question,
    result: &'static str,
) {
    trace.step(|| {
        let origin = records.origin(&question.hashed);
        step("local records", result, true, json!({ "origin": origin }))
    });
}

pub(super) fn trace_rewrite(trace: &mut impl Trace, rewrite: &Rewrite, result: &'static str) {
    trace.step(|| {
        let detail = json!({ "rewrite": rewrite.title, "leads_to": rewrite.target.to_string() });
        step("rewritten names", result, true, detail)
    });
}

pub(super) fn trace_special(trace: &mut impl Trace, zone: SpecialZone) {
    let detail = || json!({ "reference": zone.reference() });
    trace.step(|| step("special-use names", "answers", true, detail()));
}

/// What `vet` will do with private addresses, for `explain`, which has no answer.
pub(super) fn private_step(policy: &Policy, hashed: &HashedName) -> Step {
    let (result, setting) = if policy.private_names.has(hashed) {
        ("allowed for this name", "privateAddresses.allow")
    } else if policy.forwarded_names.has(hashed) {
        ("allowed for this name", "specialNames.forward")
    } else if policy.domains.find(hashed, RecordType::A).is_some() {
        ("allowed for names of this domain", "domains of the upstream")
    } else if policy.allows_private(hashed) {
        ("allowed", "privateAddresses")
    } else if policy.mode == Mode::Observe {
        ("would be withheld, but the policy only observes", "privateAddresses")
    } else {
        ("withheld", "privateAddresses")
    };
    let detail = json!({ "by": setting, "policy": policy.name, "origin": policy.origin });
    let what = "private addresses in the answer".into();
    Step { stage: Stage::Vet, what, result: result.into(), decides: false, detail }
}

pub(super) fn step(what: &'static str, result: &'static str, decides: bool, detail: Value) -> Step {
    Step { stage: Stage::Fetch, what: what.into(), result: result.into(), decides, detail }
}

/// What DNSSEC validation found out, where anybody looked.
#[inline]
pub(super) fn trace_security(trace: &mut impl Trace, set: &UpstreamSet, security: Security) {
    if security != Security::Unchecked {
        trace.step(|| security_step(set, security));
    }
}

fn security_step(set: &UpstreamSet, security: Security) -> Step {
    let acts = set.rules().is_some_and(Rules::acts);
    let (result, why) = match security {
        Security::Unchecked => ("not validated", None),
        Security::Secure => ("secure", None),
        Security::Insecure => ("insecure: it is proved that nobody signs it", None),
        Security::Failed(why) if acts => ("failed", Some(why)),
        Security::Failed(why) => ("failed, but it is only logged", Some(why)),
    };
    let why = why.map(|why| json!({ "reason": why.word(), "meaning": why.meaning() }));
    step("dnssec", result, acts && why.is_some(), json!(why))
}

/// Which upstreams are asked, and the domain that says so.
pub(super) fn upstreams_step(set: &UpstreamSet, domain: Option<&Domain>) -> Step {
    let upstreams: Vec<&str> = set.names().collect();
    match domain {
        None => {
            let detail = json!({ "set": set.name(), "upstreams": upstreams });
            step("upstreams", "are asked", true, detail)
        }
        Some(domain) => {
            let result = format!("{} -> {}", domain.name, upstreams.join(", "));
            let domain = domain.name.to_string();
            let detail = json!({ "set": set.name(), "upstreams": upstreams, "domain": domain });
            Step { result: result.into(), ..step("forwarded by name", "", true, detail) }
        }
    }
}
