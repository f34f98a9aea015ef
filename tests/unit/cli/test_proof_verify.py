"""`keyhole proof verify` says what is wrong with its words; cleartext is for who asks for it."""

from pathlib import Path

import pytest

from keyhole.cli.server_target import ServerTargetError, find_target
from tests.world.process import call_keyhole

_POD = "http://192.0.2.1:8080"


@pytest.mark.parametrize(("value", "works"), [("mesh", True), ("yes", False), (None, False)])
def test_only_where_a_mesh_is_named_a_token_goes_over_http(
    monkeypatch: pytest.MonkeyPatch, value: str | None, *, works: bool
) -> None:
    monkeypatch.setenv("KEYHOLE_SERVER", _POD)
    monkeypatch.setenv("KEYHOLE_TOKEN", "t")
    if value is not None:
        monkeypatch.setenv("KEYHOLE_INSECURE", value)
    if works:
        target = find_target(None)
        assert target is not None
        assert target.url == _POD
    else:
        with pytest.raises(ServerTargetError, match="in the clear"):
            find_target(None)


def test_who_cannot_be_told_is_said_before_the_attack(tmp_path: Path) -> None:
    words = ("--format", "json", "--output", str(tmp_path / "never.json"), "--server", "127.0.0.1")
    done = call_keyhole(
        *("proof", "verify", "--", *words, "--i-have-permission"),
        KEYHOLE_SERVER=_POD,
        KEYHOLE_TOKEN="t",
    )
    assert done.returncode == 1
    assert "in the clear" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_an_attack_that_could_not_begin_is_no_report() -> None:
    done = call_keyhole(
        *("proof", "verify", "--", "--only", "nothing"),
        KEYHOLE_SERVER="http://127.0.0.1:1",
        KEYHOLE_TOKEN="t",
    )
    assert done.returncode == 1
    assert "keyhole verify ended with code 2 and wrote no report" in " ".join(done.stderr.split())


def test_a_broken_promise_stays_one_where_nobody_can_be_told() -> None:
    # Nothing listens at port 1, neither Keyhole nor what is attacked.
    attack = ("--server", "127.0.0.1", "--tcp", "1", "--i-have-permission", "--only", "any")
    done = call_keyhole(
        *("proof", "verify", "--", *attack),
        KEYHOLE_SERVER="http://127.0.0.1:1",
        KEYHOLE_TOKEN="t",
    )
    assert done.returncode == 1
    assert "127.0.0.1:1" in done.stderr
