"""Accountability: evidence for each query, revocation in time, and no hop in the clear."""

import struct
import time
from typing import Any

import httpx2

from keyhole.verify.check import Check, Seen, Threat, check
from keyhole.verify.endpoint import Ended, Endpoint, Reply, ask, broken_by, connect, read_message
from keyhole.verify.error import SkippedError, VerifyError
from keyhole.verify.lab import WEB
from keyhole.verify.lab_documents import identity
from keyhole.verify.question import question
from keyhole.verify.standards import CISA, NIST_81, NIST_207, rfc
from keyhole.verify.target import Target

_REFUSED = {Ended.REFUSED, Ended.CLOSED}
REVOCATION_SECONDS = 10.0
"""A revocation returns when each engine has it, after ten seconds at the latest (docs/guides)."""
_LOG_SECONDS = 150.0
"""The log of a busy machine may be a while behind. What is not there after this is no evidence."""


@check(
    "evidence",
    "The log has the evidence of a query",
    Threat.ACCOUNTABILITY,
    NIST_81,
    NIST_207,
    tried="one question that is answered and one that is blocked, as a workload, then the log",
    expected="who asked, which rule decided, and how it was protected on its way in and out",
)
def evidence(target: Target) -> Seen:
    """NIST SP 800-207 section 2.1, tenet 7: what happened is collected."""
    lab = target.needs_lab("the log of the target is read")
    client, fresh = lab.asked_as(WEB), target.secret_name()
    blocked = f"{fresh.split('.')[0]}.{target.needs_blocked()}"
    for name in (fresh, blocked):
        ask(client, question(name))
    with lab.api() as api:
        end = time.monotonic() + _LOG_SECONDS
        answered, refused = (_row(api, name, end) for name in (fresh, blocked))
    broken = []
    if answered is None or refused is None:
        return Seen(False, "the queries are not in the log")
    for what, row in (("answered", answered), ("blocked", refused)):
        if row["identity"] != WEB:
            broken.append(f"{what}: not who asked, but {row['identity']}")
        if not (row["lock_in"] or {}).get("closed"):
            broken.append(f"{what}: not protected on its way in")
    if not (answered["lock_out"] or {}).get("closed"):
        broken.append("answered: not protected on its way out")
    if not (refused["rule"] or refused["list"]):
        broken.append("blocked: no rule or list")
    if refused["outcome"] not in ("blocked", "refused"):
        broken.append(f"blocked: the log says {refused['outcome']}")
    rule = refused["rule"] or refused["list"]
    fine = f"{WEB}, policy {refused['policy']}, {rule}, TLS in and out"
    return Seen.of(broken, 2, fine)


def _row(api: httpx2.Client, name: str, end: float) -> dict[str, Any] | None:
    """The row of a query in the log, once it is there; none at the end, a monotonic time."""
    while True:
        answer = api.get("/queries", params={"name": name, "limit": 1})
        answer.raise_for_status()
        if items := answer.json()["items"]:
            return dict(items[0])
        if time.monotonic() > end:
            return None
        time.sleep(0.2)


@check(
    "revocation",
    "A revoked client is refused at once",
    Threat.IMPERSONATION,
    NIST_207,
    rfc(5280, "3.3"),
    tried="a good certificate, then its revocation, on a connection that stays open and on a new "
    "one",
    expected=f"answered before, refused on both within {REVOCATION_SECONDS:g} s",
)
def revocation(target: Target) -> Seen:
    """NIST SP 800-207 section 2.1, tenet 6: trust is looked at again each time."""
    lab = target.needs_lab("an identity is made and revoked")
    spiffe = identity("revoked")
    client = lab.asked_as(spiffe)
    with lab.api() as api, connect(client) as stream:

        def on_open_connection() -> Reply:
            wire = question(target.secret_name())
            try:
                stream.sendall(struct.pack("!H", len(wire)) + wire)
                return read_message(stream)
            except OSError as error:
                return broken_by(error)

        before = on_open_connection().rcode
        started = time.monotonic()
        api.post("/identities/revoke", json={"identity": spiffe}).raise_for_status()
        try:
            fresh = kept = Reply(None, "not asked")
            seconds = 0.0
            while seconds <= REVOCATION_SECONDS:
                kept = on_open_connection()
                fresh = ask(client, question(target.secret_name()))
                seconds = time.monotonic() - started
                if {kept.ended, fresh.ended} <= _REFUSED:
                    break
        finally:
            api.post("/identities/unrevoke", json={"identity": spiffe})
    broken = [] if before == "NOERROR" else [f"before: {before}"]
    said = f"after {seconds:.1f} s: open connection {kept.rcode}, new one {fresh.rcode}"
    if Ended.ANSWERED in (kept.ended, fresh.ended):
        broken.append(f"still answered {said}")
    elif Ended.LOST in (kept.ended, fresh.ended):
        raise VerifyError(f"neither answered nor refused {said}")
    elif (other := _last_rcode(target, lab.asked_as(WEB))) != "NOERROR":
        raise VerifyError(f"another client is not answered any more either: {other}")
    return Seen.of(broken, 2, said)


def _last_rcode(target: Target, client: Endpoint) -> str:
    """What another client is told: on a busy machine one look-up may be too late, and not all."""
    end = time.monotonic() + REVOCATION_SECONDS
    while (rcode := ask(client, question(target.secret_name())).rcode) != "NOERROR":
        if time.monotonic() > end:
            break
    return rcode


@check(
    "no-clear-hop",
    "No hop carries a name in the clear",
    Threat.SURVEILLANCE,
    CISA,
    NIST_81,
    rfc(9076),
    tried="a capture of all interfaces during the whole run, in which hundreds of names with one "
    "label were asked over TLS",
    expected="no frame holds that label",
)
def no_clear_hop(target: Target) -> Seen:
    """Last of all, so that the capture saw what all other checks asked over TLS."""
    if target.lab is None or target.capture is None:
        raise SkippedError("only in the lab: the capture must stand on each hop")
    for transport in ("dot", "doh"):
        ask(target.lab.asked_as(WEB, transport), question(target.secret_name()))
    frames, found = target.capture.finish()
    if found:
        return Seen(False, f"{len(found)} frames of {frames} hold a name, {_ports(found[0])}")
    return Seen(frames > 0, f"none of {frames} frames")


def _ports(frame: bytes) -> str:
    """Protocol and ports of an Ethernet frame with IPv4, for whoever looks for the leak."""
    if frame[12:14] != b"\x08\x00" or len(frame) < 38:
        return f"{len(frame)} octets"
    start = 14 + (frame[14] & 15) * 4
    source, target = struct.unpack_from("!2H", frame, start)
    protocol = {6: "TCP", 17: "UDP"}.get(frame[23], str(frame[23]))
    return f"{protocol} from port {source} to {target}"


CHECKS: tuple[Check, ...] = (evidence, revocation, no_clear_hop)
