"""What the checks add to the documents of a lab: policies of their own, whose upstream lies."""

from pathlib import Path
from typing import Any

UPSTREAM_NAME = "liar.verify.example"
OUTSIDER = "127.53.0.1"
"""An address that a policy of its own refuses everything."""
PROBE = "in-force.verify.example"
LIARS = ("liar", "stranger", "other-name", "expired", "cleartext", "gone")
"""Upstreams: one with a right certificate, three with wrong ones, one without TLS, one where
nothing listens. The policy of each serves the identity with the same name."""

Document = dict[str, Any]


def identity(word: str) -> str:
    """The SPIFFE ID of a client of the checks."""
    return f"spiffe://keyhole.lab/ns/verify/sa/{word}"


def documents(ports: dict[str, int], ca: Path, probe: str) -> list[Document]:
    """Policies and upstreams; ``probe`` is the address that shows that they are in force."""
    return [
        *(_upstream(word, ports[word], ca) for word in LIARS),
        *(_policy(word, word) for word in LIARS),
        _policy("tunnel", "liar", tunneling="enforce"),
        _policy("revoked", "liar"),
        _document("Policy", "verify-outsider", subjects=[f"cidr:{OUTSIDER}/32"], default="deny"),
        _document("Record", "verify-probe", name=PROBE, ttl=0, a=[probe]),
    ]


def _policy(word: str, upstream: str, **more: Any) -> Document:
    return _document(
        "Policy",
        f"verify-{word}",
        subjects=[identity(word)],
        default="allow",
        upstreams=[f"verify-{upstream}"],
        lists=["ads"],
        privateAddresses="block",
        **more,
    )


def _upstream(word: str, port: int, ca: Path) -> Document:
    return _document(
        "Upstream",
        f"verify-{word}",
        protocol="dot",
        addresses=[f"127.0.0.1:{port}"],
        serverName=UPSTREAM_NAME,
        ca=str(ca),
    )


def _document(kind: str, name: str, /, **spec: Any) -> Document:
    return {
        "apiVersion": "keyhole.dev/v1",
        "kind": kind,
        "metadata": {"name": name},
        "spec": spec,
    }
