"""Syslog goes over TLS to the receiver that is named, and to no other."""

import asyncio
import socket
import ssl
from pathlib import Path

import pytest

from keyhole.events import Event, SendError, Severity, syslog_sender
from keyhole.events.syslog import Origin
from keyhole.events.syslog_sender import SyslogSender
from keyhole.events.tls import client_context
from tests.world.certificates import Authority
from tests.world.events import SyslogReceiver, read_frames, read_message
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


@pytest.mark.parametrize("is_tls", [True, False])
def test_what_a_relay_confirmed_and_may_not_have_read_is_sent_again(
    authority: Authority, is_tls: bool
) -> None:
    taken: list[list[bytes]] = []

    async def run() -> None:
        begun: asyncio.Queue[asyncio.StreamWriter] = asyncio.Queue()
        has_all = asyncio.Event()

        async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(b"hello")  # hides no end behind it
            taken.append([])
            begun.put_nowait(writer)
            if len(taken) == 1:
                return  # confirmed by the system, and never read
            while octets := await reader.read(65_536):
                taken[-1].append(octets)
                if len(_texts(taken[-1])) == 3:
                    has_all.set()

        server, root = None, None
        if is_tls:
            pair, root = authority.issue("127.0.0.1"), authority.root
            server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            server.load_cert_chain(pair.certificate, pair.key)
        relay = await asyncio.start_server(take, "127.0.0.1", 0, ssl=server)
        port = relay.sockets[0].getsockname()[1]
        made = (lambda: client_context(root)) if is_tls else (lambda: None)
        sender = SyslogSender("127.0.0.1", port, made, _ORIGIN)
        await sender.send(_numbered("one", "two"))
        connection = sender._connection
        assert connection is not None
        (await begun.get()).close()
        await asyncio.wait([connection._end])
        await sender.send(_numbered("three"))
        await sender.close()
        relay.close()
        await has_all.wait()

    asyncio.run(asyncio.wait_for(run(), 30))
    assert _texts(taken[1]) == [("1", "one"), ("2", "two"), ("3", "three")]


def test_a_relay_that_reads_nothing_has_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(syslog_sender, "SEND_SECONDS", 0.2)

    async def run() -> None:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            # Smaller than what is sent, so that the system of the relay cannot confirm it all.
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
            sender = SyslogSender("127.0.0.1", listener.getsockname()[1], lambda: None, _ORIGIN)
            with pytest.raises(SendError, match="no answer within"):
                await sender.send(_numbered(*["x" * 6_000] * 20))

    asyncio.run(run())


def _numbered(*texts: str) -> list[Event]:
    return [Event("test", Severity.INFO, text) for text in texts]


def _texts(octets: list[bytes]) -> list[tuple[str, str]]:
    found = map(read_message, read_frames(b"".join(octets)))
    return [(one.data["meta"]["sequenceId"], one.text) for one in found]
