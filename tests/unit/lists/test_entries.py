"""Entries that stand in a List document itself."""

import json
from pathlib import Path

import pytest

from keyhole.config import read_text_documents
from keyhole.lists import CompiledLists, compile_lists, lend_compiled
from keyhole.model.list import MAX_ENTRIES
from tests.unit.lists.test_compile import Core

_HEAD = "apiVersion: keyhole.dev/v1\nkind: List\nmetadata: {name: own}\nspec:\n"


class World:
    """A state folder, and a List with entries of its own."""

    def __init__(self, folder: Path) -> None:
        self.state = folder / "state"
        self.core = Core()

    def compile(self, entries: str, state: Path | None = None) -> CompiledLists:
        lines = "".join(f"    {line}\n" for line in entries.splitlines())
        text = f"{_HEAD}  entries: |\n{lines}"
        documents, problems = read_text_documents(text, "a.yaml", self.state.parent)
        assert problems == []
        result = compile_lists(documents.lists, [], state or self.state, self.core)
        assert result is not None
        return result

    def files(self) -> list[str]:
        return [file.read_text() for file in (self.state / "entries").iterdir()]


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def _problems(spec: str) -> list[str]:
    _, problems = read_text_documents(_HEAD + spec, "a.yaml", Path("/nowhere"))
    return [one.why for one in problems]


def test_entries_of_a_document_are_compiled_as_they_are_written(world: World) -> None:
    result = world.compile("ads.example.com\n! a comment\n||tracker.example.net^")
    assert result.report.lists[0].files[0].path.startswith(str(world.state / "entries" / "own-"))
    assert world.files() == ["ads.example.com\n! a comment\n||tracker.example.net^\n"]


def test_changed_entries_are_compiled_again_and_the_old_ones_go(world: World) -> None:
    first = world.compile("one.example.com")
    assert world.compile("one.example.com").is_reused
    second = world.compile("two.example.com")
    assert not second.is_reused
    assert second.file != first.file
    assert world.files() == ["two.example.com\n"]


def test_a_damaged_file_of_entries_is_written_again(world: World) -> None:
    world.compile("one.example.com")
    for file in (world.state / "entries").iterdir():
        file.write_text("other.example.com\n")
    assert world.compile("one.example.com").is_reused
    assert world.files() == ["one.example.com\n"]


def test_a_draft_compiles_only_what_is_different(world: World, tmp_path: Path) -> None:
    first = world.compile("one.example.com")
    draft = tmp_path / "draft"
    draft.mkdir()
    lend_compiled(world.state, draft)
    assert world.compile("one.example.com", draft).is_reused
    assert len(world.core.requests) == 1
    assert not world.compile("two.example.com", draft).is_reused
    assert world.files() == ["one.example.com\n"], "a draft changes nothing in force"
    assert Path(first.file.path).is_file()
    assert world.compile("one.example.com").is_reused


def test_a_list_without_names_says_what_may_hold_them() -> None:
    assert _problems("  kind: block\n") == ["the list has no names; give files, urls or entries"]
    assert _problems("  entries: ''\n") == [
        "there is no entry here; write one name a line, or leave the key out"
    ]


def test_more_entries_than_a_document_may_hold_belong_into_files() -> None:
    (why,) = _problems(f"  entries: '{'x' * (MAX_ENTRIES + 1)}'\n")
    assert why == (
        "1,048,577 characters; at most 1,048,576 stand in a document, put more into files"
    )


_SERVICES = """{"blocked_services": [
  {"id": "chat", "name": "Chat", "icon_svg": "<svg/>", "group": "x", "rules": ["||chat.example^"]},
  {"id": "game", "name": "Game", "rules": ["||game.example^", "||cdn.game.example^"]}
], "groups": []}"""


def _of_services(folder: Path, names: str, text: str | None = None) -> CompiledLists:
    (folder / "services.json").write_text(_SERVICES if text is None else text)
    document = f"{_HEAD}  files: [services.json]\n  services: [{names}]\n"
    documents, problems = read_text_documents(document, "a.yaml", folder)
    assert problems == []
    result = compile_lists(documents.lists, [], folder / "state", Core())
    assert result is not None
    return result


def _services_file(rules: list[object], name: str = "game") -> str:
    return json.dumps({"blocked_services": [{"id": name, "rules": rules}]})


def test_of_a_file_of_services_the_rules_of_the_named_ones_are_taken(tmp_path: Path) -> None:
    _of_services(tmp_path, "game")
    (written,) = (tmp_path / "state" / "entries").iterdir()
    assert written.read_text() == "||game.example^\n||cdn.game.example^\n"


@pytest.mark.parametrize(
    ("names", "text", "why"),
    [
        ("gamme", None, "has no service gamme; did you mean game?"),
        ("game", "0.0.0.0 ads.example.com", "is not a file of services"),
        ("game", "[" * 100_000, "is not a file of services"),
        ("game", '{"blocked_services": [{"id": 5}]}', "is not a file of services"),
        ("game", _services_file([]), "has no rule for the service game that can be read"),
        ("game", _services_file(["||a.example^", 7]), "has no rule for the service game"),
        ("game", _services_file(["||a.example^", "a\nb.example"]), "has no rule for the service"),
        ("game", _services_file(["||a.example^"], "\x1b" * 90), "has no service game"),
    ],
)
def test_a_file_without_the_service_leaves_the_list_as_it_was(
    tmp_path: Path, names: str, text: str | None, why: str
) -> None:
    _of_services(tmp_path, "game")
    result = _of_services(tmp_path, names, text)
    assert why in result.held["own"]


def test_services_do_not_stand_beside_entries_or_a_format() -> None:
    assert _problems("  entries: |\n    a.example\n  services: [game]\n") != []
    assert _problems("  urls: ['https://lists.example/s.json']\n  format: hosts\n"
                     "  services: [game]\n") != []  # fmt: skip
