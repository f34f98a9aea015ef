"""Pages for newcomers can be followed word by word: each line does what it says."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.docs.test_guides import FILE, ROOT, SHELL
from tests.world.certificates import Authority
from tests.world.lab import Lab
from tests.world.resolver import Resolver
from tests.world.tools import needs
from tests.world.upstream import Upstream

pytestmark = [needs("kdig"), needs("curl"), needs("dig")]

# What the first terminal does, and what was done before.
_ELSEWHERE = re.compile(r"^(\./dev |keyhole lab|keyhole up|\. \.venv)")
# Lines that are there to show a refusal.
_REFUSED = re.compile(
    r"^keyhole (dig|explain) .*(tracker|www\.example\.org.*payments|bad-wrong-ca|www\.example\.net)"
)
# curl has found the address. It should lead nowhere, but there are networks where anything answers.
_NOWHERE = {0, 7, 28, 52, 56}


@dataclass
class Terminal:
    """The second terminal. ``said`` is what the page says, and what is meant by it here."""

    said: dict[str, str]
    folder: Path
    data: str | None = None

    def follow(self, text: str) -> None:
        """Types one line, and looks whether it went as the page says."""
        line = self.translate(text)
        if _ELSEWHERE.match(text):
            return
        if text.startswith("cd "):
            self.folder = Path(line.removeprefix("cd "))
        elif text.startswith("export KEYHOLE_DATA="):
            self.data = line.partition("=")[2]
        else:
            done = self._run(line)
            assert done.returncode in _wanted(text), f"{text}\n{done.stdout}{done.stderr}"

    def translate(self, text: str) -> str:
        """What the page says, for the ports and folders of this test."""
        for said, meant in self.said.items():
            text = re.sub(rf"{said}\b", meant, text)
        return text

    def _run(self, line: str) -> subprocess.CompletedProcess[str]:
        path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        own = {"PATH": path, "NO_COLOR": "1", "COLUMNS": "200"}
        return subprocess.run(
            ["/bin/sh", "-c", line.replace("curl ", "curl --noproxy '*' --max-time 3 ")],
            cwd=self.folder,
            env={**os.environ, **own, **({"KEYHOLE_DATA": self.data} if self.data else {})},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )


def _wanted(text: str) -> set[int]:
    """The exit codes that a line may have."""
    if text.startswith("curl "):
        return _NOWHERE
    return {1} if _REFUSED.search(text) else {0}


def _parts(page: Path, end: str | None = None) -> Iterator[re.Match[str]]:
    """Commands and files of a page, in order."""
    text = page.read_text()
    text = text[: text.index(end)] if end else text
    found = [*SHELL.finditer(text), *FILE.finditer(text)]
    return iter(sorted(found, key=lambda one: one.start()))


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """A lab whose documents and certificates the pages may change."""
    running = Lab(tmp_path_factory.mktemp("walk"))
    try:
        yield running
    finally:
        running.program.stop()


@pytest.mark.parametrize("page", ["README.md", "docs/guides/first-steps.md"])
def test_a_page_about_the_lab_can_be_followed(lab: Lab, tmp_path: Path, page: str) -> None:
    ports = {f"530{step}": str(lab.server.udp + step) for step in range(3)}
    terminal = Terminal({"/tmp/keyhole-lab": lab.ready["data"], **ports}, tmp_path)
    for part in _parts(ROOT / page):
        if part.re is SHELL:
            for line in part[1].splitlines():
                terminal.follow(line)


def test_the_guide_to_identities_can_be_followed(
    tmp_path: Path, authority: Authority, upstream: Upstream
) -> None:
    # `keyhole up` with its own certificate and authority; only ports and upstream are the test's.
    resolver = Resolver(tmp_path / "keyhole", authority)
    resolver.configure(tls={})
    resolver.write(resolver.upstream(upstream.port))
    server = resolver.start().server
    said = {
        "/tmp/keyhole": str(resolver.folder),
        "/tmp/web": str(tmp_path / "web"),
        "8853": str(server.dot),
        "8443": str(server.doh),
    }
    terminal = Terminal(said, tmp_path)
    try:
        for part in _parts(ROOT / "docs/guides/identity.md", "## Workloads on other machines"):
            if part.re is SHELL:
                for line in part[1].splitlines():
                    terminal.follow(line)
            else:
                (resolver.folder / part[1]).write_text(part[2])
                resolver.settle()
    finally:
        resolver.stop()
