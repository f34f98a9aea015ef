"""A socket can be bound and reached at a path longer than the system takes."""

import socket
from pathlib import Path

from keyhole.system.unix_socket import short_path


def test_a_short_path_stays_as_it_is() -> None:
    with short_path(Path("/run/keyhole.sock")) as name:
        assert name == "/run/keyhole.sock"


def test_a_long_path_is_reached_through_its_folder(tmp_path: Path) -> None:
    folder = tmp_path / ("x" * 120)
    folder.mkdir()
    path = folder / "api.sock"
    with socket.socket(socket.AF_UNIX) as server, socket.socket(socket.AF_UNIX) as client:
        with short_path(path) as name:
            server.bind(name)
        server.listen()
        assert path.is_socket()
        with short_path(path) as name:
            client.connect(name)
