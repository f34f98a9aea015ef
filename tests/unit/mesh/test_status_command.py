"""What `keyhole mesh status` asks of the API, and what it prints."""

from datetime import UTC, datetime, timedelta
from typing import Any, Self

import pytest
from typer import BadParameter

from keyhole.cli.mesh_status import _asked, _domain, _show
from keyhole.mesh.status import ClusterStatus, OtherQueries

_SINCE = datetime(2026, 5, 1, tzinfo=UTC)
_UNTIL = _SINCE + timedelta(days=1)


class _Api:
    """An API with two pages of clients, that notes what it is asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, dict[str, str]]] = []
        self._answer: dict[str, Any] = {}

    def ask(self, method: str, path: str, params: dict[str, str]) -> Self:
        assert method == "GET"
        self.asked.append((path, dict(params)))
        span = {"since": _SINCE.isoformat(), "until": _UNTIL.isoformat(), "left_out": 7}
        page = "b" if params.get("cursor") else "a"
        listed = {"items": [{"value": page}], "next": "more" if page == "a" else None, **span}
        detail = {"client": {"value": params.get("client"), "queries": 3}}
        self._answer = detail if path == "/clients/detail" else listed
        return self

    def json(self) -> dict[str, Any]:
        return self._answer


def test_all_clients_of_one_time_span_are_asked_for_also_those_too_many_to_tell_apart() -> None:
    api = _Api()
    asked = _asked(api, _SINCE.isoformat())  # type: ignore[arg-type]
    assert [one["value"] for one in asked.clients] == ["a", "b", "rest"]
    rest = asked.clients[-1]
    assert (rest["queries"], rest["unknown"], rest["kind"]) == (7, 7, "uncounted")
    start = _SINCE + timedelta(hours=1)
    assert asked.later("10.244.0.7", start) == {"value": "10.244.0.7", "queries": 3}
    # A pod that is younger than the time span has asked nothing in it.
    assert asked.later("10.244.0.7", _UNTIL)["queries"] == 0
    first, second, detail = api.asked
    assert "until" not in first[1]
    assert (second[1]["until"], second[1]["cursor"]) == (_UNTIL.isoformat(), "more")
    span = {"since": start.isoformat(), "until": _UNTIL.isoformat(), "points": "1"}
    assert detail == ("/clients/detail", {"client": "10.244.0.7", **span})


def test_a_line_tells_what_clients_asked_that_are_no_workload(
    capsys: pytest.CaptureFixture[str],
) -> None:
    _show(ClusterStatus([], OtherQueries(1, 0)))
    _show(ClusterStatus([], OtherQueries(12, 5)))
    lines = [one for one in capsys.readouterr().out.splitlines() if "no workload here" in one]
    assert lines == [
        "1 query of clients that are no workload here, 0 not protected",
        "12 queries of clients that are no workload here, 5 not protected",
    ]


def test_what_is_no_trust_domain_is_said() -> None:
    assert _domain("prod.example") == "prod.example"
    with pytest.raises(BadParameter, match="give the trust domain alone"):
        _domain("spiffe://prod.example/ns/shop")
