"""Reloads the certificates of an engine on another machine when their files change."""

import threading
from collections.abc import Mapping

from keyhole.engine.commands import Engine
from keyhole.engine.launch import Identity

CHECK_SECONDS = 10.0


class CertificateWatcher:
    """A thread that checks the files until the process ends."""

    def __init__(self, engine: Engine, identities: Mapping[str, Identity]) -> None:
        self._engine = engine
        self._identities = identities
        self._seen = {name: _stamp(one) for name, one in identities.items()}
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, name="watching", daemon=True)

    def start(self) -> None:
        """Starts the thread."""
        self._thread.start()

    def end(self) -> None:
        """Stops checking."""
        self._ending.set()

    def _run(self) -> None:
        while not self._ending.wait(CHECK_SECONDS):
            self.check()

    def check(self) -> None:
        """Installs changed files. A pair that does not match (yet) is tried again."""
        for name, one in self._identities.items():
            stamp = _stamp(one)
            if stamp == self._seen[name]:
                continue
            files = {"certificate": str(one.certificate), "key": str(one.key)}
            if "refused" not in self._engine.execute({"identity": {"name": name, **files}}):
                self._seen[name] = stamp


def _stamp(identity: Identity) -> tuple[int, ...]:
    try:
        return tuple(
            number
            for file in (identity.certificate.stat(), identity.key.stat())
            for number in (file.st_mtime_ns, file.st_ino)
        )
    except OSError:
        return ()
