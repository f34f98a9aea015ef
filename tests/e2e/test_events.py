"""Events reach a SIEM over TLS and a webhook over HTTPS, and what they miss comes later."""

import base64
import hashlib
import hmac
from collections.abc import Callable
from pathlib import Path

import dns.message
import dns.name

from tests.world.certificates import Authority
from tests.world.events import HookReceiver, SyslogReceiver
from tests.world.ports import free_port
from tests.world.resolver import Resolver, document

_SECRET = "a secret that only the two know"
_SD = "keyhole@32473"


def _name_secret(resolver: Resolver) -> None:
    folder = resolver.folder / "secrets" / "hook"
    folder.mkdir(parents=True)
    (folder / "value").write_text(_SECRET)
    (folder / "value").chmod(0o600)


def test_a_siem_and_a_webhook_are_told_what_happens_and_what_they_missed(
    make_resolver: Callable[[], Resolver], authority: Authority, tmp_path: Path
) -> None:
    resolver, theirs = make_resolver(), Authority(tmp_path / "siem", "Root of the SIEM")
    server, client = theirs.issue("127.0.0.1"), theirs.svid("spiffe://example.org/keyhole")
    _name_secret(resolver)
    port = free_port()
    with HookReceiver(server) as hook:
        kinds = ["audit", "attention", "refusals", "queries"]
        url = f"https://127.0.0.1:{hook.port}/in?a=1"
        resolver.configure(
            events={
                "host": "resolver-1",
                "syslog": {
                    "server": f"127.0.0.1:{port}",
                    "kinds": kinds,
                    "ca": str(theirs.root),
                    "certificate": str(client.certificate),
                    "key": str(client.key),
                },
                "webhook": {
                    "url": url,
                    "secret": "hook",
                    "ca": str(theirs.root),
                    "allow": ["127.0.0.0/8"],
                    "kinds": ["audit", "attention"],
                },
            }
        )
        with SyslogReceiver(server, clients=theirs.root, port=port) as siem:
            resolver.start()
            # On a loaded machine a handshake may take longer than a receiver is given.
            resolver.wait_for(
                lambda: resolver.command("events", "test").returncode == 0, "both have the event"
            )
            test = siem.messages("test")[0]
            assert (test.host, test.severity) == ("resolver-1", 6)

            # Nothing listens at its only upstream.
            def is_down(name: str = "upstream test") -> bool:
                resolver.server.ask("www.example.org")
                told = [one.data[_SD] for one in siem.messages("attention")]
                return any(one["subject"] == name and one["state"] == "began" for one in told)

            resolver.wait_for(is_down, "the upstream is told to be down")
            hostile = dns.name.Name([b'a"]\n<0>1', b"\x1b[2J", b"example", b"org", b""])
            query = dns.message.make_query(hostile, "AXFR")

            def refused() -> list[str]:
                resolver.server.ask("", query=query, transport="tcp")
                return [one.data[_SD]["name"] for one in siem.messages("refusals")]

            resolver.wait_for(refused, "the refusal is told")
            assert {one.data[_SD]["client"] for one in siem.messages("refusals")} == {"127.0.0.1"}
            asked = [one.data[_SD]["name"] for one in siem.messages("queries")]
            assert "www.example.org" in asked
        # The SIEM is away, and something is changed.
        resolver.write(document("Record", "away", name="away.example.org", a=["192.0.2.9"]))

        def is_told() -> bool:
            status = resolver.api("GET", "/status").json()
            (found,) = (one for one in status["events"] if one["kind"] == "syslog")
            resolver.server.ask("www.example.org")
            return not found["is_working"] and any("events" in one for one in status["wrong"])

        resolver.wait_for(is_told, "status says that it takes none")
        shown = resolver.command("status").stdout
        assert f"events are not taken by syslog 127.0.0.1:{port} since" in " ".join(shown.split())
        with SyslogReceiver(server, clients=theirs.root, port=port) as siem:
            resolver.command("events", "test")

            def has_missed() -> bool:
                told = [one.data[_SD] for one in siem.messages("audit")]
                return any("away" in one["detail"] for one in told)

            resolver.wait_for(has_missed, "the audit entry came after all")
        numbers = [one["fields"]["number"] for one in hook.events("audit")]
        assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
    first = hook.hooks[0]
    signed = f"{first.headers['webhook-id']}.{first.headers['webhook-timestamp']}.".encode()
    wanted = hmac.digest(_SECRET.encode(), signed + first.body, hashlib.sha256)
    assert first.headers["webhook-signature"] == f"v1,{base64.b64encode(wanted).decode()}"
    assert first.path == "/in?a=1"
