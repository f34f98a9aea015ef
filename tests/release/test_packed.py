"""Wheel and sources have what they should, can be installed, and are the same when made again."""

import base64
import csv
import hashlib
import io
import shutil
import subprocess
import sys
import tarfile
import venv
import zipfile
from email import message_from_bytes
from pathlib import Path

import pytest

from tests.release.conftest import _ignore
from tests.world.tools import run
from tools.release.build import SUMS, build_quick
from tools.release.project import ROOT, Project, ReleaseError

_VERSION = Project().version
_INFO = f"keyhole-{_VERSION}.dist-info"
_PYTHON = f"python{sys.version_info.major}.{sys.version_info.minor}"


@pytest.fixture(scope="module")
def wheel(packed: Path) -> Path:
    """The one wheel."""
    (found,) = packed.glob("*.whl")
    return found


@pytest.fixture(scope="module")
def sources(packed: Path) -> Path:
    """The source distribution."""
    (found,) = packed.glob("*.tar.gz")
    return found


def test_packing_again_gives_the_same_octets(packed: Path, tmp_path: Path) -> None:
    build_quick(Project(), tmp_path / "again", _ignore)
    sums = (packed / SUMS).read_text()
    assert (tmp_path / "again" / SUMS).read_text() == sums
    assert len(sums.splitlines()) == 3


def test_a_folder_with_anything_else_in_it_is_left_as_it_is(packed: Path, tmp_path: Path) -> None:
    for name in ("mine", SUMS):
        shutil.copy(packed / SUMS, tmp_path / name)
    with pytest.raises(ReleaseError, match="has mine, which no finished build left there"):
        build_quick(Project(), tmp_path, _ignore)
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


def test_the_digests_are_those_of_the_files(packed: Path) -> None:
    done = subprocess.run(
        ["sha256sum", "--check", "--strict", SUMS], cwd=packed, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stdout


def test_the_wheel_has_each_tracked_file_of_the_package_the_page_and_the_core(
    wheel: Path,
) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    listed = subprocess.run(
        ["git", "ls-files", "python"], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout.splitlines()
    assert {one.removeprefix("python/") for one in listed} <= names
    assert {"keyhole/_core.abi3.so", "keyhole/page/index.html"} <= names
    assert any(one.startswith("keyhole/page/assets/") for one in names)
    assert not [one for one in names if "__pycache__" in one or ".vite" in one]
    assert f"{_INFO}/licenses/LICENSE" in names


def test_the_record_of_the_wheel_is_right(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        rows = list(csv.reader(io.StringIO(archive.read(f"{_INFO}/RECORD").decode())))
        assert sorted(row[0] for row in rows) == sorted(archive.namelist())
        for name, digest, size in rows[:-1]:
            content = archive.read(name)
            own = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=")
            assert (digest, size) == (f"sha256={own.decode()}", str(len(content))), name
    assert rows[-1] == [f"{_INFO}/RECORD", "", ""]


def test_the_tag_in_the_wheel_is_that_of_its_name(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        told = message_from_bytes(archive.read(f"{_INFO}/WHEEL"))
    assert told.get_all("Tag") == [wheel.stem.split("-", 2)[2]]
    assert "cp311-abi3-manylinux_2_" in wheel.name


def test_nothing_in_the_wheel_names_the_folder_that_it_was_packed_in(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        for name in archive.namelist():
            # The core of a release is compiled with other names for folders; this one is not.
            if not name.endswith(".so"):
                assert str(ROOT).encode() not in archive.read(name), name


def test_the_sources_build_a_wheel_with_the_page_and_need_no_node(sources: Path) -> None:
    with tarfile.open(sources) as archive:
        names = set(archive.getnames())
        told = archive.extractfile(f"keyhole-{_VERSION}/PKG-INFO")
        assert told is not None
        headers = message_from_bytes(told.read())
    assert (headers["Name"], headers["Version"]) == ("keyhole", _VERSION)
    for name in ("pyproject.toml", "Cargo.lock", "crates/py/src/lib.rs", "web/package.json"):
        assert f"keyhole-{_VERSION}/{name}" in names
    # tests/contract/test_page_in_the_wheel.py: the build takes the page from there.
    assert f"keyhole-{_VERSION}/python/keyhole/page/index.html" in names
    assert not [one for one in names if one.endswith((".so", ".pyc"))]


def test_pip_installs_the_wheel_without_an_index_and_it_runs(wheel: Path, tmp_path: Path) -> None:
    environment = tmp_path / "venv"
    venv.create(environment, with_pip=False)
    python = str(environment / "bin" / "python")
    install = ["install", "--no-index", "--no-deps", "--find-links", str(wheel.parent), "keyhole"]
    pip = [sys.executable, "-m", "pip", "--quiet", "--python", python]
    subprocess.run([*pip, *install], check=True, timeout=240)
    # The libraries of this run stand in for those that pip would fetch.
    libraries = environment / "lib" / _PYTHON / "site-packages" / "libraries.pth"
    libraries.write_text(f"{Path(pytest.__file__).parents[1]}\n")
    asked = "import keyhole._core, keyhole.api.page as page; print(keyhole.__file__, page.BUILT)"
    told = subprocess.run(
        [python, "-c", asked], check=True, capture_output=True, text=True, cwd=tmp_path, timeout=240
    ).stdout
    assert told.split() == [
        str(libraries.parent / "keyhole" / "__init__.py"),
        str(libraries.parent / "keyhole" / "page"),
    ]
    command = run(str(environment / "bin" / "keyhole"), "version")
    assert (command.returncode, _VERSION in command.stdout) == (0, True), command.stderr
