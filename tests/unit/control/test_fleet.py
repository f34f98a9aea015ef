"""What the operator is told of machines that are no engines."""

from pathlib import Path

from keyhole.control.data_folder import DataFolder
from keyhole.control.fleet import Fleet
from keyhole.control.notice import Notice
from keyhole.control.settings import read_settings
from keyhole.http.connection_limiter import NETWORK_REFUSED

ENGINE = "spiffe://keyhole.internal/ns/engines/sa/berlin"


def test_strangers_do_not_keep_the_log_from_naming_an_engine_that_is_refused(
    tmp_path: Path,
) -> None:
    """E2, A12: whoever has a network of IPv6 has as many addresses as they like."""
    file = tmp_path / "keyhole.yaml"
    file.write_text("link: {listen: ['127.0.0.1:8445'], engines: [engines/berlin]}\n")
    told: list[Notice] = []
    fleet = Fleet(read_settings(file), DataFolder(tmp_path), told.append)
    for number in range(1_000):
        fleet._link._refuse_address(f"2001:db8::{number:x}", NETWORK_REFUSED)
    strangers = len(told)
    assert 0 < strangers < 1_000
    fleet._link._refusals.add(f"{ENGINE} is revoked")
    assert [one.text for one in told[strangers:]] == [
        f"an engine was rejected: {ENGINE} is revoked"
    ]
