"""A data folder that was used. Each test may damage it; it is put back for the next one."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import dns.exception
import dns.message
import dns.query
import dns.rcode
import pytest

from tests.world.certificates import Authority
from tests.world.forked import prepare
from tests.world.process import Program, call_keyhole
from tests.world.resolver import Resolver, document
from tests.world.waiting import PATIENCE, until

ALLOWED, ADDRESS = "printer.example.org", "192.0.2.7"
BLOCKED, STRANGER, DENIED = "blocked.example.org", "127.0.0.2", "127.0.0.3"
FIRST_ANSWER_SECONDS = 2.0
IDLE_START_SECONDS = 0.15
"""An empty program of Python on a small machine that does nothing else."""
_FAKETIME = "faketime/libfaketimeMT.so.1"


class UsedFolder:
    """One data folder, and the `keyhole up` that runs with it.

    A record of the documents folder is allowed, a rule blocks a name, one client is not served, and
    a policy that only the database knows denies everything to another one.
    """

    def __init__(self, folder: Path, authority: Authority) -> None:
        self.resolver = Resolver(folder / "data", authority)
        self.data = self.resolver.folder
        self._whole = folder / "whole"
        self.resolver.configure(
            tls={"names": ["resolver.example.org"]}, clients=["127.0.0.1/32", f"{DENIED}/32"]
        )
        self.resolver.write(
            document("Record", "printer", name=ALLOWED, a=[ADDRESS]),
            document(
                "Policy",
                "home",
                default="allow",
                upstreams=["test"],
                rules=[{"block": [BLOCKED]}],
            ),
        )
        self.resolver.start()
        stored = folder / "stored.yaml"
        stored.write_text(
            "apiVersion: keyhole.dev/v1\nkind: Policy\nmetadata: {name: guest}\nspec:\n"
            f"  subjects: ['cidr:{DENIED}/32']\n  rules:\n"
            f"    - {{block: [{ALLOWED}], answer: refused, important: true}}\n"
        )
        applied = self.resolver.command("apply", "-f", str(stored))
        assert applied.returncode == 0, applied.stdout + applied.stderr
        self.resolver.wait_for(lambda: self.is_denied() and self._is_ingested(), "it was used")
        self.resolver.stop()
        shutil.copytree(self.data, self._whole, symlinks=True)

    def _is_ingested(self) -> bool:
        return any((self.data / "log" / "history").glob("day=*/*.rows.parquet"))

    def restore(self) -> None:
        """Puts everything back as it was."""
        self.resolver.stop()
        shutil.rmtree(self.data)
        shutil.copytree(self._whole, self.data, symlinks=True)

    def start(
        self,
        environment: dict[str, str] | None = None,
        *,
        within: float = 0.0,
        begin: Callable[..., Program] = Program.forked,
    ) -> None:
        """Starts it; returns once the allowed name is answered over UDP and TCP.

        The time in which other programs had the processor does not count: tests run side by side.
        ``begin`` is a way of `Program` to start it. The usual one leaves out the imports, which are
        the same whatever is wrong with the folder or the clock.
        """
        prepare(environment or {})
        seconds = within or FIRST_ANSWER_SECONDS * slowness()
        log = self.data.with_suffix(".log")
        begun = time.monotonic()
        program = begin("up", "--data", str(self.data), log=log, **(environment or {}))
        self.resolver.run(program)
        try:
            # Not patient: a packet that arrives before anybody listens is lost.
            until(lambda: self.is_answered(patience=1.0), f"{ALLOWED} is answered")
        except AssertionError as error:
            raise AssertionError(f"{error}\n{program.output}") from None
        took = time.monotonic() - begun - program.seconds_without_processor()
        if took > seconds and not within:
            # Others may have begun since.
            seconds = max(seconds, FIRST_ANSWER_SECONDS * slowness())
        assert took <= seconds, f"{took:.1f} s until an answer, in place of {seconds:.1f}"

    def is_answered(self, patience: float = PATIENCE) -> bool:
        """Whether the allowed name has its address over both; waits so many seconds for each."""
        return all(
            self._ask(ALLOWED, how=how, patience=patience)[1] == [ADDRESS] for how in ("tcp", "udp")
        )

    def is_denied(self, patience: float = 2.0) -> bool:
        """Whether the policy of the database acts; waits so many seconds for an answer."""
        return self._ask(ALLOWED, source=DENIED, patience=patience)[0] == "REFUSED"

    def assert_refused_or_blocked(self) -> None:
        """Once it answers, what was blocked is no more open than without a snapshot."""
        codes = ("NXDOMAIN", "REFUSED")
        self.resolver.wait_for(lambda: self._ask(BLOCKED)[0] in codes, f"{BLOCKED} is not open")

    def assert_nothing_opens(self) -> None:
        """What was blocked and who was refused still is."""
        assert self._ask(BLOCKED, patience=PATIENCE)[0] == "NXDOMAIN"
        assert self._ask(ALLOWED, source=STRANGER, patience=0.3)[0] in ("REFUSED", "nothing")
        assert self.is_denied(PATIENCE)

    def status_says(self, *words: str) -> str:
        """Waits until `keyhole status` says all of the words; returns what it says."""

        def says() -> str:
            self.resolver.program.must_run()
            done = call_keyhole("status", "--data", str(self.data))
            said = done.stdout + done.stderr
            return said if all(word in said for word in words) else ""

        try:
            return until(says, f"status says {words}")
        except AssertionError as error:
            last = call_keyhole("status", "--data", str(self.data))
            text = f"{error}\n{last.stdout}{last.stderr}\n{self.resolver.program.output}"
            raise AssertionError(text) from None

    def _ask(
        self, name: str, *, how: str = "udp", source: str | None = None, patience: float = 2.0
    ) -> tuple[str, list[str]]:
        query = dns.message.make_query(name, "A")
        server = self.resolver.server
        try:
            if how == "udp":
                reply = dns.query.udp(
                    query, "127.0.0.1", patience, server.udp, source, ignore_unexpected=True
                )
            else:
                reply = dns.query.tcp(query, "127.0.0.1", patience, server.tcp, source=source)
        except (OSError, EOFError, dns.exception.DNSException):
            return "nothing", []
        found = [str(one) for rrset in reply.answer for one in rrset]
        return dns.rcode.to_text(reply.rcode()), found


def slowness() -> float:
    """How many times slower than an idle machine this one starts a program now, at least 1."""
    begun = time.monotonic()
    subprocess.run([sys.executable, "-c", "import asyncio, json"], check=True)
    return max(1.0, (time.monotonic() - begun) / IDLE_START_SECONDS)


def clock(offset: str) -> dict[str, str]:
    """The environment in which programs see another time of day, such as ``-31d``.

    Only the wall clock is changed: what counts seconds goes on, as on a machine whose clock is set.
    The offset is read for each look at the clock: a process that is forked has another one.
    """
    library = next(Path("/usr/lib").glob(f"*/{_FAKETIME}"), None)
    if library is None:
        pytest.skip("libfaketime is not installed")
    return {
        "LD_PRELOAD": str(library),
        "FAKETIME": offset,
        "FAKETIME_NO_CACHE": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        "DONT_FAKE_MONOTONIC": "1",
        "NO_FAKE_STAT": "1",
    }


@contextmanager
def mounted(target: Path, *options: str) -> Iterator[None]:
    """Mounts at a folder; skips where that is not possible."""
    if os.geteuid() != 0:
        pytest.skip("needs root to mount a file system")
    done = subprocess.run(
        ["mount", *options, str(target)], capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        pytest.skip(f"this machine mounts nothing: {done.stderr.strip()}")
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(target)], check=True)


def fill(folder: Path) -> None:
    """Takes all room of a small file system."""
    with (folder / "filler").open("wb", buffering=0) as file:
        for size in (65_536, 4_096, 1):
            with suppress(OSError):
                while True:
                    file.write(bytes(size))


Damage = Callable[[UsedFolder], None]
