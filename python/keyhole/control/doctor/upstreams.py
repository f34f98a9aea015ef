"""Whether each upstream is reached, proves who it is, and answers. It is asked over its own
protocol alone, never in the clear."""

import queue
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from keyhole.config import Documents
from keyhole.control.doctor.case import Case, unexpected
from keyhole.control.doctor.finding import Finding, note, unknown, works, wrong
from keyhole.control.trust_context import read_trust_context
from keyhole.control.upstream_hints import hints_for
from keyhole.control.upstream_test import ROOT, ask_upstream_in
from keyhole.engine.launch import Identity
from keyhole.errors import KeyholeError
from keyhole.model.domain import domain_names
from keyhole.policy import compile_documents

SECONDS = 15.0
"""How long all of them together are waited for; one is given up by its own limit before."""
AT_ONCE, AT_ONCE_RUNNING = 8, 2
"""How many are asked at the same time, by this command and by a Keyhole that runs."""


@dataclass(frozen=True)
class Told:
    """What came of asking one upstream."""

    name: str
    seconds: float | None
    """From the question to its answer; none without one."""
    why: str = ""
    """Why there is no answer."""
    expires: datetime | None = None
    """When the certificate that it showed ends; none without TLS."""
    failure: Exception | None = None
    """What nobody expects of asking: then nothing is known of the upstream."""


Ask = Callable[[str], Told]


def look_at_upstreams(case: Case, seconds: float = SECONDS) -> Iterator[Finding]:
    """Asks each upstream for the root name servers, or for those of its first domain, by the
    running Keyhole if there is one."""
    if case.settings is not None and case.settings.resolved.control_server is not None:
        yield note("upstreams", "their documents are at the Keyhole that controls this one")
        return
    if case.running is not None and case.running.status["upstreams"]:
        names = [one["name"] for one in case.running.status["upstreams"]]
        ask, most = _by_running(case), AT_ONCE_RUNNING
    elif case.read.documents is None or case.settings is None:
        yield unknown("upstreams", "without valid documents nobody knows which there are")
        return
    else:
        names = [one.name for one in case.read.documents.upstreams]
        ask, most = _by_ourselves(case, case.read.documents), AT_ONCE
    if not names:
        yield note("upstreams", "no document names one: names that are not local have no answer")
        return
    found = list(_all(ask, names, most, seconds))
    for one in found:
        yield _finding(case, one)
    for name in sorted(set(names) - {one.name for one in found}):
        yield unknown(f"upstream {name}", f"no answer within {seconds:g} s, and others waited too")


def _finding(case: Case, one: Told) -> Finding:
    about = f"upstream {one.name}"
    if one.failure is not None:
        return unexpected(case, about, one.failure)
    if one.seconds is None:
        return wrong(about, one.why, *hints_for(one.why))
    proved = f", certificate until {one.expires:%Y-%m-%d}" if one.expires else ""
    return works(about, f"answers in {one.seconds * 1000:.0f} ms{proved}")


def _by_running(case: Case) -> Ask:
    running = case.running
    assert running is not None

    def ask(name: str) -> Told:
        told = running.ask_upstream(name)
        certificate = told["certificate"]
        expires = datetime.fromisoformat(certificate["expires"]) if certificate else None
        return Told(name, told["seconds"], told["error"] or "", expires)

    return ask


def _by_ourselves(case: Case, documents: Documents) -> Ask:
    assert case.settings is not None
    context = read_trust_context(case.settings, case.data.identity)
    # Policies and their lists would have to be compiled, and ask nobody.
    alone = replace(
        Documents(), upstreams=documents.upstreams, trust_domains=documents.trust_domains
    )
    compiled = compile_documents(alone, 1, context=context)
    identities = {name: Identity(*files) for name, files in compiled.identities.items()}
    domains = {
        one.name: domain_names(one.spec.domains[0])[0]
        for one in documents.upstreams
        if one.spec.domains
    }

    def ask(name: str) -> Told:
        found = ask_upstream_in(compiled.snapshot, name, identities, domains.get(name, ROOT))
        shown = found.stats.get("certificate")
        expires = datetime.fromtimestamp(shown["expires"], UTC) if shown else None
        seconds = found.stats["rtt"] if found.is_answered else None
        return Told(name, seconds, found.error or "", expires)

    return ask


def _all(ask: Ask, names: Sequence[str], most: int, seconds: float) -> Iterator[Told]:
    """What all say, in the order of names; those that do not come back in time are left out."""
    waiting: queue.SimpleQueue[str] = queue.SimpleQueue()
    done: queue.SimpleQueue[Told] = queue.SimpleQueue()
    for name in names:
        waiting.put(name)

    def work() -> None:
        while True:
            try:
                name = waiting.get_nowait()
            except queue.Empty:
                return
            try:
                done.put(ask(name))
            except (KeyholeError, OSError) as error:
                done.put(Told(name, None, str(error)))
            except Exception as error:  # noqa: BLE001  (one upstream must not take the others)
                done.put(Told(name, None, failure=error))

    for _ in range(min(most, len(names))):
        threading.Thread(target=work, daemon=True).start()
    found: dict[str, Told] = {}
    last = time.monotonic() + seconds
    while len(found) < len(names):
        try:
            one = done.get(timeout=max(0.0, last - time.monotonic()))
        except queue.Empty:
            break
        found[one.name] = one
    yield from (found[name] for name in names if name in found)
