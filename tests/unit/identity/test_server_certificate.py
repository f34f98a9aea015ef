"""The server certificate: kept while valid, renewed in time, replaced if of another root."""

import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from keyhole.identity import Authority, CertificateAndKey, ensure_server_certificate

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


def _ensure(
    folder: Path, days: float = 0, names: tuple[str, ...] = ("a.example.org",)
) -> CertificateAndKey:
    now = NOW + timedelta(days=days)
    return ensure_server_certificate(folder, names, ["127.0.0.1"], now=now)


def test_a_certificate_lives_thirty_days_and_its_key_is_private(tmp_path: Path) -> None:
    loaded = _ensure(tmp_path)
    assert loaded.expires == NOW + timedelta(days=30)
    assert stat.S_IMODE(loaded.key.stat().st_mode) == 0o600


def test_it_is_kept_before_half_of_its_life(tmp_path: Path) -> None:
    first = _ensure(tmp_path)
    assert _ensure(tmp_path, days=14.9).leaf == first.leaf


def test_it_is_renewed_at_half_of_its_life(tmp_path: Path) -> None:
    first = _ensure(tmp_path)
    renewed = _ensure(tmp_path, days=15)
    assert renewed.leaf.serial_number != first.leaf.serial_number
    assert renewed.expires == NOW + timedelta(days=45)


def test_other_names_make_a_new_one(tmp_path: Path) -> None:
    _ensure(tmp_path)
    assert _ensure(tmp_path, names=("b.example.org",)).names() == ("b.example.org",)


@pytest.mark.parametrize("file", ["server.pem", "server-key.pem"])
def test_a_damaged_file_is_replaced(tmp_path: Path, file: str) -> None:
    _ensure(tmp_path)
    (tmp_path / file).write_text("damaged")
    assert _ensure(tmp_path).names() == ("a.example.org",)


def test_a_certificate_of_another_root_is_replaced(tmp_path: Path) -> None:
    stranger = _ensure(tmp_path / "stranger")
    ours = tmp_path / "ours"
    authority = Authority.open(ours, now=NOW)
    (ours / "server.pem").write_bytes(stranger.certificate.read_bytes())
    (ours / "server-key.pem").write_bytes(stranger.key.read_bytes())
    assert authority.signed(_ensure(ours).leaf)
    assert not authority.signed(stranger.leaf)


def test_nothing_but_the_files_themselves_is_left_behind(tmp_path: Path) -> None:
    _ensure(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {
        "journal.jsonl",
        ".lock",
        "bundle.pem",
        "issued.jsonl",
        "issuer.pem",
        "issuer-key.pem",
        "root.pem",
        "root-key.pem",
        "server.pem",
        "server-key.pem",
    }
