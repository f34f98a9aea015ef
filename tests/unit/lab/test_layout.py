"""The documents shipped with the lab are valid, and changed documents are kept."""

from pathlib import Path

import pytest

from keyhole.control.check import check_files
from keyhole.lab.internet.names import BLOCKED_EXAMPLE
from keyhole.lab.layout import Layout, create_layout
from keyhole.lab.ports import Ports, choose_ports


@pytest.fixture
def ports() -> Ports:
    chosen = choose_ports(None)
    chosen.claim.close()
    return chosen


@pytest.mark.parametrize("role", ["resolver", "forwarder"])
def test_the_shipped_documents_need_no_change(tmp_path: Path, ports: Ports, role: str) -> None:
    create_layout(Layout(tmp_path), ports)
    report = check_files([tmp_path / role / "keyhole.yaml"])
    assert [str(problem) for problem in report.problems] == []


def test_the_blocked_example_is_on_the_shipped_list(tmp_path: Path, ports: Ports) -> None:
    create_layout(Layout(tmp_path), ports)
    names = (tmp_path / "resolver" / "documents" / "ads.txt").read_text()
    assert f"||{BLOCKED_EXAMPLE}^" in names.splitlines()


def test_a_changed_policy_stays_and_the_ports_are_new(tmp_path: Path, ports: Ports) -> None:
    layout = Layout(tmp_path)
    create_layout(layout, ports)
    policy = layout.resolver / "documents" / "policy.yaml"
    policy.write_text(policy.read_text() + "# mine\n")
    other = choose_ports(None)
    other.claim.close()
    create_layout(layout, other)
    assert policy.read_text().endswith("# mine\n")
    assert str(other.dot) in (layout.resolver / "keyhole.yaml").read_text()


def test_keys_are_private(tmp_path: Path, ports: Ports) -> None:
    create_layout(Layout(tmp_path), ports)
    keys = list((tmp_path / "identity").glob("*-key.pem"))
    assert keys
    assert all(key.stat().st_mode & 0o077 == 0 for key in keys)
