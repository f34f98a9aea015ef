"""`keyhole doctor` says of each port whether it can be had, and who is in the way."""

import errno
import os
import socket
from pathlib import Path

import pytest

from keyhole.control.data_folder import ENGINE_LOCK, DataFolder
from keyhole.control.doctor import Sign, listeners, make_room
from keyhole.control.doctor.listeners import Place, is_own, look_at_listeners
from keyhole.control.doctor.make_room import room_for
from keyhole.model.address import read_listener
from keyhole.system.lock import try_lock
from keyhole.system.socket_holders import Holder, Process
from tests.world.doctor import FakeRunning, case_of, lines
from tests.world.ports import free_port

_NONE = "tcp: [], dot: [], doh: []"
_REST = "api: {listen: []}\nhealth: {engine: [], control: []}\nauthentication: {udp: permissive}\n"


def _settings(address: str) -> str:
    return f"listen: {{udp: ['{address}'], {_NONE}}}\n{_REST}"


def _named(name: str, *command: str) -> Process:
    return Process(4242, name, command or (name,))


def _held_by(monkeypatch: pytest.MonkeyPatch, process: Process | None, user: int = 0) -> None:
    """Has the port of the test held by somebody."""
    address = read_listener("127.0.0.53:53").ip
    monkeypatch.setattr(listeners, "holders_of", lambda *_: [Holder(address, user, process)])
    _refuse(monkeypatch, errno.EADDRINUSE)


def _refuse(monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    error = OSError(number, os.strerror(number))
    monkeypatch.setattr(listeners, "try_to_bind", lambda place: error)


def test_each_address_of_the_settings_is_looked_at_and_a_free_one_is_left_free(
    tmp_path: Path,
) -> None:
    port = free_port()
    with case_of(tmp_path, _settings(f"127.0.0.1:{port}")) as case:
        for _ in range(2):
            assert lines(look_at_listeners(case)) == [f"works: udp 127.0.0.1:{port}: free"]


def test_whoever_has_a_port_is_named(tmp_path: Path) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        with case_of(tmp_path, _settings(f"127.0.0.1:{port}")) as case:
            (found,) = look_at_listeners(case)
    assert found.sign is Sign.WRONG
    assert f"(process {os.getpid()}: " in found.seen
    assert "), which has 127.0.0.1" in found.seen
    assert found.do[-1] == "or give another port under listen.udp"


def test_a_port_that_the_running_keyhole_has_is_its_own(tmp_path: Path) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        place = f"127.0.0.1:{taken.getsockname()[1]}"
        running = FakeRunning(listeners={"udp": [place]})
        with case_of(tmp_path, _settings(place), running) as case:
            assert lines(look_at_listeners(case)) == [f"works: udp {place}: this Keyhole listens"]


def test_a_port_that_only_the_changed_settings_have_needs_a_restart(tmp_path: Path) -> None:
    port = free_port()
    with case_of(tmp_path, _settings(f"127.0.0.1:{port}"), FakeRunning()) as case:
        (found,) = look_at_listeners(case)
    assert found.sign is Sign.WARNING
    assert "start it again" in found.do[0]


@pytest.mark.parametrize(
    ("process", "words"),
    [
        (_named("systemd-resolve"), ["127.0.0.53", "DNSStubListener=no", "127.0.0.1:53"]),
        (_named("dnsmasq"), ["disable --now dnsmasq", "port=0"]),
        (_named("dnsmasq", "dnsmasq", "--conf-file=/var/lib/libvirt/x"), ["leave it"]),
        (_named("dnsmasq", "dnsmasq", "/run/NetworkManager/x"), ["dns=default"]),
        (_named("pihole-FTL"), ["keyhole import pihole", "dns.port"]),
        (_named("AdGuardHome"), ["keyhole import adguard AdGuardHome.yaml"]),
        (_named("named"), ["disable --now named"]),
        (_named("unbound"), ["disable --now unbound", "port: 5335"]),
        (_named("docker-proxy"), ["docker ps --filter publish=53"]),
        (_named("python3", "python3", "-m", "keyhole", "engine", "/x/state/launch.json"),
         ["end that other Keyhole: kill 4242"]),
        (_named("mydns"), ["end it: kill 4242", "give another port"]),
    ],
)  # fmt: skip
def test_each_well_known_program_is_told_how_it_makes_room(
    process: Process, words: list[str]
) -> None:
    said = "\n".join(room_for(process, "listen.udp", read_listener("0.0.0.0:53")))
    assert all(word in said for word in words), said


def test_a_port_of_a_program_that_this_user_is_not_shown_says_how_to_see_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _held_by(monkeypatch, None, 0)
    monkeypatch.setattr(make_room, "processes", lambda: iter([]))
    with case_of(tmp_path, _settings("0.0.0.0:53")) as case:
        (found,) = look_at_listeners(case)
    assert found.sign is Sign.WRONG
    assert "a process of the user root, which this user is not shown" in found.seen
    assert found.do == ("as root: ss -ulnp 'sport = :53' names the process",)


def test_a_well_known_program_is_guessed_by_the_user_of_its_socket(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _held_by(monkeypatch, None, 65_533)
    monkeypatch.setattr(make_room, "processes", lambda: iter([_named("bash"), _named("dnsmasq")]))
    monkeypatch.setattr(make_room, "user_of", lambda pid: 65_533)
    monkeypatch.setattr(make_room, "_is_shared", lambda user: False)
    with case_of(tmp_path, _settings("0.0.0.0:53")) as case:
        (found,) = look_at_listeners(case)
    assert "in use by probably dnsmasq (process 4242)" in found.seen


def test_two_well_known_programs_of_one_user_are_not_guessed_between(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    both = [_named("named"), _named("AdGuardHome"), Process(1, "systemd", ())]
    monkeypatch.setattr(make_room, "user_of", lambda pid: 0)
    monkeypatch.setattr(make_room, "processes", lambda: iter(both))
    assert make_room.probable_holder(0) is None
    monkeypatch.setattr(make_room, "processes", lambda: iter(both[1:]))
    assert make_room.probable_holder(0) == both[1]


def test_everybody_who_has_a_part_of_every_address_is_named_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _refuse(monkeypatch, errno.EADDRINUSE)
    held = [
        Holder(read_listener(f"{address}:53").ip, 0, process)
        for address, process in (
            ("127.0.0.53", Process(7, "systemd-resolve", ())),
            ("127.0.0.54", Process(7, "systemd-resolve", ())),
            ("192.168.122.1", Process(8, "dnsmasq", ("dnsmasq", "--conf-file=/libvirt/x"))),
        )
    ]
    monkeypatch.setattr(listeners, "holders_of", lambda *_: held)
    with case_of(tmp_path, _settings("0.0.0.0:53")) as case:
        found = list(look_at_listeners(case))
    assert ["process 7" in one.seen for one in found] == [True, False]
    assert "process 8" in found[1].seen


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (errno.EACCES, ["may not listen on a port below", "CAP_NET_BIND_SERVICE", "sysctl"]),
        (errno.EADDRNOTAVAIL, ["no interface of this machine has the address 0.0.0.0"]),
        (errno.EAFNOSUPPORT, ["no IPv4", "remove it from listen.udp"]),
        (errno.EADDRINUSE, ["the system does not say by whom", "ss -ulnp"]),
        (errno.ENOBUFS, ["it cannot be had"]),
    ],
)
def test_each_refusal_of_the_system_is_wrong_and_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, words: list[str]
) -> None:
    _refuse(monkeypatch, number)
    monkeypatch.setattr(listeners, "holders_of", lambda *_: [])
    monkeypatch.setattr(listeners, "UNITS", ())
    with case_of(tmp_path, _settings("0.0.0.0:53")) as case:
        (found,) = look_at_listeners(case)
    said = "\n".join((found.seen, *found.do))
    assert found.sign is Sign.WRONG
    assert all(word in said for word in words), said


def test_a_port_that_only_the_service_may_have_is_no_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    unit = tmp_path / "keyhole.service"
    unit.write_text("[Service]\nAmbientCapabilities=CAP_NET_BIND_SERVICE\n")
    monkeypatch.setattr(listeners, "UNITS", (tmp_path / "none", unit))
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    _refuse(monkeypatch, errno.EACCES)
    with case_of(tmp_path / "data", _settings("127.0.0.1:53")) as case:
        (found,) = look_at_listeners(case)
    assert found.sign is Sign.NOTE


def test_engine_and_control_of_the_folder_are_our_own_and_those_of_another_are_not() -> None:
    data = DataFolder(Path("/var/lib/keyhole"))
    engine = ("python3", "-m", "keyhole", "engine", f"{data.path}/state/launch.json")
    control = ("python3", "-I", "-m", "keyhole", "control", "--data", str(data.path))
    assert is_own(Process(1, "python3", engine), data)
    assert is_own(Process(1, "python3", control), data)
    assert not is_own(Process(1, "python3", engine), DataFolder(Path("/home/anna")))
    for more in ((f"{data.path}/keyhole.yaml",), (str(data.path), f"{data.path}/keyhole.yaml")):
        assert not is_own(Process(1, "less", ("less", *more)), data)


@pytest.mark.parametrize(
    "command",
    [
        ("/usr/bin/keyhole", "control", "--data", "home"),
        ("python3", "/usr/bin/keyhole", "control", "--data=home"),
        ("python3", "-m", "keyhole", "control", "--data", "LINK"),
        ("python3", "-m", "keyhole", "engine", "home/state/launch.json"),
    ],
)
def test_a_keyhole_called_with_a_relative_path_or_a_link_is_our_own(
    tmp_path: Path, command: tuple[str, ...]
) -> None:
    data, proc = DataFolder(tmp_path / "home"), tmp_path / "proc"
    data.make()
    (tmp_path / "link").symlink_to(data.path)
    for pid, folder in ((7, tmp_path), (8, tmp_path / "elsewhere")):
        (proc / str(pid)).mkdir(parents=True)
        (proc / str(pid) / "cwd").symlink_to(folder)
    words = tuple(str(tmp_path / "link") if one == "LINK" else one for one in command)
    assert is_own(Process(7, "keyhole", words), data, proc)
    assert is_own(Process(7, "keyhole", words), DataFolder(tmp_path / "link"), proc)
    if words == command:  # then it depends on where it was called
        assert not is_own(Process(8, "keyhole", words), data, proc)
    assert not is_own(Process(7, "keyhole", words), DataFolder(tmp_path / "another"), proc)


@pytest.mark.parametrize("name", ["lock", ENGINE_LOCK])
def test_whoever_has_the_folder_is_our_own_however_it_was_called(tmp_path: Path, name: str) -> None:
    data = DataFolder(tmp_path)
    data.make()
    process = Process(os.getpid(), "python3", ("python3", "serve.py"))
    assert not is_own(process, data)
    lock = try_lock(data.state / name)
    assert lock is not None
    with lock:
        assert is_own(process, data)


def test_a_probe_of_ipv6_leaves_ipv4_alone() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as taken:
        taken.bind(("0.0.0.0", 0))
        taken.listen()
        port = taken.getsockname()[1]
        error = listeners.try_to_bind(Place("listen.tcp", "tcp", read_listener(f"[::]:{port}")))
    assert error is None or error.errno == errno.EAFNOSUPPORT
