"""Section F6: a change costs what it changes. The rest is not parsed, checked and compiled again.

Work is counted here, never timed; `./dev bench documents` measures the time.
"""

import importlib
import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from keyhole.config import documents as reading
from keyhole.config.documents import read_documents
from keyhole.config.files import BESIDE, COPY
from keyhole.config.sections.config import Config
from keyhole.control.changes import change as changing
from keyhole.control.changes.change import Changes
from keyhole.control.data_folder import DataFolder
from keyhole.control.document_pool import DocumentPool
from keyhole.control.reconciler import Reconciler
from keyhole.control.settings import Settings
from keyhole.policy import TrustContext, check, compile_documents, cross_check
from keyhole.policy.compile import snapshot as compiling
from keyhole.store import AuditEntry, Database, Version, append, write_version
from tests.world.certificates import Authority
from tests.world.resolver import Resolver, document

# The package has a function of the same name.
checking = importlib.import_module("keyhole.policy.check")

_CLIENTS, _PER_FILE = 120, 40


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> Callable[[Any, str], list[Any]]:
    """Counts the calls of a function in a module, by its name; gives the list that grows."""

    def count(module: Any, name: str) -> list[Any]:
        calls: list[Any] = []
        original = getattr(module, name)

        def counting(*arguments: Any, **named: Any) -> Any:
            calls.append(arguments)
            return original(*arguments, **named)

        monkeypatch.setattr(module, name, counting)
        return calls

    return count


def _client(number: int, address: str = "") -> str:
    one = document("Client", f"c{number}", addresses=[address or f"10.1.0.{number}"], groups=["g"])
    return json.dumps(one, indent=1)


def _folder(folder: Path, mark: str) -> Path:
    """Documents in four files. ``mark`` makes their texts differ from those of other tests."""
    folder.mkdir()
    policy = document("Policy", "p", subjects=["group:g"], default="allow",
                      rules=[{"block": [f"{mark}.example"]}])  # fmt: skip
    upstream = document("Upstream", "u", protocol="dot", addresses=["192.0.2.1"],
                        serverName=f"{mark}.example.org")  # fmt: skip
    record = document("Record", "r", name=f"{mark}.example.net", a=["192.0.2.7"])
    (folder / "base.yaml").write_text("\n---\n".join(map(json.dumps, (policy, upstream, record))))
    for at in range(0, _CLIENTS, _PER_FILE):
        clients = (f"# {mark}\n{_client(number)}" for number in range(at, at + _PER_FILE))
        (folder / f"clients-{at:03}.yaml").write_text("\n---\n".join(clients))
    return folder


def test_only_the_changed_document_is_parsed_and_validated_again(
    tmp_path: Path, counted: Callable[[Any, str], list[Any]]
) -> None:
    folder = _folder(tmp_path / "documents", "parsed")
    parsed = counted(reading, "parse_valid")
    before, problems = read_documents([folder])
    assert problems == []
    assert len(parsed) == _CLIENTS + 3
    read_documents([folder])
    assert len(parsed) == _CLIENTS + 3
    file = folder / "clients-040.yaml"
    file.write_text(file.read_text().replace('"10.1.0.45"', '"10.9.9.9",\n   "10.9.9.8"'))
    after, problems = read_documents([folder])
    assert problems == []
    assert len(parsed) == _CLIENTS + 4
    assert '"10.9.9.9"' in parsed[-1][0]
    changed = [one.name for one, old in zip(after.clients, before.clients, strict=True)
               if one.spec is not old.spec]  # fmt: skip
    assert changed == ["c45"]
    lines = file.read_text().splitlines()
    for one in (one for one in after.clients if one.source.name == file.name):
        # The lines of the documents below have moved by one.
        assert f'"{one.name}"' in "".join(lines[one.line - 1 : one.line + 5]), one.name
        at = one.problem(["spec", "addresses", 0], "").line
        assert str(one.spec.addresses[0].network_address) in lines[at - 1]


def test_a_problem_is_told_at_its_line_also_when_the_file_above_it_grew(tmp_path: Path) -> None:
    folder = _folder(tmp_path / "documents", "lines")
    file = folder / "clients-000.yaml"
    wrong = json.dumps(document("Client", "wrong", addresses=["nonsense"]))
    file.write_text(f"{file.read_text()}\n---\n{wrong}\n")
    for grown in range(3):
        line = file.read_text().splitlines().index(wrong) + 1
        _, problems = read_documents([folder])
        assert [(one.file, one.line) for one in problems] == [(file.name, line)], grown
        file.write_text(f"# one more line\n{file.read_text()}")


def test_a_syntax_error_costs_its_own_document(tmp_path: Path) -> None:
    folder = _folder(tmp_path / "documents", "syntax")
    file = folder / "clients-000.yaml"
    file.write_text(file.read_text().replace('"c3"', '"c3'))
    found, problems = read_documents([folder])
    assert len(problems) == 1
    assert {one.name for one in found.clients} == {f"c{n}" for n in range(_CLIENTS)} - {"c3"}


def test_a_record_has_no_client_checked_or_compiled_again(
    tmp_path: Path, counted: Callable[[Any, str], list[Any]]
) -> None:
    folder = _folder(tmp_path / "documents", "record")
    checked, compiled = counted(checking, "check_clients"), counted(compiling, "compile_subjects")
    policies = counted(compiling, "Policies")

    def put_in_force() -> dict[str, Any]:
        documents, problems = read_documents([folder])
        assert problems == []
        assert cross_check(documents, ["own.example"], context=TrustContext()) == []
        made: dict[str, Any] = json.loads(compile_documents(documents, 1).snapshot.to_json())
        return made

    first = put_in_force()
    assert (len(checked), len(compiled), len(policies)) == (1, 1, 1)
    assert put_in_force() == first
    assert (len(checked), len(compiled), len(policies)) == (1, 1, 1)
    file = folder / "base.yaml"
    file.write_text(file.read_text().replace("192.0.2.7", "192.0.2.8"))
    second = put_in_force()
    assert (len(checked), len(compiled), len(policies)) == (1, 1, 2)
    assert {key for key in first if first[key] != second[key]} == {"records"}
    file = folder / "clients-000.yaml"
    file.write_text(file.read_text().replace('"10.1.0.5"', '"10.9.0.5"'))
    third = put_in_force()
    assert (len(checked), len(compiled), len(policies)) == (2, 2, 2)
    assert {key for key in second if second[key] != third[key]} == {"subjects"}


def test_what_was_remembered_is_what_is_made_afresh(tmp_path: Path) -> None:
    folder = _folder(tmp_path / "documents", "afresh")
    file = folder / "clients-000.yaml"
    read_documents([folder])
    file.write_text(file.read_text().replace('"10.1.0.5"', '"10.1.0.6"'))
    documents, _ = read_documents([folder])
    found = cross_check(documents)
    assert [one.document for one in found if not one.is_advice] == ["Client/c6"]
    other = tmp_path / "elsewhere"
    folder.rename(other)
    assert [str(one) for one in check([other])] == [str(one) for one in found]


def test_a_file_that_a_document_names_is_looked_at_each_time(tmp_path: Path) -> None:
    """It may be gone, or become a link out of the folder, though the document has not changed."""
    beside, copy = tmp_path / "beside", tmp_path / "copy"
    beside.mkdir()
    copy.mkdir()
    (copy / BESIDE).symlink_to(beside)
    (beside / "names.txt").write_text("ads.example\n")
    text = json.dumps(document("List", "l", kind="block", files=["names.txt"]))
    (copy / COPY).write_text(json.dumps([["stored/list-l.yaml", text]]))
    assert [one.name for one in read_documents([copy])[0].lists] == ["l"]
    (beside / "names.txt").unlink()
    (beside / "names.txt").symlink_to("/etc/passwd")
    found, problems = read_documents([copy])
    assert found.lists == ()
    assert "out of the documents folder" in problems[0].why
    assert problems[0].file == "stored/list-l.yaml"


def test_more_documents_are_stored_than_a_folder_has_files(
    tmp_path: Path, authority: Authority
) -> None:
    resolver = Resolver(tmp_path / "data", authority)
    try:
        resolver.start()
        many = [document("Record", f"r{number}", name=f"h{number}.example", a=["192.0.2.1"])
                for number in range(1_500)]  # fmt: skip
        for changed in (many, [{**many[700], "spec": {**many[700]["spec"], "a": ["192.0.2.9"]}}]):
            text = "\n---\n".join(map(json.dumps, changed))
            answer = resolver.api("POST", "/documents", json={"text": text, "overwrite": True})
            assert answer.status_code == 200, answer.text
            assert answer.json()["is_in_force"], answer.text
        assert resolver.server.ask("h700.example", "A", "tcp").addresses == ["192.0.2.9"]
        assert resolver.server.ask("h701.example", "A", "tcp").addresses == ["192.0.2.1"]
        listed = resolver.api("GET", "/documents", params={"kind": "Record", "limit": 1000}).json()
        assert len(listed["items"]) == 1000
        assert listed["next"]
    finally:
        resolver.stop()


def test_the_pages_of_a_list_are_made_of_one_reading(
    tmp_path: Path, counted: Callable[[Any, str], list[Any]]
) -> None:
    folder = _folder(tmp_path / "documents", "pages")
    settings = cast(Settings, SimpleNamespace(documents=folder, written=Config()))
    database = Database.in_file(tmp_path / "control.db")
    reconciler = cast(Reconciler, SimpleNamespace(documents=DocumentPool()))
    changes = Changes(database, settings, DataFolder(tmp_path), reconciler)
    merged = counted(changing, "merged")
    first, _ = changes.documents()
    assert changes.documents()[0] is first
    assert len(merged) == 1
    assert len(first) == _CLIENTS + 3
    (folder / "base.yaml").write_text((folder / "base.yaml").read_text() + "\n# a comment\n")
    assert changes.documents()[0] is not first
    with database.begin() as connection:
        change = append(connection, AuditEntry("somebody", "socket", "apply"))
        text = json.dumps(document("Record", "new", name="new.example", a=["192.0.2.1"]))
        write_version(connection, Version("Record", "new", 1, text, False, change))
    assert len(changes.documents()[0]) == _CLIENTS + 4
    assert changes.document("Record", "new").origin == "stored"
    assert len(merged) == 3


def test_a_damaged_copy_of_the_stored_documents_is_made_again(
    tmp_path: Path, authority: Authority
) -> None:
    resolver = Resolver(tmp_path / "data", authority)
    try:
        resolver.start()
        record = document("Record", "kept", name="kept.example", a=["192.0.2.5"])
        resolver.api("POST", "/documents", json={"text": json.dumps(record), "overwrite": True})
        resolver.stop()
        (resolver.folder / "state" / "stored" / COPY).write_text("[[")
        resolver.start()
        assert resolver.server.ask("kept.example", "A", "tcp").addresses == ["192.0.2.5"]
    finally:
        resolver.stop()
