"""Syslog goes over TLS to the receiver that is named, and to no other."""

import asyncio
from pathlib import Path

import pytest

from keyhole.events import Event, SendError, Severity
from keyhole.events.syslog import Origin
from keyhole.events.syslog_sender import SyslogSender
from keyhole.events.tls import client_context
from tests.world.certificates import Authority
from tests.world.events import SyslogReceiver
from tests.world.waiting import until

_ORIGIN = Origin("a", 1, "1")


def _send(host: str, port: int, *files: Path | None) -> None:
    async def run() -> None:
        sender = SyslogSender(host, port, lambda: client_context(*files), _ORIGIN)
        for number in range(3):
            await sender.send([Event("test", Severity.INFO, f"{number}")])
        await sender.close()

    asyncio.run(run())


def test_each_batch_arrives_over_one_connection(authority: Authority) -> None:
    with SyslogReceiver(authority.issue("127.0.0.1")) as siem:
        _send("127.0.0.1", siem.port, authority.root)
        until(lambda: len(siem.messages()) == 3, "all came")
        assert [one.data["meta"]["sequenceId"] for one in siem.messages()] == ["1", "2", "3"]


@pytest.mark.parametrize("case", ["untrusted", "another name", "no certificate", "open key"])
def test_a_receiver_that_is_not_the_right_one_gets_nothing(
    authority: Authority, tmp_path: Path, case: str
) -> None:
    client = authority.svid("spiffe://example.org/keyhole")
    other = Authority(tmp_path / "other", "Another root")
    if case == "open key":
        client.key.chmod(0o644)
    with SyslogReceiver(authority.issue("127.0.0.1"), clients=authority.root) as siem:
        host = "localhost" if case == "another name" else "127.0.0.1"
        ca = other.root if case == "untrusted" else authority.root
        shown = () if case == "no certificate" else (client.certificate, client.key)
        why = {
            "untrusted": "certificate cannot be trusted",
            "another name": "certificate cannot be trusted: .*localhost",
            "no certificate": "(?i)certificate.required|it ended the connection|reset",
            "open key": r"open to other users \(mode 0644\)",
        }
        with pytest.raises(SendError, match=why[case]):
            _send(host, siem.port, ca, *shown)
        assert not siem.messages()
