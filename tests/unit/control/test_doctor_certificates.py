"""`keyhole doctor` on certificates, keys and the authority; it issues and renews nothing."""

import os
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from keyhole.control.doctor import Case, Sign
from keyhole.control.doctor.certificates import look_at_certificates
from keyhole.identity import Authority as OwnAuthority
from keyhole.identity import ensure_server_certificate
from tests.world.certificates import DAY, Authority, Form, Pair
from tests.world.doctor import FakeRunning, case_of, lines

_SETTINGS = """\
tls: {certificate: server.pem, key: server.key, names: [dns.example.org]}
"""


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    folder.mkdir(mode=0o700)
    return folder


def _install(data: Path, pair: Pair) -> None:
    (data / "server.pem").write_bytes(pair.certificate.read_bytes())
    key = data / "server.key"
    key.touch(mode=0o600)
    key.write_bytes(pair.key.read_bytes())


def _of_server(case: Case) -> list[tuple[Sign, str]]:
    about = "certificate of the listeners"
    return [(one.sign, one.seen) for one in look_at_certificates(case) if one.about == about]


def test_a_good_certificate_shows_its_names_and_its_end(data: Path, authority: Authority) -> None:
    _install(data, authority.make(Form(names=("*.example.org",), ends=60 * DAY)))
    with case_of(data, _SETTINGS) as case:
        ((sign, seen),) = _of_server(case)
    assert sign is Sign.WORKS
    assert "*.example.org, until 20" in seen


@pytest.mark.parametrize(
    ("form", "sign", "words"),
    [
        (Form(names=("dns.example.org",), ends=10 * DAY, begins=-80 * DAY),
         Sign.WARNING, "ends in 10"),
        (Form(names=("dns.example.org",), ends=timedelta(hours=20), begins=timedelta(hours=-4)),
         Sign.WORKS, "until"),
        (Form(names=("dns.example.org",), ends=-DAY), Sign.WRONG, "expired on"),
        (Form(names=("dns.example.org",), begins=DAY), Sign.WRONG, "is not valid before"),
        (Form(names=("other.example.org",), ends=60 * DAY), Sign.WARNING, "clients that ask"),
    ],
)  # fmt: skip
def test_a_certificate_that_will_not_do_is_told(
    data: Path, authority: Authority, form: Form, sign: Sign, words: str
) -> None:
    _install(data, authority.make(form))
    with case_of(data, _SETTINGS) as case:
        found = _of_server(case)
    assert any(one is sign and words in seen for one, seen in found), found


def test_a_key_of_another_certificate_and_one_that_others_read_are_told(
    data: Path, authority: Authority
) -> None:
    one, other = (authority.make(Form(names=("dns.example.org",), ends=60 * DAY)) for _ in "ab")
    _install(data, one)
    (data / "server.key").chmod(0o644)
    with case_of(data, _SETTINGS) as case:
        warned = [one for one in look_at_certificates(case) if one.sign is Sign.WARNING]
        assert [one.do for one in warned] == [(f"chmod 600 {data / 'server.key'}",)]
        _install(data, Pair(one.certificate, other.key))
        ((sign, seen),) = _of_server(case)
    assert sign is Sign.WRONG
    assert "does not belong to the certificate" in seen


@pytest.mark.parametrize("name", ["server.pem", "server.key"])
def test_a_fifo_in_place_of_a_file_is_told_at_once(
    data: Path, authority: Authority, name: str
) -> None:
    _install(data, authority.make(Form(names=("dns.example.org",))))
    with case_of(data, _SETTINGS) as case:
        (data / name).unlink()
        os.mkfifo(data / name)
        ((sign, seen),) = _of_server(case)
    assert sign is Sign.WRONG
    assert "FIFO" in seen


@pytest.fixture
def used(data: Path) -> Iterator[Case]:
    """A folder whose authority has issued the certificate of the listeners."""
    ensure_server_certificate(data / "identity", ["localhost"], ["127.0.0.1"])
    (data / "control.db").write_bytes(b"used")
    with case_of(data, "") as case:
        yield case


def test_an_own_authority_works_and_is_left_as_it_is(used: Case) -> None:
    folder = used.data.identity
    before = {one: one.read_bytes() for one in folder.iterdir()}
    found = lines(look_at_certificates(used))
    assert [one.partition(":")[0] for one in found] == ["works", "works"]
    assert {one: one.read_bytes() for one in folder.iterdir()} == before


def test_without_its_root_key_the_end_of_the_issuer_is_told_in_time(used: Case) -> None:
    folder = used.data.identity
    (folder / "root-key.pem").unlink()
    assert [one.sign for one in look_at_certificates(used)] == [Sign.WORKS, Sign.WORKS]
    (folder / "issuer-key.pem").write_text("nonsense")
    wrong = [one for one in look_at_certificates(used) if one.sign is Sign.WRONG]
    assert ["holds no PEM key" in one.seen for one in wrong] == [True]


def test_an_issuer_of_another_root_is_told(used: Case, tmp_path: Path) -> None:
    other = OwnAuthority.open(tmp_path / "other")
    for name in ("root.pem", "root-key.pem"):
        (used.data.identity / name).write_bytes((other.folder / name).read_bytes())
    warned = [one.seen for one in look_at_certificates(used) if one.sign is Sign.WARNING]
    assert any("is not signed by root.pem" in one for one in warned)


def test_a_damaged_own_certificate_is_replaced_by_the_next_start_and_wrong_while_it_runs(
    used: Case, data: Path
) -> None:
    (data / "identity" / "server.pem").write_text("nonsense")
    ((sign, seen),) = _of_server(used)
    assert sign is Sign.NOTE
    assert "issues another one" in seen
    with case_of(data, None, FakeRunning()) as running:
        assert [sign for sign, _ in _of_server(running)] == [Sign.WRONG]


def test_before_the_first_start_nothing_is_missing(data: Path) -> None:
    with case_of(data) as case:
        assert {one.sign for one in look_at_certificates(case)} == {Sign.NOTE}
    assert not (data / "identity").exists()
