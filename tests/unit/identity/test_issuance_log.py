"""The issuance log: append-only, and readable after a crash."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from keyhole.identity import Authority, CertificateSpec, IdentityError
from keyhole.identity.issuance_log import IssuanceRecord, read_issued, record

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


def _one(serial: str) -> IssuanceRecord:
    return IssuanceRecord(
        time=NOW,
        name="web",
        spiffe="spiffe://keyhole.internal/ns/shop/sa/web",
        names=[],
        serial=serial,
        not_after=NOW + timedelta(hours=1),
        root="00",
        how="in a test",
    )


def test_a_line_that_a_crash_cut_short_takes_no_other_with_it(tmp_path: Path) -> None:
    record(tmp_path, _one("1"))
    with (tmp_path / "issued.jsonl").open("ab") as file:
        file.write(b'{"time": "2026-11-2')
    record(tmp_path, _one("2"))
    assert [one.serial for one in read_issued(tmp_path)] == ["1", "2"]


def test_lines_that_are_written_at_the_same_time_do_not_mix(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: record(tmp_path, _one(f"{number:x}")), range(200)))
    assert sorted(int(one.serial, 16) for one in read_issued(tmp_path)) == list(range(200))


def test_what_cannot_be_recorded_is_not_issued(tmp_path: Path) -> None:
    authority = Authority.open(tmp_path)
    (tmp_path / "issued.jsonl").mkdir()
    with pytest.raises(IdentityError, match="cannot write"):
        authority.issue(CertificateSpec.svid("spiffe://keyhole.internal/ns/shop/sa/web"))
