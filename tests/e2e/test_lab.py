"""The lab: a whole world on loopback that leaves nothing behind."""

import signal
from pathlib import Path

import pytest

from tests.world.ask import TRANSPORTS, Transport
from tests.world.lab import Lab
from tests.world.process import run_keyhole


def test_the_ready_file_says_where_everything_is(shared_lab: Lab) -> None:
    ready = shared_lab.ready
    assert {"dns", "forwarder", "blocked_example", "ca", "data", "pids"} <= ready.keys()
    assert {"udp", "tcp", "dot", "doh"} <= ready["dns"].keys()
    assert Path(ready["ca"]).read_text().startswith("-----BEGIN CERTIFICATE-----")
    assert Path(ready["data"]).is_dir()
    assert set(ready["pids"].values()) <= set(shared_lab.program.survivors())


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_the_lab_answers_and_blocks_on_every_transport(
    shared_lab: Lab, transport: Transport
) -> None:
    reply = shared_lab.server.ask("www.example.org", transport=transport)
    assert reply.rcode == "NOERROR"
    assert reply.addresses[0].startswith(("198.18.", "198.19."))
    blocked = shared_lab.server.ask(shared_lab.ready["blocked_example"], transport=transport)
    assert [code for code, _ in blocked.errors] == [15]


def test_our_own_dig_shows_the_answer_and_the_certificate(shared_lab: Lab) -> None:
    server = shared_lab.server
    shown = run_keyhole("dig", "www.example.org", "--server", server.url, "--ca", str(server.ca))
    assert shown.returncode == 0, shown.stdout + shown.stderr
    assert "198.1" in shown.stdout


def test_two_labs_run_side_by_side_and_end_alone(shared_lab: Lab, tmp_path: Path) -> None:
    second = Lab(tmp_path)
    try:
        assert second.server.ask("www.example.org").rcode == "NOERROR"
        assert shared_lab.server.ask("www.example.org").rcode == "NOERROR"
    finally:
        code = second.program.stop(signal.SIGINT)
    assert code in (0, 130), second.program.output
    assert "Traceback" not in second.program.output
    assert shared_lab.server.ask("still.example.org").rcode == "NOERROR"
