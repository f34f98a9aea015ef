"""What the middleware does with each kind of request."""

import asyncio
from typing import Any

import anyio
import pytest
from starlette.types import Receive, Scope, Send

from keyhole.api.middleware.body_limits import MAX_DEPTH, MAX_OCTETS, is_too_deep
from keyhole.api.middleware.response_timeout import ResponseTimeout
from keyhole.model.role import Role
from tests.unit.accounts.conftest import House
from tests.unit.api.conftest import ACCEPTED, HEADER, MiddlewareClient

HEALTH = "/api/v1/health"
PROXY = "203.0.113.1"


def _scope(path: bytes, *headers: tuple[bytes, bytes], method: str = "GET", **more: Any) -> Scope:
    given = headers or ((b"host", b"keyhole.example.org"),)
    return {
        "type": "http",
        "method": method,
        "scheme": "https",
        "http_version": "1.1",
        "path": path.decode("latin-1"),
        "raw_path": path,
        "query_string": b"",
        "headers": list(given),
        "client": ("192.0.2.1", 40_000),
        "server": ("192.0.2.2", 8443),
        "state": {},
        **more,
    }


@pytest.mark.parametrize("status", [200, 401, 403, 404, 421])
def test_every_response_has_the_security_headers_also_a_refusal(
    client: MiddlewareClient, status: int
) -> None:
    how: dict[int, dict[str, Any]] = {
        200: {"path": HEALTH},
        401: {"path": "/api/v1/status"},
        403: {"path": HEALTH, "address": "198.51.100.1"},
        404: {"path": "/none"},
        421: {"path": HEALTH, "base": "https://evil.example.org"},
    }
    headers = client.ask("GET", how[status].pop("path"), **how[status]).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["x-frame-options"] == "DENY"
    assert headers["cross-origin-opener-policy"] == "same-origin"
    assert headers["cross-origin-resource-policy"] == "same-origin"
    assert headers["cache-control"] == "no-store"
    assert headers["strict-transport-security"].startswith("max-age=31536000")
    policy = headers["content-security-policy"]
    assert policy.startswith("default-src 'none'")
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert not [name for name in headers if name.startswith("access-control")]


def test_strict_transport_security_is_sent_only_over_https(client: MiddlewareClient) -> None:
    answer = client.ask("GET", HEALTH, address="127.0.0.1", base="http://localhost:8080")
    assert answer.status_code == ACCEPTED
    assert "strict-transport-security" not in answer.headers


@pytest.mark.parametrize("origin", ["https://evil.example.org", "null"])
def test_no_other_origin_is_ever_allowed_to_read(client: MiddlewareClient, origin: str) -> None:
    asked = {"origin": origin, "access-control-request-method": "POST"}
    for method in ("GET", "OPTIONS"):
        answer = client.ask(method, HEALTH, headers=asked)
        assert not [name for name in answer.headers if name.startswith("access-control")]


@pytest.mark.parametrize(
    ("host", "is_ours"),
    [
        ("keyhole.example.org", True),
        ("KEYHOLE.example.ORG.", True),
        ("keyhole.example.org:8443", True),
        ("localhost", True),
        ("[::1]:8080", True),
        ("192.0.2.2", True),
        ("192.0.2.3", False),
        ("evil.example.org", False),
        ("keyhole.example.org@evil.example.org", False),
        ("keyhole.example.org, evil.example.org", False),
        ("keyhole.example.org:x", False),
        ("", False),
    ],
)
def test_an_unknown_host_name_is_refused(
    client: MiddlewareClient, host: str, is_ours: bool
) -> None:
    scope = _scope(HEALTH.encode(), (b"host", host.encode()))
    status, _ = anyio.run(client.scope, scope)
    assert (status == ACCEPTED) is is_ours
    assert is_ours or status == 421


@pytest.mark.parametrize(
    "path",
    [
        b"//api/v1/health",
        b"/api//v1/health",
        b"/api/v1/health//",
        b"/api/v1/../v1/health",
        b"/api/v1/./health",
        b"/api/v1/%2e%2e/v1/health",
        b"/api/v1/..%2fv1%2fhealth",
        b"/api/v1%2Fhealth",
        b"/api/v1/x%5c..%5chealth",
        b"/api/v1/health;a=b",
        b"/api/v1/health%3ba",
        b"/api/v1/health%00",
        b"/api/v1/health%0d%0a",
        b"/api/v1/health%zz",
        b"/api/v1/health%ff",
        b"/api/v1/\xffhealth",
        b"/api/v1\\health",
        b"api/v1/health",
        b"*",
        b"",
    ],
)
def test_an_ambiguous_path_is_refused(client: MiddlewareClient, path: bytes) -> None:
    status, _ = anyio.run(client.scope, _scope(path))
    assert status == 400
    assert client.routes.reached == []


def test_the_absolute_form_is_accepted_and_its_host_is_checked(client: MiddlewareClient) -> None:
    ours = _scope(b"https://keyhole.example.org/api/v1/health")
    assert anyio.run(client.scope, ours)[0] == ACCEPTED
    assert client.routes.reached[0]["path"] == HEALTH
    guarded = _scope(b"https://keyhole.example.org/api/v1/people")
    assert anyio.run(client.scope, guarded)[0] == 401
    other = _scope(b"https://evil.example.org/api/v1/health")
    assert anyio.run(client.scope, other)[0] == 400


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ([(b"host", b"localhost"), (b"host", b"evil.example.org")], 400),
        ([(b"accept", b"*/*")], 400),
        ([(b"host", b"localhost"), *[(b"x", b"y")] * 100], 431),
        ([(b"host", b"localhost"), *[(b"authorization", b"Bearer x")] * 2], 400),
        (
            [
                (b"host", b"localhost"),
                (b"content-length", b"0"),
                (b"transfer-encoding", b"chunked"),
            ],
            400,
        ),
    ],
)
def test_headers_that_contradict_each_other_are_refused(
    client: MiddlewareClient, headers: list[tuple[bytes, bytes]], status: int
) -> None:
    assert anyio.run(client.scope, _scope(HEALTH.encode(), *headers))[0] == status


def test_a_query_that_is_too_long_is_refused(client: MiddlewareClient) -> None:
    scope = _scope(HEALTH.encode(), query_string=b"x" * 9_000)
    assert anyio.run(client.scope, scope)[0] == 414


def test_a_method_is_what_the_request_line_says(client: MiddlewareClient) -> None:
    for name in ("x-http-method-override", "x-method-override", "x-http-method"):
        answer = client.ask("GET", "/api/v1/people/anna", headers={name: "DELETE", **HEADER})
        assert answer.status_code == 401
        viewer = client.token(Role.VIEWER, f"t{len(name)}")
        answer = client.ask("GET", "/api/v1/sessions", headers={name: "DELETE", **viewer})
        assert answer.status_code == ACCEPTED
        assert client.routes.reached[-1]["method"] == "GET"


@pytest.mark.parametrize("name", ["x-forwarded-for", "forwarded", "x-real-ip", "client-ip"])
def test_only_a_trusted_proxy_can_set_the_client_address(
    client: MiddlewareClient, name: str
) -> None:
    inside = {name: "for=192.0.2.1" if name == "forwarded" else "192.0.2.1"}
    answer = client.ask("GET", HEALTH, address="198.51.100.1", headers=inside)
    assert answer.status_code == 403
    outside = {name: "198.51.100.1", "x-forwarded-proto": "http", "x-forwarded-host": "evil"}
    assert client.ask("GET", HEALTH, headers=outside).status_code == ACCEPTED


@pytest.mark.parametrize(
    ("hops", "scheme", "status", "address"),
    [
        ("192.0.2.7", "https", ACCEPTED, "192.0.2.7"),
        (f"192.0.2.7, {PROXY}", "https", ACCEPTED, "192.0.2.7"),
        ("192.0.2.7, 192.0.2.8", "https", ACCEPTED, "192.0.2.8"),
        ("192.0.2.7, 198.51.100.1", "https", 403, None),
        ("198.51.100.1", "https", 403, None),
        ("192.0.2.7", "http", 403, None),
        ("192.0.2.7", None, 400, None),
        (None, "https", 400, None),
        ("unknown", "https", 400, None),
        ("192.0.2.7:80", "https", ACCEPTED, "192.0.2.7"),
        ("[2001:db8::7]:443", "https", 403, None),
        (", 192.0.2.7,", "https, HTTPS", ACCEPTED, "192.0.2.7"),
        ("192.0.2.7", "https, http", 403, None),
        ("192.0.2.7", "https, ftp", 400, None),
        ("192.0.2.7:x", "https", 400, None),
        (", ".join(["192.0.2.7"] * 17), "https", 400, None),
        (None, None, 400, None),
    ],
)
def test_a_trusted_proxy_must_send_scheme_and_client_address(
    house: House, hops: str | None, scheme: str | None, status: int, address: str | None
) -> None:
    given = {"x-forwarded-for": hops, "x-forwarded-proto": scheme}
    headers = {name: value for name, value in given.items() if value is not None}
    client = MiddlewareClient(house, trusted_proxies=[f"{PROXY}/32"])
    base = "http://keyhole.example.org"
    answer = client.ask("GET", HEALTH, address=PROXY, base=base, headers=headers)
    assert answer.status_code == status
    if address is not None:
        assert client.routes.reached[0]["client"][0] == address
        assert client.routes.reached[0]["scheme"] == "https"
        assert "strict-transport-security" in answer.headers


def test_headers_of_a_proxy_authenticate_nobody(house: House) -> None:
    client = MiddlewareClient(house, trusted_proxies=[f"{PROXY}/32"])
    headers = {
        "x-forwarded-for": "192.0.2.7",
        "x-forwarded-proto": "https",
        "x-forwarded-user": "root",
        "remote-user": "root",
        "x-forwarded-client-cert": "By=spiffe://keyhole.internal/a",
    }
    answer = client.ask("GET", "/api/v1/people", address=PROXY, headers=headers)
    assert answer.status_code == 401


def _post(
    client: MiddlewareClient, content: Any, kind: str = "application/json", **headers: str
) -> Any:
    path = headers.pop("path", "/api/v1/session")
    given = {**HEADER, "content-type": kind, **headers}
    return client.ask("POST", path, content=content, headers=given)


def test_the_size_of_a_body_is_limited_whatever_its_content_length(
    client: MiddlewareClient,
) -> None:
    async def endless() -> Any:
        for _ in range(2_000):
            yield b" " * 1_024

    assert _post(client, b" " * MAX_OCTETS).status_code == ACCEPTED
    assert _post(client, b" " * (MAX_OCTETS + 1)).status_code == 413
    assert _post(client, endless()).status_code == 413
    assert len(client.routes.reached) == 1


def test_documents_may_be_larger_but_only_after_authentication(client: MiddlewareClient) -> None:
    body = b" " * (MAX_OCTETS + 1)
    assert _post(client, body, path="/api/v1/documents").status_code == 401
    token = client.token(Role.OPERATOR, "operator")
    assert _post(client, body, path="/api/v1/documents", **token).status_code == ACCEPTED
    assert _post(client, body * 9, path="/api/v1/documents", **token).status_code == 413


def test_a_body_that_is_nested_too_deep_is_refused(client: MiddlewareClient) -> None:
    deep = b"[" * (MAX_DEPTH + 1) + b"]" * (MAX_DEPTH + 1)
    assert _post(client, deep).status_code == 400
    assert _post(client, b'{"a":' * 50_000).status_code == 400
    assert _post(client, deep[1:-1]).status_code == ACCEPTED


@pytest.mark.parametrize(
    ("body", "is_deep"),
    [
        (b"[]" * 100_000, False),
        (b'"' + b"[" * 100_000 + b'"', False),
        (b'"\\"' + b"[" * 100, False),
        (b'"\\\\"' + b"[" * 100, True),
        (b'\\"' * 500_000, False),
        (b'"' * 500_001 + b"[" * 100, False),
        (b'"a":' * 100_000 + b"[" * 100, True),
    ],
)
def test_depth_is_counted_outside_of_strings_and_in_one_pass(body: bytes, is_deep: bool) -> None:
    assert is_too_deep(body) is is_deep


def test_a_response_that_takes_too_long_is_replaced_and_ignored_later() -> None:
    released = asyncio.Event()
    messages: list[Any] = []

    async def slow(_: Scope, __: Receive, send: Send) -> None:
        try:
            await released.wait()
        finally:
            await send({"type": "http.response.start", "status": 200, "headers": []})

    async def receive() -> Any:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        messages.append(message)

    async def once() -> None:
        await ResponseTimeout(slow, 0)(_scope(b"/"), receive, send)

    anyio.run(once)
    assert [one["status"] for one in messages if one["type"] == "http.response.start"] == [503]


def test_a_response_that_has_begun_may_continue() -> None:
    messages: list[Any] = []

    async def live(_: Scope, __: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        for _round in range(10):  # of the event loop, after the limit is over
            await asyncio.sleep(0)
        await send({"type": "http.response.body", "body": b"end"})

    async def receive() -> Any:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        messages.append(message)

    async def once() -> None:
        await ResponseTimeout(live, 0)(_scope(b"/"), receive, send)

    anyio.run(once)
    assert messages[-1]["body"] == b"end"


def test_a_websocket_does_not_reach_the_routes(client: MiddlewareClient) -> None:
    async def never() -> Any:
        raise AssertionError

    async def once() -> None:
        await client.app({"type": "websocket"}, never, never)  # type: ignore[arg-type]

    anyio.run(once)
    assert client.routes.reached == []
