"""A client is called by its name beside identity or address, and each word for it finds it."""

import json
import shutil
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.world.certificates import Authority
from tests.world.history import line
from tests.world.process import call_keyhole
from tests.world.resolver import Resolver, document
from tests.world.tools import run
from tests.world.upstream import Upstream, Zone

WEB = "spiffe://keyhole.internal/ns/shop/sa/web"
TILL = "spiffe://keyhole.internal/ns/shop/sa/till"
QUERIES: list[dict[str, Any]] = [
    {"name": "laptop.example", "client": "192.0.2.17"},
    {"name": "printer.example", "client": "192.0.2.18"},
    {"name": "stranger.example", "client": "198.51.100.9"},
    {"name": "tv.example", "client": "192.0.2.17", "token": "office-tv"},
    {"name": "web.example", "client": "192.0.2.17", "identity": WEB},
    {"name": "till.example", "client": "192.0.2.18", "identity": TILL},
    {"name": "claimed.example", "client": "192.0.2.17", "identity": TILL, "outcome": "refused",
     "reason": "certificate_untrusted"},
    {"name": "removed.example", "client": "192.0.2.17", "token": "old-phone"},
    # Of one address, which somebody else had before.
    {"name": "before.example", "client": "203.0.113.9"},
    {"name": "after.example", "client": "203.0.113.9"},
    {"name": "by-hosts.example", "client": "203.0.113.10"},
    {"name": "alike.example", "client": "203.0.113.11"},
    {"name": "nas.example", "client": "10.9.0.7"},
]  # fmt: skip


@pytest.fixture(scope="module")
def router(authority: Authority) -> Iterator[Upstream]:
    """Knows a name for an address of its own network, and would say one for any other."""
    zone = Zone(pointers={"7.0.9.10.in-addr.arpa": "nas.lan."})
    with Upstream(authority.issue("upstream.example.org"), zone=zone) as upstream:
        yield upstream


@pytest.fixture(scope="module")
def internet(authority: Authority) -> Iterator[Upstream]:
    with Upstream(authority.issue("upstream.example.org")) as upstream:
        yield upstream


@pytest.fixture(scope="module")
def resolver(
    tmp_path_factory: pytest.TempPathFactory,
    authority: Authority,
    router: Upstream,
    internet: Upstream,
) -> Iterator[Resolver]:
    made = Resolver(tmp_path_factory.mktemp("named") / "data", authority)
    made.configure(client_names={"dhcp": ["kea.csv"], "hosts": "hosts"})
    made.write(
        made.upstream(internet.port),
        made.upstream(router.port, "router", domains=["10.9.0.0/16"]),
        document("Policy", "home", default="allow", upstreams=["test", "router"]),
        document("Client", "annas-laptop", addresses=["192.0.2.16/28"]),
        document("Client", "printer", addresses=["192.0.2.18"]),
        document("Client", "till", identities=[TILL]),
        document("Client", "tv", tokens=["office-tv"]),
    )
    secret = call_keyhole("token", "create", "office-tv", "--data", str(made.folder))
    assert secret.returncode == 0, secret.stderr
    log = made.folder / "log" / "queries.jsonl"
    log.parent.mkdir()
    now = (int(time.time()) - 60) * 1_000_000
    lines = [line(now + at * 1_000_000, **one) for at, one in enumerate(QUERIES)]
    _write_leases(made, lease_begins=now + 9_000_000)
    (made.folder / "hosts").write_text("203.0.113.10 scanner.lan scanner\n")
    log.write_text("".join(f"{json.dumps(one)}\n" for one in lines))
    made.start()
    made.wait_for_api()
    names = made.folder / "state" / "client-names.json"
    made.wait_for(lambda: names.exists() and "nas.lan" in names.read_text(), "all names are known")
    try:
        yield made
    finally:
        made.stop()


def _write_leases(resolver: Resolver, lease_begins: int) -> None:
    """The Kea file; the lease begins at this microsecond, and tells a name like a document's."""
    end = lease_begins // 1_000_000 + 3_600
    (resolver.folder / "kea.csv").write_text(
        "address,valid_lifetime,expire,hostname,state\n"
        f"203.0.113.9,3600,{end},bobs-phone,0\n203.0.113.11,3600,{end},pr1nter,0\n"
    )


def _names(text: str) -> list[str]:
    return sorted(json.loads(one)["name"].removesuffix(".example") for one in text.splitlines())


def _log(resolver: Resolver, *arguments: str) -> tuple[int, str, str]:
    ran = call_keyhole("log", *arguments, "--data", str(resolver.folder))
    return ran.returncode, ran.stdout, ran.stderr


def _found(resolver: Resolver, word: str) -> list[str]:
    """By the newest lines and by the history, which find the same."""
    code, newest, why = _log(resolver, "--client", word, "--json")
    assert code == 0, why
    code, searched, why = _log(resolver, "--client", word, "--json", "--since", "1h")
    assert code == 0, why
    assert _names(newest) == _names(searched)
    return _names(searched)


@pytest.mark.parametrize(
    ("word", "names"),
    [
        ("annas-laptop", ["laptop"]),
        ("client:annas-laptop", ["laptop"]),
        ("printer", ["printer"]),
        ("tv", ["tv"]),
        ("office-tv", ["tv"]),
        ("token:office-tv", ["tv"]),
        ("old-phone", ["removed"]),
        ("shop/web", ["web"]),
        (WEB, ["web"]),
        ("till", ["till"]),
        ("198.51.100.9", ["stranger"]),
        ("192.0.2.1*", ["claimed", "laptop", "printer", "removed", "till", "tv", "web"]),
        ("192.0.2.0/24", ["laptop", "printer"]),
        ("203.0.113.1", []),
        ("bobs-phone", ["after"]),
        ("scanner.lan", ["by-hosts"]),
        ("nas.lan", ["nas"]),
    ],
)
def test_each_word_that_means_a_client_finds_its_queries(
    resolver: Resolver, word: str, names: list[str]
) -> None:
    """E5: a name means who is known by it, not everybody who used the same address."""
    assert _found(resolver, word) == names


@pytest.mark.parametrize("arguments", [[], ["--since", "1h"]])
@pytest.mark.parametrize("word", ["annas-latop", "client:annas-latop"])
def test_a_word_that_means_no_client_is_an_error_with_the_right_one(
    resolver: Resolver, word: str, arguments: list[str]
) -> None:
    """E5, E7: a search that finds nothing must not be a typing mistake."""
    code, _, why = _log(resolver, "--client", word, *arguments)
    assert code == 1
    assert f"--client: {word} is no client here" in " ".join(why.split())
    assert "did you mean annas-laptop?" in " ".join(why.split())


def test_the_name_stands_beside_address_token_and_identity(resolver: Resolver) -> None:
    """E5: and nowhere where an identity was only claimed. What was learned says from whom."""
    for arguments in ([], ["--since", "1h"]):
        _, shown, _ = _log(resolver, *arguments)
        for who in (
            "from annas-laptop (192.0.2.17) over",
            "from tv (token office-tv) over",
            f"from till ({TILL}) over",
            f"from {WEB} over",
            f"from {TILL} over",
            "before.example A from 203.0.113.9 over",
            "after.example A from bobs-phone (203.0.113.9, dhcp) over",
            "from scanner.lan (203.0.113.10, hosts) over",
            "from 203.0.113.11 over",
            "from nas.lan (10.9.0.7, reverse) over",
        ):
            assert who in shown
    rows = resolver.api("GET", "/queries").json()["items"]
    named = {one["name"].removesuffix(".example"): one["client_name"] for one in rows}
    named.pop("probe.example.org", None)  # once its line is written
    sources = {one["client_name"]: one["client_name_source"] for one in rows}
    assert {sources[one] for one in ("tv", "till")} == {"document"}
    assert [sources[one] for one in ("bobs-phone", "nas.lan", None)] == ["dhcp", "reverse", None]
    assert named == {
        "laptop": "annas-laptop",
        "printer": "printer",
        "stranger": None,
        "tv": "tv",
        "web": None,
        "till": "till",
        "claimed": None,
        "removed": None,
        "before": None,
        "after": "bobs-phone",
        "by-hosts": "scanner.lan",
        "alike": None,
        "nas": "nas.lan",
    }
    assert "bobs-phone" not in (resolver.folder / "log" / "queries.jsonl").read_text()


def test_statistics_call_a_client_by_its_name(resolver: Resolver) -> None:
    """E5: for people and for programs."""
    found = resolver.api("GET", "/statistics/top/client").json()["items"]
    names = {one["value"]: one["client_name"] for one in found}
    assert names["192.0.2.18"] == "printer"
    assert names["198.51.100.9"] is None
    shown = call_keyhole("stats", "--data", str(resolver.folder)).stdout
    assert "printer (192.0.2.18)" in shown
    tokens = resolver.api("GET", "/statistics/top/token").json()["items"]
    assert {one["value"]: one["client_name"] for one in tokens} == {
        "office-tv": "tv",
        "old-phone": None,
    }


def test_the_list_of_clients_names_each_and_says_from_where(resolver: Resolver) -> None:
    found = {one["id"]: one for one in resolver.api("GET", "/clients").json()["items"]}
    nas, laptop = found["10.9.0.7"], found["192.0.2.17"]
    assert (nas["label"], nas["client"]) == ("nas.lan (10.9.0.7, reverse)", None)
    assert (nas["client_name"], nas["client_name_source"]) == ("nas.lan", "reverse")
    assert (laptop["client_name"], laptop["client_name_source"]) == ("annas-laptop", "document")
    assert nas["policy"]["name"] == "home"
    graph = resolver.api("GET", "/graph").json()
    assert "nas.lan (10.9.0.7, reverse)" in {one["label"] for one in graph["nodes"]}


def test_reverse_names_are_asked_of_the_upstream_of_their_domain_alone(
    resolver: Resolver, router: Upstream, internet: Upstream
) -> None:
    """And only for private addresses that asked; the questions are in no log of clients."""
    asked = [one for one in router.questions if "arpa" in one]
    assert [one.split()[0].rstrip(".") for one in asked] == ["7.0.9.10.in-addr.arpa"]
    assert not [one for one in internet.questions if "arpa" in one]
    assert "in-addr.arpa" not in (resolver.folder / "log" / "queries.jsonl").read_text()


def test_a_lease_file_that_breaks_keeps_its_names_and_is_told(resolver: Resolver) -> None:
    """And once it is right again, a new name is there without a restart."""
    (resolver.folder / "kea.csv").write_text("<html>nothing\n")

    def why() -> list[str]:
        parts = resolver.api("GET", "/status").json()["parts"]
        return [one["why"] for one in parts if one["name"] == "names of clients"]

    resolver.wait_for(why, "the damaged file is told")
    assert "kea.csv: 1 of 1 lines are no leases" in why()[0]
    assert _found(resolver, "bobs-phone") == ["after"]
    assert "names of clients" in resolver.command("status").stdout
    _write_leases(resolver, int(time.time() - 60) * 1_000_000)
    resolver.wait_for(lambda: not why(), "the file is right again")


def test_a_log_without_named_clients_is_shown_without_reading_documents(
    resolver: Resolver, tmp_path: Path
) -> None:
    """E12: to import what reads a snapshot takes longer than all the rest of the command."""
    script = (
        "import sys; from keyhole.__main__ import main\n"
        "try: main()\nfinally: print('keyhole.policy' in sys.modules)"
    )
    (tmp_path / "log").mkdir()
    shutil.copy(resolver.folder / "log" / "queries.jsonl", tmp_path / "log")
    for folder, reads in ((tmp_path, "False"), (resolver.folder, "True")):
        ran = run(sys.executable, "-c", script, "log", "--data", str(folder))
        assert "laptop.example" in ran.stdout, ran.stderr
        assert ran.stdout.split()[-1] == reads
