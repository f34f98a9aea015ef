"""Who is attacked: its listeners, and what is known of it."""

import secrets
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from keyhole.verify.endpoint import Certificate, Endpoint, Reply, ask
from keyhole.verify.error import SkippedError, VerifyError
from keyhole.verify.question import question

if TYPE_CHECKING:
    from keyhole.verify.capture import Capture
    from keyhole.verify.lab import Lab


@dataclass
class Target:
    """One Keyhole.

    ``open`` are its listeners, asked as somebody whom it knows; ``strict`` those where nobody is
    answered without an identity, asked without one. ``outside`` is its listener for UDP, asked from
    an address that no policy serves. ``known`` is a name that is answered,
    ``blocked`` one that policy blocks, ``alias`` one that leads to it. ``api`` and ``metrics`` are
    URLs; ``closed_api`` is that of an API to which nothing from here should get through.
    """

    title: str
    open: list[Endpoint]
    strict: list[Endpoint] = field(default_factory=list)
    outside: Endpoint | None = None
    known: str = "example.org"
    blocked: str | None = None
    alias: str | None = None
    tunnel: str | None = None
    good: Certificate | None = None
    api: str | None = None
    closed_api: str | None = None
    api_ca: Path | None = None
    metrics: list[str] = field(default_factory=list)
    lab: "Lab | None" = None
    capture: "Capture | None" = None
    _unanswered: list[str] | None = None
    marker: str = field(default_factory=lambda: f"kv{secrets.token_hex(12)}")
    """A label of this run. Names with it are asked over encrypted transports alone."""

    def over(self, *transports: str) -> list[Endpoint]:
        """The open listeners of these transports; skips the check where there is none."""
        self.must_answer()
        self._needs_open()
        found = [one for one in self.open if one.transport in transports]
        if not found:
            raise SkippedError(f"no listener for {' or '.join(transports)} was given")
        return found

    def over_strict(self) -> list[Endpoint]:
        """The listeners that need an identity; skips the check where there is none."""
        if not self.strict:
            raise SkippedError("needs a listener that answers nobody without an identity: --strict")
        return self.strict

    def must_answer(self) -> None:
        """Raises `VerifyError` unless each open listener answers an ordinary question: what refuses
        everything would pass each check of refusals. Asked once in a run, and remembered."""
        if self._unanswered is None:
            self._unanswered = self.still_answers()
        if self._unanswered:
            raise VerifyError(f"{self.known} is not answered: {'; '.join(self._unanswered)}")

    def _needs_open(self) -> None:
        if self.strict and not self.open:
            raise SkippedError("needs --cert or --token-file: it answers nobody without")

    def needs_lab(self, why: str) -> "Lab":
        """The lab; skips the check elsewhere."""
        if self.lab is None:
            raise SkippedError(f"only in the lab: {why}")
        return self.lab

    def needs_blocked(self) -> str:
        """A name that policy blocks; skips the check without one."""
        self.must_answer()
        if self.blocked is None:
            raise SkippedError("needs a name that the policy blocks: --blocked")
        self._needs_open()
        return self.blocked

    def needs_api(self) -> str:
        """The URL of the API; skips the check without one."""
        if self.api is None:
            raise SkippedError("needs the address of the API: --api")
        return self.api

    def secret_name(self) -> str:
        """A name that was never asked, for encrypted transports alone."""
        return f"{secrets.token_hex(4)}.{self.marker}.example.org"

    def still_answers(self) -> list[str]:
        """Which listeners do not answer an ordinary question any more."""
        replies = {str(one): ask(one, question(self.known)) for one in self.open}
        return [f"{where}: {said.rcode}" for where, said in replies.items() if not _is_ok(said)]


def _is_ok(reply: Reply) -> bool:
    return reply.rcode == "NOERROR"
