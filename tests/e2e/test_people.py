"""From the first login to the last logout, on a Keyhole that runs."""

import json
import socket
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx2
import pyotp
import pytest

from tests.world.api import HEADER, PASSWORD, Browser, browser, exchange, one_time_password, set_up
from tests.world.certificates import Authority
from tests.world.no_tls import NO_TLS
from tests.world.ports import free_port
from tests.world.process import call_keyhole
from tests.world.provider import CLIENT, SECRET, Provider
from tests.world.resolver import Resolver
from tests.world.waiting import ANSWER_SECONDS, until


class Home:
    """A Keyhole with its API on the network, and the browser of its administrator."""

    def __init__(self, resolver: Resolver, port: int, provider: Provider) -> None:
        self.resolver = resolver
        self.port = port
        self.url = f"http://127.0.0.1:{port}"
        self.provider = provider
        self.first = one_time_password(resolver)
        self.admin = set_up(resolver, self.url)

    def do(self, method: str, path: str, **body: Any) -> Any:
        """Does something as the owner of the machine; gives the answer."""
        answer = self.resolver.api(method, path, json=body or None)
        assert answer.is_success, answer.text
        return answer.json() if answer.content else None

    def add(self, name: str, role: str) -> str:
        """A new account; gives its one-time password."""
        return str(self.do("POST", "/people", name=name, role=role)["password"])

    def token(self, name: str, role: str, **more: Any) -> dict[str, str]:
        """The header of a new token."""
        secret = self.do("POST", "/tokens", name=name, role=role, **more)["secret"]
        return {"authorization": f"Bearer {secret}"}

    def change(self, statement: str, *values: object) -> None:
        """Changes the database, as time would."""
        with sqlite3.connect(
            self.resolver.folder / "control.db", timeout=ANSWER_SECONDS
        ) as database:
            assert database.execute(statement, values).rowcount > 0
        database.close()


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory, authority: Authority) -> Iterator[Home]:
    """One Keyhole for this module; each test has people of its own in it."""
    resolver = Resolver(tmp_path_factory.mktemp("people") / "data", authority)
    port = free_port()
    with Provider() as provider:
        (resolver.folder / "oidc.secret").write_text(f"{SECRET}\n")
        resolver.configure(
            api={
                "listen": [f"127.0.0.1:{port}"],
                "clients": ["127.0.0.1/32"],
                "oidc": {
                    "issuer": provider.issuer,
                    "client_id": CLIENT,
                    "client_secret_file": "oidc.secret",
                    "roles": {"staff": "viewer", "dns-admins": "operator"},
                },
            }
        )
        resolver.start()
        one = Home(resolver, port, provider)
        yield one
        one.admin.close()
        resolver.stop()


def test_the_first_password_is_shown_once_works_once_and_is_changed_before_anything_else(
    home: Home,
) -> None:
    assert home.resolver.program.output.count(home.first) == 1
    with browser(home.url) as other:
        assert other.log_in("admin", home.first).status_code == 401
    password = home.add("newcomer", "administrator")
    with browser(home.url) as other:
        assert other.log_in("newcomer", password).json()["must_change_password"] is True
        refused = other.ask("GET", "/people")
        assert refused.status_code == 403
        assert refused.json()["type"].endswith("password_change_needed")
        assert other.ask("PUT", "/session/password", json={"new": "short"}).status_code == 400
        assert other.ask("PUT", "/session/password", json={"new": PASSWORD}).status_code == 200
        assert other.ask("GET", "/people").status_code == 200


def test_a_link_of_the_owner_of_the_machine_signs_in_once(home: Home) -> None:
    refused = home.admin.ask("POST", "/people/admin/link")
    assert refused.status_code == 403
    assert refused.json()["type"].endswith("not_from_here")
    made = home.do("POST", "/people/admin/link")
    page, mark, secret = made["url"].partition("/#link=")
    assert (page, mark) == (home.url, "/#link=")
    with browser(home.url) as one:
        assert one.ask("POST", "/session/link", json={"secret": secret}).json()["name"] == "admin"
        assert one.ask("GET", "/people").status_code == 200
    with browser(home.url) as other:
        again = other.ask("POST", "/session/link", json={"secret": secret})
        assert again.status_code == 401
        assert "used before" in again.json()["detail"]
    shown = home.resolver.command("people", "link", "admin").stdout
    assert f"{home.url}/#link=" in shown
    assert secret not in home.resolver.program.output


def test_the_first_run_shows_a_link_that_a_new_password_ends(home: Home) -> None:
    _, _, rest = home.resolver.program.output.partition(f"{home.url}/#link=")
    with browser(home.url) as one:
        refused = one.ask("POST", "/session/link", json={"secret": rest.split()[0]})
        assert refused.status_code == 401


def test_the_cookie_cannot_be_read_by_scripts_nor_sent_by_other_sites(home: Home) -> None:
    with browser(home.url) as one:
        said = one.log_in("admin", PASSWORD).headers["set-cookie"].lower()
    assert "httponly" in said
    assert "samesite=strict" in said
    assert "path=/" in said
    assert "domain" not in said


def test_a_session_ends_on_the_server_when_somebody_logs_out(home: Home) -> None:
    with browser(home.url) as one:
        one.log_in("admin", PASSWORD)
        secret = one.client.cookies["keyhole"]
        assert one.ask("GET", "/session").status_code == 200
        assert one.ask("DELETE", "/session").status_code == 204
        assert "keyhole" not in one.client.cookies
    stolen = {"cookie": f"keyhole={secret}", **HEADER}
    assert (
        httpx2.get(
            f"{home.url}/api/v1/session", headers=stolen, trust_env=False, verify=NO_TLS
        ).status_code
        == 401
    )


def test_a_session_whose_time_is_over_is_refused(home: Home) -> None:
    with browser(home.url) as one:
        session = one.log_in("admin", PASSWORD).json()["session"]
        home.change("UPDATE people_sessions SET seen = seen - 1801 WHERE id = ?", session)
        assert one.ask("GET", "/session").status_code == 401
        session = one.log_in("admin", PASSWORD).json()["session"]
        home.change("UPDATE people_sessions SET ends = ends - 43201 WHERE id = ?", session)
        assert one.ask("GET", "/session").status_code == 401


def test_sessions_are_listed_and_the_owner_of_the_machine_ends_any(home: Home) -> None:
    with browser(home.url) as one:
        session = one.log_in("admin", PASSWORD).json()["session"]
        listed = {each["id"]: each for each in one.ask("GET", "/sessions").json()["items"]}
        assert listed[session]["address"] == "127.0.0.1"
        home.do("DELETE", f"/sessions/{session}")
        assert one.ask("GET", "/session").status_code == 401


def test_one_sees_and_ends_ones_own_sessions_and_an_administrator_those_of_all(
    home: Home,
) -> None:
    with browser(home.url) as other:
        other.log_in("eve", home.add("eve", "viewer"))
        other.ask("PUT", "/session/password", json={"new": PASSWORD})
        own = {each["name"] for each in other.ask("GET", "/sessions").json()["items"]}
        assert own == {"eve"}
        assert other.ask("GET", "/sessions?everybody=true").status_code == 403
        everybody = home.admin.ask("GET", "/sessions?everybody=true").json()["items"]
        [admins, *_] = [each["id"] for each in everybody if each["name"] == "admin"]
        assert other.ask("DELETE", f"/sessions/{admins}").status_code == 403
        [eves] = [each["id"] for each in everybody if each["name"] == "eve"]
        assert home.admin.ask("DELETE", f"/sessions/{eves}").status_code == 204
        assert other.ask("GET", "/session").status_code == 401


def test_a_second_factor_is_enrolled_used_and_replaced_by_a_recovery_code(home: Home) -> None:
    with browser(home.url) as one:
        one.log_in("tom", home.add("tom", "viewer"))
        one.ask("PUT", "/session/password", json={"new": PASSWORD})
        begun = one.ask("POST", "/session/second-factor", json={"password": PASSWORD}).json()
        assert begun["url"].startswith("otpauth://totp/")
        code = pyotp.TOTP(begun["secret"]).now()
        confirmed = one.ask("POST", "/session/second-factor/confirm", json={"code": code})
        [first, *_] = confirmed.json()["recovery_codes"]
    with browser(home.url) as one:
        refused = one.log_in("tom", PASSWORD)
        assert refused.status_code == 401
        assert refused.json()["type"].endswith("code_needed")
        assert one.log_in("tom", PASSWORD, code=code).status_code == 401, "it was used before"
        assert one.log_in("tom", PASSWORD, code=first).status_code == 200
        assert one.log_in("tom", PASSWORD, code=first).status_code == 401


def test_whoever_guesses_has_to_wait_and_is_told_how_long(home: Home) -> None:
    home.add("victim", "viewer")
    with browser(home.url) as one:
        told = [one.log_in("victim", "a wrong password") for _ in range(5)]
        assert [each.status_code for each in told] == [401] * 5

        def refused() -> httpx2.Response | None:
            # The first wait is a second, and the machine may have been busy for so long.
            answer = one.log_in("victim", "a wrong password")
            return answer if answer.status_code == 429 else None

        waits = until(refused, "another guess has to wait")
    assert int(waits.headers["retry-after"]) >= 1
    assert home.do("POST", "/people/victim/reset", second_factor=False)


def test_an_administrator_changes_what_others_may_at_once(home: Home) -> None:
    with browser(home.url) as other:
        other.log_in("otto", home.add("otto", "operator"))
        other.ask("PUT", "/session/password", json={"new": PASSWORD})
        assert other.ask("GET", "/session").json()["role"] == "operator"
        home.do("PATCH", "/people/otto", role="viewer")
        assert other.ask("GET", "/session").json()["role"] == "viewer"
        home.do("PATCH", "/people/otto", is_disabled=True)
        assert other.ask("GET", "/session").status_code == 401
        assert other.log_in("otto", PASSWORD).status_code == 401
        home.do("PATCH", "/people/otto", is_disabled=False)
        assert other.log_in("otto", PASSWORD).status_code == 200
        home.do("DELETE", "/people/otto")
        assert other.ask("GET", "/session").status_code == 401


def test_a_password_can_be_set_on_the_machine_itself_and_nowhere_else(home: Home) -> None:
    home.add("robot", "viewer")
    home.do("PUT", "/people/robot/password", password=PASSWORD)
    with browser(home.url) as one:
        assert one.log_in("robot", PASSWORD).json()["must_change_password"] is False
    body = {"password": PASSWORD + "er"}
    refused = home.admin.ask("PUT", "/people/robot/password", json=body)
    assert refused.status_code == 403


def test_people_and_tokens_are_kept_by_command_here_and_from_another_machine(home: Home) -> None:
    run = home.resolver.command
    made = run("people", "add", "carl", "--role", "viewer", "--json")
    assert json.loads(made.stdout)["name"] == "carl"
    assert run("people", "password", "carl", given=f"{PASSWORD}\n").returncode == 0
    assert "carl" in run("people", "list").stdout
    made = run("api-token", "create", "remote", "--role", "viewer", "--json")
    token = json.loads(made.stdout)["secret"]
    done = call_keyhole("--server", home.url, "status", "--json", KEYHOLE_TOKEN=token)
    assert json.loads(done.stdout)["role"] == "resolver"
    done = call_keyhole("people", "list", KEYHOLE_SERVER=home.url, KEYHOLE_TOKEN=token)
    assert done.returncode == 1
    assert "this needs the role administrator" in done.stderr
    assert run("api-token", "revoke", "remote").returncode == 0
    done = call_keyhole("--server", home.url, "status", KEYHOLE_TOKEN=token)
    assert "was revoked" in done.stderr


def test_a_token_holds_no_session_and_makes_no_other_token(home: Home) -> None:
    token = home.token("maker", "administrator")
    with browser(home.url) as one:
        answer = one.ask("GET", "/session", headers=token)
        assert answer.json()["via"] == "token"
        assert "set-cookie" not in answer.headers
        assert one.ask("DELETE", "/session", headers=token).status_code == 409
        wanted = {"name": "another", "role": "viewer"}
        assert one.ask("POST", "/tokens", headers=token, json=wanted).status_code == 403


def test_a_token_that_has_expired_or_is_for_elsewhere_is_refused(home: Home) -> None:
    with browser(home.url) as one:
        headers = home.token("short", "viewer", days=1)
        assert one.ask("GET", "/status", headers=headers).status_code == 200
        home.change("UPDATE api_tokens SET ends = ends - 86401 WHERE name = 'short'")
        assert one.ask("GET", "/status", headers=headers).status_code == 401
        headers = home.token("elsewhere", "viewer", networks=["192.0.2.0/24"])
        assert one.ask("GET", "/status", headers=headers).status_code == 403


def test_an_identity_provider_vouches_for_somebody(home: Home) -> None:
    home.provider.reset()
    with browser(home.url) as one, httpx2.Client(trust_env=False, verify=NO_TLS) as elsewhere:
        sent = one.ask("GET", "/oidc/login")
        assert sent.status_code == 303
        assert "samesite=lax" in sent.headers["set-cookie"].lower()
        back = elsewhere.get(sent.headers["location"]).headers["location"]
        assert elsewhere.get(back).status_code == 403, "not the browser that began it"
        sent = one.ask("GET", "/oidc/login")
        back = elsewhere.get(sent.headers["location"]).headers["location"]
        assert one.client.get(back).json()["role"] == "operator"
        me = one.ask("GET", "/session").json()
        assert me["name"] == "oidc:anna (248289761001)"
        assert one.ask("GET", "/people").status_code == 403
        refused = one.ask("PUT", "/session/password", json={"current": "x", "new": PASSWORD})
        assert refused.status_code == 400
        home.provider.claims["groups"] = ["strangers"]
        sent = one.ask("GET", "/oidc/login")
        back = elsewhere.get(sent.headers["location"]).headers["location"]
        assert one.client.get(back).status_code == 403


@pytest.mark.parametrize(
    "to",
    ["//evil.example", "/\\evil.example", "https://evil.example", "/api/v1/x", "log", "/a#b", ""],
)
def test_a_login_never_leads_to_another_place(home: Home, to: str) -> None:
    with browser(home.url) as one:
        answer = one.client.get("/api/v1/oidc/login", params={"to": to})
        assert answer.status_code in (401, 422), answer.text
        assert "location" not in answer.headers


def test_what_people_do_is_in_the_audit_record_and_no_secret_is(home: Home) -> None:
    with browser(home.url) as one:
        one.log_in("ada", home.add("ada", "viewer"))
        one.log_in("ada", "a wrong password that somebody typed")
    entries = home.admin.ask("GET", "/audit?limit=1000").json()["items"]
    actions = {each["action"] for each in entries}
    assert {"person_added", "login", "login_failed", "password_changed"} <= actions
    [failed, *_] = [each for each in entries if each["action"] == "login_failed"]
    assert (failed["who"], failed["address"]) == ("ada", "127.0.0.1")
    assert "somebody typed" not in json.dumps(entries)
    assert PASSWORD not in json.dumps(entries)
    assert home.first not in json.dumps(entries)
    checked = home.admin.ask("GET", "/audit/verification").json()
    assert checked["problem"] is None


def test_what_keyhole_prints_holds_no_secret_but_the_first(home: Home) -> None:
    with browser(home.url) as one:
        one.log_in("admin", PASSWORD)
        secret = one.client.cookies["keyhole"]
        one.ask("GET", f"/status?token={secret}")
    printed = home.resolver.program.output
    assert secret not in printed
    assert PASSWORD not in printed


def test_what_is_public_says_nothing_of_what_runs_here(home: Home) -> None:
    answer = httpx2.get(f"{home.url}/api/v1/health", trust_env=False, verify=NO_TLS)
    assert answer.json() == {"status": "ok"}
    assert "server" not in answer.headers


def test_only_the_owner_can_read_what_is_kept_of_people(home: Home) -> None:
    for file in home.resolver.folder.glob("control.db*"):
        assert file.stat().st_mode & 0o077 == 0, file


_PLAIN = b"Host: localhost\r\nConnection: close\r\n"
_ODD = {
    "as it should be": b"GET /api/v1/people HTTP/1.1\r\n" + _PLAIN,
    "in HTTP/1.0": b"GET /api/v1/people HTTP/1.0\r\n" + _PLAIN,
    "with an upgrade to h2c": b"GET /api/v1/people HTTP/1.1\r\nHost: localhost\r\n"
    b"Connection: Upgrade, HTTP2-Settings, close\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n",
    "as HTTP/2 from the start": b"PRI * HTTP/2.0\r\n\r\nSM\r\n",
    "with an upgrade to a websocket": b"GET /api/v1/people HTTP/1.1\r\nHost: localhost\r\n"
    b"Connection: Upgrade, close\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n",
    "in the absolute form": b"GET http://localhost/api/v1/people HTTP/1.1\r\n" + _PLAIN,
    "with two hosts": b"GET /api/v1/people HTTP/1.1\r\nHost: evil\r\n" + _PLAIN,
    "with another case": b"GET /API/v1/people HTTP/1.1\r\n" + _PLAIN,
    "with a final slash": b"GET /api/v1/people/ HTTP/1.1\r\n" + _PLAIN,
    "with two slashes": b"GET //api/v1/people HTTP/1.1\r\n" + _PLAIN,
    "with an encoded slash": b"GET /api/v1/health/..%2fpeople HTTP/1.1\r\n" + _PLAIN,
    "with dots": b"GET /api/v1/health/../people HTTP/1.1\r\n" + _PLAIN,
    "with a semicolon": b"GET /api/v1/people;a=b HTTP/1.1\r\n" + _PLAIN,
    "with a final dot": b"GET /api/v1/people. HTTP/1.1\r\n" + _PLAIN,
    "only for its headers": b"HEAD /api/v1/people HTTP/1.1\r\n" + _PLAIN,
    "asking what one may": b"OPTIONS /api/v1/people HTTP/1.1\r\n" + _PLAIN,
    "with a method in place of another": b"GET /api/v1/people HTTP/1.1\r\n"
    b"X-HTTP-Method-Override: POST\r\n" + _PLAIN,
    "with two lengths": b"POST /api/v1/people HTTP/1.1\r\nContent-Length: 0\r\n"
    b"Transfer-Encoding: chunked\r\n" + _PLAIN,
}  # fmt: skip


@pytest.mark.parametrize("form", _ODD)
def test_a_request_is_refused_in_whatever_form_it_comes(home: Home, form: str) -> None:
    request = _ODD[form]
    if b"close" not in request:
        request += b"Content-Length: 0\r\n"
    answer = exchange(home.port, request + b"\r\n")
    status = answer.split(b" ", 2)[1] if answer else b"closed"
    assert status in (b"401", b"400", b"403", b"closed"), answer
    assert b"admin" not in answer


def test_another_address_of_this_machine_is_let_in_only_where_it_is_listed(home: Home) -> None:
    request = b"GET /api/v1/health HTTP/1.1\r\n" + _PLAIN + b"\r\n"
    assert exchange(home.port, request).startswith(b"HTTP/1.1 200")
    assert exchange(home.port, request, source="127.0.0.2").startswith(b"HTTP/1.1 403")


def test_strangers_take_no_room_from_those_who_are_served(home: Home) -> None:
    where, held = ("127.0.0.1", home.port), []
    try:
        for _ in range(40):
            held.append(socket.create_connection(where, 30, source_address=("127.0.0.2", 0)))
        with browser(home.url) as one:
            assert one.ask("GET", "/health").status_code == 200
    finally:
        for stranger in held:
            stranger.close()


def test_over_tls_the_cookie_is_bound_to_the_host_and_the_certificate_is_checked(
    make_resolver: Callable[[], Resolver], tmp_path: Path
) -> None:
    resolver, port = make_resolver(), free_port()
    resolver.configure(api={"listen": [f"127.0.0.1:{port}"], "tls": {"use": "always"}})
    resolver.start()
    url, root = f"https://127.0.0.1:{port}", resolver.folder / "identity" / "root.pem"
    password = one_time_password(resolver)
    resolver.wait_for_api()
    with browser(url, root) as one:
        answer = one.log_in("admin", password)
        assert answer.headers["set-cookie"].startswith("__Host-keyhole=")
        assert "; secure" in answer.headers["set-cookie"].lower()
        assert "strict-transport-security" in answer.headers
    made = resolver.api("POST", "/tokens", json={"name": "remote", "role": "viewer"})
    file = tmp_path / "token"
    file.write_text(made.json()["secret"])
    words = ("--server", url, "--token-file", str(file))
    # Its exit code says whether all works, and this one has no upstream.
    assert call_keyhole(*words, "--ca", str(root), "status").stdout.startswith("Keyhole resolver")
    refused = call_keyhole(*words, "status")
    assert "cannot be trusted, and nothing was sent" in refused.stderr


def _own_address() -> str | None:
    """An address of this machine that is not loopback."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        try:
            sock.connect(("198.18.0.1", 9))
        except OSError:
            return None
        return str(sock.getsockname()[0])


@pytest.mark.skipif(_own_address() is None, reason="this machine has loopback addresses alone")
def test_before_somebody_has_chosen_a_password_only_this_machine_reaches_the_api(
    make_resolver: Callable[[], Resolver],
) -> None:
    resolver, address = make_resolver(), _own_address()
    outside, inside = free_port(), free_port()
    resolver.configure(
        api={
            "listen": [f"{address}:{outside}", f"127.0.0.1:{inside}"],
            "clients": ["127.0.0.0/8", f"{address}/32"],
        }
    )
    resolver.start()
    resolver.wait_for_api()
    opens = f"https://{address}:{outside} opens when somebody has chosen a password"
    resolver.wait_for(lambda: opens in resolver.program.output, "the listener waits")
    root = resolver.folder / "identity" / "root.pem"
    with browser(f"https://{address}:{outside}", root) as one:
        one.client.timeout = 1
        with pytest.raises(httpx2.TransportError):
            one.ask("GET", "/health")
        set_up(resolver, f"http://127.0.0.1:{inside}").close()
        is_open = f"the API is open on https://{address}:{outside}"
        resolver.wait_for(lambda: is_open in resolver.program.output, "the listener opens")
        one.client.timeout = 30
        assert one.log_in("admin", PASSWORD).status_code == 200
    with browser(f"http://{address}:{outside}") as one, pytest.raises(httpx2.TransportError):
        one.ask("GET", "/health")


def test_a_page_that_is_not_ours_learns_nothing_by_a_name_of_its_own(home: Home) -> None:
    rebound = Browser(home.url)
    answer = rebound.ask("GET", "/session", headers={"host": "evil.example.org"})
    rebound.close()
    assert answer.status_code == 421


def test_a_reset_names_the_tokens_that_still_work(home: Home) -> None:
    with browser(home.url) as one:
        one.log_in("zoe", home.add("zoe", "administrator"))
        one.ask("PUT", "/session/password", json={"new": PASSWORD})
        wanted = {"name": "backdoor", "role": "viewer"}
        assert one.ask("POST", "/tokens", json=wanted).status_code == 201
    said = home.resolver.command("people", "reset", "zoe").stdout
    assert "API tokens made by zoe still work: backdoor" in said
