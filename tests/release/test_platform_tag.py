"""The tag of a wheel says which glibc its library needs: none older, and none newer for nothing."""

import platform
import re
import subprocess
from pathlib import Path

import pytest

import keyhole
from tests.world.tools import needs
from tools.release.platform_tag import platform_tag

_MACHINE = platform.machine()
_LIBRARY = Path(keyhole.__file__).parent / "_core.abi3.so"


@pytest.mark.parametrize(
    ("strings", "tag"),
    [
        (b"\0GLIBC_2.17\0GLIBC_2.2.5\0GLIBC_2.9\0", "manylinux_2_17"),
        (b"\0GLIBC_2.9\0other\0GLIBC_2.28\0", "manylinux_2_28"),
        (b"\0GLIBC_2.2.5\0", "manylinux_2_5"),
        (b"\0a text with GLIBC_2.99 in it\0GLIBC_2.28\0", "manylinux_2_28"),
        (b"\0libc.musl\0", "linux"),
    ],
)
def test_the_newest_version_of_a_symbol_decides(strings: bytes, tag: str) -> None:
    assert platform_tag(strings) == f"{tag}_{_MACHINE}"


@needs("objdump")
def test_it_is_what_the_linker_says_of_the_real_library() -> None:
    said = subprocess.run(
        ["objdump", "-T", str(_LIBRARY)], check=True, capture_output=True, text=True
    ).stdout
    versions = [tuple(map(int, one)) for one in re.findall(r"GLIBC_(\d+)\.(\d+)", said)]
    major, minor = max(versions)
    assert platform_tag(_LIBRARY.read_bytes()) == f"manylinux_{major}_{minor}_{_MACHINE}"
