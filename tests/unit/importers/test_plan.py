"""Planned documents: names, sizes, shared policies, and YAML that reads back unchanged."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keyhole.config.documents import read_text_documents
from keyhole.config.files import MAX_FILE
from keyhole.config.source_tree import plain
from keyhole.config.yaml import read_yaml
from keyhole.importers.document import CommentedValue, Document
from keyhole.importers.names import DocumentNames, list_name, slug
from keyhole.importers.plan import plan
from keyhole.importers.product_settings import (
    Bundle,
    ClientSettings,
    ListSource,
    NameRule,
    Server,
    Setup,
)
from keyhole.importers.report import Disposition, Kind, Report
from keyhole.importers.write import write
from keyhole.model.document_name import read_document_name


@given(st.lists(st.text(max_size=80), max_size=6))
def test_whatever_a_thing_was_called_its_document_has_a_valid_name_of_its_own(
    texts: list[str],
) -> None:
    names = DocumentNames()
    given_names = [names.assign("Client", text, "client") for text in texts + texts]
    assert [read_document_name(name) for name in given_names] == given_names
    assert len(set(given_names)) == len(given_names)


def test_names_stay_recognizable() -> None:
    assert slug("Bücher & Café", "x") == "bucher-cafe"
    assert slug("...", "x") == "x"
    assert slug("192.0.2.1/24", "x") == "192.0.2.1-24"


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("https://raw.githubusercontent.com/StevenBlack/hosts/master/hosts", "StevenBlack-hosts"),
        ("https://lists.example.org/ads/hosts.txt", "lists.example.org-ads"),
        ("https://www.example.org/", "example.org"),
        ("https://example.org/?a=b", "example.org-b"),
    ],
)
def test_a_list_is_called_by_the_telling_parts_of_its_url(url: str, name: str) -> None:
    assert list_name(url) == name
    assert list_name(url, "Ads") == "Ads"


_TEXTS = st.text(max_size=30)
_VALUES = st.recursive(
    _TEXTS | st.booleans() | st.integers(0, 99999) | st.builds(CommentedValue, _TEXTS, _TEXTS),
    lambda inner: (
        st.lists(inner, min_size=1, max_size=3)
        | st.dictionaries(st.sampled_from(["a", "b", "names"]), inner, min_size=1, max_size=3)
    ),
    max_leaves=8,
)


def _plain(value: Any) -> Any:
    if isinstance(value, CommentedValue):
        return value.value
    if isinstance(value, dict):
        return {key: _plain(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_plain(one) for one in value]
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


@given(st.dictionaries(st.sampled_from(["x", "y"]), _VALUES, min_size=1), st.lists(_TEXTS))
def test_what_is_written_reads_back_as_it_was_meant(
    spec: dict[str, Any], comments: list[str]
) -> None:
    ((_, text),) = write([Document("Policy", "a", spec, comments)], "Heading\nof two lines").items()
    nodes, problems = read_yaml(text, "x.yaml")
    assert not problems, text
    (read,) = [plain(node) for node in nodes]
    assert isinstance(read, dict)
    assert read["spec"] == _plain(spec)
    assert all(letter.isprintable() or letter == "\n" for letter in text)


def _documents(setup: Setup) -> tuple[list[Document], Report]:
    report = Report()
    return plan(setup, report), report


def test_a_hundred_thousand_rules_become_files_that_can_be_read() -> None:
    rules = [NameRule((f"name{n}.example.com",), origin=f"row {n}") for n in range(100_000)]
    setup = Setup("x", {"all": Bundle("all", rules=rules)}, default_bundles=("all",))
    documents, _ = _documents(setup)
    files = write(documents, "x")
    assert len(files) > 10
    assert max(len(text.encode()) for text in files.values()) < MAX_FILE
    matches = 0
    for name, text in list(files.items())[:2]:
        read, problems = read_text_documents(text, name, Path())
        assert not problems
        matches += sum(len(r.matches) for policy in read.policies for r in policy.spec.rules)
    assert matches > 3000
    written = sum(len(rule["block"]) for one in documents for rule in one.spec.get("rules", ()))
    assert written == 100_000


def test_neighbors_that_do_the_same_are_one_rule() -> None:
    rules = [
        NameRule(("a.example",)),
        NameRule(("b.example",)),
        NameRule(("c.example",), allow=True),
        NameRule(("d.example",), answer="refused"),
        NameRule(("e.example",), answer="refused", types=("A",)),
    ]
    setup = Setup("x", {"all": Bundle("all", rules=rules)}, default_bundles=("all",))
    documents, _ = _documents(setup)
    (policy,) = (one for one in documents if one.name == "rules-all")
    assert [len(rule.get("block", rule.get("allow"))) for rule in policy.spec["rules"]] == [
        2, 1, 1, 1,
    ]  # fmt: skip


def test_clients_that_are_treated_alike_share_a_policy_and_a_list_is_declared_once() -> None:
    source = ListSource("https://lists.example.org/ads.txt")
    setup = Setup(
        "x",
        {"a": Bundle("a", [source]), "b": Bundle("b", [source])},
        default_bundles=("a",),
        clients=[
            ClientSettings("one", ["192.0.2.1"], bundles=("b", "a")),
            ClientSettings("two", ["192.0.2.2"], bundles=("a", "b")),
            ClientSettings("three", ["192.0.2.3"], bundles=("a",)),
        ],
    )
    documents, _ = _documents(setup)
    groups = [one.spec["groups"] for one in documents if one.kind == "Client"]
    assert groups == [["a-and-b"], ["a-and-b"], ["a"]]
    assert sum(one.kind == "List" for one in documents) == 1


def test_an_address_is_one_client() -> None:
    setup = Setup(
        "x",
        clients=[
            ClientSettings("one", ["192.0.2.1"]),
            ClientSettings("two", ["192.0.2.1", "192.0.2.2"]),
            ClientSettings("three", ["192.0.2.1"]),
        ],
    )
    documents, report = _documents(setup)
    clients = {one.name: one.spec["addresses"] for one in documents if one.kind == "Client"}
    assert clients == {"one": ["192.0.2.1"], "two": ["192.0.2.2"]}
    assert [item.name for item in report.items if item.disposition is Disposition.LEFT] == [
        "two: 192.0.2.1",
        "three: 192.0.2.1",
    ]


def test_upstreams_with_one_name_are_told_apart() -> None:
    servers = [Server("dot", ("192.0.2.1",), "dns.example.org"),
               Server("doh", ("192.0.2.1",), "dns.example.org")]  # fmt: skip
    documents, _ = _documents(Setup("x", servers=servers))
    (policy,) = (one for one in documents if one.kind == "Policy")
    assert policy.spec["upstreams"] == ["dns.example.org", "dns.example.org-2"]


def test_the_report_counts_by_kind_and_disposition() -> None:
    report = Report()
    report.taken(Kind.RULE, "a")
    report.changed(Kind.RULE, "b", "why")
    report.left(Kind.CLIENT, "c", "why")
    report.revise(Kind.RULE, "b", "refused")
    assert report.counts() == {
        "client": {"taken": 0, "changed": 0, "left": 1},
        "rule": {"taken": 1, "changed": 0, "left": 1},
    }
