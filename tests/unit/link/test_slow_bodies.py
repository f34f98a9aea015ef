"""A slow line may take long for a body; whoever only holds its place may not."""

import asyncio
import json
from collections.abc import Iterator
from itertools import repeat

import pytest
from starlette.requests import Request
from starlette.types import Message

from keyhole.link.application import BODY_SECONDS, BODY_STEP, MAX_BODIES, application
from keyhole.link.message import COUNTS
from keyhole.link.peer import Peer
from keyhole.link.remote_peer import RemotePeer
from tests.unit.link.test_application import FakeService

PEER = RemotePeer("spiffe://a/b")


def _find(_: Request) -> Peer:
    return PEER


class _Loop(asyncio.SelectorEventLoop):
    """Its time passes only as the test says."""

    now = 0.0

    def time(self) -> float:
        return self.now


def _post(service: FakeService, pieces: Iterator[bytes], seconds: float) -> tuple[int, str]:
    """Status and reason of a request of which a piece comes each time so many seconds have passed,
    on the clock of the loop."""
    said: list[Message] = []
    with asyncio.Runner(loop_factory=_Loop) as runner:
        loop = runner.get_loop()
        assert isinstance(loop, _Loop)

        async def receive() -> Message:
            loop.now += seconds
            for _ in range(3):
                await asyncio.sleep(0)  # for timers that are due
            piece = next(pieces, None)
            return {"type": "http.request", "body": piece or b"", "more_body": piece is not None}

        async def send(message: Message) -> None:
            said.append(message)

        scope = {
            "type": "http",
            "method": "POST",
            "path": COUNTS,
            "headers": [],
            "query_string": b"",
            "server": ("localhost", 443),
        }
        runner.run(application(_find, service)(scope, receive, send))
    return said[0]["status"], json.loads(said[1]["body"]).get("why", "")


def test_a_slow_line_sends_a_large_part_of_a_log_however_long_that_takes() -> None:
    """16 MiB at 17 kbit/s are two hours."""
    service = FakeService()
    pieces = repeat(b"x" * (BODY_STEP // 2), 512)
    assert _post(service, pieces, BODY_SECONDS / 2 - 1) == (200, "")
    [(_, _, _, lines)] = service.taken
    assert len(lines) == 16 * 2**20


@pytest.mark.parametrize("octets", [0, 1, BODY_STEP // 4])
def test_a_body_that_comes_in_drops_ends_and_frees_its_place(octets: int) -> None:
    """A8: also one whose octets come just before each end."""
    service = FakeService()
    for _ in range(2 * MAX_BODIES):
        status, why = _post(service, repeat(b"x" * octets), BODY_SECONDS / 3)
        assert status == 400
        assert "did not come within 60 s" in why
    assert service.taken == []
