"""Subjects of policies: an identity, a token, a client, a group, a network."""

import re
from dataclasses import dataclass, field
from typing import Literal

from keyhole.model.address import Network, read_network
from keyhole.model.document_name import read_document_name
from keyhole.model.field_types import FieldType, text_of
from keyhole.model.spiffe import SCHEME, read_spiffe_id, read_trust_domain
from keyhole.model.suggestion import nearest

SubjectKind = Literal["identity", "below", "token", "client", "group", "cidr", "expired"]

_FORMS = "spiffe://example.org/ns/shop/sa/web, spiffe://example.org/ns/shop/*, client:NAME, "
_FORMS += "group:NAME, token:NAME, cidr:10.0.0.0/8 or expired"
_WORDS = ("client", "group", "token", "cidr")
_EVERYBODY = ("*", "all", "any", "anyone", "default", "everyone", "everybody")
_TOKEN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")


@dataclass(frozen=True)
class Subject:
    """One subject.

    ``value`` is a SPIFFE ID (``identity``), one without ``/*`` (``below``), a name, or a network;
    for ``expired`` it is empty.
    """

    kind: SubjectKind
    value: str
    written: str = field(compare=False, default="")
    """The text in the policy."""

    @property
    def network(self) -> Network:
        """The network of a ``cidr`` subject."""
        return read_network(self.value)

    def __str__(self) -> str:
        return self.written


def read_token_name(written: object) -> str:
    """The name of a token; the token itself is a secret and is in no document."""
    text = text_of(written).strip()
    if not _TOKEN.fullmatch(text):
        raise ValueError(
            f"{text[:80] or 'nothing'} is not the name of a token; use letters, digits, dots, - "
            "and _, at most 63 characters"
        )
    return text


def read_subject(written: object) -> Subject:
    """Reads one subject."""
    text = text_of(written).strip()
    if text == "expired":
        return Subject("expired", "", text)
    if text.startswith(SCHEME):
        return _identity(text)
    word, colon, rest = text.partition(":")
    match word if colon else "":
        case "client":
            return Subject("client", read_document_name(rest), text)
        case "group":
            return Subject("group", read_document_name(rest), text)
        case "token":
            return Subject("token", read_token_name(rest), text)
        case "cidr":
            return Subject("cidr", str(read_network(rest)), text)
    raise ValueError(_correction(text))


def _identity(text: str) -> Subject:
    if text == f"{SCHEME}*":
        raise ValueError(f"{text} names no trust domain; write spiffe://example.org/*")
    if not text.endswith("/*"):
        if "*" in text:
            raise ValueError(
                f"the star in {text} is not at the end; write the beginning of a path and /*, as "
                "spiffe://example.org/ns/shop/*"
            )
        return Subject("identity", read_spiffe_id(text), text)
    prefix = text.removesuffix("/*")
    if "/" in prefix.removeprefix(SCHEME):
        read_spiffe_id(prefix)
    else:
        read_trust_domain(prefix.removeprefix(SCHEME))
    return Subject("below", prefix, text)


def _correction(text: str) -> str:
    if text in _EVERYBODY:
        return (
            f"{text} would mean everyone; that is the policy without subjects, so leave the key "
            "subjects out"
        )
    try:
        return f"{text} lacks its kind; write cidr:{read_network(text)}"
    except ValueError:
        pass
    word, colon, rest = text.partition(":")
    meant = nearest(word, (*_WORDS, "spiffe", "expired")) if colon else None
    if meant in _WORDS:
        return f"there is no subject {word}:; did you mean {meant}:{rest}?"
    if meant == "spiffe":
        return f"{text} is not a SPIFFE ID; write it as spiffe://example.org/ns/shop/sa/web"
    return f"{text or 'nothing'} is not a subject; write {_FORMS}"


SUBJECT = FieldType(
    read_subject,
    {
        "type": "string",
        "description": "spiffe://ID, spiffe://ID/*, token:NAME, client:NAME, group:NAME, "
        "cidr:NETWORK, or expired",
        "examples": ["spiffe://example.org/ns/shop/*", "client:tv", "cidr:192.0.2.0/24"],
    },
)
TOKEN_NAME = FieldType(read_token_name, {"type": "string", "pattern": f"^{_TOKEN.pattern}$"})
SPIFFE_ID = FieldType(
    read_spiffe_id,
    {
        "type": "string",
        "pattern": "^spiffe://",
        "examples": ["spiffe://example.org/ns/shop/sa/web"],
    },
)
