"""A PostgreSQL server of one's own on a private socket, from Debian's package."""

import os
import pwd
import shutil
import subprocess
from pathlib import Path
from tempfile import mkdtemp

from tests.world.waiting import until

MISSING = "PostgreSQL is not installed (Debian: postgresql)"


def find_programs() -> Path | None:
    """The folder of ``initdb`` and ``postgres``, the newest version first."""
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    return next((folder for folder in folders if (folder / "postgres").exists()), None)


class Postgres:
    """A running server; ``url`` leads to an empty database."""

    def __init__(self, programs: Path) -> None:
        # A path of a socket is short, so not below pytest's folder.
        self.folder = Path(mkdtemp(prefix="pg-", dir="/tmp"))
        self._programs = programs
        # It refuses to run as root; files then belong to the user that the package made.
        self._user = "postgres" if os.geteuid() == 0 else None
        if self._user:
            os.chown(self.folder, pwd.getpwnam(self._user).pw_uid, -1)
        self._databases = 0
        data = self.folder / "data"
        self._run("initdb", "-D", str(data), "-U", "keyhole", "-A", "trust", "--no-sync")
        self._server = subprocess.Popen(
            [
                *(str(programs / "postgres"), "-D", str(data)),
                *("-k", str(self.folder), "-c", "listen_addresses=", "-c", "fsync=off"),
            ],
            user=self._user,
            cwd="/tmp",
            stdout=subprocess.DEVNULL,
            stderr=(self.folder.parent / f"{self.folder.name}.log").open("wb"),
        )
        until(self._is_ready, "PostgreSQL takes connections")

    def new_database(self) -> str:
        """The URL of a database that nobody has used."""
        self._databases += 1
        name = f"keyhole{self._databases}"
        self._run("createdb", "-h", str(self.folder), "-U", "keyhole", name)
        return f"postgresql://keyhole@/{name}?host={self.folder}"

    def stop(self) -> None:
        """Ends the server and removes its files."""
        self._server.terminate()
        self._server.wait(30)
        shutil.rmtree(self.folder, ignore_errors=True)
        (self.folder.parent / f"{self.folder.name}.log").unlink(missing_ok=True)

    def _is_ready(self) -> bool:
        assert self._server.poll() is None, "PostgreSQL ended"
        asked = [str(self._programs / "pg_isready"), "-h", str(self.folder), "-q"]
        return subprocess.run(asked, check=False).returncode == 0

    def _run(self, program: str, *words: str) -> None:
        done = subprocess.run(
            [str(self._programs / program), *words],
            user=self._user,
            cwd="/tmp",
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
