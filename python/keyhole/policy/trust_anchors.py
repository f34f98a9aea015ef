"""Trust anchors of DNSSEC: the keys of the root, or a file with others."""

import binascii
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import dns.dnssec
import dns.exception
import dns.name
import dns.rdataclass
import dns.rdatatype
import dns.zonefile

from keyhole.config.declaration import Declaration, Documents
from keyhole.config.source_tree import Location
from keyhole.errors import DocumentErrors, Problem
from keyhole.model.policy import PolicySpec
from keyhole.model.snapshot import NegativeTrustAnchor, TrustAnchor, Validation
from keyhole.policy.pem import read_octets

# The key of 2017, and that which signs the root from October 2026 on; as IANA publishes them at
# https://data.iana.org/root-anchors/root-anchors.xml.
ROOT_ANCHORS = (
    TrustAnchor(
        name=".",
        tag=20326,
        algorithm=8,
        digest_type=2,
        digest="e06d44b80b8f1d39a95c0b0d7c65d08458e880409bbc683457104237c7f8ec8d",
    ),
    TrustAnchor(
        name=".",
        tag=38696,
        algorithm=8,
        digest_type=2,
        digest="683d2d0acb8c9b712a1948b27f741219298d0a450d612c483af444a4c0fb2b16",
    ),
)
MAX_ANCHORS = 100
_DIGESTS = {1: 20, 2: 32, 4: 48}  # octets
_PLACE: Location = ["spec", "upstreams", "validate", "anchors"]


def read_validation(policy: Declaration[PolicySpec]) -> Validation | None:
    """How answers for the clients of a policy are validated; none if they are not.

    Raises `DocumentErrors` if its file of anchors cannot be used.
    """
    use = policy.spec.upstreams.validation
    if use.mode == "off":
        return None
    try:
        anchors = _anchors(policy)
    except ValueError as error:
        raise DocumentErrors([policy.problem(_PLACE, str(error))]) from None
    exempt = [NegativeTrustAnchor(name=one.domain, until=one.ends) for one in use.exempt]
    return Validation(mode=use.mode, anchors=anchors, exempt=exempt)


def for_domain(validation: Validation | None, domain: str) -> Validation | None:
    """The same for the names of a domain that has upstreams of its own.

    The root knows nothing of a private zone, so only an anchor for the domain, for a part of it or
    for a zone above it makes it one to validate. With ``on`` and no such anchor nothing is
    validated, and what the upstreams say of AD counts for nothing there either.
    """
    if validation is None:
        return None
    own = [
        one
        for one in validation.anchors
        if one.name != "." and (_is_below(one.name, domain) or _is_below(domain, one.name))
    ]
    if own:
        return validation.model_copy(update={"anchors": own})
    if validation.mode == "on":
        return validation.model_copy(update={"anchors": [], "exempt": []})
    return None


def _is_below(name: str, above: str) -> bool:
    return name == above or name.endswith("." + above)


def check_trust_anchors(documents: Documents) -> Iterator[Problem]:
    """Files of anchors that cannot be used, and exceptions that have ended."""
    today = datetime.now(UTC).date()
    for policy in documents.policies:
        use = policy.spec.upstreams.validation
        try:
            _anchors(policy)
        except ValueError as error:
            yield policy.problem(_PLACE, str(error))
        for index, one in enumerate(use.exempt):
            if one.until <= today:
                why = f"the exception for {one.domain} ended on {one.until}; remove it, or renew it"
                place: Location = [*_PLACE[:-1], "exempt", index, "until"]
                yield policy.problem(place, why, is_advice=True)


def _anchors(policy: Declaration[PolicySpec]) -> list[TrustAnchor]:
    """Raises ValueError with the reason."""
    written = policy.spec.upstreams.validation.anchors
    if written is None:
        return list(ROOT_ANCHORS)
    text = read_octets(policy.path_of(written)).decode("utf-8", "replace")
    try:
        sets = dns.zonefile.read_rrsets(
            text,
            rdclass=None,
            default_rdclass=dns.rdataclass.IN,
            default_ttl=0,
            origin=dns.name.root,
            relativize=False,
        )
    except (dns.exception.DNSException, binascii.Error, ValueError) as error:
        raise ValueError(f"{written} is not in the form of a zone file: {error}") from None
    anchors = [_anchor(one.name, record) for one in sets for record in one]
    if not anchors:
        raise ValueError(f"{written} has no records; a line looks like: . IN DS 20326 8 2 E06D…")
    if len(anchors) > MAX_ANCHORS:
        raise ValueError(f"{written} has {len(anchors)} records; at most {MAX_ANCHORS} are anchors")
    # A file for a private zone must not turn validation off for all other names.
    if any(one.name == "." for one in anchors):
        return anchors
    return [*ROOT_ANCHORS, *anchors]


def _anchor(name: dns.name.Name, record: Any) -> TrustAnchor:
    if record.rdtype == dns.rdatatype.DNSKEY:
        record = dns.dnssec.make_ds(name, record, "SHA256")
    if record.rdtype != dns.rdatatype.DS:
        kind = dns.rdatatype.to_text(record.rdtype)
        raise ValueError(f"a record of {name} is {kind}; anchors are DS or DNSKEY")
    if len(record.digest) != _DIGESTS.get(record.digest_type):
        raise ValueError(f"the digest of {name} has no algorithm that is known; use SHA-256 (2)")
    return TrustAnchor(
        name="." if name == dns.name.root else name.to_text(omit_final_dot=True).lower(),
        tag=record.key_tag,
        algorithm=int(record.algorithm),
        digest_type=int(record.digest_type),
        digest=record.digest.hex(),
    )
