"""A webhook that is not the right one gets nothing, and the reason is said."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from ipaddress import ip_network
from pathlib import Path

import pytest

from keyhole.control.events.webhook_sender import Webhook, WebhookSender
from keyhole.events import Event, SendError, Severity
from keyhole.events.syslog import Origin
from keyhole.lists.download import AddressGuard
from tests.world.certificates import Authority
from tests.world.events import HookReceiver

_EVENT = Event("test", Severity.INFO, "a test")


@pytest.fixture
def hook(authority: Authority) -> Iterator[HookReceiver]:
    with HookReceiver(authority.issue("127.0.0.1")) as running:
        yield running


@pytest.fixture
def webhook(hook: HookReceiver, authority: Authority, tmp_path: Path) -> Webhook:
    secret = tmp_path / "value"
    secret.write_text("a secret that only the two know")
    secret.chmod(0o600)
    guard = AddressGuard(allow=(ip_network("127.0.0.0/8"),))
    return Webhook(f"https://127.0.0.1:{hook.port}/in", secret, authority.root, guard)


def _send(webhook: Webhook) -> None:
    asyncio.run(WebhookSender(webhook, Origin("a", 1, "1"), lambda: 0).send([_EVENT]))


def test_the_right_one_gets_the_event(webhook: Webhook, hook: HookReceiver) -> None:
    _send(webhook)
    (event,) = hook.events("test")
    assert (event["id"], hook.hooks[0].path) == (_EVENT.id, "/in")


@pytest.mark.parametrize(
    ("case", "why"),
    [
        ("untrusted", "certificate cannot be trusted"),
        ("another name", "certificate cannot be trusted.*localhost"),
        ("redirected", "it answers 302, a redirection, which is not followed"),
        ("private", "not a public address; allow it"),
        ("our own", "on which Keyhole itself listens"),
        ("open secret", r"open to other users \(mode 0644\); chmod 600"),
        ("no secret", "cannot use .*value: No such file"),
    ],
)
def test_another_one_gets_nothing(
    webhook: Webhook, hook: HookReceiver, case: str, why: str
) -> None:
    match case:
        case "untrusted":
            webhook = replace(webhook, ca=None)
        case "another name":
            webhook = replace(webhook, url=f"https://localhost:{hook.port}/in")
        case "redirected":
            hook.status = 302
        case "private":
            webhook = replace(webhook, guard=AddressGuard(remedy="allow it"))
        case "our own":
            own = frozenset({("127.0.0.1", hook.port)})
            webhook = replace(webhook, guard=replace(webhook.guard, own=own))
        case "open secret":
            webhook.secret.chmod(0o644)
        case "no secret":
            webhook.secret.unlink()
    with pytest.raises(SendError, match=why):
        _send(webhook)
    assert not hook.hooks


@pytest.mark.parametrize(("status", "is_content"), [(500, False), (401, False), (422, True)])
def test_an_answer_says_whether_the_same_may_be_sent_again(
    webhook: Webhook, hook: HookReceiver, status: int, is_content: bool
) -> None:
    hook.status = status
    with pytest.raises(SendError) as error:
        _send(webhook)
    assert error.value.is_content is is_content
