"""Events leave this machine encrypted and signed, or not at all."""

from pathlib import Path

import pytest

from keyhole.config import load_config
from keyhole.errors import DocumentErrors


def _wrong(folder: Path, text: str) -> str:
    (folder / "keyhole.yaml").write_text(text)
    try:
        load_config(folder / "keyhole.yaml")
    except DocumentErrors as error:
        return str(error)
    return ""


@pytest.mark.parametrize(
    ("written", "server"),
    [
        ("siem.example.org", "siem.example.org:6514"),
        ("192.0.2.1:1514", "192.0.2.1:1514"),
        ("2001:db8::1", "[2001:db8::1]:6514"),
        ("'[2001:db8::1]:99'", "[2001:db8::1]:99"),
        ("{server: '127.0.0.1:5514', tls: false}", "127.0.0.1:5514"),
    ],
)
def test_a_server_has_the_port_of_syslog_over_tls_unless_it_says_another(
    tmp_path: Path, written: str, server: str
) -> None:
    syslog = written if written.startswith("{") else f"{{server: {written}}}"
    (tmp_path / "keyhole.yaml").write_text(f"events: {{syslog: {syslog}}}")
    config, _ = load_config(tmp_path / "keyhole.yaml")
    assert config.events.syslog.server == server


@pytest.mark.parametrize(
    ("events", "why"),
    [
        ("syslog: {server: 192.0.2.1, tls: false}", "not an address of this machine"),
        ("syslog: {server: siem.example.org, tls: false}", "not an address of this machine"),
        ("syslog: {server: 'udp://siem.example.org'}", "write it as siem.example.org:6514"),
        ("syslog: {server: 'a.example:0'}", "write it as"),
        ("syslog: {server: a.example, certificate: a.pem}", "give both or none"),
        ("syslog: {server: 127.0.0.1, tls: false, ca: a.pem}", "no certificates"),
        ("syslog: {server: a.example, kinds: [everything]}", "kinds"),
        ("webhook: {url: 'https://a.example/'}", "cannot tell who sends"),
        ("webhook: {url: 'http://127.0.0.1/', secret: hook}", "not encrypted"),
        ("webhook: {url: 'https://u:p@a.example/', secret: hook}", "password"),
    ],
)
def test_what_would_leave_in_the_clear_or_unsigned_is_refused(
    tmp_path: Path, events: str, why: str
) -> None:
    assert why in _wrong(tmp_path, f"events: {{{events}}}")


def test_queries_without_a_log_to_make_them_of_are_refused(tmp_path: Path) -> None:
    text = "log: {keep: 0B}\nevents: {syslog: {server: a.example, kinds: KINDS}}"
    assert "log.keep is 0B" in _wrong(tmp_path, text.replace("KINDS", "[audit, refusals]"))
    assert _wrong(tmp_path, text.replace("KINDS", "[audit]")) == ""
