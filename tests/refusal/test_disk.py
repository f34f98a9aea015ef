"""A full disk costs changes, never answers."""

import errno
import os
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.world.resolver import Resolver, document
from tests.world.upstream import ADDRESS
from tests.world.waiting import until


@pytest.fixture
def small_disk(resolver: Resolver) -> Iterator[Path]:
    """The resolver's ``state`` folder on a file system of its own, 1 MiB large."""
    if os.geteuid() != 0:
        pytest.skip("needs root to mount a small file system")
    state = resolver.folder / "state"
    state.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m,mode=700", "tmpfs", str(state)]
    mounted = subprocess.run(mount, capture_output=True, text=True, check=False)
    if mounted.returncode != 0:
        pytest.skip(f"this machine mounts nothing: {mounted.stderr.strip()}")
    try:
        yield state
    finally:
        resolver.stop()
        # The kernel closes the files of a process a moment after others have seen its end.
        unmount = ["umount", str(state)]
        until(lambda: subprocess.run(unmount, check=False).returncode == 0, "nobody uses the disk")


def fill(folder: Path) -> Path:
    """Takes all room that is left, and what a running program gives back meanwhile."""
    filler = folder / "filler"

    def is_full() -> bool:
        with filler.open("ab", buffering=0) as file:
            for size in (65_536, 4_096, 1):
                with suppress(OSError):
                    while True:
                        file.write(bytes(size))
        try:
            (folder / "one-more").write_bytes(bytes(4_096))
        except OSError as error:
            return error.errno == errno.ENOSPC
        finally:
            (folder / "one-more").unlink(missing_ok=True)
        return False

    until(is_full, "there is no room")
    return filler


def test_with_a_full_disk_it_keeps_answering_and_says_why_a_change_is_not_taken(
    resolver: Resolver, small_disk: Path
) -> None:
    server = resolver.start().server
    # It answers a moment before it has remembered its documents.
    resolver.wait_for((small_disk / "snapshot.json").exists, "the snapshot is remembered")
    filler = fill(small_disk)
    before = len(resolver.program.output)
    rules = [{"block": ["www.example.org"]}]
    policy = document("Policy", "home", default="allow", upstreams=["test"], rules=rules)
    resolver.write(policy)
    resolver.wait_for(
        lambda: os.strerror(errno.ENOSPC) in resolver.program.output[before:], "it says why"
    )
    assert server.ask("www.example.org").addresses == [ADDRESS]
    filler.unlink()
    resolver.settle()
    assert server.ask("www.example.org").rcode == "NXDOMAIN"
