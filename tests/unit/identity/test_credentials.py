"""The credential folder: certificate and key change together; only the owner reads the key."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from keyhole.identity import Authority, CertificateSpec, IdentityError
from keyhole.identity.credentials import CredentialFolder

WEB = "spiffe://keyhole.internal/ns/shop/sa/web"


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority.open(tmp_path / "identity")


def _write(authority: Authority, folder: CredentialFolder) -> None:
    chain, key = authority.issue(CertificateSpec.svid(WEB))
    folder.write(chain, key, authority.root.read_bytes())


def test_what_was_written_is_read_and_the_key_is_private(
    authority: Authority, tmp_path: Path
) -> None:
    folder = CredentialFolder(tmp_path / "client")
    _write(authority, folder)
    assert folder.read().spiffe == WEB
    assert stat.S_IMODE(folder.path.stat().st_mode) == 0o700
    assert stat.S_IMODE(folder.key.stat().st_mode) == 0o600


def test_a_hundred_changes_leave_two_generations(authority: Authority, tmp_path: Path) -> None:
    folder = CredentialFolder(tmp_path / "client")
    for _ in range(5):
        _write(authority, folder)
        folder.read()
    names = {path.name for path in folder.path.iterdir()}
    assert names == {"svid.pem", "svid-key.pem", "bundle.pem", "current", ".4", ".5"}


def test_plain_files_of_an_earlier_time_are_replaced(authority: Authority, tmp_path: Path) -> None:
    folder = CredentialFolder(tmp_path / "client")
    folder.path.mkdir()
    for path in (folder.certificate, folder.key, folder.bundle):
        path.write_text("of an earlier time")
    _write(authority, folder)
    assert folder.read().spiffe == WEB


def test_a_folder_may_be_moved(authority: Authority, tmp_path: Path) -> None:
    folder = CredentialFolder(tmp_path / "client")
    _write(authority, folder)
    moved = folder.path.rename(tmp_path / "elsewhere")
    assert CredentialFolder(moved).read().spiffe == WEB


@pytest.mark.parametrize("lost", ["svid.pem", "svid-key.pem", "bundle.pem"])
def test_a_folder_that_is_not_whole_is_told(
    authority: Authority, tmp_path: Path, lost: str
) -> None:
    folder = CredentialFolder(tmp_path / "client")
    _write(authority, folder)
    (folder.path / lost).unlink()
    with pytest.raises(IdentityError, match=f"{lost} does not exist"):
        folder.read()


_DYING = """
import os, sys
from pathlib import Path
left = int(sys.argv[1])
def dying(real):
    def act(self, *rest, **named):
        global left
        if left == 0:
            os._exit(9)
        left -= 1
        return real(self, *rest, **named)
    return act
for name in ("replace", "mkdir", "symlink_to"):
    setattr(Path, name, dying(getattr(Path, name)))
from keyhole.identity.credentials import CredentialFolder
chain, key, bundle = (Path(path).read_bytes() for path in sys.argv[3:])
CredentialFolder(Path(sys.argv[2])).write(chain, key, bundle)
"""


def test_a_write_that_dies_anywhere_leaves_a_pair_that_fits(
    authority: Authority, tmp_path: Path
) -> None:
    new = []
    for name, content in zip(
        ("chain", "key"), authority.issue(CertificateSpec.svid(WEB)), strict=True
    ):
        (tmp_path / name).write_bytes(content)
        new.append(str(tmp_path / name))
    new.append(str(authority.root))
    codes = []
    for left in range(20):
        folder = CredentialFolder(tmp_path / f"client-{left}")
        _write(authority, folder)
        codes.append(
            subprocess.run(
                [sys.executable, "-c", _DYING, str(left), str(folder.path), *new],
                check=False,
                env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
            ).returncode
        )
        assert folder.read().spiffe == WEB
        _write(authority, folder)
        assert folder.read().spiffe == WEB
        if codes[-1] == 0:
            break
    assert codes[-1] == 0
    assert codes.count(9) == len(codes) - 1 > 3
