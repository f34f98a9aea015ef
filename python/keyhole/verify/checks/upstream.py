"""Spoofing: an upstream that lies or is none, and what a client gets of it."""

import secrets

import dns.edns
import dns.flags
import dns.message

from keyhole.verify.check import Check, Seen, Threat, check
from keyhole.verify.endpoint import Reply, ask
from keyhole.verify.lab import Lab
from keyhole.verify.lab_documents import identity
from keyhole.verify.liar import HONEST, POISON, VICTIM
from keyhole.verify.question import in_capitals, question, unknown_option
from keyhole.verify.standards import CISA, NIST_81, rfc
from keyhole.verify.target import Target

_WHY = "an upstream that lies is needed"
_FORGED = ("id", "question", "owner", "query", "cut", "garbage")
_WRONG = ("stranger", "other-name", "expired")
_PADDING = 12


def _ask(target: Target, word: str, first: str = "", kind: str = "A") -> Reply:
    """Asks as the client whose upstream is ``word``; ``first`` selects the lie."""
    lab = target.needs_lab(_WHY)
    name = target.secret_name()
    wire = question(f"{first}-{secrets.token_hex(4)}.{name}" if first else name, kind)
    return ask(lab.asked_as(identity(word)), wire, 15)


@check(
    "forged-answers",
    "An answer that does not fit its question is not believed",
    Threat.SPOOFING,
    rfc(5452, "9.1"),
    tried="an upstream with another id, question or owner, no answer bit, cut, or garbage",
    expected="SERVFAIL, and no forged address",
)
def forged(target: Target) -> Seen:
    """RFC 5452 section 9.1: all of the question must match."""
    said = {word: _ask(target, "liar", word) for word in _FORGED}
    broken = [f"{word}: {reply.records}" for word, reply in said.items() if POISON in reply.records]
    broken += [f"{word}: {said[word].rcode}" for word in said if said[word].message is None]
    honest = _ask(target, "liar")
    if honest.records != [HONEST]:
        broken.append(f"the honest answer did not come: {honest.rcode}")
    fine = ", ".join(f"{word}: {reply.rcode}" for word, reply in said.items())
    return Seen.of(broken, len(said), fine)


@check(
    "poisoned-extra",
    "Records that nobody asked for are not kept",
    Threat.SPOOFING,
    rfc(2181, "5.4.1"),
    rfc(5452, "6"),
    tried="a right answer with records of another name in it, then that other name",
    expected="the address that the upstream gives when asked",
)
def poisoned(target: Target) -> Seen:
    """RFC 2181 section 5.4.1: what was not asked is not believed."""
    lab = target.needs_lab(_WHY)
    first = _ask(target, "liar", "poison")
    then = ask(lab.asked_as(identity("liar")), question(VICTIM))
    broken = [f"the answer holds {POISON}"] if POISON in first.records else []
    if then.records != [HONEST]:
        broken.append(f"{VICTIM} then was {then.records or then.rcode}")
    return Seen.of(broken, 1, f"{VICTIM} is {HONEST}")


def _wrong_upstream(lab: Lab, target: Target) -> list[str]:
    broken = []
    for word in _WRONG:
        reply = _ask(target, word)
        if reply.rcode != "SERVFAIL":
            broken.append(f"{word}: {reply.rcode} {reply.records}")
        if asked := lab.liars[word].names():
            broken.append(f"{word} was told {asked[0]}")
    return broken


@check(
    "upstream-certificate",
    "The certificate of an upstream is checked",
    Threat.SPOOFING,
    rfc(8310, "8.1"),
    CISA,
    tried="upstreams with a certificate of another root, for another name, and an expired one",
    expected="SERVFAIL, and none of them is told a name",
)
def certificate(target: Target) -> Seen:
    """RFC 8310 section 5: strict privacy has no fallback."""
    lab = target.needs_lab(_WHY)
    fine = "SERVFAIL for each, none was told a name"
    return Seen.of(_wrong_upstream(lab, target), len(_WRONG), fine)


@check(
    "upstream-cleartext",
    "An upstream without TLS is not asked in the clear",
    Threat.SURVEILLANCE,
    rfc(8310, "5"),
    CISA,
    tried="an upstream for DNS over TLS that speaks DNS without it",
    expected="SERVFAIL, and it is told no name",
)
def cleartext(target: Target) -> Seen:
    """RFC 8310 section 5: no fallback to the clear."""
    lab = target.needs_lab(_WHY)
    reply = _ask(target, "cleartext")
    told = lab.liars["cleartext"].names()
    broken = [f"it was told {told[0]}"] if told else []
    if reply.rcode != "SERVFAIL":
        broken.append(f"{reply.rcode} {reply.records}")
    return Seen.of(broken, 1, "SERVFAIL, it was told no name")


@check(
    "fail-closed",
    "Without its upstream a client gets no answer from elsewhere",
    Threat.SURVEILLANCE,
    rfc(8310, "5"),
    NIST_81,
    tried="a client whose only upstream is gone",
    expected="SERVFAIL, and no other upstream is told the name",
)
def fail_closed(target: Target) -> Seen:
    """There is no other resolver to fall back to."""
    lab = target.needs_lab(_WHY)
    name = f"g{secrets.token_hex(6)}.{target.marker}.example.org"
    reply = ask(lab.asked_as(identity("gone")), question(name), 15)
    broken = [] if reply.rcode == "SERVFAIL" else [f"{reply.rcode} {reply.records}"]
    broken += [
        f"the upstream {word} was told it"
        for word, one in lab.liars.items()
        if any(name in each.lower() for each in one.names())
    ]
    return Seen.of(broken, 1, "SERVFAIL, nobody else was told")


@check(
    "query-rebuilt",
    "Nothing of a client but name and type reaches the upstream",
    Threat.DISCLOSURE,
    rfc(7871, "11.1"),
    NIST_81,
    tried="a question in mixed case with AD, client subnet, cookie and an unknown option",
    expected="the upstream sees small letters, another id, no AD, and no option but padding",
)
def rebuilt(target: Target) -> Seen:
    """RFC 7871 section 11.1: a client subnet tells who asks."""
    lab = target.needs_lab(_WHY)
    name = in_capitals(target.secret_name())
    options = (
        dns.edns.ECSOption("192.0.2.0", 24),
        dns.edns.GenericOption(dns.edns.OptionType.COOKIE, b"verify!!"),
        unknown_option(65_001, b"out"),
    )
    wire = question(name, flags=dns.flags.AD, options=options)
    ask(lab.asked_as(identity("liar")), wire)
    came = [one for one in lab.liars["liar"].wires if _name(one).lower() == f"{name}.".lower()]
    if not came:
        return Seen(False, "the question did not reach the upstream")
    sent = dns.message.from_wire(came[0])
    broken = [f"option {int(one.otype)}" for one in sent.options if int(one.otype) != _PADDING]
    if _name(came[0]) != f"{name}.".lower():
        broken.append(f"case of letters: {_name(came[0])}")
    if came[0][:2] == wire[:2]:
        broken.append("the id of the client")
    if sent.flags & dns.flags.AD:
        broken.append("the bit AD")
    return Seen.of(broken, len(came), "small letters, another id, no option but padding")


def _name(wire: bytes) -> str:
    return dns.message.from_wire(wire).question[0].name.to_text()


CHECKS: tuple[Check, ...] = (forged, poisoned, certificate, cleartext, fail_closed, rebuilt)
