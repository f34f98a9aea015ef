"""Tunneling: how many octets of names leave before a client is stopped."""

import secrets
import struct

from keyhole.verify.check import Check, Seen, Threat, check
from keyhole.verify.endpoint import Endpoint, ask, connect, read_message
from keyhole.verify.error import SkippedError, VerifyError
from keyhole.verify.lab_documents import identity
from keyhole.verify.question import question
from keyhole.verify.standards import NIST_207, PROTECTIVE
from keyhole.verify.target import Target

BUDGET = 4096
"""Octets of distinct names of a client below one domain in an hour (`block`, docs/guides)."""
_LABEL = 60
_NAMES = 2 * BUDGET // _LABEL


def _send_out(one: Endpoint, domain: str) -> tuple[list[str], bool]:
    """Asks for names that carry random data; gives those that were not refused, and whether any
    was."""
    passed, refused = list[str](), False
    with connect(one) as stream:
        for _ in range(_NAMES):
            name = f"{secrets.token_hex(_LABEL // 2)}.{domain}"
            wire = question(name)
            stream.sendall(struct.pack("!H", len(wire)) + wire)
            reply = read_message(stream)
            if reply.message is None:
                break
            if reply.rcode == "REFUSED":
                refused = True
            else:
                passed.append(name)
    return passed, refused


@check(
    "tunnel-budget",
    "A tunnel is stopped within its budget",
    Threat.TUNNELING,
    PROTECTIVE,
    NIST_207,
    tried=f"{_NAMES} distinct names of {_LABEL} random octets below one domain, as one client",
    expected=f"at most {BUDGET} octets of names leave, then REFUSED",
)
def budget(target: Target) -> Seen:
    """The octets are counted at the upstream in the lab, by what was refused elsewhere."""
    if target.lab is None:
        if target.tunnel is None:
            raise SkippedError("needs a domain that may be asked much: --tunnel")
        passed, refused = _send_out(target.over("dot", "tcp")[-1], target.tunnel)
        return _judged(len(passed), refused=refused)
    domain = f"t{secrets.token_hex(4)}.example"
    _, refused = _send_out(target.lab.asked_as(identity("tunnel")), domain)
    arrived = {one for one in target.lab.liars["liar"].names() if domain in one}
    return _judged(len(arrived), refused=refused)


def _judged(names: int, *, refused: bool) -> Seen:
    octets = names * _LABEL
    # Nothing that left is no tunnel at all, and an end without REFUSED is no budget.
    if octets <= BUDGET and (names == 0 or not refused):
        why = "no name left" if names == 0 else "the connection ended before any was refused"
        raise VerifyError(f"{why}: {octets} octets in {names} names")
    return Seen(octets <= BUDGET, f"{octets} octets in {names} names left, of {_NAMES} tried")


@check(
    "tunnel-others",
    "A tunnel of one client does not stop others",
    Threat.TUNNELING,
    NIST_207,
    tried="after the tunnel: the same domain as another client, another domain as the same one",
    expected="both are answered",
)
def others(target: Target) -> Seen:
    """A budget is of one client and one domain."""
    lab = target.needs_lab("a second client is needed")
    domain = f"t{secrets.token_hex(4)}.example"
    _send_out(lab.asked_as(identity("tunnel")), domain)
    said = {
        "another client": ask(lab.asked_as(identity("liar")), question(f"www.{domain}")),
        "another domain": ask(
            lab.asked_as(identity("tunnel")), question(f"www.o{secrets.token_hex(4)}.example")
        ),
    }
    broken = [f"{who}: {reply.rcode}" for who, reply in said.items() if reply.rcode != "NOERROR"]
    return Seen.of(broken, len(said), "both are answered")


CHECKS: tuple[Check, ...] = (budget, others)
