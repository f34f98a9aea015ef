"""Policy bypass: one blocked name, asked in every way that means the same."""

from collections.abc import Iterable
from ipaddress import ip_address

import dns.edns
import dns.flags

from keyhole.verify.check import Check, Seen, Threat, check
from keyhole.verify.endpoint import Endpoint, Reply, answered, ask
from keyhole.verify.error import SkippedError
from keyhole.verify.question import in_capitals, question, several_questions, unknown_option
from keyhole.verify.standards import NIST_81, PROTECTIVE, rfc
from keyhole.verify.target import Target

_TYPES = ("AAAA", "HTTPS", "SVCB", "TXT", "MX", "CNAME", "NS", "SRV", "ANY", "TYPE65400")
_COOKIE = dns.edns.GenericOption(dns.edns.OptionType.COOKIE, b"verify!!")
_OPTIONS: dict[str, tuple[dns.edns.Option, ...]] = {
    "client subnet": (dns.edns.ECSOption("192.0.2.0", 24),),
    "cookie": (_COOKIE,),
    "NSID": (dns.edns.GenericOption(dns.edns.OptionType.NSID, b""),),
    "unknown option": (unknown_option(65_001, b"x" * 40),),
    "many options": tuple(unknown_option(65_002, b"") for _ in range(60)),
}


def _passed(reply: Reply) -> bool:
    """Whether anything of the blocked name came: an address of null is what some answer to say
    that it is blocked."""
    return any(not _is_null(data) for data in reply.records)


def _is_null(data: str) -> bool:
    try:
        return ip_address(data).is_unspecified
    except ValueError:
        # ANY is answered with a record that says nothing (RFC 8482 section 4.2).
        return data.startswith('"RFC8482"')


def _try(tries: Iterable[tuple[str, Endpoint, bytes]]) -> Seen:
    replies = [(f"{what} over {one}", answered(one, wire)) for what, one, wire in tries]
    broken = [f"{what}: {', '.join(reply.records)}" for what, reply in replies if _passed(reply)]
    codes = sorted({reply.rcode for _, reply in replies})
    fine = f"{len(replies)} tries, each {' or '.join(codes)} without a record"
    return Seen.of(broken, len(replies), fine)


@check(
    "bypass-transport",
    "A blocked name is blocked over every transport",
    Threat.BYPASS,
    NIST_81,
    PROTECTIVE,
    tried="the blocked name and one below it over each transport",
    expected="no record of the blocked name",
)
def transport(target: Target) -> Seen:
    """One policy check on every transport."""
    blocked = target.needs_blocked()
    return _try(
        (name, one, question(name)) for one in target.open for name in (blocked, f"a.b.{blocked}")
    )


@check(
    "bypass-case",
    "Case of letters makes no difference",
    Threat.BYPASS,
    rfc(4343),
    NIST_81,
    tried="the blocked name in mixed and in capital letters",
    expected="no record of the blocked name",
)
def case(target: Target) -> Seen:
    """RFC 4343: names are compared without case."""
    blocked = target.needs_blocked()
    return _try(
        (name, one, question(name))
        for one in target.open
        for name in (in_capitals(blocked), blocked.upper())
    )


@check(
    "bypass-flags",
    "Header bits make no difference",
    Threat.BYPASS,
    rfc(4035, "3.2.2"),
    NIST_81,
    tried="the blocked name with CD, AD, DO, and without RD",
    expected="no record of the blocked name",
)
def flags(target: Target) -> Seen:
    """RFC 4035 section 3.2.2: CD is about DNSSEC, never about policy."""
    blocked = target.needs_blocked()
    wires = {
        "CD": question(blocked, flags=dns.flags.CD),
        "AD": question(blocked, flags=dns.flags.AD),
        "DO": question(blocked, dnssec=True),
        "CD, AD and DO": question(blocked, flags=dns.flags.CD | dns.flags.AD, dnssec=True),
    }
    no_recursion = bytearray(question(blocked))
    no_recursion[2] &= ~1
    wires["no RD"] = bytes(no_recursion)
    return _try((what, one, wire) for one in target.open for what, wire in wires.items())


@check(
    "bypass-edns",
    "EDNS options make no difference",
    Threat.BYPASS,
    rfc(6891, "6.1.2"),
    NIST_81,
    tried="the blocked name with client subnet, cookie, NSID, unknown and many options",
    expected="no record of the blocked name",
)
def edns(target: Target) -> Seen:
    """RFC 6891 section 6.1.2: unknown options are ignored."""
    blocked = target.needs_blocked()
    return _try(
        (what, one, question(blocked, options=options))
        for one in target.open
        for what, options in _OPTIONS.items()
    )


@check(
    "bypass-types",
    "Other types of a blocked name are blocked",
    Threat.BYPASS,
    rfc(9460, "3"),
    NIST_81,
    tried=f"the blocked name with the types {', '.join(_TYPES)}",
    expected="no record of the blocked name",
)
def types(target: Target) -> Seen:
    """HTTPS and SVCB bring addresses as well (RFC 9460 section 7.3)."""
    blocked = target.needs_blocked()
    return _try((kind, one, question(blocked, kind)) for one in target.open for kind in _TYPES)


@check(
    "bypass-class",
    "Other classes are no way around",
    Threat.BYPASS,
    rfc(1035, "3.2.5"),
    NIST_81,
    tried="the blocked name in the classes CH, HS and ANY",
    expected="no record of the blocked name",
)
def classes(target: Target) -> Seen:
    """RFC 1035 section 3.2.5: the class ANY would match IN too."""
    blocked = target.needs_blocked()
    return _try(
        (f"class {one_class}", one, question(blocked, qclass=one_class))
        for one in target.open
        for one_class in ("CH", "HS", "ANY")
    )


@check(
    "bypass-questions",
    "A second question is no way around",
    Threat.BYPASS,
    rfc(9619),
    NIST_81,
    tried="an allowed name and the blocked one in one message, in both orders",
    expected="no record of the blocked name",
)
def questions(target: Target) -> Seen:
    """RFC 9619: a query has one question."""
    blocked = target.needs_blocked()
    return _try(
        (f"{first} then {second}", one, several_questions([first, second]))
        for one in target.open
        for first, second in ((target.known, blocked), (blocked, target.known))
    )


@check(
    "bypass-alias",
    "An alias of a blocked name is blocked",
    Threat.BYPASS,
    PROTECTIVE,
    NIST_81,
    tried="a name whose CNAME leads to the blocked one",
    expected="no record of the blocked name",
)
def alias(target: Target) -> Seen:
    """Policy is asked again about each target of a CNAME."""
    target.needs_blocked()
    name = target.alias
    if name is None:
        raise SkippedError("needs an alias of the blocked name: --alias")
    return _try((name, one, question(name)) for one in target.open)


@check(
    "bypass-cache",
    "What another client has asked does not help",
    Threat.BYPASS,
    NIST_81,
    tried="a name that one workload may see and another may not, right after the first saw it",
    expected="an answer for the first, no record for the second",
)
def cache(target: Target) -> Seen:
    """The cache holds what upstream said, never what was decided."""
    lab = target.needs_lab("two clients with different policies are needed")
    tools, web = (f"spiffe://keyhole.lab/ns/{one}" for one in ("tools/sa/netshoot", "shop/sa/web"))
    wire = question("fonts.typography.example")
    for transport in ("dot", "doh"):
        warm = ask(lab.asked_as(tools, transport), wire)
        if not warm.records:
            return Seen(False, f"netshoot should see it, and got {warm.rcode}")
    ways = [lab.asked_as(web, transport) for transport in ("dot", "doh")]
    return _try(("after netshoot, as shop/web", one, wire) for one in ways)


CHECKS: tuple[Check, ...] = (
    transport,
    case,
    flags,
    edns,
    types,
    classes,
    questions,
    alias,
    cache,
)
