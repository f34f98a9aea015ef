"""Amplification: octets over UDP to an address that nobody has proved."""

import dns.flags

from keyhole.verify.check import Check, Seen, Threat, check
from keyhole.verify.endpoint import LATE, Ended, Endpoint, Reply, answered, ask, ask_together
from keyhole.verify.error import SkippedError, VerifyError
from keyhole.verify.question import question, unknown_option
from keyhole.verify.standards import rfc
from keyhole.verify.target import Target

FACTOR = 1.5
"""Octets that come back for each that was sent."""
LARGEST = 1232
"""Octets of an answer over UDP that no usual link has to fragment (RFC 9715)."""
ALL = ("udp", "tcp", "dot", "doh")
_SECONDS = 2.0
# The client's part alone (RFC 7873 section 4): it proves nothing.
_COOKIE = unknown_option(10, bytes(8))


def _questions(name: str) -> dict[str, bytes]:
    """What is asked by who is not served."""
    return {
        "ANY": question(name, "ANY", edns=4096),
        "TXT": question(name, "TXT", edns=4096),
        "DNSKEY with DO": question(name, "DNSKEY", edns=4096, dnssec=True),
        "A": question(name, edns=None),
        "ANY without EDNS": question(name, "ANY", edns=None),
        "A of no such name": question(f"no-such-name.{name}", edns=4096),
        "ANY of the root": question(".", "ANY", edns=4096),
    }


@check(
    "amplification",
    "Who is not known cannot have others flooded",
    Threat.AMPLIFICATION,
    rfc(5358),
    rfc(8482),
    tried="over UDP from an address that no policy serves: ANY, TXT, DNSKEY with DO, EDNS 4096",
    expected=f"at most {FACTOR} octets for each octet, and no record",
)
def stranger(target: Target) -> Seen:
    """RFC 5358: a resolver does not serve everybody."""
    if target.outside is None:
        raise SkippedError("needs an address that no policy serves, and UDP: --strict")
    sent = received = silent = 0
    worst, broken, tries = (0.0, ""), [], _questions(target.known)
    replies = ask_together(target.outside, list(tries.values()), _SECONDS)
    for (what, wire), reply in zip(tries.items(), replies, strict=True):
        silent += reply.octets is None
        octets = len(reply.octets or b"")
        sent, received = sent + len(wire), received + octets
        worst = max(worst, (octets / len(wire), what))
        if reply.records:
            broken.append(f"{what} was answered with records")
    if received > FACTOR * sent:
        broken.append(f"{received} octets for {sent}, a factor of {received / sent:.2f}")
    if silent == len(tries):
        _must_arrive(target, target.outside, replies)
    fine = f"{received} octets for {sent}, a factor of {received / sent:.2f}"
    fine += f"; the largest is {worst[0]:.2f} ({worst[1]}); {silent} of {len(tries)} were dropped"
    return Seen.of(broken, len(tries), fine)


def _must_arrive(target: Target, udp: Endpoint, replies: list[Reply]) -> None:
    """Silence is what a server owes a stranger, and what a firewall in front of it makes as well.
    Skips the check unless the same listener answers somebody whom it knows; raises `VerifyError`
    where the network says that nothing is there."""
    for reply in replies:
        if reply.why != LATE:
            raise VerifyError(f"{udp} was not reached: {reply.why}")
    for one in target.open:
        is_same = (one.transport, one.host, one.port) == ("udp", udp.host, udp.port)
        if is_same and ask(one, question(target.known), _SECONDS).ended is not Ended.LOST:
            return
    raise SkippedError(f"nothing came back from {udp}; whether UDP arrives was not shown")


def _made_here(target: Target) -> dict[str, tuple[str, str]]:
    """What a server answers by itself: the shortest names of their kind."""
    tries = {
        "ANY of the root": (".", "ANY"),
        "ANY": (target.known, "ANY"),
        "a zone transfer": (".", "AXFR"),
        "a name with a special use": ("a.test", "A"),
    }
    if target.blocked is not None:
        tries["a blocked name"] = (target.blocked, "A")
        tries["a blocked name, TXT"] = (target.blocked, "TXT")
    return tries


@check(
    "amplification-made",
    "What it answers by itself over UDP is small",
    Threat.AMPLIFICATION,
    rfc(5358),
    rfc(8482, "4"),
    tried="over UDP without a cookie and with one of the client alone: a blocked name, ANY, a zone "
    "transfer, a special name, without EDNS and with it",
    expected=f"each answer has at most {FACTOR} octets for each octet of its question",
)
def made(target: Target) -> Seen:
    """RFC 5358: nobody proves an address by a datagram."""
    udp = target.over("udp")[0]
    worst, broken, count = (0.0, ""), [], 0
    for what, (name, kind) in _made_here(target).items():
        for how, wire in {
            "without EDNS": question(name, kind, edns=None),
            "with EDNS": question(name, kind, edns=4096),
            "with a cookie": question(name, kind, edns=4096, options=(_COOKIE,)),
        }.items():
            reply = answered(udp, wire)
            if kind == "A" and reply.records:
                continue  # An address is as large as that of any name.
            octets = len(reply.octets or b"")
            count += 1
            worst = max(worst, (octets / len(wire), f"{what} {how}"))
            if octets > FACTOR * len(wire):
                broken.append(f"{what} {how}: {octets} octets for {len(wire)}")
    return Seen.of(broken, count, f"the largest is {worst[0]:.2f} ({worst[1]})")


@check(
    "udp-size",
    "No answer over UDP needs fragments",
    Threat.AMPLIFICATION,
    rfc(9715),
    rfc(6891, "6.2.5"),
    tried="large answers over UDP with an EDNS size of 65535",
    expected=f"at most {LARGEST} octets, and the bit TC where another listener has more records",
)
def size(target: Target) -> Seen:
    """RFC 9715 section 3.1: fragments are how answers are forged."""
    udp = target.over("udp")[0]
    streams = [one for one in target.open if one.transport != "udp"]
    names = [target.known, *(["big.example.net"] if target.lab else [])]
    tries = [(name, kind) for name in names for kind in ("TXT", "ANY", "DNSKEY")]
    largest, broken = 0, []
    for name, kind in tries:
        wire = question(name, kind, edns=65_535, dnssec=True)
        reply = answered(udp, wire)
        octets = len(reply.octets or b"")
        largest = max(largest, octets)
        if octets > LARGEST:
            broken.append(f"{name} {kind}: {octets} octets")
        # ANY may be answered in full over TCP alone (RFC 8482 section 4.4).
        elif kind != "ANY" and streams and _lacks(reply, answered(streams[0], wire)):
            broken.append(f"{name} {kind}: records are missing, and the bit TC")
    compared = f"compared with {streams[0]}" if streams else "no other listener to compare TC with"
    return Seen.of(broken, len(tries), f"the largest has {largest} octets; {compared}")


def _lacks(reply: Reply, whole: Reply) -> bool:
    """Whether it is cut without saying so (RFC 2181 section 9)."""
    is_cut = reply.message is not None and bool(reply.message.flags & dns.flags.TC)
    return not is_cut and len(reply.records) < len(whole.records)


@check(
    "any",
    "ANY gets one small answer",
    Threat.AMPLIFICATION,
    rfc(8482, "4"),
    tried="ANY over each transport",
    expected="at most one record",
)
def any_type(target: Target) -> Seen:
    """RFC 8482 section 4: one RRset, or HINFO."""
    said = {str(one): answered(one, question(target.known, "ANY")) for one in target.over(*ALL)}
    broken = [
        f"{where}: {reply.records}" for where, reply in said.items() if len(reply.records) > 1
    ]
    records = sorted({data for reply in said.values() for data in reply.records})
    return Seen.of(broken, len(said), ", ".join(records) or "no record")


def _described(said: dict[Endpoint, str]) -> str:
    return ", ".join(f"{one}: {code}" for one, code in said.items())


@check(
    "zone-transfer",
    "No zone is handed out",
    Threat.DISCLOSURE,
    rfc(5936, "5"),
    rfc(9103),
    tried="AXFR and IXFR over each transport, for the known name and for the root",
    expected="no record",
)
def transfer(target: Target) -> Seen:
    """RFC 5936 section 5: a transfer is for who is authorized."""
    said, broken = {}, []
    for one in target.over(*ALL):
        for name in (target.known, "."):
            for kind in ("AXFR", "IXFR"):
                reply = answered(one, question(name, kind), _SECONDS)
                said[one] = reply.rcode
                if reply.records:
                    broken.append(f"{kind} of {name} over {one}: {len(reply.records)} records")
    return Seen.of(broken, len(said), _described(said))


@check(
    "version",
    "It does not say what it is",
    Threat.DISCLOSURE,
    rfc(4892, "2"),
    tried="version.bind, version.server, hostname.bind and id.server in the class CH",
    expected="no record",
)
def version(target: Target) -> Seen:
    """RFC 4892 section 2: convention of BIND, which tells an attacker what to try."""
    names = ("version.bind", "version.server", "hostname.bind", "id.server")
    said, broken = {}, []
    for one in target.over(*ALL):
        for name in names:
            reply = answered(one, question(name, "TXT", qclass="CH"), _SECONDS)
            said[one] = reply.rcode
            if reply.records:
                broken.append(f"{name} over {one}: {reply.records[0]}")
    return Seen.of(broken, len(said), _described(said))


CHECKS: tuple[Check, ...] = (stranger, made, size, any_type, transfer, version)
