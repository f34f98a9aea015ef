"""The series for Kiali: off unless enabled, and never where they could not be served."""

from pathlib import Path

import pytest

from keyhole.config import load_config
from tests.world.settings import wrong_with


@pytest.mark.parametrize(
    "text",
    [
        "log: {keep: 64MiB}",
        "kiali: {enabled: true}",
        "kiali: {enabled: true, cluster: cluster-east.1, namespace: keyhole-system}",
    ],
)
def test_the_series_are_served_where_they_are_enabled(tmp_path: Path, text: str) -> None:
    assert wrong_with(tmp_path, text) == ""
    config, _ = load_config(tmp_path / "keyhole.yaml")
    assert config.kiali.enabled is ("enabled" in text)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("kiali: {enabled: true, cluster: 'a b'}", "'a b' is no name of a cluster; give 1 to 253"),
        ("kiali: {enabled: true, namespace: Shop}", "'Shop' is no name of a namespace; give 1 to"),
        ("kiali: {enabled: true}\nlog: {history: 0}", "log.history is 0B; keep one"),
        ("kiali: {enabled: true}\nlog: {keep: 0}", "log.keep is 0B; keep one"),
        ("kiali: {enabled: true}\nhealth: {control: []}", "health.control is empty"),
        ("kiali: {enabeld: true}", "kiali.enabeld"),
    ],
)
def test_series_that_could_not_be_served_are_refused(tmp_path: Path, text: str, why: str) -> None:
    assert why in wrong_with(tmp_path, text)
