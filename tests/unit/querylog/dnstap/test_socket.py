"""Frame Streams to a program that listens, ends and returns."""

import asyncio
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from keyhole.querylog.dnstap import CONTENT_TYPE, SocketOutput, Target
from keyhole.querylog.dnstap.frames import Control, FrameError, Kind, control, data, read_control
from tests.world.dnstap import Collector, read_stream
from tests.world.waiting import PATIENCE, until

Heard = list[tuple[bool, str]]


def _output(target: Target, heard: Heard, most: int = 100) -> SocketOutput:
    return SocketOutput(target, most, lambda is_there, why: heard.append((is_there, why)))


async def _until(look: Callable[[], object], wanted: str) -> None:
    await asyncio.to_thread(until, look, wanted)


async def _stop(task: "asyncio.Task[None]") -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


@pytest.mark.parametrize("form", ["unix", "tcp"])
def test_payloads_arrive_in_order_and_the_stream_ends_in_order(tmp_path: Path, form: str) -> None:
    async def run(collector: Collector) -> None:
        place = Target(collector.path, "127.0.0.1", collector.port)
        out = _output(place, [])
        task = asyncio.create_task(out.run())
        out.put([b"one", b"two"])
        await _until(lambda: len(collector.payloads) == 2, "both came")
        out.put([b"three"])
        await _until(lambda: len(collector.payloads) == 3, "the third came")
        await _stop(task)
        assert out.sent == 3

    with Collector(tmp_path / "tap.sock" if form == "unix" else None) as collector:
        asyncio.run(run(collector))
        until(lambda: collector.ended == 1, "STOP came and was confirmed")
    assert collector.payloads == [b"one", b"two", b"three"]


def test_a_reader_that_dies_is_sent_to_again_and_what_found_no_room_is_counted(
    tmp_path: Path,
) -> None:
    heard: Heard = []

    async def run() -> None:
        path = tmp_path / "tap.sock"
        out = _output(Target(path), heard, most=3)
        out.put([b"%d" % number for number in range(5)])
        assert out.dropped == 2
        task = asyncio.create_task(out.run())
        with Collector(path) as first:
            await _until(lambda: len(first.payloads) == 3, "what waited came")
            assert first.payloads == [b"0", b"1", b"2"], "the newest are dropped"
        await _until(lambda: not out.is_connected, "the end is noticed")
        with Collector(path) as second:
            out.put([b"again"])
            await _until(lambda: second.payloads, "it comes to the next one")
            await _stop(task)

    asyncio.run(run())
    assert (True, "") in heard


def test_a_reader_of_something_else_is_told_and_sent_nothing(tmp_path: Path) -> None:
    heard: Heard = []

    async def run(collector: Collector) -> None:
        out = _output(Target(collector.path), heard)
        out.put([b"secret"])
        task = asyncio.create_task(out.run())
        await _until(lambda: heard, "it is told")
        await _stop(task)

    with Collector(tmp_path / "tap.sock", accepts=b"text:something") as collector:
        asyncio.run(run(collector))
    assert heard[0] == (False, "the reader does not accept dnstap")
    assert collector.payloads == []


@pytest.mark.parametrize(
    "body",
    [b"", b"\0\0\0\x09", b"\0\0\0\x01\0\0\0\x02\0\0\0\0", b"\0\0\0\x01\0\0\0\x01\0\0\0\x05x"],
)
def test_a_control_frame_that_is_none_is_refused(body: bytes) -> None:
    with pytest.raises(FrameError):
        read_control(body)


def test_frames_are_what_the_specification_says() -> None:
    accept = control(Kind.ACCEPT, CONTENT_TYPE)
    assert read_control(accept[8:]) == Control(Kind.ACCEPT, (CONTENT_TYPE,))
    assert control(Kind.STOP).hex() == "000000000000000400000003"
    stream = control(Kind.START, CONTENT_TYPE) + data(b"abc") + control(Kind.STOP)
    assert read_stream(stream) == ([b"abc"], True)


@pytest.mark.skipif(shutil.which("fstrm_capture") is None, reason="needs fstrm_capture")
def test_fstrm_capture_takes_the_stream(tmp_path: Path) -> None:
    path, written = tmp_path / "tap.sock", tmp_path / "captured"
    words = ["fstrm_capture", "-t", CONTENT_TYPE.decode(), "-u", str(path), "-w", str(written)]
    with subprocess.Popen(words, stderr=subprocess.DEVNULL) as program:
        try:
            until(path.exists, "it listens")

            async def run() -> None:
                out = _output(Target(path), [])
                task = asyncio.create_task(out.run())
                out.put([b"one", b"two"])
                await _until(lambda: out.sent == 2, "both are sent")
                await _stop(task)

            asyncio.run(run())
        finally:
            program.terminate()
            program.wait(PATIENCE)
    payloads, _ = read_stream(written.read_bytes())
    assert payloads == [b"one", b"two"]
