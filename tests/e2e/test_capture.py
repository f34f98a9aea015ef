"""No question crosses the lab in the clear: proven on the packets themselves."""

import socket
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.world.ask import Transport
from tests.world.lab import Lab
from tests.world.tools import needs_root
from tests.world.waiting import PATIENCE

_ALL_PROTOCOLS = 0x0003


@contextmanager
def _capture() -> Iterator[list[bytes]]:
    """Every frame on the loopback interface while the block runs; complete when it ends."""
    frames: list[bytes] = []
    end = uuid.uuid4().bytes
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(_ALL_PROTOCOLS)) as tap:
        tap.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 24)
        tap.bind(("lo", 0))

        def collect() -> None:
            while True:
                frame = tap.recv(1 << 17)
                frames.append(frame)
                if end in frame:
                    return

        thread = threading.Thread(target=collect, daemon=True)
        thread.start()
        yield frames
        # Frames arrive in order: once this one is seen, every frame before it has been.
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            sender.sendto(end, ("127.0.0.1", 9))
        thread.join(PATIENCE)
        assert not thread.is_alive(), "the capture did not see its own last packet"


def _crossings(lab: Lab, transport: Transport) -> tuple[int, int]:
    """Asks for a name that nobody knows yet: how many frames hold it, of how many."""
    label = f"q{uuid.uuid4().hex}"
    with _capture() as frames:
        reply = lab.server.ask(f"{label}.example.org", transport=transport)
        assert reply.rcode == "NOERROR"
        assert reply.addresses, "the question went all the way to the internet and back"
    return sum(label.encode() in frame.lower() for frame in frames), len(frames)


@needs_root
@pytest.mark.parametrize("transport", ["dot", "doh"])
def test_no_question_crosses_the_lab_in_the_clear(shared_lab: Lab, transport: Transport) -> None:
    in_the_clear, frames = _crossings(shared_lab, transport)
    assert frames > 10, "the capture saw the encrypted way"
    assert in_the_clear == 0


@needs_root
def test_the_capture_does_see_a_question_that_a_client_sends_in_the_clear(shared_lab: Lab) -> None:
    # Question and answer between client and resolver, each seen once going out and once coming in;
    # none of them between resolver, forwarder and internet.
    in_the_clear, _ = _crossings(shared_lab, "udp")
    assert in_the_clear == 4
