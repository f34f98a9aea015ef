"""The section ``kubernetes``: off unless it is asked for, and no namespace without its cluster."""

from pathlib import Path

import pytest

from keyhole.config import load_config
from tests.world.settings import wrong_with


@pytest.mark.parametrize(
    "text",
    [
        "clients: [127.0.0.0/8]",
        "kubernetes: {watch: true}",
        "kubernetes: {watch: true, namespaces: ['*'], trust_domains: [cluster.local]}",
        "kubernetes: {watch: true, namespaces: [shop], include: [base], upstreams: [one], "
        "trust_domains: [cluster.local], kubeconfig: admin.conf}",
    ],
)
def test_documents_are_watched_where_it_says_so(tmp_path: Path, text: str) -> None:
    assert wrong_with(tmp_path, text) == ""
    config, _ = load_config(tmp_path / "keyhole.yaml")
    assert config.kubernetes.watch is ("watch" in text)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("kubernetes: {namespaces: [shop]}", "kubernetes.trust_domains: missing; without it"),
        ("kubernetes: {namespaces: [Shop], trust_domains: [a]}", "'Shop' is no name of a namesp"),
        ("kubernetes: {namespaces: ['*', a], trust_domains: [a]}", "* has all namespaces already"),
        ("kubernetes: {namespace: 'a b'}", "'a b' is no name of a namespace"),
        ("kubernetes: {include: [Base]}", "Base is not a name for a document"),
        ("kubernetes: {wach: true}", "kubernetes.wach"),
    ],
)
def test_what_nobody_can_mean_is_refused(tmp_path: Path, text: str, why: str) -> None:
    assert why in wrong_with(tmp_path, text)
