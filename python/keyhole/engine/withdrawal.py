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
``removed``       lines of the tables of subjects that no document gives any more, each as table,
                  key and subject: they are refused. So are ``expired`` and ``default_policy``,
                  which are no tables. Left out: none
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
from keyhole.system.regular_file import read_whole

FILE = "withdrawn.json"
"""Its name beside the snapshot."""
VERSION = 1
_KEYS = {"version", "revoked", "own", "domains", "tokens"}
_UPSTREAMS, _REMOVED = "upstreams", "removed"
_LATER_KEYS = {_UPSTREAMS, _REMOVED}
"""Earlier versions did not write them."""
_KEY_OF = {"identities": "id", "below": "prefix", "tokens": "name", "networks": "network"}
"""What tells the lines of each table of subjects apart."""
_EXPIRED, _DEFAULT = "expired", "default_policy"
"""What ``removed`` has in the place of a table for what has none, in a line without a key."""
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
        if not isinstance(content, dict) or content.keys() - _LATER_KEYS != _KEYS:
            raise Refusal("withdrawal", f"give exactly {', '.join(sorted(_KEYS))}")
        if content["version"] != VERSION:
            raise Refusal("withdrawal.version", f"only version {VERSION} is known here")
        return cls(content, hashlib.sha256(_octets(content)).hexdigest())

    @classmethod
    def read(cls, file: Path) -> "Withdrawal | None":
        """The one of the last run; ``None`` if there is none. Raises `Refusal` if it cannot be
        read: without it nobody may be trusted."""
        try:
            return cls.of(json.loads(read_whole(file)))
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
            removed = {tuple(one) for one in self.content.get(_REMOVED) or ()}
            if removed:
                _refuse_removed(document, removed)
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


def _refuse_removed(document: dict[str, Any], removed: set[tuple[str, ...]]) -> None:
    """Has these lines of the tables of subjects lead to a policy that denies everything."""
    refusing = _RefusingPolicies(document)
    for table, key in _KEY_OF.items():
        for line in document["subjects"][table]:
            policy = line["policy"]
            if policy is not None and (table, line[key], line["subject"]) in removed:
                line["policy"] = refusing.instead_of(policy)
    tables = {table for table, *_ in removed}
    for table, holder in ((_EXPIRED, document["subjects"]), (_DEFAULT, document)):
        if table in tables and holder[table] is not None:
            holder[table] = refusing.instead_of(holder[table])


class _RefusingPolicies:
    """Policies of a snapshot without rules, lists and records that deny by default; each has the
    log setting of the one in whose place it is."""

    def __init__(self, document: dict[str, Any]) -> None:
        self._policies = document["policies"]
        self._record_sets = document["record_sets"]
        self._made: dict[int, int] = {}

    def instead_of(self, policy: int) -> int:
        if policy not in self._made:
            if not self._made:
                self._record_sets.append([])
            before = self._policies[policy]
            self._made[policy] = len(self._policies)
            self._policies.append(
                {
                    **before,
                    "name": f"{before['name']} (removed)",
                    "origin": f"{before['origin']}, for clients that no document names any more",
                    "mode": "enforce",
                    "default": "deny",
                    "rules": [],
                    "lists": [],
                    "paused": None,
                    "private_names": [],
                    "forwarded_names": [],
                    "domains": [],
                    "record_set": len(self._record_sets) - 1,
                }
            )
        return self._made[policy]


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
    if allowed is None or upstream["protocol"] in ("tcp", "doh_cleartext"):
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
