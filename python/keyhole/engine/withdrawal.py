"""What was taken away, as a small document laid over whatever snapshot is in force.

It needs no compiled documents: a revocation takes effect while any of them is invalid. Control
sends it by value, so that it needs no disk either, and an engine keeps it beside its snapshot for
the next start.

================  ==================================================================
``revoked``       in the place of ``trust.revoked``
``own``           name and bundle of our own trust domain, or ``null`` for none
``domains``       by other trust domain: SHA-256 of each root that is still trusted, and the
                  revocation lists; one that is missing is trusted no longer. ``null``: as in the
                  snapshot
``tokens``        SHA-256 by name; one that is missing is refused
``upstreams``     by upstream: SHA-256 of each root (``null`` for the public ones) and the pins that
                  are still trusted, and the revocation lists. ``null`` or left out: as in the
                  snapshot
================  ==================================================================
"""

import hashlib
import json
import re
import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from keyhole.engine.runtime import Refusal

FILE = "withdrawn.json"
"""Its name beside the snapshot."""
VERSION = 1
_KEYS = {"version", "revoked", "own", "domains", "tokens"}
_UPSTREAMS = "upstreams"
"""Earlier versions did not write it."""
_NO_PIN = "A" * 43 + "="
"""The SHA-256 of no key: an upstream with this pin alone is not believed."""
_PEM = re.compile(r"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----\n?", re.DOTALL)


@dataclass(frozen=True)
class Withdrawal:
    """The document, and its SHA-256 by which an engine says that it has it."""

    content: dict[str, Any]
    mark: str

    @classmethod
    def of(cls, content: Any) -> "Withdrawal":
        """Checks the form; raises `Refusal`. What it says is checked with the snapshot."""
        if not isinstance(content, dict) or content.keys() - {_UPSTREAMS} != _KEYS:
            raise Refusal("withdrawal", f"give exactly {', '.join(sorted(_KEYS))}")
        if content["version"] != VERSION:
            raise Refusal("withdrawal.version", f"only version {VERSION} is known here")
        return cls(content, hashlib.sha256(_octets(content)).hexdigest())

    @classmethod
    def read(cls, file: Path) -> "Withdrawal | None":
        """The one of the last run; ``None`` if there is none. Raises `Refusal` if it cannot be
        read: without it nobody may be trusted."""
        try:
            return cls.of(json.loads(file.read_bytes()))
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            raise Refusal(str(file), f"cannot be read ({error})") from error

    @classmethod
    def of_everything(cls) -> "Withdrawal":
        """No certificate and no token is accepted."""
        return cls.of(
            {
                "version": VERSION,
                "revoked": {"identities": [], "certificates": []},
                "own": None,
                "domains": {},
                "tokens": {},
            }
        )

    def to_json(self) -> bytes:
        """The octets of the file."""
        return _octets(self.content)

    def lay_over(self, snapshot: bytes) -> bytes:
        """The snapshot without what was taken away. A snapshot that is not valid stays as it is:
        the core says what is wrong with it."""
        try:
            document = json.loads(snapshot)
            trust, subjects = document["trust"], document["subjects"]
            trust["revoked"] = self.content["revoked"]
            trust["domains"] = self._domains(trust["domains"])
            subjects["tokens"] = self._tokens(subjects["tokens"])
            document["upstreams"] = [
                _restricted_upstream(one, self._upstreams.get(one["name"]))
                for one in document["upstreams"]
            ]
        except (ValueError, KeyError, TypeError):
            return snapshot
        return json.dumps(document, ensure_ascii=False).encode()

    @property
    def _upstreams(self) -> dict[str, dict[str, Any]]:
        return self.content.get(_UPSTREAMS) or {}

    def _domains(self, domains: list[dict[str, Any]]) -> list[dict[str, Any]]:
        own, others = self.content["own"], self.content["domains"]
        first = next((one for one in domains if own and one["name"] == own["name"]), None)
        kept = [{**(first or {"crls": "", "origin": "identity"}), **own}] if own else []
        for one in domains:
            known = one if others is None else _restricted(one, others.get(one["name"]))
            if one is not first and known is not None:
                kept.append(known)
        return kept

    def _tokens(self, tokens: list[dict[str, Any]]) -> list[dict[str, Any]]:
        good = self.content["tokens"]
        return [{**one, "sha256": good[one["name"]]} for one in tokens if one["name"] in good]


def root_digests(bundle: str) -> list[str]:
    """The SHA-256 of each certificate in a PEM text."""
    return [_digest(one) for one in _PEM.findall(bundle)]


def _restricted(domain: dict[str, Any], allowed: dict[str, Any] | None) -> dict[str, Any] | None:
    if allowed is None:
        return None
    bundle = _remaining_roots(domain["bundle"], allowed["roots"])
    return {**domain, "bundle": bundle, "crls": allowed["crls"]} if bundle else None


def _restricted_upstream(
    upstream: dict[str, Any], allowed: dict[str, Any] | None
) -> dict[str, Any]:
    """One of whose roots or pins none is left stays, and is not believed: policies name it."""
    if allowed is None or upstream["protocol"] == "tcp":
        return upstream
    roots, pins = upstream["roots"], upstream["pins"]
    if pins and allowed["pins"]:
        pins = [pin for pin in pins if pin in allowed["pins"]] or [_NO_PIN]
    if roots != "public" and allowed["roots"] is not None:
        left = _remaining_roots(roots["pem"], allowed["roots"])
        roots, pins = ({"pem": left}, pins) if left else (roots, [_NO_PIN])
    return {**upstream, "roots": roots, "pins": pins, "crls": allowed["crls"]}


def _remaining_roots(bundle: str, digests: list[str]) -> str:
    return "".join(one for one in _PEM.findall(bundle) if _digest(one) in digests)


def _digest(pem: str) -> str:
    return hashlib.sha256(ssl.PEM_cert_to_DER_cert(pem.strip())).hexdigest()


def _octets(content: dict[str, Any]) -> bytes:
    return json.dumps(content, sort_keys=True, ensure_ascii=False).encode()
