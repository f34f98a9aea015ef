from pathlib import Path

import pytest

from keyhole.config import Config, load_config, read_config, read_config_text, resolve
from keyhole.errors import DocumentErrors


def problems_of(text: str) -> list[str]:
    return [str(problem) for problem in read_config_text(text, "keyhole.yaml")[1]]


def advice_of(text: str) -> list[str]:
    config, problems = read_config_text(text, "keyhole.yaml")
    assert config is not None
    assert all(problem.is_advice for problem in problems)
    return [f"{problem.path}: {problem.why}" for problem in problems]


def test_an_empty_file_is_the_default() -> None:
    assert read_config_text("", "keyhole.yaml") == (Config(), [])
    assert read_config_text("# nothing yet\n", "keyhole.yaml") == (Config(), [])


def test_all_problems_are_reported_at_once_with_line_and_path() -> None:
    text = """\
role: resolvr
listen:
  udp: ["127.0.0.1:53", "localhost:53"]
  dho: []
clients: [192.0.2.1/24]
workers: 999
cache: {size: 64MB, prefetch: maybe}
limits:
  idle: 30s
"""
    assert problems_of(text) == [
        "keyhole.yaml:1 role: resolvr is not valid here; did you mean resolver?",
        "keyhole.yaml:3 listen.udp[1]: localhost is not an address; write 127.0.0.1:53",
        "keyhole.yaml:4 listen.dho: there is no key dho here; did you mean doh?",
        "keyhole.yaml:5 clients[0]: 192.0.2.1/24 is an address inside a network; "
        "did you mean 192.0.2.0/24?",
        "keyhole.yaml:6 workers: 999 is out of range; give a number from 1 to 256, or auto",
        "keyhole.yaml:9 limits.idle: there is no key idle here; did you mean idle_time?",
        "keyhole.yaml:7 cache.size: MB is not a unit here; use B, KiB, MiB, GiB, as in 64MiB; "
        "did you mean 64MiB?",
        "keyhole.yaml:7 cache.prefetch: maybe is neither true nor false",
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("listen: {doh_cleartext: ['192.0.2.1:80']}", "never leaves the machine"),
        ("listen: {dot: ['127.0.0.1:8443']}", "127.0.0.1:8443 is taken by dot"),
        ("listen: {tcp: ['127.0.0.1:1', '127.0.0.1:1']}", "is taken by tcp"),
        ("listen: {doh_path: dns-query}", "a path starts with /"),
        ("tls: {key: a.pem}", "key without certificate"),
        ("limits: {connections: 10}", "one client may not have more"),
        ("cache: {min_ttl: 2h, max_ttl: 1h}", "longer than max_ttl"),
        ("cache: {failure_ttl: 10m}", "give something from 1s to 5m"),
        ("log: {keep: 4KiB}", "give 0B for none, or 1MiB"),
        ("- a\n", "a config has keys"),
        ("kind: Policy\n", "this is a document, not a config"),
        ("role: resolver\n---\nrole: forwarder\n", "a second document begins"),
    ],
)
def test_an_invalid_value_is_refused_with_what_would_be_right(text: str, expected: str) -> None:
    problems = problems_of(text)
    assert len(problems) == 1
    assert expected in problems[0]


def test_free_ports_and_both_protocols_of_one_port_go_together() -> None:
    text = (
        "listen: {udp: ['127.0.0.1:53'], tcp: ['127.0.0.1:53'], dot: ['127.0.0.1:0'], doh: "
        "['127.0.0.1:0']}"
    )
    assert problems_of(text) == []


def test_a_listener_that_nobody_may_use_is_advised_against() -> None:
    text = "listen: {udp: [], tcp: ['192.0.2.1:53']}\nauthentication: {tcp: permissive}\n"
    (advice,) = advice_of(text)
    assert "others get no answer over UDP, and REFUSED elsewhere" in advice
    assert advice.startswith("clients: tcp listens on 192.0.2.1:53, and clients holds only this")
    assert advice_of(f"{text}clients: [192.0.2.0/24]") == []


def test_clients_that_no_listener_reaches_are_advised_against() -> None:
    (advice,) = advice_of("clients: [192.0.2.0/24]")
    assert "every listener is on loopback" in advice


def test_udp_for_the_whole_internet_is_advised_against() -> None:
    text = (
        "listen: {udp: ['192.0.2.1:53'], tcp: ['192.0.2.1:53']}\n"
        "authentication: {udp: permissive, tcp: permissive}\n"
    )
    (advice,) = advice_of(f"{text}clients: [0.0.0.0/0]")
    assert advice.startswith("listen.udp: 192.0.2.1:53 answers 0.0.0.0/0 over UDP")


def test_a_certificate_without_a_name_for_its_clients_is_advised_against() -> None:
    text = "listen: {dot: ['0.0.0.0:853']}\nclients: [192.0.2.0/24]\n"
    (advice,) = advice_of(text)
    assert advice.startswith("tls.names: dot listens on every address")
    assert advice_of(text + "tls: {names: [dns.example.org]}") == []


def test_a_config_that_turns_every_listener_off_is_advised_against() -> None:
    (advice,) = advice_of("listen: {udp: [], tcp: [], dot: [], doh: []}")
    assert "no query can arrive" in advice


def test_relative_paths_start_beside_the_file(tmp_path: Path) -> None:
    (tmp_path / "server.pem").write_text("")
    file = tmp_path / "keyhole.yaml"
    file.write_text("documents: mine\ntls: {certificate: server.pem, key: server-key.pem}\n")
    config, problems = read_config(file)
    assert [str(problem) for problem in problems] == [
        f"keyhole.yaml:2 tls.key: {tmp_path.resolve()}/server-key.pem is not there"
    ]
    assert config is not None
    resolved = resolve(config, tmp_path)
    assert resolved.documents == tmp_path.resolve() / "mine"
    assert resolved.tls.certificate == tmp_path.resolve() / "server.pem"
    with pytest.raises(DocumentErrors, match=r"server-key\.pem is not there"):
        load_config(file)


def test_links_in_the_settings_are_kept_since_they_may_be_replaced(tmp_path: Path) -> None:
    # As kubelet mounts config maps and secrets: the folder behind ..data is removed.
    (tmp_path / "more").mkdir()
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        for one in ("server.pem", "server-key.pem"):
            (tmp_path / name / one).write_text(name)
    link = tmp_path / "..data"
    link.symlink_to("first")
    text = (
        "documents: ..data\n"
        "tls: {certificate: ..data/server.pem, key: more/../..data/server-key.pem}\n"
    )
    file = tmp_path / "keyhole.yaml"
    file.write_text(text)
    config, _ = read_config(file)
    assert config is not None
    resolved = resolve(config, tmp_path)
    link.unlink()
    link.symlink_to("second")
    assert resolved.documents == link
    given = (resolved.tls.certificate, resolved.tls.key)
    assert [path and path.read_text() for path in given] == ["second"] * 2


def test_resolving_leaves_no_unit_and_no_auto() -> None:
    text = "cache: {size: 8MiB, stale: 12h}\nlimits: {idle_time: 2m}\nclients: [192.0.2.1]\n"
    config, _ = read_config_text(text, "keyhole.yaml")
    assert config is not None
    options = resolve(config, Path("/nowhere")).options.to_document()
    assert options["cache"]["octets"] == 8 << 20
    assert options["cache"]["stale"] == 43_200
    assert options["limits"]["idle_ms"] == 120_000
    assert options["clients"] == ["192.0.2.1/32"]
    assert 1 <= options["workers"] <= 256
    assert options["listen"]["udp"] == ["127.0.0.1:5300"]


def test_the_certificate_names_what_listens_and_what_is_asked_for() -> None:
    text = """\
listen: {dot: ["192.0.2.1:853", "[::]:853"], doh: []}
clients: [192.0.2.0/24]
tls: {names: [dns.example.org, "2001:db8::1"]}
"""
    config, _ = read_config_text(text, "keyhole.yaml")
    assert config is not None
    resolved = resolve(config, Path("/nowhere"))
    tls = resolved.tls
    # The star is for devices that put their token before the name.
    assert tls.names == ("localhost", "dns.example.org", "*.dns.example.org")
    assert resolved.own_names == ("dns.example.org",)
    assert resolved.options.names == ["dns.example.org"]
    assert tls.addresses == ("127.0.0.1", "::1", "2001:db8::1", "192.0.2.1")


def test_without_a_log_the_engine_buffers_no_queries(tmp_path: Path) -> None:
    for text, keep in (("", 64 * 2**20), ("log: {keep: 0}", 0), ("log: {keep: 1GiB}", 2**30)):
        config, problems = read_config_text(text, "keyhole.yaml")
        assert config is not None
        assert problems == []
        resolved = resolve(config, tmp_path)
        assert resolved.log_keep == keep
        assert bool(resolved.options.events) == bool(keep)


def test_two_dots_behind_a_link_count_from_its_target(tmp_path: Path) -> None:
    (tmp_path / "real" / "etc").mkdir(parents=True)
    (tmp_path / "real" / "documents").mkdir()
    (tmp_path / "etc").symlink_to("real/etc")
    file = tmp_path / "etc" / "keyhole.yaml"
    file.write_text("documents: ../documents\n")
    config, _ = read_config(file)
    assert config is not None
    assert resolve(config, file.parent).documents.is_dir()


@pytest.mark.parametrize(
    ("udp", "tcp", "alone"),
    [
        ("192.0.2.1:53", "", "192.0.2.1:53"),
        ("192.0.2.1:53", "192.0.2.1:5300", "192.0.2.1:53"),
        ("0.0.0.0:53", "192.0.2.1:53", "0.0.0.0:53"),
        ("'[2001:db8::1]:53'", "0.0.0.0:53", "[2001:db8::1]:53"),
        ("192.0.2.1:53", "192.0.2.1:53", None),
        ("192.0.2.1:53", "0.0.0.0:53", None),
        ("127.0.0.1:0", "127.0.0.1:0", None),
    ],
)
def test_udp_without_tcp_at_its_address_is_advised_against(
    udp: str, tcp: str, alone: str | None
) -> None:
    text = (
        f"listen: {{udp: [{udp}], tcp: [{tcp}]}}\nclients: [127.0.0.0/8, 192.0.2.0/24]\n"
        "authentication: {udp: permissive, tcp: permissive}\n"
    )
    found = [one for one in advice_of(text) if "over TCP" in one]
    assert [one.split(" over TCP")[0] for one in found] == (
        [f"listen.udp[0]: nothing listens on {alone}"] if alone else []
    )
