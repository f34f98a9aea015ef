from collections.abc import Callable
from pathlib import Path

import pytest

Write = Callable[..., Path]

KIND = "apiVersion: keyhole.dev/v1\nkind: {}\nmetadata: {{name: {}}}\nspec:\n{}\n"


def document(kind: str, name: str, spec: str) -> str:
    """A document with this spec, whose lines are indented by two spaces here."""
    return KIND.format(kind, name, "\n".join(f"  {line}" for line in spec.splitlines()))


UPSTREAM = document(
    "Upstream", "one", "protocol: dot\naddresses: [192.0.2.1]\nserverName: dns.example.org"
)
POLICY = document("Policy", "base", "default: allow")


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes documents, one file each in the order given, and gives their folder."""

    def written(*documents: str) -> Path:
        for number, text in enumerate(documents):
            (tmp_path / f"{number}.yaml").write_text(text)
        return tmp_path

    return written
