"""What says who may ask is watched: a change is in force within seconds, and nothing restarts."""

import json
from typing import Any

from tests.world.certificates import Authority
from tests.world.resolver import Resolver, document
from tests.world.upstream import ADDRESS

DIGEST = "ab" * 32
LOST = "spiffe://keyhole.internal/ns/shop/sa/lost"
SINCE = "2026-11-25T22:00:00Z"
REVOKED = {"identities": [{"id": LOST, "since": SINCE}]}


def in_force(resolver: Resolver) -> Any:
    """The snapshot that the engine has taken; it serves a moment before that is written down."""
    file = resolver.folder / "state" / "snapshot.json"
    (address,) = resolver.server.ask("probe.example.org", "A", "tcp").addresses

    def is_written() -> bool:
        return file.exists() and f'"{address}"' in file.read_text()

    resolver.wait_for(is_written, "the snapshot is remembered")
    return json.loads(file.read_bytes())


def put(resolver: Resolver, name: str, content: object) -> None:
    """Writes a file of our own authority, replaced whole."""
    folder = resolver.folder / "identity"
    folder.mkdir(exist_ok=True)
    draft = folder / f".{name}.draft"
    draft.write_text(content if isinstance(content, str) else json.dumps(content))
    draft.replace(folder / name)


def test_a_token_and_a_revocation_come_into_force_without_a_restart(resolver: Resolver) -> None:
    resolver.write(
        document("Policy", "guests", subjects=["token:guest"], rules=[{"block": ["a.example"]}])
    )
    resolver.start()
    engine = resolver.program.children("engine")
    put(
        resolver, "tokens.json", {"tokens": [{"name": "guest", "sha256": DIGEST, "created": SINCE}]}
    )
    resolver.wait_for(lambda: in_force(resolver)["subjects"]["tokens"], "the token is known")
    put(resolver, "revoked.json", REVOKED)
    resolver.wait_for(
        lambda: in_force(resolver)["trust"]["revoked"]["identities"] == [LOST], "it is revoked"
    )
    assert resolver.program.children("engine") == engine


def test_revocations_that_cannot_be_read_change_nothing_and_are_told(resolver: Resolver) -> None:
    put(resolver, "revoked.json", REVOKED)
    server = resolver.start().server
    before, said = in_force(resolver), len(resolver.program.output)
    put(resolver, "revoked.json", "{")
    resolver.wait_for(
        lambda: "revoked.json" in resolver.program.output[said:], "the damage is told"
    )
    assert in_force(resolver) == before
    assert server.ask("www.example.org").addresses == [ADDRESS]


def test_a_bundle_that_rotates_is_read_again(resolver: Resolver, authority: Authority) -> None:
    bundle = resolver.documents / "bundle.pem"
    bundle.write_bytes(authority.root.read_bytes())
    resolver.write(document("TrustDomain", "example.org", bundle="bundle.pem"))
    resolver.start()
    (before,) = in_force(resolver)["trust"]["domains"]
    assert before["name"] == "example.org"
    following = Authority(resolver.folder / "next")
    bundle.write_bytes(authority.root.read_bytes() + following.root.read_bytes())
    resolver.wait_for(
        lambda: in_force(resolver)["trust"]["domains"] != [before], "the new bundle is in force"
    )
    (after,) = in_force(resolver)["trust"]["domains"]
    assert after["bundle"].startswith(before["bundle"])
    assert after["bundle"].count("BEGIN CERTIFICATE") == 2
