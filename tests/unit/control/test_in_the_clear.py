"""What is in the clear has its counts, and a way to mend it that Keyhole accepts."""

from typing import Any

import pytest

from keyhole.config import read_config_text
from keyhole.control.in_the_clear.counting import count_clear
from keyhole.control.in_the_clear.model import ClearItem
from keyhole.control.in_the_clear.queries import client_items, listener_items, upstream_items
from keyhole.control.in_the_clear.settings import (
    api_items,
    database_items,
    list_items,
    metrics_items,
)
from keyhole.graph.source import EngineInfo, Source, UpstreamInfo
from keyhole.querylog.history import AskerRow, EdgeRow

ENGINE = EngineInfo("local", "resolver", "resolver")
QUAD9 = UpstreamInfo("quad9", "doh", frozenset({"192.0.2.53:443"}))
MESH = UpstreamInfo("mesh", "tcp", frozenset({"10.0.0.53:53"}))
SOURCE = Source(
    lambda _: [],
    {"local": ENGINE},
    {"quad9": QUAD9, "mesh": MESH},
    {"home": frozenset({"network", "certificate"}), "tv": frozenset({"token"})},
    "renew",
)
WEB = "spiffe://keyhole.lab/ns/shop/sa/web"


def _row(queries: int = 1, last: Any = 7, **changes: Any) -> AskerRow:
    given: dict[str, Any] = {
        "outcome": "answered",
        "reason": "cached",
        "transport": "doh",
        "policy": "home",
        **changes,
    }
    return AskerRow(EdgeRow(queries=queries, **given), last)


def _clients(*rows: AskerRow) -> dict[str, ClearItem]:
    items, _ = client_items(count_clear(rows, SOURCE))
    return {one.id: one for one in items}


def test_nothing_is_in_the_clear_where_all_is_proved_and_encrypted() -> None:
    totals = count_clear([_row(identity=WEB), _row(token="tv", transport="dot")], SOURCE)
    assert list(listener_items(totals, {"dot": ["192.0.2.1:853"]})) == []
    assert client_items(totals) == ([], 0)
    assert list(upstream_items(totals, [QUAD9])) == []
    assert (totals.open, totals.total.queries) == (0, 2)


def test_a_plain_listener_names_who_used_it_and_how_to_close_it() -> None:
    rows = [
        _row(3, 9, client="192.0.2.7", transport="udp"),
        _row(1, 5, identity=WEB, transport="mesh"),
    ]
    totals = count_clear(rows, SOURCE)
    udp, mesh = listener_items(totals, {"udp": ["127.0.0.1:53"]})
    assert (udp.id, udp.queries, udp.setting) == ("listener:udp", 3, "listen: {udp: []}")
    assert [(one.id, one.queries) for one in udp.users] == [("192.0.2.7", 3)]
    assert udp.last is not None
    assert udp.last.microsecond == 9
    # It was closed meanwhile: nothing is left to change.
    assert (mesh.id, mesh.setting, mesh.places) == ("listener:mesh", None, [])


def test_doh_whose_tls_ended_at_a_proxy_is_in_the_clear_and_other_doh_is_not() -> None:
    rows = [_row(3, token="tv", tls="none"), _row(2, token="tv", tls="1.3"), _row(1, token="tv")]
    totals = count_clear(rows, SOURCE)
    (found,) = listener_items(totals, {})
    assert (found.id, found.queries) == ("listener:doh_cleartext", 3)
    assert totals.open == 3


def test_a_plain_listener_without_queries_is_in_the_clear_too() -> None:
    (tcp,) = listener_items(count_clear([], SOURCE), {"tcp": ["127.0.0.1:53"], "udp": []})
    assert (tcp.queries, tcp.last, tcp.users) == (0, None, [])


def test_a_client_without_a_proof_is_listed_once_with_all_its_reasons() -> None:
    found = _clients(_row(2, client="192.0.2.7", transport="udp"), _row(4, client="192.0.2.7"))
    assert list(found) == ["client:192.0.2.7"]
    printer = found["client:192.0.2.7"]
    assert printer.queries == 6
    assert {one.reason: one.queries for one in printer.reasons} == {
        "network_only": 6,
        "cleartext": 2,
    }
    assert printer.command == "keyhole enroll create NAME"


def test_who_was_refused_each_time_is_counted_and_not_listed() -> None:
    refused: dict[str, Any] = {"outcome": "refused", "reason": "no_identity"}
    rows = [_row(5, client="198.51.100.1", **refused)]
    assert _clients(*rows) == {}
    totals = count_clear(rows, SOURCE)
    assert (totals.open, totals.turned_away) == (5, 5)


def test_hidden_clients_and_expired_certificates_are_listed() -> None:
    found = _clients(
        _row(client=None),
        _row(client=None, policy="tv"),
        _row(identity=WEB, policy="renew"),
        AskerRow(EdgeRow("answered", "cached", 3, "udp", origin="unlogged"), None),
    )
    assert set(found) == {"client:anonymous:home", f"client:claimed:{WEB}", "unlogged:unlogged"}
    assert found["client:anonymous:home"].document == "Policy/home"
    assert "log: anonymous" in found["unlogged:unlogged"].mend


def test_queries_kept_out_of_the_log_are_listed_and_not_counted_as_open() -> None:
    rows = [
        _row(identity=WEB),
        AskerRow(EdgeRow("answered", "cached", 3, "doh", origin="unlogged"), None),
    ]
    totals = count_clear(rows, SOURCE)
    assert (totals.open, totals.total.unknown, dict(totals.transports)) == (0, 3, {})
    (found,), _ = client_items(totals)
    assert "by a policy or by a list of names" in found.what


def test_an_upstream_without_tls_is_listed_with_what_was_sent_to_it() -> None:
    asked: dict[str, Any] = {"reason": "forwarded", "identity": WEB}
    rows = [
        _row(4, **asked, upstream="mesh"),
        _row(2, **asked, upstream="gone"),
        _row(9, **asked, upstream="quad9"),
        _row(8, identity=WEB, upstream="mesh"),  # from the cache: nothing was sent
    ]
    router = UpstreamInfo("router", "tcp", frozenset({"192.168.1.1:53"}), is_clear=True)
    found = upstream_items(count_clear(rows, SOURCE), [QUAD9, MESH, router])
    mesh, clear, gone = found
    assert mesh.what == "the upstream mesh is asked over tcp: the mesh has to encrypt it"
    assert clear.what == "the upstream router is asked over tcp: nothing encrypts it"
    assert "without insecure: local-network" in clear.mend
    assert (mesh.id, mesh.queries, mesh.document) == ("upstream:mesh", 4, "Upstream/mesh")
    assert (gone.id, gone.queries, gone.command) == ("upstream:gone", 2, None)


def _config(text: str) -> Any:
    config, problems = read_config_text(text, "keyhole.yaml")
    assert config is not None, problems
    return config


_PROXY = 'api: {listen: ["192.0.2.1:80"], tls: {use: never}, trusted_proxies: [192.0.2.2]}'


def test_settings_without_tls_off_loopback_are_listed() -> None:
    (api,) = api_items(_config(_PROXY))
    assert api.places == ["http://192.0.2.1:80"]
    (metrics,) = metrics_items(_config('health: {engine: ["192.0.2.1:9153"]}'))
    assert (metrics.id, metrics.queries) == ("metrics:engine", None)
    default = _config("")
    assert [*api_items(default), *metrics_items(default)] == []


def test_lists_over_http_are_listed_once() -> None:
    urls = [
        ("ads", "http://lists.example.org/a"),
        ("ads", "http://lists.example.org/b"),
        ("safe", "https://lists.example.org/c"),
    ]
    (ads,) = list_items(urls)
    assert (ads.id, len(ads.places), ads.document) == ("list:ads", 2, "List/ads")


def test_a_weak_database_is_listed() -> None:
    assert list(database_items(None, "sqlite")) == []
    (one,) = database_items("opportunistic", "postgresql://db.example.org/keyhole")
    assert "sslmode=verify-full" in one.mend


@pytest.mark.parametrize("transport", ["udp", "tcp", "doh_cleartext", "mesh"])
def test_each_setting_that_closes_a_listener_is_valid(transport: str) -> None:
    (one,) = listener_items(count_clear([], SOURCE), {transport: ["127.0.0.1:53"]})
    assert one.setting is not None
    _config(one.setting)


def test_each_other_setting_is_valid() -> None:
    items = [
        *api_items(_config(_PROXY)),
        *metrics_items(_config('health: {engine: ["192.0.2.1:9"], control: ["192.0.2.1:8"]}')),
        *database_items("clear", "postgresql://db.example.org/keyhole"),
        *_clients(AskerRow(EdgeRow("answered", "cached", 3, "udp", origin="lost"), None)).values(),
    ]
    for one in items:
        assert one.setting is not None
        _config(one.setting)
