"""A private ``/etc`` for programs: a copy, seen by them alone, into which settings can be written.

The programs run in a mount namespace of their own. Nothing on this machine changes, and no root is
needed where the kernel lets users have namespaces.
"""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

_MOUNT = 'mount --bind "$0" /etc && exec "$@"'
_MOUNT_RUN = "mount -t tmpfs tmpfs /run && "


def _unshare(before: str = "") -> list[str]:
    user = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
    return ["unshare", *user, "--mount", "sh", "-c", before + _MOUNT]


def _works() -> bool:
    if shutil.which("unshare") is None:
        return False
    tried = subprocess.run(
        [*_unshare(), "/etc", "true"], capture_output=True, check=False, stdin=subprocess.DEVNULL
    )
    return tried.returncode == 0


needs_private_etc = pytest.mark.skipif(
    not _works(), reason="this kernel or container gives no private /etc (unshare --mount)"
)


class PrivateEtc:
    """A copy of ``/etc`` in ``folder``; the copy may be changed at any time."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        # Files that only root may read are left out; no program here needs them.
        subprocess.run(["cp", "-a", "/etc/.", str(folder)], capture_output=True, check=False)
        folder.chmod(0o755)

    def write(self, file: str, text: str) -> None:
        """Writes a file whose path begins with ``/etc/``."""
        path = self.folder / Path(file).relative_to("/etc")
        # Whatever the umask is: other users read it, too.
        for parent in reversed(path.parents):
            if not parent.exists():
                parent.mkdir()
                parent.chmod(0o755)
        path.unlink(missing_ok=True)
        path.write_text(text)
        path.chmod(0o644)

    def name(self, *names: str, address: str = "127.0.0.1") -> None:
        """Gives names an address for the system's own resolution."""
        self.write("/etc/hosts", f"127.0.0.1 localhost\n{address} {' '.join(names)}\n")

    def append(self, file: str, text: str) -> None:
        """Adds to a file whose path begins with ``/etc/``."""
        old = self.folder / Path(file).relative_to("/etc")
        self.write(file, (old.read_text() if old.exists() else "") + text)

    def command(self, *arguments: str, with_run: bool = False) -> list[str]:
        """The command line that runs ``arguments`` with this ``/etc``, and an empty ``/run``."""
        return [*_unshare(_MOUNT_RUN if with_run else ""), str(self.folder), *arguments]
