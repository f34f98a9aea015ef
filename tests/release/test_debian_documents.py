"""A first installation blocks a list; later ones change nothing of what is blocked."""

import shutil
import subprocess
from pathlib import Path

import pytest

from keyhole.policy import default_documents
from keyhole.policy.default import LISTS_FILE, POLICY_FILE
from tests.world.tools import needs
from tools.release.debian_tree import CONFFILES, lay_out
from tools.release.project import ROOT, Project

pytestmark = needs("diff")

_FOLDERS = ("/etc/keyhole", "/var/lib/keyhole", "/usr/share/keyhole", "/usr/lib/keyhole")
_STANDS_IN = {
    # Only root could do what these do.
    "getent": 'echo "keyhole:x:990:990::$ROOT/var/lib/keyhole:/usr/sbin/nologin"',
    "stat": "echo keyhole",
    "chown": ":",
    "install": (
        'while [ "$1" = -o ] || [ "$1" = -g ] || [ "$1" = -d ]; do\n'
        '  case $1 in -d) made=-d; shift ;; *) shift 2 ;; esac\ndone\nexec "$REAL" $made "$@"'
    ),
}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """The files of the package, as dpkg unpacks them, without libraries."""
    folder = tmp_path / "root"
    lay_out(Project(), folder, "3.11", b"{}", lambda libraries: libraries.mkdir(parents=True))
    return folder


def _configure(root: Path, before: str = "") -> None:
    """Runs postinst as dpkg does, on the files below a folder; ``before`` is the version that was
    configured last."""
    stand_ins = root.parent / "bin"
    stand_ins.mkdir(exist_ok=True)
    for name, text in _STANDS_IN.items():
        (stand_ins / name).write_text(f"#!/bin/sh\n{text}\n")
        (stand_ins / name).chmod(0o755)
    script = (ROOT / "deploy" / "debian" / "postinst").read_text()
    for folder in (*_FOLDERS, "/usr/bin/deb-systemd-helper", "/run/systemd/system"):
        script = script.replace(folder, f"{root}{folder}")
    # There is no Python below this root, and nothing to compile.
    script = script.replace("/bin/python3 -I -m compileall", "/bin/none")
    real = shutil.which("install") or ""
    subprocess.run(
        ["sh", "-c", script, "postinst", "configure", before],
        check=True,
        env={"PATH": f"{stand_ins}:/usr/bin:/bin", "ROOT": str(root), "REAL": real},
    )


def _documents(root: Path) -> dict[str, str]:
    folder = root / "etc/keyhole/documents"
    return {path.name: path.read_text() for path in folder.iterdir()}


def test_every_file_of_the_package_below_etc_is_a_conffile(root: Path) -> None:
    found = {f"/{path.relative_to(root)}" for path in (root / "etc").rglob("*") if path.is_file()}
    assert found == set(CONFFILES)


def test_a_first_installation_has_the_documents_of_a_first_start(root: Path) -> None:
    _configure(root)
    assert _documents(root) == default_documents()
    assert (root / "etc/keyhole/documents" / LISTS_FILE).stat().st_mode & 0o777 == 0o644


def test_an_upgrade_lays_no_list_down_and_brings_none_back(root: Path) -> None:
    _configure(root, before="0.0.9-1+py311")
    assert LISTS_FILE not in _documents(root)


def test_a_list_that_was_edited_is_kept_by_every_later_run(root: Path) -> None:
    _configure(root)
    (root / "etc/keyhole/documents" / LISTS_FILE).write_text("# mine\n")
    _configure(root)
    _configure(root, before="0.1.0-1+py311")
    assert _documents(root)[LISTS_FILE] == "# mine\n"


@pytest.mark.parametrize("name", [POLICY_FILE, "home.yaml"])
def test_documents_that_were_there_before_the_package_get_no_list(root: Path, name: str) -> None:
    """The policy that the list names may not be among them, and no document would be valid."""
    (root / "etc/keyhole/documents" / name).write_text("# mine\n")
    _configure(root)
    assert LISTS_FILE not in _documents(root)
