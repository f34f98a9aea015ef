"""Which documents change so that a policy uses a list, or does not; nothing changes by halves."""

import asyncio
import json
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, cast

import pytest
import yaml

from keyhole.config.documents import read_text_documents
from keyhole.control import list_use
from keyhole.control.changes.change_request import ChangeRequest
from keyhole.control.changes.document_record import DocumentRecord
from keyhole.control.document_pool import DocumentPool
from keyhole.control.error import InvalidError, NotThereError, ReadOnlyError
from keyhole.control.list_use import KnownDocuments, NewList
from keyhole.store import Actor


def stored(kind: str, name: str, **spec: Any) -> DocumentRecord:
    return DocumentRecord(kind, name, "stored", _text(kind, name, spec), version=3)


def declared(kind: str, name: str, **spec: Any) -> DocumentRecord:
    return DocumentRecord(kind, name, "declared", _text(kind, name, spec), "some.yaml", 7)


def _text(kind: str, name: str, spec: dict[str, Any]) -> str:
    head = {"apiVersion": "keyhole.dev/v1", "kind": kind, "metadata": {"name": name}}
    return json.dumps({**head, "spec": spec})


def known(*records: DocumentRecord) -> KnownDocuments:
    return KnownDocuments(records, Path("/etc/keyhole/documents"))


def spec_of(request: ChangeRequest) -> Any:
    assert request.text is not None
    return yaml.safe_load(request.text)["spec"]


HOME = declared("Policy", "home", default="allow")
KIDS = declared("Policy", "kids", subjects=["group:kids"])
URL = "https://lists.example.org/a.txt"


def test_a_list_of_the_catalog_names_the_declared_policy_for_all_clients() -> None:
    (request,) = known(KIDS, HOME).enable(["stevenblack"], None, None)
    assert (request.kind, request.name, request.seen) == ("List", "stevenblack", 0)
    assert spec_of(request)["policies"] == ["home"]


def test_a_list_of_ones_own_comes_by_its_url() -> None:
    (request,) = known(KIDS, HOME).enable(["school"], "kids", NewList("school", URL))
    assert spec_of(request) == {"urls": [URL], "policies": ["kids"]}


def test_a_stored_list_that_nothing_uses_gets_its_policy_and_keeps_the_rest() -> None:
    one = stored("List", "ads", urls=[URL])
    (request,) = known(HOME, one).enable(["ads"], None, None)
    assert (request.seen, spec_of(request)) == (3, {"policies": ["home"], "urls": [URL]})


@pytest.mark.parametrize("lists", [["own"], {"names": ["own"], "mode": "observe"}])
def test_a_declared_list_is_named_by_the_stored_policy(lists: Any) -> None:
    policy = stored("Policy", "home", default="allow", lists=lists)
    more = declared("List", "ads", urls=[URL])
    (request,) = known(policy, more).enable(["ads"], None, None)
    found = spec_of(request)["lists"]
    assert (found["names"] if isinstance(found, dict) else found) == ["own", "ads"]


def test_where_files_declare_both_nothing_changes_and_the_line_to_write_is_said() -> None:
    with pytest.raises(ReadOnlyError) as caught:
        known(HOME, declared("List", "ads", urls=[URL])).enable(["ads"], None, None)
    assert "/etc/keyhole/documents/some.yaml:7" in str(caught.value)
    assert "\n  policies: [home]" in str(caught.value)


def test_what_is_used_already_is_no_change() -> None:
    named = declared("Policy", "home", default="allow", lists=["ads"])
    itself = declared("List", "more", urls=[URL], policies=["home"])
    one = declared("List", "ads", urls=[URL])
    assert known(named, one, itself).enable(["ads", "more"], None, None) == []


@pytest.mark.parametrize(
    ("names", "policy", "error", "words"),
    [
        (["stevenblak"], "kids", NotThereError, "did you mean stevenblack?"),
        (["stevenblack"], "kid", NotThereError, "did you mean kids?"),
        (["stevenblack"], None, InvalidError, r"--policy NAME\): kids, lab"),
    ],
)
def test_what_is_not_known_is_an_error_with_what_would_be_right(
    names: list[str], policy: str | None, error: type[Exception], words: str
) -> None:
    lab = declared("Policy", "lab", subjects=["group:lab"])
    with pytest.raises(error, match=words):
        known(KIDS, lab).enable(names, policy, None)


@pytest.mark.parametrize(("policies", "named"), [((KIDS,), "kids"), ((), "there is none yet")])
def test_a_policy_for_some_clients_is_not_taken_for_that_of_all_though_it_is_the_only_one(
    policies: tuple[DocumentRecord, ...], named: str
) -> None:
    with pytest.raises(InvalidError, match=rf"no policy for all clients; .*NAME\): {named}$"):
        known(*policies).enable(["stevenblack"], None, None)


def test_a_stored_list_that_nothing_uses_any_more_is_deleted() -> None:
    one = stored("List", "ads", urls=[URL], policies=["home"])
    assert known(HOME, one).disable(["ads"], None) == [ChangeRequest("List", "ads", None, 3)]


def test_a_list_that_another_policy_uses_stays() -> None:
    one = stored("List", "ads", urls=[URL], policies=["home", "kids"])
    (request,) = known(HOME, KIDS, one).disable(["ads"], "kids")
    assert spec_of(request)["policies"] == ["home"]


def test_the_stored_policies_that_name_a_list_change_with_it() -> None:
    user = stored("Policy", "home", default="allow", lists=["own", "ads"])
    found = known(user, stored("List", "ads", urls=[URL])).disable(["ads"], None)
    assert [(one.label, one.text is None) for one in found] == [
        ("Policy/home", False),
        ("List/ads", True),
    ]
    assert spec_of(found[0])["lists"] == ["own"]


def test_what_files_decide_is_not_disabled_by_halves() -> None:
    user = declared("Policy", "lab", subjects=["group:lab"], lists=["ads"])
    one = stored("List", "ads", urls=[URL], policies=["home"])
    with pytest.raises(ReadOnlyError, match=r"some\.yaml:7: take ads out of lists of Policy/lab"):
        known(HOME, user, one).disable(["ads"], None)
    with pytest.raises(ReadOnlyError, match=r"some\.yaml:7: take out policies of List/ads"):
        known(HOME, declared("List", "ads", urls=[URL], policies=["home"])).disable(["ads"], None)


def test_a_policy_that_has_a_list_by_another_one_says_by_which() -> None:
    one = stored("List", "ads", urls=[URL], policies=["home"])
    with pytest.raises(NotThereError, match="it is used by home"):
        known(HOME, KIDS, one).disable(["ads"], "kids")


class _Changes:
    """Has documents, and keeps what is applied."""

    folder = Path("/etc/keyhole/documents")

    def __init__(self, *records: DocumentRecord) -> None:
        self.records = records
        self.sent = DocumentPool(what="a test")
        self.applied: list[str] = []

    def documents(self) -> tuple[Sequence[DocumentRecord], list[Any]]:
        return self.records, []

    async def apply(self, requests: Sequence[ChangeRequest], _: Actor, **__: Any) -> None:
        self.applied += [one.label for one in requests]


@pytest.mark.parametrize("use", [list_use.enable, list_use.disable])
def test_the_event_loop_goes_on_while_documents_are_read_and_edited(
    use: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """With thousands of rules that takes seconds, and the page and commands would wait."""
    read, readers = read_text_documents, set[int]()

    def reading(*words: Any) -> Any:
        readers.add(threading.get_ident())
        return read(*words)

    async def act() -> None:
        await use(cast(Any, changes), ["ads"], cast(Any, None))
        assert readers
        assert threading.get_ident() not in readers

    monkeypatch.setattr(list_use, "read_text_documents", reading)
    changes = _Changes(HOME, KIDS, stored("List", "ads", urls=[URL], policies=["kids"]))
    asyncio.run(act())
    assert changes.applied == ["List/ads"]
