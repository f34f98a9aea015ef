"""Where traces are sent, and of which queries."""

from pathlib import Path

import pytest

from keyhole.config import load_config
from keyhole.config.sections.traces import read_share, show_share
from keyhole.policy import check
from tests.world.settings import wrong_with


@pytest.mark.parametrize(
    ("endpoint", "whole"),
    [
        ("http://127.0.0.1:4318", "http://127.0.0.1:4318/v1/traces"),
        ("http://[::1]:4318/", "http://[::1]:4318/v1/traces"),
        ("http://localhost:4318/other", "http://localhost:4318/other"),
        ("https://collector.example.org", "https://collector.example.org/v1/traces"),
    ],
)
def test_an_endpoint_is_on_this_machine_or_https(tmp_path: Path, endpoint: str, whole: str) -> None:
    file = tmp_path / "keyhole.yaml"
    file.write_text(f"traces: {{endpoint: '{endpoint}'}}")
    config, problems = load_config(file)
    assert not [one for one in problems if not one.is_advice]
    assert config.traces.endpoint == whole
    assert config.traces.is_on


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("endpoint: 'http://192.0.2.1:4318'", "is not on this machine, and traces name who asks"),
        ("endpoint: 'http://collector.example.org'", "is not on this machine"),
        ("endpoint: 'grpc://127.0.0.1:4317'", "is not a URL of http or https"),
        ("endpoint: 'https://me:secret@collector.example.org'", "give credentials by headers"),
        ("share: 101%", "traces.share: 101% is out of range"),
        ("share: some", "some is not a share; write it as 1%, or as 0.01"),
        ("slow: 0", "is out of range"),
        ("rate: 0", "give a number from 1 to 10000"),
        ("headers: {content-type: one}", "content-type is written by Keyhole"),
        ("headers: {authorization: ../secret}", "traces.headers"),
        ("resolvers: [resolver]", "traces.resolvers"),
    ],
)
def test_what_cannot_be_is_refused_with_its_place(tmp_path: Path, text: str, why: str) -> None:
    found = wrong_with(tmp_path, f"traces: {{{text}}}")
    assert why in found
    assert "keyhole.yaml:1" in found


def test_a_forwarder_tells_no_upstream_about_a_trace(tmp_path: Path) -> None:
    found = wrong_with(tmp_path, "role: forwarder\ntraces: {forwarders: [internet]}")
    assert "traces.forwarders: a forwarder tells no upstream about a trace" in found


def test_traces_that_are_turned_off_keep_their_settings(tmp_path: Path) -> None:
    file = tmp_path / "keyhole.yaml"
    file.write_text("traces: {endpoint: 'http://127.0.0.1:4318', enabled: false}")
    assert not load_config(file)[0].traces.is_on


@pytest.mark.parametrize("text", ["0%", "1%", "0.5%", "100%", "12.345%"])
def test_a_share_is_shown_as_it_is_written(text: str) -> None:
    assert show_share(read_share(text)) == text
    assert read_share(show_share(read_share(text))) == read_share(text)


def test_a_forwarder_without_a_document_is_advised_on(tmp_path: Path) -> None:
    (tmp_path / "keyhole.yaml").write_text("traces: {forwarders: [forwader]}")
    (tmp_path / "documents").mkdir()
    (tmp_path / "documents" / "one.yaml").write_text(
        "apiVersion: keyhole.dev/v1\nkind: Upstream\nmetadata: {name: forwarder}\n"
        "spec: {protocol: dot, addresses: [192.0.2.1], serverName: dns.example.org}\n"
    )
    found = check([tmp_path / "keyhole.yaml"])
    (advice,) = [one for one in found if one.path.startswith("traces")]
    assert advice.is_advice
    assert str(advice).startswith("keyhole.yaml traces.forwarders[0]: there is no Upstream forwad")
    assert str(advice).endswith("did you mean forwarder?")
