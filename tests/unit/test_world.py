"""What tests stand on keeps its word while programs run beside it."""

import subprocess
import sys
from itertools import islice

import pytest

from tests.world.dnstap import CONTENT_TYPE, START, STOP, read_stream
from tests.world.ports import LAB_PORTS, free_base, free_port


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
    script = "from tests.world.ports import free_port\nprint(*(free_port() for _ in range(250)))"
    here = {free_port() for _ in range(250)}
    other = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert len(here) == 250
    assert here.isdisjoint(map(int, other.stdout.split()))


def test_a_lab_has_its_ports_for_itself() -> None:
    base = free_base()
    taken = set(range(base, base + LAB_PORTS))
    assert taken.isdisjoint(islice(iter(free_port, None), 200))
