"""SPIFFE IDs and trust domains, exactly as the engine reads them.

A SPIFFE ID is ``spiffe://<trust domain>/<path>`` (SPIFFE-ID section 2). The same rules are in
``crates/core/src/spiffe_id.rs``.
"""

import re
from typing import Final

from keyhole.model.field_types import FieldType, text_of

DEFAULT_TRUST_DOMAIN: Final = "keyhole.internal"
SCHEME: Final = "spiffe://"

_MAX_ID = 2048  # octets, SPIFFE-ID section 2.3
_MAX_DOMAIN = 255
_DOMAIN = re.compile(r"[a-z0-9._-]+")
_SEGMENT = re.compile(r"[A-Za-z0-9._-]+")
_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,62})")


def read_trust_domain(written: object) -> str:
    """A trust domain alone, such as ``keyhole.internal``."""
    text = text_of(written).strip()
    if text.startswith(SCHEME):
        raise ValueError(f"{text} is a SPIFFE ID; give the trust domain alone, as example.org")
    if not _DOMAIN.fullmatch(text):
        raise ValueError(
            f"{text or 'nothing'} is not a trust domain; it has lower-case letters, digits, dots, "
            "- and _ only"
        )
    if len(text) > _MAX_DOMAIN:
        raise ValueError(f"a trust domain has at most {_MAX_DOMAIN} characters")
    return text


def read_spiffe_id(written: object) -> str:
    """A complete SPIFFE ID, with a path."""
    text = text_of(written).strip()
    form = "write it as spiffe://example.org/ns/shop/sa/web"
    if not text.startswith(SCHEME):
        raise ValueError(f"{text} is not a SPIFFE ID; {form}")
    domain, slash, path = text.removeprefix(SCHEME).partition("/")
    read_trust_domain(domain)
    if not slash:
        raise ValueError(f"{text} has no path; {form}")
    for segment in path.split("/"):
        if segment in ("", ".", "..") or not _SEGMENT.fullmatch(segment):
            raise ValueError(
                f"{segment or 'an empty part'} in {text} cannot be part of a SPIFFE ID; parts have "
                "letters, digits, dots, - and _ only"
            )
    if len(text) > _MAX_ID:
        raise ValueError(f"a SPIFFE ID has at most {_MAX_ID} characters")
    return text


def trust_domain_of(spiffe_id: str) -> str:
    """The trust domain of a SPIFFE ID."""
    return spiffe_id.removeprefix(SCHEME).partition("/")[0]


def spiffe_id_for(name: str, domain: str) -> str:
    """The ID of a workload by its short name: ``shop/web``, or ``web`` in ``default``."""
    namespace, slash, account = name.rpartition("/")
    if not slash:
        namespace = "default"
    return read_spiffe_id(f"{SCHEME}{domain}/ns/{namespace}/sa/{account}")


def read_short_name(written: object) -> str:
    """A name that a person gives: ``web``, or ``shop/web`` with a namespace."""
    text = text_of(written).strip()
    parts = text.split("/")
    if len(parts) > 2 or not all(_NAME.fullmatch(part) for part in parts):
        raise ValueError(
            f"{text or 'nothing'} is not a name here; write web, or shop/web with a namespace, of "
            "letters, digits, dots, - and _"
        )
    return text


TRUST_DOMAIN = FieldType(
    read_trust_domain,
    {"type": "string", "description": "a trust domain", "examples": [DEFAULT_TRUST_DOMAIN]},
)
