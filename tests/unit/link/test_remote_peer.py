"""A remote engine gets the offer until it has applied it, or has refused it with a reason."""

import asyncio
from typing import Any

import pytest

from keyhole.link import remote_peer
from keyhole.link.message import About, Poll
from keyhole.link.remote_peer import Offer, RemotePeer

ENGINE = "spiffe://keyhole.internal/ns/engines/sa/berlin"


def _offer(number: int) -> Offer:
    return Offer(f"mark-{number}", number, b"{}", None, "", ())


def _poll(mark: str, *results: dict[str, Any], instance: str = "one") -> Poll:
    return Poll(About(instance, 7, "1", {}, None, mark), results)


def _told(peer: RemotePeer) -> dict[str, Any]:
    (command,) = asyncio.run(peer.commands())
    return command


def test_whoever_comes_is_told_what_it_has_not_got() -> None:
    peer = RemotePeer(ENGINE)
    peer.set_offer(_offer(1))
    peer.receive(_poll(""))
    assert _told(peer)["take"] == {"mark": "mark-1", "lists": None, "identities": []}
    assert peer.is_behind


def test_whoever_has_it_is_told_nothing_until_there_is_more() -> None:
    async def life() -> tuple[bool, str]:
        peer = RemotePeer(ENGINE)
        peer.set_offer(_offer(1))
        peer.receive(_poll("mark-1"))
        # The offer from before it connected has already woken it once.
        assert await peer.commands() == []
        waiting = asyncio.create_task(peer.commands())
        await asyncio.sleep(0)
        had_nothing = not waiting.done()
        peer.set_offer(_offer(2))
        (command,) = await waiting
        return had_nothing, command["take"]["mark"]

    assert asyncio.run(life()) == (True, "mark-2")


def test_an_offer_that_was_lost_on_the_way_is_made_again() -> None:
    peer = RemotePeer(ENGINE)
    peer.set_offer(_offer(1))
    peer.receive(_poll(""))
    first = _told(peer)
    peer.receive(_poll(""))
    assert _told(peer)["take"] == first["take"]


def test_a_refusal_is_kept_with_its_place_and_not_asked_for_at_once() -> None:
    async def life() -> RemotePeer:
        peer = RemotePeer(ENGINE)
        peer.set_offer(_offer(1))
        peer.receive(_poll(""))
        (command,) = await peer.commands()
        peer.receive(
            _poll("", {"id": command["id"], "refused": {"path": "policies[0]", "why": "no list"}})
        )
        waiting = asyncio.create_task(peer.commands())
        await asyncio.sleep(0)
        assert not waiting.done()
        peer.set_offer(_offer(2))
        (again,) = await waiting
        assert again["take"]["mark"] == "mark-2"
        return peer

    assert asyncio.run(life()).why == "policies[0]: no list"


def test_after_a_while_what_was_refused_is_offered_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remote_peer, "RETRY_SECONDS", 0.0)
    peer = RemotePeer(ENGINE)
    peer.set_offer(_offer(1))
    peer.receive(_poll(""))
    first = _told(peer)
    peer.receive(_poll("", {"id": first["id"], "refused": {"path": "", "why": "disk full"}}))
    assert (peer.why, _told(peer)["take"]) == ("disk full", first["take"])


def test_success_takes_the_reason_away() -> None:
    peer = RemotePeer(ENGINE)
    peer.set_offer(_offer(1))
    peer.receive(_poll(""))
    first = _told(peer)
    peer.receive(_poll("", {"id": first["id"], "refused": {"path": "", "why": "disk full"}}))
    peer.set_offer(_offer(2))
    second = _told(peer)
    peer.receive(_poll("mark-2", {"id": second["id"], "committed": 2}))
    assert (peer.why, peer.is_behind) == ("", False)
