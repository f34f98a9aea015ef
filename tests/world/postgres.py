"""A private PostgreSQL server on a Unix socket, from Debian's package."""

import os
import pwd
import shutil
import signal
import subprocess
from pathlib import Path
from tempfile import mkdtemp

import psycopg

from tests.world.waiting import PATIENCE, until

MISSING = "PostgreSQL is not installed (Debian: postgresql)"


def find_programs() -> Path | None:
    """The folder of ``initdb`` and ``postgres``, the newest version first."""
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    return next((folder for folder in folders if (folder / "postgres").exists()), None)


class Postgres:
    """A running server; ``url`` leads to an empty database."""

    def __init__(self, programs: Path) -> None:
        # The path of a socket must be short, so it is not below pytest's folder.
        self.folder = Path(mkdtemp(prefix="pg-"))
        self._programs = programs
        # PostgreSQL refuses to run as root; then it runs as the user of the Debian package.
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
        self._connection = until(self._connect, "PostgreSQL accepts connections")

    def new_database(self, like: str = "template1") -> str:
        """The URL of a new database: an empty one, or a copy of another one by its name."""
        self._databases += 1
        name = f"keyhole{self._databases}"
        self._connection.execute(f"CREATE DATABASE {name} TEMPLATE {like}".encode())
        return f"postgresql://keyhole@/{name}?host={self.folder}"

    def stop(self) -> None:
        """Ends the server and removes its files."""
        self._connection.close()
        # A fast end: SIGTERM would wait for whoever is still connected.
        self._server.send_signal(signal.SIGINT)
        self._server.wait(PATIENCE)
        shutil.rmtree(self.folder, ignore_errors=True)
        (self.folder.parent / f"{self.folder.name}.log").unlink(missing_ok=True)

    def _connect(self) -> psycopg.Connection | None:
        assert self._server.poll() is None, "PostgreSQL ended"
        try:
            return psycopg.connect(
                host=str(self.folder), user="keyhole", dbname="postgres", autocommit=True
            )
        except psycopg.OperationalError:
            return None

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
