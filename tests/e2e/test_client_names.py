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
]  # fmt: skip


@pytest.fixture(scope="module")
def resolver(tmp_path_factory: pytest.TempPathFactory, authority: Authority) -> Iterator[Resolver]:
    made = Resolver(tmp_path_factory.mktemp("named") / "data", authority)
    made.configure()
    made.write(
        document("Client", "annas-laptop", addresses=["192.0.2.16/28"]),
        document("Client", "printer", addresses=["192.0.2.18"]),
        document("Client", "till", identities=[TILL]),
        document("Client", "tv", tokens=["office-tv"]),
    )
    secret = call_keyhole("token", "create", "office-tv", "--data", str(made.folder))
    assert secret.returncode == 0, secret.stderr
    log = made.folder / "log" / "queries.jsonl"
    log.parent.mkdir()
    now = int(time.time() * 1_000_000) - 60_000_000
    lines = [line(now + at * 1_000_000, **one) for at, one in enumerate(QUERIES)]
    log.write_text("".join(f"{json.dumps(one)}\n" for one in lines))
    made.start()
    made.wait_for_api()
    try:
        yield made
    finally:
        made.stop()


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
    """E5: and nowhere where an identity was only claimed."""
    for arguments in ([], ["--since", "1h"]):
        _, shown, _ = _log(resolver, *arguments)
        for who in (
            "from annas-laptop (192.0.2.17) over",
            "from tv (token office-tv) over",
            f"from till ({TILL}) over",
            f"from {WEB} over",
            f"from {TILL} over",
        ):
            assert who in shown
    rows = resolver.api("GET", "/queries").json()["items"]
    named = {one["name"].removesuffix(".example"): one["client_name"] for one in rows}
    named.pop("probe.example.org", None)  # once its line is written
    assert named == {
        "laptop": "annas-laptop",
        "printer": "printer",
        "stranger": None,
        "tv": "tv",
        "web": None,
        "till": "till",
        "claimed": None,
        "removed": None,
    }


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
