"""Names whose queries are not logged: what still counts them, and every place that is silent."""

import json

from tests.world.counting import Counts
from tests.world.resolver import Resolver, document

PRIVATE = ("clinic.example.org", "www.clinic.example.org")
LOGGED = "shop.example.org"


def _ask(resolver: Resolver, marker: str) -> None:
    """Asks for the private names, and then for one that shows when all of them were taken."""
    for name in (*PRIVATE, marker):
        assert resolver.server.ask(name).rcode in ("NOERROR", "NXDOMAIN")

    def came() -> bool:
        found = resolver.api("GET", "/queries", params={"name": marker}).json()["items"]
        return bool(found)

    resolver.wait_for(came, f"{marker} is in the history")


def _files(resolver: Resolver) -> bytes:
    """What the logs hold as text: the log of the engine, and dnstap as it is on the wire."""
    folder = resolver.folder / "log"
    return b"".join(one.read_bytes() for one in folder.iterdir() if one.is_file())


def test_a_name_that_is_not_logged_is_answered_and_counted_and_named_nowhere(
    resolver: Resolver,
) -> None:
    resolver.configure(dnstap={"file": "log/queries.dnstap"})
    resolver.start()
    private = document("LogExclusion", "private", names=[PRIVATE[0], f"*.{PRIVATE[0]}"])
    done = resolver.command("apply", "-f", "-", "-m", "the clinic", given=json.dumps(private))
    assert done.returncode == 0, done.stderr
    counts = Counts(resolver)
    _ask(resolver, f"after.{LOGGED}")
    resolver.wait_for(lambda: counts.now["unlogged"] == 2, "both are counted as not logged")
    assert b"clinic" not in _files(resolver)
    found = resolver.api("GET", "/queries", params={"below": PRIVATE[0]}).json()
    assert found["items"] == []
    graph = resolver.api("GET", "/graph", params={"names": True}).text
    assert LOGGED in resolver.api("GET", "/queries/top/name").text
    assert PRIVATE[0] not in graph + resolver.api("GET", "/queries/top/name").text
    explained = resolver.api(
        "GET", "/explain", params={"name": PRIVATE[1], "client": "127.0.0.1"}
    ).json()
    assert explained["client"]["log"] == "none"
    (entry, *_) = resolver.api("GET", "/audit").json()["items"]
    assert entry["detail"]["documents"] == {"LogExclusion/private": "created"}
    resolver.stop()
    resolver.start()
    _ask(resolver, f"again.{LOGGED}")
    assert b"clinic" not in _files(resolver), "it holds after a restart"
    assert resolver.command("delete", "LogExclusion", "private").returncode == 0
    resolver.server.ask(PRIVATE[0])
    resolver.wait_for(lambda: b"clinic" in _files(resolver), "it is logged again")
