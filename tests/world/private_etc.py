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


def _unshare() -> list[str]:
    user = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
    return ["unshare", *user, "--mount", "sh", "-c", _MOUNT]


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

    def write(self, file: str, text: str) -> None:
        """Writes a file whose path begins with ``/etc/``."""
        path = self.folder / Path(file).relative_to("/etc")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        path.write_text(text)

    def name(self, *names: str, address: str = "127.0.0.1") -> None:
        """Gives names an address for the system's own resolution."""
        self.write("/etc/hosts", f"127.0.0.1 localhost\n{address} {' '.join(names)}\n")

    def command(self, *arguments: str) -> list[str]:
        """The command line that runs ``arguments`` with this ``/etc``."""
        return [*_unshare(), str(self.folder), *arguments]
