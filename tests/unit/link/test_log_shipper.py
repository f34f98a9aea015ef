"""An engine whose query log does not reach control says so."""

from pathlib import Path
from typing import Any, cast

from keyhole.link.control_client import ControlClient
from keyhole.link.log_shipper import LogShipper
from keyhole.link.message import MessageError


class _Control:
    """Takes logs, or refuses them."""

    why: Exception | None = None

    def ask(self, _method: str, _path: str, _body: bytes | None = None) -> dict[str, Any]:
        if self.why is not None:
            raise self.why
        return {"position": None}


def test_a_log_that_does_not_arrive_is_said_once_until_it_arrives_again(tmp_path: Path) -> None:
    said: list[str] = []
    control = _Control()
    shipper = LogShipper(cast(ControlClient, control), tmp_path, said.append)
    control.why = MessageError("control answered 400: it did not come within 60 s")
    shipper.attempt()
    control.why = TimeoutError()
    shipper.attempt()
    [first] = said
    assert "does not reach control" in first
    assert "within 60 s" in first
    control.why = None
    shipper.attempt()
    control.why = TimeoutError()
    shipper.attempt()
    assert len(said) == 2
    assert said[1].endswith("TimeoutError")
