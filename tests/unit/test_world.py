"""What tests stand on keeps its word while programs run beside it."""

import json
import os
import resource
import signal
import subprocess
import sys
from itertools import islice
from pathlib import Path

import pytest

from tests.world import ports
from tests.world.dnstap import CONTENT_TYPE, START, STOP, read_stream
from tests.world.fork_server import inherited
from tests.world.ports import LAB_PORTS, free_base, free_port
from tests.world.waiting import PATIENCE, until, witnesses

ROOT = Path(__file__).resolve().parents[2]


def _control(kind: int, *more: bytes) -> bytes:
    body = kind.to_bytes(4) + b"".join(more)
    return bytes(4) + len(body).to_bytes(4) + body


_HEAD = _control(START, (1).to_bytes(4), len(CONTENT_TYPE).to_bytes(4), CONTENT_TYPE)
_FRAME = (5).to_bytes(4) + b"first"


@pytest.mark.parametrize("end", range(1, len(_FRAME)))
def test_of_a_stream_that_is_being_written_the_whole_frames_are_read(end: int) -> None:
    assert read_stream(_HEAD + _FRAME + _FRAME[:end]) == ([b"first"], False)


def test_the_end_of_a_stream_is_read_once_it_is_whole() -> None:
    stop = _control(STOP)
    assert read_stream(_HEAD + _FRAME + stop) == ([b"first"], True)
    for end in range(len(stop)):
        assert read_stream(_HEAD + _FRAME + stop[:end]) == ([b"first"], False)


def test_two_runs_at_the_same_time_choose_no_port_twice() -> None:
    script = "from tests.world.ports import free_port\nprint(*(free_port() for _ in range(20)))"
    here = {free_port() for _ in range(250)}
    other = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        check=True,
        timeout=PATIENCE,
        cwd=ROOT,
    )
    assert len(here) == 250
    assert here.isdisjoint(map(int, other.stdout.split()))


def test_what_is_forked_inherits_the_state_of_the_test_and_not_of_the_fork_server() -> None:
    """A test that sets a umask around the start of a program is about that umask."""
    mask, usr1 = os.umask(0o012), signal.signal(signal.SIGUSR1, signal.SIG_IGN)
    blocked = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR2})
    soft, hard = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (0, hard))
    try:
        wanted = json.loads(json.dumps(inherited()))
    finally:
        resource.setrlimit(resource.RLIMIT_CORE, (soft, hard))
        signal.pthread_sigmask(signal.SIG_SETMASK, blocked)
        signal.signal(signal.SIGUSR1, usr1)
        os.umask(mask)
    assert (wanted["umask"], wanted["limits"][str(resource.RLIMIT_CORE)][0]) == (0o012, 0)
    assert signal.SIGUSR1 in wanted["ignored"]
    assert signal.SIGUSR2 in wanted["blocked"]
    script = (
        "import json, sys\nfrom tests.world import fork_server\n"
        "fork_server.inherit(json.loads(sys.argv[1]))\n"
        "print(json.dumps(fork_server.inherited()))"
    )
    other = subprocess.run(
        [sys.executable, "-c", script, json.dumps(wanted)],
        capture_output=True,
        text=True,
        check=True,
        timeout=PATIENCE,
        cwd=ROOT,
    )
    assert json.loads(other.stdout) == wanted


def test_a_lab_has_its_ports_for_itself() -> None:
    base = free_base()
    taken = set(range(base, base + LAB_PORTS))
    assert taken.isdisjoint(islice(iter(free_port, None), 200))


@pytest.fixture
def given(monkeypatch: pytest.MonkeyPatch) -> set[int]:
    """The blocks that other runs have given back: a fresh choice can claim these alone."""
    free: set[int] = set()

    def claim(block: int) -> bool:
        is_free = block in free
        free.discard(block)
        return is_free

    monkeypatch.setattr(ports, "_claim", claim)
    monkeypatch.setattr(ports, "_is_free", lambda port: True)
    monkeypatch.setattr(ports, "_ports", ports._candidates())
    return free


def test_a_process_that_finds_all_blocks_taken_says_so_and_gets_the_next_one_that_is_free(
    given: set[int],
) -> None:
    for _ in range(2):
        with pytest.raises(RuntimeError, match="all blocks belong to other runs"):
            free_port()
        with pytest.raises(RuntimeError, match="all blocks belong to other runs"):
            free_base()
    given.add(7)
    first = free_port()
    assert first == ports._FIRST + 7 * ports._BLOCK
    # Its own again, and not none.
    assert [free_port() for _ in range(ports._BLOCK)][-1] == first


def test_a_block_that_another_run_has_given_back_comes_before_a_second_use_of_the_own(
    given: set[int],
) -> None:
    given.add(7)
    own = {free_port() for _ in range(ports._BLOCK)}
    given.add(9)
    assert own.isdisjoint(free_port() for _ in range(ports._BLOCK))


def test_a_witness_that_fails_is_told_beside_what_was_waited_for() -> None:
    def blind() -> str:
        raise OSError("the connection is gone")

    witnesses.extend([blind, lambda: "the other one saw it"])
    try:
        with pytest.raises(AssertionError) as failed:
            until(lambda: False, "it is done", 0.0)
    finally:
        del witnesses[-2:]
    assert "in vain until it is done" in str(failed.value)
    assert "the connection is gone" in str(failed.value)
    assert "the other one saw it" in str(failed.value)
