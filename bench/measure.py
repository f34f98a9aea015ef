"""Measuring one server: processor time from /proc, load from dnsperf."""

import os
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from bench.setting import Setting

_TICK = os.sysconf("SC_CLK_TCK")
_START_SECONDS = 240.0
_CONNECTIONS = 20
# Over UDP, more at once overflow the socket buffers of servers that read one datagram at a time.
_OUTSTANDING = {"udp": 100, "tcp": 400, "dot": 400, "doh": 400}


@dataclass(frozen=True)
class Cost:
    """One load in one round; ``cpu`` is microseconds of user and system time for each answer."""

    peer: str
    transport: str
    load: str
    cpu: float
    per_second: float
    answered: int
    lost: int
    codes: str


@dataclass(frozen=True)
class Footprint:
    """One start: seconds to the first answer, megabytes before and after all loads."""

    peer: str
    start: float
    memory: float
    memory_after: float


class StartError(Exception):
    """A server did not start; the message holds the end of its output."""


@contextmanager
def running(command: list[str], name: str, folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Runs a server while the block runs, and ends all of its processes afterwards."""
    with (folder / f"{name}.log").open("wb") as log:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
        )
        try:
            yield process
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()


def wait_until_it_answers(process: subprocess.Popen[bytes], name: str, setting: Setting) -> float:
    """Seconds until the first answer; raises `StartError` if none comes."""
    start = time.monotonic()
    while (seconds := time.monotonic() - start) < _START_SECONDS:
        if process.poll() is not None:
            break
        asked = subprocess.run(
            ["dig", "@127.0.0.1", "-p", str(setting.ports.dns), "+tcp", "+time=1", "+tries=1",
             "first.example.org"],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        if "status: NOERROR" in asked.stdout:
            return seconds
        time.sleep(0.05)
    log = (setting.folder / f"{name}.log").read_text(errors="replace")
    raise StartError(f"{name} did not start: {log[-600:].strip() or 'no output'}")


def processor_seconds(pid: int) -> float:
    """User and system time of a process and its descendants so far."""
    return sum(_ticks(each) for each in _tree(pid)) / _TICK


def memory_megabytes(pid: int) -> float:
    """Memory of a process and its descendants; what they share counts once (PSS)."""
    total = 0
    for each in _tree(pid):
        with suppress(OSError):
            found = re.search(r"^Pss:\s+(\d+)", _read(each, "smaps_rollup"), re.MULTILINE)
            total += int(found.group(1)) if found else 0
    return total / 1024


def _tree(pid: int) -> list[int]:
    found = [pid]
    with suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            for child in (task / "children").read_text().split():
                found += _tree(int(child))
    return found


def _read(pid: int, name: str) -> str:
    return Path(f"/proc/{pid}/{name}").read_text()


def _ticks(pid: int) -> int:
    with suppress(OSError):
        fields = _read(pid, "stat").rsplit(")", 1)[1].split()
        return int(fields[11]) + int(fields[12])
    return 0


def warm(setting: Setting, transport: str) -> None:
    """Asks once for every name of the load ``cached``, slowly enough that nothing is lost."""
    _dnsperf(setting, transport, "warm", "-n", "1", "-q", "10")


def drive(setting: Setting, transport: str, load: str, seconds: float) -> str:
    """Asks as fast as the server answers; gives the output of dnsperf."""
    return _dnsperf(
        setting, transport, load, "-l", str(seconds), "-q", str(_OUTSTANDING[transport])
    )


def _dnsperf(setting: Setting, transport: str, load: str, *more: str) -> str:
    command = [
        "dnsperf", "-s", "127.0.0.1", "-p", str(setting.ports.of(transport)), "-m", transport,
        "-d", str(setting.queries(load)), "-c", str(_CONNECTIONS), "-T", "1", "-t", "3", *more,
    ]  # fmt: skip
    if transport == "doh":
        command += ["-O", "doh-uri=https://localhost/dns-query", "-O", "doh-method=POST"]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout


def measure(
    setting: Setting, peer: str, pid: int, transport: str, load: str, seconds: float
) -> Cost:
    """The cost of a load on a running server."""
    before = processor_seconds(pid)
    output = drive(setting, transport, load, seconds)
    spent = processor_seconds(pid) - before
    answered = int(_find(output, r"Queries completed:\s+(\d+)"))
    return Cost(
        peer=peer,
        transport=transport,
        load=load,
        cpu=spent / max(answered, 1) * 1e6,
        per_second=float(_find(output, r"Queries per second:\s+([\d.]+)")),
        answered=answered,
        lost=int(_find(output, r"Queries lost:\s+(\d+)")),
        codes=_find(output, r"Response codes:\s+(.*)", "none"),
    )


def _find(text: str, pattern: str, otherwise: str = "0") -> str:
    found = re.search(pattern, text)
    return found.group(1).strip() if found else otherwise
