"""Who has a port, as the kernel shows it."""

import os
import socket
from ipaddress import ip_address
from pathlib import Path

from keyhole.system.socket_holders import describe, holders_of, processes, user_of

LOOPBACK = ip_address("127.0.0.1")
_HEAD = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid\n"


def _table(*rows: tuple[str, str, int, int]) -> str:
    """Rows of /proc/net: address and port, state, user, inode."""
    lines = (
        f"   0: {place} 00000000:0000 {state} 00000000:00000000 00:00000000 00000000 "
        f"{user:5}        0 {inode} 1 0000000000000000 100 0 0 10 0\n"
        for place, state, user, inode in rows
    )
    return _HEAD + "".join(lines)


def _proc(folder: Path, **tables: str) -> Path:
    (folder / "net").mkdir()
    for name, text in tables.items():
        (folder / "net" / name).write_text(text)
    return folder


def test_a_socket_of_this_process_is_found_with_its_process() -> None:
    for kind, protocol in ((socket.SOCK_STREAM, "tcp"), (socket.SOCK_DGRAM, "udp")):
        with socket.socket(socket.AF_INET, kind) as one:
            one.bind(("127.0.0.1", 0))
            if kind == socket.SOCK_STREAM:
                one.listen()
            port = one.getsockname()[1]
            (holder,) = holders_of(protocol, LOOPBACK, port)  # type: ignore[arg-type]
            assert holder.process is not None
            assert (holder.process.pid, holder.address) == (os.getpid(), LOOPBACK)
            assert holder.user == os.geteuid()
            assert holders_of(protocol, ip_address("127.0.0.2"), port) == []  # type: ignore[arg-type]
            everywhere = holders_of(protocol, ip_address("0.0.0.0"), port)  # type: ignore[arg-type]
            assert holder in everywhere


def test_only_a_socket_that_listens_is_in_the_way_over_tcp(tmp_path: Path) -> None:
    proc = _proc(
        tmp_path, tcp=_table(("0100007F:0035", "01", 0, 11), ("3500007F:0035", "0A", 0, 12))
    )
    assert holders_of("tcp", LOOPBACK, 53, proc) == []
    (holder,) = holders_of("tcp", ip_address("0.0.0.0"), 53, proc)
    assert str(holder.address) == "127.0.0.53"


def test_a_socket_whose_process_is_not_shown_has_its_user(tmp_path: Path) -> None:
    proc = _proc(tmp_path, udp=_table(("00000000:0035", "07", 112, 31)))
    (holder,) = holders_of("udp", LOOPBACK, 53, proc)
    assert (holder.user, holder.process) == (112, None)


def test_a_socket_on_all_addresses_of_ipv6_may_take_ipv4_too(tmp_path: Path) -> None:
    proc = _proc(tmp_path, udp6=_table((f"{'0' * 32}:0035", "07", 0, 31)))
    assert holders_of("udp", LOOPBACK, 53, proc)
    assert holders_of("udp", ip_address("::1"), 53, proc)


def test_ipv4_is_not_in_the_way_of_ipv6(tmp_path: Path) -> None:
    proc = _proc(tmp_path, tcp=_table(("00000000:0035", "0A", 0, 31)))
    assert holders_of("tcp", ip_address("::"), 53, proc) == []


def test_a_table_that_is_missing_a_fifo_or_no_table_holds_nobody(tmp_path: Path) -> None:
    proc = _proc(tmp_path, tcp="nonsense\nmore of it\n 0: xyz:0035 1 2\n")
    os.mkfifo(proc / "net" / "udp")
    assert holders_of("tcp", LOOPBACK, 53, proc) == []
    assert holders_of("udp", LOOPBACK, 53, proc) == []


def test_what_a_process_calls_itself_moves_no_cursor(tmp_path: Path) -> None:
    (tmp_path / "7").mkdir()
    (tmp_path / "7" / "comm").write_bytes(b"evil\x1b[2J\n")
    (tmp_path / "7" / "cmdline").write_bytes(b"evil\0--say\0\x1b]0;x\x07\0")
    (found,) = processes(tmp_path)
    assert found.name == "evil?[2J"
    assert found.command == ("evil", "--say", "?]0;x?")
    assert describe(8, tmp_path) is None
    assert user_of(8, tmp_path) is None
