"""Reports when the upstreams become unreachable, and when they answer again."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

import dns.exception
import dns.message

from keyhole.config.sections.client_certificates import ClientCertificatesSection
from keyhole.control.error import ControlError
from keyhole.control.notice import Notice, Notify, Severity
from keyhole.control.own_question import ask_own_listener
from keyhole.control.upstream_hints import hints_for
from keyhole.model.engine_stats import EngineStats, UpstreamStats

CHECK_SECONDS = 5.0
_PROBE_SECONDS = 6.0

Stats = Callable[[], Awaitable[EngineStats]]


class UpstreamMonitor:
    """Watches the counters of the upstreams of one engine."""

    def __init__(
        self, stats: Stats, addresses: dict[str, list[str]], notify: Notify, own_mark: str = ""
    ) -> None:
        """``addresses`` are listeners that serve it without a certificate; ``own_mark`` keeps its
        queries apart from those of clients."""
        self._stats = stats
        self._addresses = addresses
        self._notify = notify
        self._own_mark = bytes.fromhex(own_mark)
        self._is_down = False
        self._is_suspect = False
        self._answered = 0
        self._failed = 0

    async def watch(self) -> None:
        """Checks at the start and then regularly; never ends by itself."""
        while True:
            if self._is_down or self._is_suspect or self._answered == 0:
                await self._probe()
            with suppress(ControlError):  # the engine is restarting; the supervisor reports that
                self._check(await self._stats())
            await asyncio.sleep(CHECK_SECONDS)

    async def _probe(self) -> None:
        """Makes the engine query an upstream for the root name servers: this reveals nothing.

        The query goes through our own listener and so through policy. If policy refuses it, the
        counters do not change, and nothing is reported.
        """
        question = dns.message.make_query(".", "NS")
        # The counters show the result.
        with suppress(OSError, EOFError, dns.exception.DNSException):
            await ask_own_listener(question, self._addresses, self._own_mark, _PROBE_SECONDS)

    def _check(self, stats: EngineStats) -> None:
        upstreams = stats.get("upstreams", [])
        answered = sum(one["answered"] for one in upstreams)
        # Where a client used up its share, nothing is said of the upstream.
        failed = sum(_unreached(one["failed"]) for one in upstreams)
        # The counters of a new engine start at zero.
        some_answered = answered > self._answered or (answered < self._answered and answered > 0)
        some_failed = failed > self._failed
        self._answered, self._failed = answered, failed
        fails = some_failed and not some_answered
        # One slow name does not mean that upstreams which answered are gone: the next check tells.
        was_suspect, self._is_suspect = self._is_suspect, fails and answered > 0
        if some_answered and self._is_down:
            self._is_down = False
            self._notify(Notice(Severity.SUCCESS, "an upstream answers again"))
        elif fails and (was_suspect or answered == 0) and not self._is_down:
            self._is_down = True
            self._notify(no_upstream(upstreams))


def without_certificate(
    addresses: dict[str, list[str]], settings: ClientCertificatesSection
) -> dict[str, list[str]]:
    """The listeners at which a client needs no certificate in the TLS handshake. At the others our
    own query would be a refused handshake, which carries no mark."""
    open_ones = [
        one
        for one in addresses.get("dot", ())
        if settings.listeners.get(one, settings.dot) != "require"
    ]
    return {**addresses, "dot": open_ones}


def _unreached(failed: dict[str, int]) -> int:
    """Attempts that no upstream took part in: one that answers nonsense, or has enough to do, was
    reached."""
    return sum(count for kind, count in failed.items() if kind not in ("invalid", "busy"))


def no_upstream(upstreams: list[UpstreamStats]) -> Notice:
    """A notice with the error of each upstream, and with hints."""
    errors = [
        f"{one['name']} ({one['protocol']}): {one['last_error'] or 'no answer yet'}"
        for one in upstreams
    ]
    said = " ".join(errors)
    tries = hints_for(said)
    tries.append("other upstreams: change the Upstream documents, they act at once")
    return Notice(
        Severity.ERROR,
        "no upstream can be reached; what is not in the cache or a local record fails",
        (*errors, *(f"try: {hint}" for hint in tries)),
    )
