"""What ``keyhole setup`` makes of answers: valid files, all or none, and words for mistakes."""

import os
import socket
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from keyhole.cli.setup_first import Given, run_setup
from keyhole.config import Config, default_config_text
from keyhole.control.data_folder import DataFolder
from keyhole.control.first_run.answers import (
    Answers,
    check_reachable,
    read_address,
    read_lists,
    read_served,
)
from keyhole.control.first_run.losses import _without_user_info, losses
from keyhole.control.first_run.machine import local_network, taken_ports
from keyhole.control.first_run.place import finish, finish_at_start, in_the_way, place
from keyhole.control.first_run.upstreams import public_upstreams, read_upstream
from keyhole.control.first_run.write import check_texts, write_all, write_texts
from keyhole.errors import KeyholeError
from keyhole.lists.catalog import catalog
from keyhole.policy.default import POLICY_FILE, default_documents
from keyhole.system import durable
from keyhole.system.lock import hold

HOME = Answers(
    listen=("127.0.0.1", "192.168.1.2"),
    port=53,
    serve=("192.168.1.0/24",),
    upstreams=(read_upstream("quad9"),),
    lists=("hagezi-light",),
    name="dns.home.example",
)


def test_every_named_upstream_and_list_makes_valid_documents() -> None:
    """As keyhole check sees them, over both protocols, and one of one's own."""
    upstreams = [read_upstream(one) for one in public_upstreams()]
    over_tls = [read_upstream(f"dot:{one}") for one in public_upstreams()]
    assert {one.protocol for one in over_tls} == {"dot"}
    blocking = tuple(name for name, one in catalog().items() if one.kind == "block")
    own = read_upstream("dot:dns.example.org@192.0.2.1,2001:db8::1")
    assert (own.server_name, own.addresses) == ("dns.example.org", ("192.0.2.1", "2001:db8::1"))
    for chosen in (upstreams, over_tls, [own]):
        answers = replace(HOME, upstreams=tuple(chosen), lists=blocking)
        assert [one.why for one in check_texts(answers.files)] == []


def test_a_home_is_served_on_the_well_known_ports_by_its_network() -> None:
    config = HOME.config
    listen = {key: [str(one) for one in config.listen.of(key)] for key in ("udp", "dot", "doh")}
    assert listen == {
        "udp": ["127.0.0.1:53", "192.168.1.2:53"],
        "dot": ["127.0.0.1:853", "192.168.1.2:853"],
        "doh": ["127.0.0.1:443", "192.168.1.2:443"],
    }
    assert [str(one) for one in config.clients] == ["127.0.0.0/8", "::1/128", "192.168.1.0/24"]
    assert config.authentication.dot == "permissive"
    assert config.tls.names == ("dns.home.example",)
    assert "  policies: [default]" in HOME.files["documents/lists.yaml"]
    assert "upstreams: [quad9]" in HOME.files["documents/policy.yaml"]
    # Alone, nothing is opened, and without a list there is no file of lists.
    alone = replace(HOME, listen=("127.0.0.1",), serve=(), lists=(), port=5300)
    assert alone.config.authentication == Config().authentication
    assert alone.config.listen == Config().listen
    assert "documents/lists.yaml" not in alone.files


@pytest.mark.parametrize(
    ("read", "written", "why"),
    [
        (read_upstream, "qad9", "did you mean quad9"),
        (read_upstream, "", "nothing is no upstream"),
        (read_upstream, "https://dns.example.org", "doh:NAME@ADDRESS"),
        (read_upstream, "dns.example.org@192.0.2.1", "put doh: or dot: before it"),
        (read_upstream, "dot:dns.example.org@nowhere", "such as dot:dns.example.org@192.0.2.1"),
        (read_upstream, "doh:opendns", "give opendns or dot:opendns"),
        (read_address, "192.168.1.2:53", "the port is --port"),
        (read_served, "192.168.1.7/24", "host bits set"),
        (lambda one: read_lists([one]), "hagezi-lite", "did you mean hagezi-light"),
        (lambda one: read_lists([one, "none"]), "oisd-small", "none is no list"),
    ],
    ids=["name", "empty", "url", "protocol", "address", "doh", "port", "network", "list", "none"],
)
def test_a_wrong_answer_says_what_would_be_right(
    read: Callable[[str], object], written: str, why: str
) -> None:
    with pytest.raises(KeyholeError, match=why):
        read(written)


@pytest.mark.parametrize(
    ("answers", "why"),
    [
        (replace(HOME, listen=("127.0.0.1",)), "192.168.1.0/24 cannot reach 127.0.0.1"),
        (replace(HOME, upstreams=HOME.upstreams * 2), "given twice"),
    ],
    ids=["unreachable", "twice"],
)
def test_answers_that_contradict_one_another_are_refused(answers: Answers, why: str) -> None:
    with pytest.raises(KeyholeError, match=why):
        check_reachable(answers)


def test_what_is_there_is_never_overwritten_and_stays_beside(tmp_path: Path) -> None:
    etc, data = tmp_path / "etc", tmp_path / "data"
    (etc / "documents").mkdir(parents=True)
    data.mkdir()
    (etc / "documents" / "mine.yaml").write_text("mine")
    (etc / "keyhole.yaml").write_text("role: resolver\n")
    (etc / "keyhole.yaml").chmod(0o640)
    settings = data / "keyhole.yaml"
    settings.symlink_to(etc / "keyhole.yaml")  # as the package has it
    with pytest.raises(KeyholeError, match="would be overwritten"):
        write_all(settings, HOME.files, replace=False)
    assert (etc / "keyhole.yaml").read_text() == "role: resolver\n"
    written = write_all(settings, HOME.files, replace=True)
    assert etc / "keyhole.yaml.old" in written
    assert (etc / "documents.old" / "mine.yaml").read_text() == "mine"
    assert settings.is_symlink()
    assert (etc / "keyhole.yaml").stat().st_mode & 0o777 == 0o640
    assert sorted(one.name for one in etc.iterdir()) == [
        "documents", "documents.old", "keyhole.yaml", "keyhole.yaml.old",
    ]  # fmt: skip
    # A second time, what was kept first stays.
    write_all(settings, HOME.files, replace=True)
    assert (etc / "documents.old" / "mine.yaml").exists()


def test_a_write_that_fails_half_way_leaves_all_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "documents").mkdir()
    (tmp_path / "documents" / "mine.yaml").write_text("mine")
    (tmp_path / "keyhole.yaml").write_text("mine")
    real, calls = durable.rename, []

    def rename(source: Path, target: Path) -> None:
        calls.append(target)
        if len(calls) == 4:
            raise OSError(28, "No space left on device")
        real(source, target)

    monkeypatch.setattr(durable, "rename", rename)
    with pytest.raises(OSError, match="No space"):
        write_all(tmp_path / "keyhole.yaml", HOME.files, replace=True)
    assert sorted(str(one.relative_to(tmp_path)) for one in tmp_path.rglob("*")) == [
        "documents", "documents/mine.yaml", "keyhole.yaml",
    ]  # fmt: skip
    assert (tmp_path / "keyhole.yaml").read_text() == "mine"
    assert len(in_the_way(tmp_path / "keyhole.yaml")) == 2


def test_a_taken_port_names_who_has_it_and_what_makes_room(tmp_path: Path) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("127.0.0.1", 0))
        port = other.getsockname()[1]
        answers = replace(HOME, listen=("127.0.0.1",), serve=(), port=port)
        found = taken_ports(DataFolder(tmp_path), tmp_path / "keyhole.yaml", answers.config)
    mine = [one for one in found if one.about == f"udp 127.0.0.1:{port}"]
    assert f"process {os.getpid()}" in mine[0].seen
    assert any("another port" in line for line in mine[0].do)


def test_the_network_of_this_machine_is_read_from_its_routes(tmp_path: Path) -> None:
    """Also where there are none, or what is there is not understood."""
    routes = tmp_path / "route"
    assert local_network(routes) is None
    routes.write_text("Iface\tDestination\neth0\tnonsense\n")
    assert local_network(routes) is None
    found = local_network()
    assert found is None or read_served(found[1])


def test_what_is_lost_is_shown_without_the_secrets_in_it(tmp_path: Path) -> None:
    settings = tmp_path / "keyhole.yaml"
    settings.write_text(
        "database: {url: 'postgresql://keyhole:hu/sh@db.example/keyhole'}\n"
        "events: {webhook: {url: 'https://hooks.example/hush', secret: hook}}\n"
    )
    found = losses(settings, HOME.files)
    assert "database.url: what is set becomes nothing" in found
    assert "events.webhook.url: what is set becomes nothing" in found
    assert not any(one in str(found) for one in ("hu/", "sh@", "hush", "db.example"))
    assert _without_user_info(["https://me:hush@lists.example/x@y", 5]) == [
        "https://...@lists.example/x@y", 5,
    ]  # fmt: skip


_KILLED = """
import os, sys
from pathlib import Path
from keyhole.control.first_run import write
from keyhole.system import durable
at, real, calls = int(sys.argv[1]), Path.replace, []
def replace(source, target):
    calls.append(target)
    if len(calls) == at:
        os._exit(9)
    return real(source, target)
Path.replace = replace
files = {"documents/new.yaml": "new", "keyhole.yaml": "new"}
write.write_all(Path(sys.argv[2]) / "keyhole.yaml", files, replace=True)
"""


@pytest.mark.parametrize(("step", "is_new"), [(1, False), (2, True), (3, True), (5, True)])
def test_killed_at_any_step_setup_has_written_all_or_nothing(
    tmp_path: Path, step: int, is_new: bool
) -> None:
    (tmp_path / "documents").mkdir()
    (tmp_path / "documents" / "old.yaml").write_text("old")
    (tmp_path / "keyhole.yaml").write_text("old")
    killed = subprocess.run([sys.executable, "-c", _KILLED, str(step), str(tmp_path)], check=False)
    assert killed.returncode == 9
    finish(tmp_path / "keyhole.yaml")
    word = "new" if is_new else "old"
    assert (tmp_path / "keyhole.yaml").read_text() == word
    assert [one.name for one in (tmp_path / "documents").iterdir()] == [f"{word}.yaml"]
    assert finish(tmp_path / "keyhole.yaml") == []
    if is_new:
        assert (tmp_path / "documents.old" / "old.yaml").read_text() == "old"
        assert (tmp_path / "keyhole.yaml.old").read_text() == "old"


@pytest.mark.parametrize("step", [2, 3, 4, 5])
def test_what_was_decided_before_a_kill_is_never_taken_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    """A completion that fails leaves it for the next one, whatever the killed run had done."""
    settings = tmp_path / "keyhole.yaml"
    (tmp_path / "documents").mkdir()
    settings.write_text("old")
    subprocess.run([sys.executable, "-c", _KILLED, str(step), str(tmp_path)], check=False)
    real, calls = durable.rename, []

    def rename(source: Path, target: Path) -> None:
        calls.append(target)
        if target == settings:
            raise OSError(28, "No space left on device")
        real(source, target)

    with monkeypatch.context() as patched:
        patched.setattr(durable, "rename", rename)
        why = finish_at_start(settings)
    assert why is not None
    assert "No space" in why
    assert f"as root: keyhole setup --replace --config {settings}" in why
    assert (tmp_path / ".setup-complete" / "keyhole.yaml").read_text() == "new"
    assert (tmp_path / "documents" / "new.yaml").read_text() == "new"
    # What may not be looked at is not missing.
    with monkeypatch.context() as patched:
        patched.setattr(Path, "lstat", lambda _: (_ for _ in ()).throw(PermissionError(13, "no")))
        assert "no" in str(finish_at_start(settings))
    # That command ends where it has completed it, and asks nothing.
    wanted = Given(None, None, None, None, None, None, False, None, False, True, False)
    run_setup(DataFolder(tmp_path / "data"), settings, wanted)
    assert settings.read_text() == "new"
    assert (tmp_path / "keyhole.yaml.old").read_text() == "old"
    assert not (tmp_path / ".setup-complete").exists()
    assert not (tmp_path / "data").exists()


def test_one_setup_at_a_time_places_files_and_a_failed_one_is_no_decision(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = tmp_path / "keyhole.yaml"
    files = {"documents/new.yaml": "new", "keyhole.yaml": "new"}
    descriptor = os.open(tmp_path, os.O_RDONLY)
    try:
        hold(descriptor)
        with pytest.raises(OSError, match="another keyhole setup writes there"):
            write_all(settings, files, replace=True)
    finally:
        os.close(descriptor)
    assert list(tmp_path.iterdir()) == []
    settings.write_text("old")
    real = durable.rename

    def rename(source: Path, target: Path) -> None:
        if source == tmp_path / ".setup-complete" / "keyhole.yaml":
            raise OSError(28, "No space left on device")
        real(source, target)

    monkeypatch.setattr(durable, "rename", rename)
    # Killed before the draft is removed, there is a draft, and nothing to complete.
    monkeypatch.setattr("shutil.rmtree", lambda *_, **__: None)
    draft = tmp_path / ".setup-draft"
    write_texts(draft, files)
    with pytest.raises(OSError, match="No space"):
        place(draft, settings)
    assert (draft / "keyhole.yaml").read_text() == "new"
    assert (draft / "documents" / "new.yaml").read_text() == "new"
    assert finish(settings) == []
    assert settings.read_text() == "old"


def test_replacing_names_each_setting_that_is_lost_or_becomes_weaker(tmp_path: Path) -> None:
    settings = tmp_path / "keyhole.yaml"
    write_all(settings, {f"documents/{name}": text for name, text in default_documents().items()}
              | {"keyhole.yaml": default_config_text()}, replace=False)  # fmt: skip
    assert losses(settings, HOME.files) == [], "nobody has chosen what Keyhole ships"
    write_all(settings, HOME.files, replace=True)
    assert losses(settings, replace(HOME, listen=("10.0.0.1",)).files) == []

    settings.write_text(
        "listen: {udp: [], dot: ['192.168.1.2:853']}\n"
        "clients: [192.168.1.0/28]\n"
        "authentication: {dot: strict}\n"
        "api: {clients: [192.168.1.9/32], listen: ['192.168.1.2:8080']}\n"
    )
    own = tmp_path / "documents" / "own.yaml"
    own.write_text(
        "apiVersion: keyhole.dev/v1\nkind: Policy\nmetadata: {name: kids}\n"
        "spec: {subjects: ['cidr:192.168.1.5/32'], services: [tiktok]}\n---\n"
        "apiVersion: keyhole.dev/v1\nkind: Upstream\nmetadata: {name: own}\n"
        "spec: {protocol: dot, addresses: [192.0.2.1], serverName: dns.example,"
        " pins: ['47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=']}\n"
    )
    policy = tmp_path / "documents" / POLICY_FILE
    strict = "\n  youtube: strict\n  upstreams:"
    policy.write_text(policy.read_text().replace("\n  upstreams:", strict, 1))
    found = losses(settings, HOME.files)
    for lost in (
        "listen.udp: it was off",
        "clients: 192.168.1.0/24 would be served",
        "authentication.dot: strict becomes permissive",
        'api.clients: ["192.168.1.9/32"] becomes',
        "own.yaml:1: gone",
        "own.yaml:6: gone",
        "spec.youtube: strict becomes off",
    ):
        assert any(lost in one for one in found), (lost, found)
    settings.write_text("listen: [")
    assert "not valid" in losses(settings, HOME.files)[0]
