"""DNSSEC validation of zones that NSD serves and an Unbound resolves, beside one that validates."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dns.edns
import dns.flags
import dns.message
import dns.query
import dns.rcode
import pytest

from tests.world.certificates import Authority
from tests.world.resolver import Resolver, document
from tests.world.signed_world import SignedWorld
from tests.world.tools import needs

pytestmark = [needs("nsd"), needs("unbound")]

# The answer, whether it is validated, and the code of the extended error.
SIGNED, UNSIGNED = ("NOERROR", True, None), ("NOERROR", False, None)
NO_NAME = ("NXDOMAIN", True, None)
CASES: dict[str, tuple[str, bool, int | None]] = {
    # Algorithms and kinds of denial.
    **{f"www.{zone}.dom": SIGNED for zone in ("nsec", "nsec3", "optout", "p384", "sha512")},
    **{f"nothing.{zone}.dom": NO_NAME for zone in ("nsec", "nsec3", "p384", "sha512")},
    **{f"www.{zone}.dom AAAA": SIGNED for zone in ("nsec", "nsec3", "optout", "p384")},
    **{f"deep.ent.{zone}.dom": SIGNED for zone in ("nsec", "nsec3")},
    "nothing.optout.dom": ("NXDOMAIN", False, None),
    "www.child.optout.dom": UNSIGNED,
    "child.optout.dom DS": UNSIGNED,
    "www.secure.optout.dom": SIGNED,
    # Wildcards: their records, no data, and names that keep them away.
    **{f"a.wild.{zone}.dom": SIGNED for zone in ("nsec", "nsec3")},
    **{f"a.wild.{zone}.dom MX": SIGNED for zone in ("nsec", "nsec3")},
    **{f"taken.wild.{zone}.dom": SIGNED for zone in ("nsec", "nsec3")},
    **{f"x.taken.wild.{zone}.dom": NO_NAME for zone in ("nsec", "nsec3")},
    # Aliases within and across zones.
    "over.nsec.dom": SIGNED,
    "www.move.nsec.dom": SIGNED,
    "y.walias.nsec3.dom": SIGNED,
    "tonothing.nsec3.dom": NO_NAME,
    "toinsecure.nsec.dom": UNSIGNED,
    "tobogus.nsec.dom": ("SERVFAIL", False, 6),
    # What nobody signs, and what nobody can check.
    **{f"www.{zone}.dom": UNSIGNED for zone in ("insecure", "nods", "unknown")},
    "www.plain": UNSIGNED,
    # What is wrong.
    "www.expired.dom": ("SERVFAIL", False, 7),
    "nothing.expired.dom": ("SERVFAIL", False, 7),
    "www.future.dom": ("SERVFAIL", False, 8),
    "www.bogus.dom": ("SERVFAIL", False, 6),
    "www.wrongds.dom": ("SERVFAIL", False, 9),
    "www.nosig.dom": ("SERVFAIL", False, 9),
    # What would cost too much.
    "www.iter100.dom": SIGNED,
    "nothing.iter100.dom": ("NXDOMAIN", False, None),
    "nothing.iter500.dom": ("SERVFAIL", False, 27),
    "www.keytrap.dom": ("SERVFAIL", False, 5),
}
# Unbound 1.17 takes the proofs of such a zone for none, and refuses nothing for it.
_OTHERWISE = {"nothing.iter500.dom"}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory, authority: Authority) -> Iterator[SignedWorld]:
    pair = authority.issue("upstream.example.org", "127.0.0.1")
    with SignedWorld(tmp_path_factory.mktemp("signed"), pair) as world:
        world.wait()
        yield world


def _ask(port: int, question: str, flags: int = 0, *, do: bool = True) -> dns.message.Message:
    name, _, kind = question.partition(" ")
    query = dns.message.make_query(name, kind or "A", want_dnssec=do)
    query.flags |= flags
    return dns.query.tcp(query, "127.0.0.1", timeout=60, port=port)


def _said(reply: dns.message.Message) -> tuple[str, bool, int | None]:
    codes = [int(one.code) for one in reply.options if isinstance(one, dns.edns.EDEOption)]
    is_authentic = bool(reply.flags & dns.flags.AD)
    return dns.rcode.to_text(reply.rcode()), is_authentic, codes[0] if codes else None


def _policy(world: SignedWorld, mode: str, **more: Any) -> dict[str, Any]:
    validate = {"mode": mode, "anchors": str(world.anchors), **more}
    upstreams = {"names": ["test"], "timeout": "20s", "hedge": "9s", "validate": validate}
    return document("Policy", "home", default="allow", upstreams=upstreams, tunneling="off")


def test_answers_are_validated_as_a_validator_does(
    tmp_path: Path, authority: Authority, world: SignedWorld
) -> None:
    resolver = Resolver(tmp_path / "data", authority)
    resolver.write(resolver.upstream(world.port), _policy(world, "on"))
    port = resolver.start().server.tcp
    try:
        found = {question: _said(_ask(port, question)) for question in CASES}
        assert found == CASES
        oracle = {question: _said(_ask(world.oracle, question))[:2] for question in CASES}
        ours = {question: said[:2] for question, said in found.items()}
        assert {one for one in CASES if oracle[one] != ours[one]} == _OTHERWISE
        # Who checks for himself gets what is withheld from others (RFC 4035 section 3.2.2).
        checked_by_client = _ask(port, "www.bogus.dom", dns.flags.CD)
        assert _said(checked_by_client)[:2] == ("NOERROR", False)
        assert _said(_ask(port, "www.bogus.dom"))[0] == "SERVFAIL"
        plain = _ask(port, "www.nsec.dom", do=False)
        assert not plain.flags & dns.flags.AD
        assert len(plain.answer) == 1, "no signatures"
        assert _ask(port, "www.nsec.dom", dns.flags.AD, do=False).flags & dns.flags.AD

        told = json.loads(resolver.command("explain", "www.bogus.dom", "--json").stdout)
        assert told["reason"] == "dnssec_bogus", told
        counters = resolver.api("GET", "/status").json()["counters"]
        assert counters["dnssec_secure"] > 10
        assert counters["dnssec_insecure"] >= 5
        assert counters["dnssec_bogus"] >= 6
        assert counters["dnssec_indeterminate"] >= 1

        # A domain that is left out, and a mode that only looks.
        left_out = {"domain": "bogus.dom", "reason": "a test", "until": "2099-01-01"}
        resolver.write(_policy(world, "on", exempt=[left_out]))
        resolver.settle()
        assert _said(_ask(port, "www.bogus.dom")) == UNSIGNED
        assert _said(_ask(port, "www.expired.dom"))[0] == "SERVFAIL"
        resolver.write(_policy(world, "log"))
        resolver.settle()
        assert _said(_ask(port, "www.expired.dom")) == UNSIGNED
    finally:
        resolver.stop()
    world.must_run()
