"""Section F, operations: HTTP servers, locks and waits. What goes wrong is said, nothing hangs."""

import base64
import json
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest

from keyhole.api.application import PREFIX, describe
from keyhole.http import uvicorn_config
from keyhole.system.lock import LockTimeoutError, locked
from tests.world.callers import Caller
from tests.world.certificates import Authority
from tests.world.engine_client import Engine
from tests.world.fleet import Fleet
from tests.world.no_tls import NO_TLS
from tests.world.outcome import outcome_of
from tests.world.planted import ERRORS, HANGING, plant
from tests.world.ports import free_port
from tests.world.process import Program, call_keyhole
from tests.world.resolver import Resolver, document
from tests.world.trust import TrustDomain
from tests.world.upstream import Upstream

_ID = re.compile(r"under the id ([0-9a-f]{8})")
HUGE = (2**31, 2**53, 2**63, 2**64, 10**40, -(2**63) - 1)


class FaultySite:
    """A Keyhole with all of its HTTP servers, in each of which one route fails."""

    def __init__(self, fleet: Fleet, place: Path) -> None:
        self.fleet = fleet
        self.resolver = fleet.control
        self.api, self.enrollment = free_port(), free_port()
        self.resolver.configure(
            link=fleet.link,
            api={"listen": [f"127.0.0.1:{self.api}"], "pihole": True},
            enrollment={"listen": [f"127.0.0.1:{self.enrollment}"]},
        )
        log = place / "site.log"
        environment = plant(place / "plant", ERRORS)
        folder = str(self.resolver.folder)
        self.resolver.run(Program.keyhole("up", "--data", folder, log=log, **environment))
        self.resolver.settle()
        self.resolver.wait_for_api()
        self.token = self.resolver.api(
            "POST", "/tokens", json={"name": "panel", "role": "viewer"}
        ).json()["secret"]
        self.engine = Engine(fleet, "engines/berlin", place / "berlin")

    def ask(self, server: str) -> tuple[int, str]:
        """The answer of the route that fails."""
        bearer = {"authorization": f"Bearer {self.token}"}
        match server:
            case "API on its socket":
                answer = self.resolver.api("GET", "/status")
            case "API":
                url = f"http://127.0.0.1:{self.api}{PREFIX}/status"
                answer = httpx2.get(url, headers=bearer, timeout=30, verify=NO_TLS)
            case "Pi-hole's API":
                base = f"http://127.0.0.1:{self.api}/api"
                login = httpx2.post(
                    f"{base}/auth", json={"password": self.token}, timeout=30, verify=NO_TLS
                )
                sid = {"X-FTL-SID": login.json()["session"]["sid"]}
                answer = httpx2.get(
                    f"{base}/stats/query_types", headers=sid, timeout=30, verify=NO_TLS
                )
            case "enrollment server":
                url = f"https://127.0.0.1:{self.enrollment}/v1/bundle"
                answer = httpx2.get(url, verify=False, timeout=30)
            case _:
                about = {"instance": "x", "pid": 1, "version": "1", "addresses": {}, "number": 1}
                return self.engine.send(
                    "/link/v1/poll", json.dumps({"engine": about, "results": []}).encode()
                )
        return answer.status_code, answer.text


@pytest.fixture(scope="module")
def faulty(tmp_path_factory: pytest.TempPathFactory, authority: Any) -> Iterator[FaultySite]:
    place = tmp_path_factory.mktemp("faulty")
    made: list[Resolver] = []

    def make() -> Resolver:
        made.append(Resolver(place / f"data-{len(made)}", authority))
        return made[-1]

    try:
        yield FaultySite(Fleet(make), place)
    finally:
        for one in made:
            one.stop()


SERVERS = ["API on its socket", "API", "Pi-hole's API", "enrollment server", "link"]


@pytest.mark.parametrize("server", SERVERS)
def test_an_unexpected_error_is_in_the_log_under_the_id_that_the_answer_carries(
    faulty: FaultySite, server: str
) -> None:
    """F7: each time, and what the client sees says nothing of it."""
    for _ in range(2):
        status, text = faulty.ask(server)
        assert status == 500, text
        assert "planted" not in text
        found = _ID.search(text)
        assert found is not None, text
        words = f"(id {found[1]})"
        faulty.resolver.wait_for(lambda w=words: w in faulty.resolver.program.output, words)
    output = faulty.resolver.program.output
    assert "RuntimeError: planted" in output
    assert "\x1b[31m" not in output


def _numbers() -> Iterator[tuple[str, str, str]]:
    """Each GET route of the API with each parameter that is a number or a time; a live one has no
    end that could be waited for, and takes the parameters of the one that ends."""
    for path, operations in describe()["paths"].items():
        if path.endswith("/live"):
            continue
        for one in operations.get("get", {}).get("parameters", []):
            kinds = [one["schema"], *one["schema"].get("anyOf", [])]
            if any(kind.get("type") == "integer" for kind in kinds):
                yield path.removeprefix(PREFIX), one["name"], one["in"]
            if any(kind.get("format") == "date-time" for kind in kinds):
                yield path.removeprefix(PREFIX), one["name"], "time"


def test_numbers_times_and_cursors_beyond_all_bounds_are_refused_or_answered(
    shared_resolver: Resolver,
) -> None:
    """F7: none is an unexpected error, here or in the database."""
    times = ("0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "9999-12-31T23:59:59")
    asked = 0
    for path, name, place in _numbers():
        for value in times if place == "time" else HUGE:
            url = path.replace(f"{{{name}}}", str(value))
            url = re.sub(r"\{\w+\}", "name", url)
            query = {} if place == "path" else {name: str(value)}
            answer = shared_resolver.api("GET", url, params=query)
            assert answer.status_code < 500, (url, query, answer.text)
            asked += 1
    assert asked > 20
    for key in ('[1e400,"x",1]', '["\\ud800","\\ud800","\\ud800"]', '[1,"\\ud800",1]', "[" * 900):
        cursor = base64.urlsafe_b64encode(key.encode()).decode().rstrip("=")
        for url in ("/queries", "/documents"):
            answer = shared_resolver.api("GET", url, params={"cursor": cursor})
            assert answer.status_code == 400, (url, key, answer.text)


def test_a_field_that_a_body_does_not_have_is_refused_and_changes_nothing(
    shared_resolver: Resolver,
) -> None:
    """F7: what it was to say would not happen: only a test, only one policy, only one client."""
    record = json.dumps(document("Record", "odd", name="odd.example.org", a=["192.0.2.1"]))
    for path, body, odd in (
        ("/documents", {"text": record}, "dry_run"),
        ("/pauses", {"seconds": 60}, "polcy"),
        ("/decisions", {"name": "web.example.org", "action": "allow"}, "clients"),
    ):
        answer = shared_resolver.api("POST", path, json={**body, odd: "home"})
        assert answer.status_code == 422, (path, answer.text)
        assert f"there is no field {odd} here" in answer.json()["detail"]
    assert shared_resolver.api("GET", "/documents/Record/odd").status_code == 404
    for path in ("/pauses", "/decisions"):
        assert shared_resolver.api("GET", path).json()["items"] == []
    bodies = [
        name.removeprefix("#/components/schemas/")
        for methods in describe()["paths"].values()
        for one in methods.values()
        for content in one.get("requestBody", {}).get("content", {}).values()
        # A file that is uploaded has no fields.
        if (name := content["schema"].get("$ref", ""))
    ]
    schemas = describe()["components"]["schemas"]
    assert bodies
    assert [name for name in bodies if schemas[name].get("additionalProperties", True)] == []


_HOLD = """
import sys, time
from pathlib import Path
from keyhole.http import uvicorn_config
from keyhole.system.lock import locked
with locked(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(600)
"""


@contextmanager
def _stopped_holder(lock: Path) -> Iterator[int]:
    """A process that has taken a lock and is stopped."""
    process = subprocess.Popen([sys.executable, "-c", _HOLD, str(lock)], stdout=subprocess.PIPE)
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == b"held\n"
        process.send_signal(signal.SIGSTOP)
        yield process.pid
    finally:
        process.kill()
        process.wait()


def test_a_command_does_not_wait_for_ever_behind_a_stopped_one_and_names_it(
    tmp_path: Path,
) -> None:
    """The lock of the authority, which all commands about identities and tokens take."""
    data = tmp_path / "data"
    data.mkdir()
    first = call_keyhole("token", "create", "tv", "--data", str(data))
    assert first.returncode == 0, first.stderr
    with _stopped_holder(data / "identity" / ".lock") as pid:
        for words in (("token", "create", "radio"), ("identity", "revoke", "spiffe://a.test/b")):
            done = call_keyhole(*words, "--data", str(data))
            said = " ".join((done.stdout + done.stderr).split())
            assert done.returncode != 0
            assert f"process {pid} holds" in said, said
            assert f"it is stopped; let it go on (kill -CONT {pid})" in said, said
    again = call_keyhole("token", "create", "radio", "--data", str(data))
    assert again.returncode == 0, again.stderr


def test_the_holder_of_a_lock_is_named_also_while_it_runs(tmp_path: Path) -> None:
    lock, hint = tmp_path / "lock", "end it if it hangs"
    with locked(lock), pytest.raises(LockTimeoutError, match=hint), locked(lock, 0.05):
        pass


def test_status_shows_that_documents_are_not_read_any_more(
    resolver: Resolver, tmp_path: Path
) -> None:
    """A4: as where a file of them is on a network that hangs; answers go on."""
    hang = tmp_path / "hang"
    resolver.configure()
    environment = {**plant(tmp_path / "plant", HANGING), "HANG": str(hang)}
    log = tmp_path / "hanging.log"
    resolver.run(Program.keyhole("up", "--data", str(resolver.folder), log=log, **environment))
    resolver.settle()
    resolver.wait_for_api()
    hang.touch()
    try:
        resolver.write(document("Record", "later", name="later.example.org", a=["192.0.2.1"]))

        def says() -> bool:
            said = resolver.command("status").stdout
            return "documents: stuck" in said and "has not ended since" in said

        resolver.wait_for(says, "status says it")
        assert resolver.try_ask("probe.example.org") is not None
    finally:
        hang.unlink()
    resolver.wait_for(
        lambda: (reply := resolver.try_ask("later.example.org")) and reply.addresses, "it goes on"
    )
    resolver.wait_for(
        lambda: "documents: stuck" not in resolver.command("status").stdout, "status says so"
    )


class Proxied:
    """A resolver whose API trusts a proxy on this machine."""

    def __init__(self, resolver: Resolver) -> None:
        self.port = free_port()
        resolver.configure(
            api={
                "listen": [f"127.0.0.1:{self.port}"],
                "trusted_proxies": ["127.0.0.1/32"],
                "clients": ["127.0.0.0/8", "192.0.2.0/24"],
            }
        )
        resolver.start()
        resolver.wait_for_api()

    def ask(self, **headers: str) -> int:
        """The status of a request with these headers; ``_`` stands for ``-``."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        url = f"http://127.0.0.1:{self.port}{PREFIX}/health"
        return httpx2.get(url, headers=named, timeout=30, verify=NO_TLS).status_code


def test_what_real_proxies_and_programs_beside_them_send_is_understood(resolver: Resolver) -> None:
    """F9: and what is incomplete is still refused."""
    proxied = Proxied(resolver)
    assert proxied.ask() == 200, "a program on this machine that asks directly"
    client = {"x_forwarded_for": "192.0.2.7"}
    assert proxied.ask(**client, x_forwarded_proto="https") == 200
    assert proxied.ask(**client, x_forwarded_proto="https, https") == 200
    assert proxied.ask(**client, x_forwarded_proto="HTTPS") == 200
    assert proxied.ask(x_forwarded_for="192.0.2.7:4711", x_forwarded_proto="https") == 200
    assert proxied.ask(**client, x_forwarded_proto="https, http") == 403
    assert proxied.ask(**client, x_forwarded_proto="http") == 403
    assert proxied.ask(**client) == 400
    assert proxied.ask(via="1.1 proxy") == 400, "a proxy that hides its client"
    assert proxied.ask(x_real_ip="192.0.2.7") == 400
    assert proxied.ask(x_forwarded_for="203.0.113.7", x_forwarded_proto="https") == 403


def test_the_standard_header_of_proxies_is_understood(resolver: Resolver) -> None:
    """F9: RFC 7239; a client that adds the other header does not choose its address."""
    proxied = Proxied(resolver)
    for written in (
        "for=192.0.2.7;proto=https",
        'For="192.0.2.7:4711";Proto=HTTPS;by=203.0.113.43;host="dns.example.org"',
        "for=203.0.113.9, for=192.0.2.7;proto=https",
        'proto=https ; for="192.0.2.7" ,for=127.0.0.1;proto=https',
    ):
        assert proxied.ask(forwarded=written) == 200, written
    for written in ("for=203.0.113.7;proto=https", "for=192.0.2.7;proto=http",
                    'for="[2001:db8::7]:4711";proto=https', "for=192.0.2.7;proto=https, proto=http;"
                    "for=127.0.0.1"):  # fmt: skip
        assert proxied.ask(forwarded=written) == 403, written
    for written in ("for=192.0.2.7", "proto=https", "for=unknown;proto=https", "for=_a;proto=https",
                    "for=192.0.2.7;for=192.0.2.8;proto=https", 'for="192.0.2.7;proto=https',
                    "for=192.0.2.7 proto:https", "192.0.2.7"):  # fmt: skip
        assert proxied.ask(forwarded=written) == 400, written
    known = {"forwarded": "for=192.0.2.7;proto=https", "x_forwarded_proto": "https"}
    assert proxied.ask(**known, x_forwarded_for="192.0.2.7") == 200
    assert proxied.ask(**known, x_forwarded_for="192.0.2.8") == 400
    assert proxied.ask(**known) == 400


def test_connections_are_kept_for_longer_than_programs_pause() -> None:
    """F9: those that ask every 5, 10, 15, 30 or 60 seconds never meet a closing connection."""
    config = uvicorn_config(_nothing, "test", lambda *_: None, lambda *_: _nothing)
    assert config.timeout_keep_alive > 60
    assert all(config.timeout_keep_alive % seconds for seconds in (2, 5, 15))


async def _nothing(*_: Any) -> None:
    return None


COPIES: dict[str, tuple[str, ...]] = {
    "cp -r": ("cp", "-r", "FROM", "TO"),
    "cp -a": ("cp", "-a", "FROM", "TO"),
    "cp -rL": ("cp", "-rL", "FROM", "TO"),
    "rsync": ("rsync", "-r", "FROM/", "TO"),
    "tar": ("sh", "-c", 'mkdir "$1" && tar -C "$0" -cf - . | tar -C "$1" -xf -', "FROM", "TO"),
}


@pytest.fixture(scope="module")
def copied(tmp_path_factory: pytest.TempPathFactory, authority: Authority) -> tuple[Resolver, Path]:
    """A Keyhole that was used, and the folder of its copies by state and tool."""
    folder = tmp_path_factory.mktemp("copied")
    first = Resolver(folder / "first", authority)
    try:
        first.start()
        _apply(first, folder, "before")
        # What it notes after a start is written: no tool copies two files in one moment.
        first.wait_for(lambda: "file_found" in first.api("GET", "/audit").text, "it rests")
        _copy(first.folder, folder / "running")
    finally:
        first.stop()
    _copy(first.folder, folder / "stopped")
    return first, folder


def _copy(data: Path, target: Path) -> None:
    target.mkdir()
    for tool, command in COPIES.items():
        if shutil.which(command[0]):
            named = {"FROM": str(data), "TO": str(target / tool), "FROM/": f"{data}/"}
            subprocess.run([named.get(word, word) for word in command], check=False)


@pytest.mark.parametrize("tool", COPIES)
@pytest.mark.parametrize("state", ["stopped", "running"])
def test_a_copied_data_folder_takes_changes_again(
    make_resolver: Callable[[], Resolver],
    copied: tuple[Resolver, Path],
    tmp_path: Path,
    tool: str,
    state: str,
) -> None:
    """F8: whatever ordinary tool copied it, and though Keyhole ran meanwhile."""
    if shutil.which(COPIES[tool][0]) is None:
        pytest.skip(f"{COPIES[tool][0]} is not installed")
    first, folder = copied
    copy = make_resolver()
    shutil.rmtree(copy.folder)
    (folder / state / tool).rename(copy.folder)
    copy.server, copy.config = first.server, copy.folder / "keyhole.yaml"
    copy.start()
    assert copy.server.ask("before.example.org").addresses == ["192.0.2.1"]
    _apply(copy, tmp_path, "after")
    copy.wait_for(
        lambda: (reply := copy.try_ask("after.example.org")) and reply.addresses, "the change acts"
    )
    said = copy.command("status").stdout
    assert "failed" not in said, said
    assert "missing" not in said, said


def _apply(resolver: Resolver, folder: Path, name: str) -> None:
    file = folder / f"{name}.yaml"
    record = document("Record", name, name=f"{name}.example.org", a=["192.0.2.1"])
    file.write_text(json.dumps(record))
    done = resolver.command("apply", "-f", str(file))
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_trust_domain_can_be_deleted_while_another_document_is_invalid(
    make_resolver: Callable[[], Resolver], upstream: Upstream, tmp_path: Path
) -> None:
    """A2, of what is stored: `keyhole delete` takes trust away then, too; nothing else changes."""
    home, one = TrustDomain(tmp_path / "home", "home.test"), make_resolver()
    one.configure(authentication={"dot": "strict"}, identity={"trust_domain": "own.test"})
    subjects = ["spiffe://home.test/*", "cidr:127.0.0.0/8"]
    one.write(
        one.upstream(upstream.port),
        document("Policy", "home", subjects=subjects, default="allow", upstreams=["test"]),
    )
    stored = tmp_path / "trust.yaml"
    stored.write_text(json.dumps(home.write(one.documents)))
    one.start()
    done = one.command("apply", "-f", str(stored))
    assert done.returncode == 0, done.stdout + done.stderr
    caller = Caller(certificate=home.svid("ns/shop/sa/web"))
    one.wait_for(lambda: outcome_of(one.server, "dot", caller) == "answered", "it is trusted")
    (one.documents / "typo.yaml").write_text("kind: Polcy\n")
    one.wait_for(lambda: "no kind Polcy" in one.program.output, "the typo is told")
    refused = one.command("delete", "Policy", "home")
    assert refused.returncode != 0
    done = one.command("delete", "TrustDomain", "home.test")
    assert done.returncode == 0, done.stdout + done.stderr
    assert outcome_of(one.server, "dot", caller) == "no_identity"
    again = one.command("apply", "-f", str(stored))
    assert again.returncode != 0, "new trust waits until all documents are valid"
