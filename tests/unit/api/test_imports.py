"""An uploaded file is bounded, whatever its sender says of its size."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.requests import Request
from starlette.types import Message

from keyhole.api.imports import receive_file
from keyhole.api.problem import ApiProblem

LIMIT = 1_000


def _receive(parts: Iterator[bytes], file: Path, length: str | None = None) -> None:
    headers = [] if length is None else [(b"content-length", length.encode())]

    async def receive() -> Message:
        part = next(parts, b"")
        return {"type": "http.request", "body": part, "more_body": bool(part)}

    request = Request({"type": "http", "method": "POST", "headers": headers}, receive)
    asyncio.run(receive_file(request, file, LIMIT))


def test_a_file_of_the_largest_size_arrives_whole(tmp_path: Path) -> None:
    _receive(iter([b"[" * 600, b"{" * 400]), tmp_path / "a", "1000")
    assert (tmp_path / "a").read_bytes() == b"[" * 600 + b"{" * 400


@pytest.mark.parametrize("length", ["1001", "9" * 30, "-1", "x"])
def test_a_file_that_says_it_is_larger_is_not_read(tmp_path: Path, length: str) -> None:
    unread = iter(lambda: pytest.fail("it is read"), b"")
    with pytest.raises(ApiProblem) as refused:
        _receive(unread, tmp_path / "a", length)
    assert refused.value.status == 413


@pytest.mark.parametrize("length", [None, "10"])
def test_a_file_that_is_larger_than_it_says_is_cut_off(tmp_path: Path, length: str | None) -> None:
    endless = iter(lambda: b"x" * 100, b"")
    with pytest.raises(ApiProblem) as refused:
        _receive(endless, tmp_path / "a", length)
    assert refused.value.status == 413
    assert (tmp_path / "a").stat().st_size <= LIMIT


def test_an_empty_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ApiProblem, match="empty"):
        _receive(iter([]), tmp_path / "a")
