"""The series for Kiali: off unless enabled, and never where they could not be served."""

from pathlib import Path

import pytest

from keyhole.config import load_config
from keyhole.errors import DocumentErrors


def _read(folder: Path, text: str) -> str:
    """What is wrong with a config."""
    (folder / "keyhole.yaml").write_text(text)
    try:
        config, _ = load_config(folder / "keyhole.yaml")
    except DocumentErrors as error:
        return str(error)
    assert config.kiali.enabled is ("enabled" in text)
    return ""


@pytest.mark.parametrize(
    "text",
    [
        "log: {keep: 64MiB}",
        "kiali: {enabled: true}",
        "kiali: {enabled: true, cluster: cluster-east.1, namespace: keyhole-system}",
    ],
)
def test_the_series_are_served_where_they_are_enabled(tmp_path: Path, text: str) -> None:
    assert _read(tmp_path, text) == ""


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
    assert why in _read(tmp_path, text)
