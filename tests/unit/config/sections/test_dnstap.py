"""The receivers of dnstap messages."""

from pathlib import Path

import pytest

from tests.world.settings import wrong_with


@pytest.mark.parametrize(
    "socket", ["/run/tap.sock", "./tap.sock", "127.0.0.1:6000", '"[::1]:6000"']
)
def test_a_socket_is_a_path_or_loopback(tmp_path: Path, socket: str) -> None:
    assert wrong_with(tmp_path, f"dnstap: {{socket: {socket}}}") == ""


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("dnstap: {socket: '192.0.2.1:6000'}", "not a loopback address; the messages are not"),
        ("dnstap: {socket: 127.0.0.1}", "has no port"),
        (
            "dnstap: {file: q.dnstap}\nlog: {keep: 0B}",
            "dnstap.file: dnstap is made of the query log",
        ),
    ],
)
def test_a_socket_off_this_machine_or_without_a_port_is_refused(
    tmp_path: Path, text: str, why: str
) -> None:
    assert why in wrong_with(tmp_path, text)
