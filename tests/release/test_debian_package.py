"""The Debian package has the fields, files and scripts that it should."""

import os
import re
import subprocess
from pathlib import Path

import pytest

from tests.release.conftest import PYTHON
from tests.world.tools import needs
from tools.release.build import SUMS
from tools.release.debian_package import package_version
from tools.release.debian_tree import CONFFILES
from tools.release.project import ROOT, Project

pytestmark = needs("dpkg-deb")
_UNIT = ROOT / "deploy" / "debian" / "keyhole.service"
_EXPOSURE = 2.0


@pytest.fixture(scope="module")
def package(with_deb: Path) -> Path:
    """The one package."""
    (found,) = with_deb.glob("*.deb")
    return found


def _deb(*words: str) -> str:
    return subprocess.run(["dpkg-deb", *words], check=True, capture_output=True, text=True).stdout


def test_name_and_fields_say_what_it_is_and_which_python_it_needs(package: Path) -> None:
    machine = _deb("--field", str(package), "Architecture").strip()
    written = package_version(Project(), PYTHON)
    assert package.name == f"keyhole_{written}_{machine}.deb"
    assert _deb("--field", str(package), "Version").strip() == written
    assert f"python{PYTHON}" in _deb("--field", str(package), "Depends")
    assert int(_deb("--field", str(package), "Installed-Size")) > 50_000


def test_the_package_for_a_later_python_is_an_upgrade() -> None:
    older, newer = (package_version(Project(), python) for python in ("3.9", "3.11"))
    compared = ["dpkg", "--compare-versions", older, "lt", newer]
    assert subprocess.run(compared, check=False).returncode == 0


def test_everything_belongs_to_root_and_nobody_else_may_write_it(package: Path) -> None:
    for line in _deb("--contents", str(package)).splitlines():
        mode, owner = line.split()[:2]
        assert owner == "root/root", line
        assert mode[0] == "l" or (mode[5], mode[8]) == ("-", "-"), line
        assert "s" not in mode[1:], line


def test_it_has_no_compiled_modules_no_data_and_nothing_of_this_checkout(
    package: Path, tmp_path: Path
) -> None:
    names = [line.split()[5] for line in _deb("--contents", str(package)).splitlines()]
    assert not [one for one in names if "__pycache__" in one or one.startswith("./var")]
    subprocess.run(["dpkg-deb", "--extract", str(package), str(tmp_path)], check=True)
    for folder, _, files in os.walk(tmp_path):
        for file in files:
            path = Path(folder, file)
            if path.suffix != ".so" and not path.is_symlink():
                assert str(ROOT).encode() not in path.read_bytes(), path


def test_settings_and_documents_are_conffiles_and_valid(package: Path, tmp_path: Path) -> None:
    assert tuple(_deb("--info", str(package), "conffiles").split()) == CONFFILES
    subprocess.run(["dpkg-deb", "--extract", str(package), str(tmp_path)], check=True)
    for path in CONFFILES:
        assert (tmp_path / path.lstrip("/")).is_file(), path
    settings = (tmp_path / "etc/keyhole/keyhole.yaml").read_text()
    assert "\ndocuments: /etc/keyhole/documents\n" in settings
    assert re.search(r'(?m)^  udp: \["127\.0\.0\.1:5300"\]$', settings), "loopback alone"


@pytest.mark.parametrize("script", ["postinst", "prerm", "postrm", "command"])
def test_each_script_is_sound(script: str) -> None:
    path = ROOT / "deploy" / "debian" / script
    assert os.access(path, os.X_OK)
    subprocess.run(["sh", "-n", str(path)], check=True)
    text = path.read_text()
    assert script == "command" or "set -e" in text
    # debconf's protocol, or a terminal, would stop an unattended installation.
    assert not re.search(r"\b(read|debconf|db_input)\b", re.sub(r"(?m)^#.*", "", text))


def test_the_digest_of_the_package_is_among_the_sums(with_deb: Path, package: Path) -> None:
    assert f"  {package.name}\n" in (with_deb / SUMS).read_text()


@needs("systemd-analyze")
def test_systemd_calls_the_exposure_of_the_service_low() -> None:
    done = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", "--no-pager", str(_UNIT)],
        capture_output=True,
        text=True,
        check=False,
    )
    found = re.search(r"Overall exposure level for keyhole\.service: ([0-9.]+)", done.stdout)
    assert found is not None, done.stdout + done.stderr
    assert float(found[1]) < _EXPOSURE, done.stdout


def test_the_service_has_one_capability_and_a_private_umask() -> None:
    told = dict(
        line.split("=", 1)
        for line in _UNIT.read_text().splitlines()
        if "=" in line and not line.startswith("#")
    )
    assert told["CapabilityBoundingSet"] == told["AmbientCapabilities"] == "CAP_NET_BIND_SERVICE"
    assert (told["UMask"], told["ProtectSystem"]) == ("0077", "strict")
    assert (told["Type"], told["NotifyAccess"]) == ("notify", "main")
