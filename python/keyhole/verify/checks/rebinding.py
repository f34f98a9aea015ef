"""Rebinding: private addresses for public names."""

import secrets
from ipaddress import ip_address

from keyhole.verify.check import Check, Seen, Threat, check
from keyhole.verify.endpoint import answered, ask
from keyhole.verify.error import VerifyError
from keyhole.verify.lab_documents import identity
from keyhole.verify.liar import HONEST
from keyhole.verify.question import question
from keyhole.verify.standards import PROTECTIVE, rfc
from keyhole.verify.target import Target

_PRIVATE = (
    *("0.0.0.0", "10.1.2.3", "100.64.0.1", "127.0.0.1", "169.254.169.254", "172.16.0.1"),  # noqa: S104
    *("192.168.1.1", "224.0.0.1", "255.255.255.255"),
    *("::", "::1", "fe80::1", "fd00::1", "ff02::1", "::ffff:10.1.2.3", "64:ff9b::a01:203"),
)  # fmt: skip


@check(
    "rebinding",
    "A public name does not lead to a private address",
    Threat.REBINDING,
    rfc(6890),
    PROTECTIVE,
    tried=f"an upstream that answers with {len(_PRIVATE)} private, loopback and special addresses, "
    "also mapped into IPv6",
    expected="none of them reaches a client",
)
def private(target: Target) -> Seen:
    """RFC 6890 and the registries: what is not globally reachable."""
    lab = target.needs_lab("an upstream that lies is needed")
    client = lab.asked_as(identity("liar"))
    # Where the upstream is not reached at all, nothing private comes either.
    honest = ask(client, question(target.secret_name()))
    if honest.records != [HONEST]:
        raise VerifyError(f"the upstream that lies was not reached: {honest.rcode}")
    broken, asked = [], set[str]()
    for address in map(ip_address, _PRIVATE):
        name = f"private-{address.packed.hex()}.{secrets.token_hex(4)}.{target.marker}.example.org"
        asked.add(f"{name}.")
        reply = ask(client, question(name, "A" if address.version == 4 else "AAAA"))
        if reply.records or reply.message is None:
            broken.append(f"{address}: {reply.records or reply.rcode}")
    untold = asked - {one.lower() for one in lab.liars["liar"].names()}
    if untold and not broken:
        raise VerifyError(f"{len(untold)} of {len(asked)} questions did not reach the upstream")
    return Seen.of(broken, len(_PRIVATE), f"none of {len(_PRIVATE)}")


@check(
    "rebinding-policy",
    "The policy of the lab holds private addresses back",
    Threat.REBINDING,
    PROTECTIVE,
    tried="rebind.example.net, which leads to 192.168.1.1, over each transport",
    expected="no address",
)
def of_policy(target: Target) -> Seen:
    """The policy that the workloads have."""
    target.needs_lab("a name with a private address is needed")
    target.must_answer()
    said = {str(one): answered(one, question("rebind.example.net")) for one in target.open}
    broken = [f"{where}: {reply.records}" for where, reply in said.items() if reply.records]
    return Seen.of(broken, len(said), "no address")


CHECKS: tuple[Check, ...] = (private, of_policy)
