"""`keyhole doctor` while Keyhole runs, and after it was killed."""

import json
import os
import socket
from typing import Any

from tests.world.process import call_keyhole
from tests.world.resolver import Resolver


def _doctor(resolver: Resolver) -> tuple[int, dict[str, dict[str, Any]]]:
    """The exit code, and the last finding about each thing."""
    done = call_keyhole("doctor", "--data", str(resolver.folder), "--json")
    found = json.loads(done.stdout)["findings"]
    return done.returncode, {one["about"]: one for one in found}


def test_it_asks_the_keyhole_that_runs_and_looks_at_the_folder_of_one_that_was_killed(
    resolver: Resolver,
) -> None:
    resolver.start()
    resolver.wait_for_api()
    udp = f"udp 127.0.0.1:{resolver.server.udp}"
    code, found = _doctor(resolver)
    assert (code, found["process"]["seen"]) == (0, "Keyhole runs, as resolver"), found
    assert found[udp]["seen"] == "this Keyhole listens"
    assert found["upstream test"]["seen"].startswith("answers in")
    assert found["database"]["seen"] == "Keyhole uses it"
    assert "resolver.example.org" in found["certificate of the listeners"]["seen"]

    resolver.kill()
    code, found = _doctor(resolver)
    assert code == 0, [one for one in found.values() if one["sign"] == "wrong"]
    assert found["process"]["do"] == ["start it: keyhole up"]
    assert found[udp]["seen"] == "free"
    assert found["upstream test"]["sign"] == "works"
    assert found["database"]["seen"].endswith("control.db can be read")

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", resolver.server.udp))
        code, found = _doctor(resolver)
    assert code == 1
    assert f"(process {os.getpid()}: " in found[udp]["seen"]
