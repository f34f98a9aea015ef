"""A `keyhole up` that enrolls clients, and the client's commands."""

import json
import socket
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from keyhole.enrollment import JoinToken
from keyhole.identity import Authority, CertificateSpec
from keyhole.identity.credentials import CredentialFolder
from keyhole.identity.enrollments import list_enrollments
from tests.world.ports import free_port
from tests.world.process import call_keyhole, run_keyhole
from tests.world.resolver import Resolver


class Site:
    """One running Keyhole with enrollment, and the folders of its clients."""

    def __init__(self, resolver: Resolver, place: Path, **settings: Any) -> None:
        self.resolver = resolver
        self.place = place
        self.port = free_port()
        self._clients = 0
        resolver.configure(enrollment={"listen": [f"127.0.0.1:{self.port}"]}, **settings)
        # Older than every certificate that a test issues with a date in the past.
        before = datetime.now(UTC) - timedelta(days=100)
        Authority.open(self.identity, now=before, domain="keyhole.internal")
        self.start()

    def start(self) -> None:
        """Starts or restarts it, and waits until it accepts enrollments."""
        self.resolver.start()
        self.resolver.wait_for(self._listens, "enrollment listens")

    def _listens(self) -> bool:
        try:
            socket.create_connection(("127.0.0.1", self.port), timeout=5).close()
        except OSError:
            return False
        return True

    @property
    def identity(self) -> Path:
        """The folder of the authority."""
        return self.resolver.folder / "identity"

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Calls a command of the administrator."""
        return call_keyhole(*arguments, KEYHOLE_DATA=str(self.resolver.folder))

    def ask(self, *arguments: str) -> Any:
        """Calls such a command, which must succeed; gives its JSON output."""
        done = self.run(*arguments, "--json")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def invite(self, name: str = "shop/web", *options: str) -> JoinToken:
        """Makes a token."""
        return JoinToken.read(self.ask("enroll", "create", name, *options)["token"])

    def redeem(self, join_token: JoinToken, name: str = "web") -> subprocess.CompletedProcess[str]:
        """Runs the client's command; the identity is put into ``folder(name)``."""
        out = str(self.place / name)
        return run_keyhole("enroll", "redeem", "--out", out, given=join_token.to_text())

    def folder(self, name: str = "web") -> CredentialFolder:
        """The credentials of a client."""
        return CredentialFolder(self.place / name)

    def enroll(self) -> CredentialFolder:
        """A newly enrolled client, used by no other test."""
        self._clients += 1
        name = f"client-{self._clients}"
        join_token, out = self.invite(f"shop/{name}").to_text(), str(self.place / name)
        done = call_keyhole("enroll", "redeem", "--out", out, given=join_token)
        assert done.returncode == 0, done.stderr
        return self.folder(name)

    def age(self, folder: CredentialFolder, ago: timedelta, life: timedelta) -> None:
        """Gives a client a certificate that was issued some time ago."""
        authority = Authority.open(self.identity)
        spec = CertificateSpec.svid(folder.read().spiffe, life)
        chain, key = authority.issue(spec, datetime.now(UTC) - ago)
        folder.write(chain, key, folder.bundle.read_bytes())

    def states(self) -> dict[str, str]:
        """The state of each enrollment, by name."""
        return {one.name: one.state() for one in list_enrollments(self.identity)}


MakeSite = Callable[..., Site]
