"""The documents of the checks leave a lab that goes on as it was."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from keyhole.system.end_signals import SignalExit
from keyhole.verify import proof
from keyhole.verify.lab import Lab
from keyhole.verify.lab_documents import LIARS
from keyhole.verify.proof import Proof, prove
from keyhole.verify.target import Target


class QuietLab(Lab):
    """A lab without a resolver: only its folder of documents is there."""

    def __init__(self, data: Path) -> None:
        self.data, self.ca, self.liars = data, data / "root.pem", {}

    def _liar_contexts(self) -> dict[str, Any]:
        return dict.fromkeys(set(LIARS) - {"gone"})

    def _wait_until_in_force(self, address: str) -> None:
        assert address


def test_sigterm_takes_them_out_and_leaves_a_file_of_the_user_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "resolver" / "documents"
    folder.mkdir(parents=True)
    (mine := folder / "verify.yaml").write_text("# mine\n")
    during: list[str] = []

    @contextmanager
    def lab_target(_: object) -> Iterator[Target]:
        with QuietLab(tmp_path).prepared():
            yield Target(title="the lab", open=[])

    def run_checks(*_: object) -> None:
        during.extend(sorted(one.name for one in folder.iterdir()))
        signal.raise_signal(signal.SIGTERM)

    monkeypatch.setattr(proof, "attached_lab", lambda _: {})
    monkeypatch.setattr(proof, "lab_target", lab_target)
    monkeypatch.setattr(proof, "run_checks", run_checks)
    with pytest.raises(SignalExit) as ended:
        prove(Proof(("old-tls",)), None, Path("ready.json"))
    assert ended.value.code == 128 + signal.SIGTERM
    assert len(during) == 2, "a file beside the one of the user"
    assert [one.name for one in folder.iterdir()] == ["verify.yaml"]
    assert mine.read_text() == "# mine\n"
