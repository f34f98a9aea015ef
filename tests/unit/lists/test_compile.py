"""Compiling lists. A fake compiler counts lines, as the core does for plain domains."""

import hashlib
import json
from pathlib import Path

import pytest

from keyhole.config import Documents, read_text_documents
from keyhole.errors import ListError
from keyhole.lists import CompiledLists, compile_lists, drop_unused
from keyhole.model.snapshot import ListFile


class Core:
    """Compiles plain domains: each nonempty line is an entry."""

    def __init__(self) -> None:
        self.requests: list[dict[str, object]] = []

    def __call__(self, request: bytes, /) -> bytes:
        asked = json.loads(request)
        self.requests.append(asked)
        reports, image = [], []
        for one in asked["lists"]:
            names: set[str] = set()
            for file in one["files"]:
                names.update(Path(file["path"]).read_text().split())
            image.append([one["name"], one["kind"], sorted(names)])
            reports.append(
                {
                    "name": one["name"],
                    "taken": len(names),
                    "duplicates": 0,
                    "skipped": {"count": 0, "by_reason": {}, "examples": []},
                    "files": [
                        {"path": f["path"], "format": "domains", "lines": 0} for f in one["files"]
                    ],
                }
            )
        octets = json.dumps(image).encode()
        Path(asked["output"]).write_bytes(octets)
        report = {
            "version": 1,
            "sha256": hashlib.sha256(octets).hexdigest(),
            "octets": len(octets),
            "names": 0,
            "lists": reports,
        }
        return json.dumps(report).encode()


class World:
    """A folder with lists, a state folder, and a compiler."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.state = folder / "state"
        self.core = Core()
        self.extra = ""

    def write(self, name: str, count: int, first: int = 0) -> None:
        names = (f"n{number}.example.com\n" for number in range(first, first + count))
        (self.folder / f"{name}.txt").write_text("".join(names))

    def documents(self, *names: str) -> Documents:
        texts = [
            f"apiVersion: keyhole.dev/v1\nkind: List\nmetadata: {{name: {name}}}\n"
            f"spec: {{files: [{name}.txt]{self.extra}}}\n"
            for name in names
        ]
        documents, problems = read_text_documents("---\n".join(texts), "a.yaml", self.folder)
        assert problems == []
        return documents

    def compile(self, *names: str) -> CompiledLists:
        lists = self.documents(*names).lists
        result = compile_lists(lists, ["dns.example.org"], self.state, self.core)
        assert result is not None
        return result

    def held(self, result: CompiledLists) -> dict[str, int]:
        """The number of names of each list in the compiled file."""
        image = json.loads(Path(result.file.path).read_text())
        return {name: len(names) for name, _, names in image}


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def test_the_compiled_file_is_named_by_its_content(world: World) -> None:
    world.write("ads", 5)
    result = world.compile("ads")
    file = Path(result.file.path)
    assert file.is_absolute()
    assert file.name == f"lists-{result.file.sha256}.khl"
    assert hashlib.sha256(file.read_bytes()).hexdigest() == result.file.sha256
    assert (result.problems, result.is_reused) == ((), False)
    assert world.core.requests[0]["protected"] == ["dns.example.org"]


def test_lists_that_did_not_change_are_not_compiled_again(world: World) -> None:
    world.write("ads", 5)
    first = world.compile("ads")
    again = world.compile("ads")
    assert again.is_reused
    assert (again.file, again.report) == (first.file, first.report)
    assert len(world.core.requests) == 1
    world.write("ads", 6)
    assert not world.compile("ads").is_reused


def test_a_compiled_file_that_was_removed_is_made_again(world: World) -> None:
    world.write("ads", 5)
    first = world.compile("ads")
    Path(first.file.path).unlink()
    assert world.compile("ads").file == first.file
    assert Path(first.file.path).is_file()


@pytest.mark.parametrize(
    ("count", "said"),
    [
        (0, "it is empty and had 2000 entries"),
        (900, "it shrank from 2000 to 900 entries"),
        (20_001, "it grew from 2000 to 20001 entries"),
    ],
)
def test_an_absurd_version_is_held_back_while_other_lists_move_on(
    world: World, count: int, said: str
) -> None:
    world.write("ads", 2000)
    world.write("own", 3)
    world.compile("ads", "own")
    world.write("ads", count)
    world.write("own", 4)
    result = world.compile("ads", "own")
    assert world.held(result) == {"ads": 2000, "own": 4}
    (problem,) = result.problems
    assert problem.is_advice
    assert problem.document == "List/ads"
    assert said in problem.why
    assert "guard: false" in problem.why
    assert "its last good version stays in use" in problem.why


def test_a_list_that_is_held_back_is_told_each_time_and_measured_by_the_good_one(
    world: World,
) -> None:
    world.write("ads", 2000)
    world.compile("ads")
    world.write("ads", 0)
    first, again = world.compile("ads"), world.compile("ads")
    assert again.is_reused
    assert again.problems == first.problems
    world.write("ads", 1500)
    result = world.compile("ads")
    assert result.problems == ()
    assert world.held(result) == {"ads": 1500}


def test_a_list_without_its_guard_is_taken_as_it_is(world: World) -> None:
    world.write("ads", 2000)
    world.compile("ads")
    world.write("ads", 10)
    world.extra = ", guard: false"
    result = world.compile("ads")
    assert result.problems == ()
    assert world.held(result) == {"ads": 10}


def test_a_new_compiler_reads_everything_again_and_compares_no_counts(world: World) -> None:
    world.write("ads", 5000)
    world.compile("ads")
    record = world.state / "lists.json"
    known = json.loads(record.read_text())
    del known["compiled"]["compiler"]  # as an older version wrote it
    record.write_text(json.dumps(known))
    world.write("ads", 2000)
    again = world.compile("ads")
    assert again.held == {}
    assert not again.is_reused
    world.write("ads", 100)
    assert "it shrank" in world.compile("ads").held["ads"]


def test_a_small_list_may_shrink_and_grow_as_its_owner_likes(world: World) -> None:
    for count in (4, 1, 900, 2):
        world.write("own", count)
        assert world.compile("own").problems == ()


def test_a_file_that_is_gone_leaves_the_last_good_version_in_use(world: World) -> None:
    world.write("own", 3)
    world.compile("own")
    (world.folder / "own.txt").unlink()
    result = world.compile("own")
    assert world.held(result) == {"own": 3}
    assert (
        "cannot be read: No such file or directory; its last good version" in result.problems[0].why
    )


def test_a_file_that_was_never_there_leaves_its_list_empty_and_says_so(world: World) -> None:
    world.write("own", 3)
    result = world.compile("own", "ads")
    assert world.held(result) == {"own": 3, "ads": 0}
    (problem,) = result.problems
    assert problem.document == "List/ads"
    assert problem.why.endswith("it has no entries")


def test_a_list_from_which_nothing_can_be_read_is_told(world: World) -> None:
    world.write("own", 0)
    (problem,) = world.compile("own").problems
    assert "check the format" in problem.why


def test_a_refusal_of_the_compiler_leaves_everything_as_it_was(world: World) -> None:
    world.write("own", 3)
    before = world.compile("own")
    world.write("own", 4)

    def refuse(request: bytes, /) -> bytes:
        raise ListError("no")

    with pytest.raises(ListError):
        compile_lists(world.documents("own").lists, [], world.state, refuse)
    assert Path(before.file.path).is_file()
    world.write("own", 3)
    assert world.compile("own").is_reused


def test_a_file_that_changes_while_it_is_read_is_read_again(world: World) -> None:
    world.write("own", 3)
    core = world.core

    def meddle(request: bytes, /) -> bytes:
        report = core(request)
        if len(core.requests) == 1:
            world.write("own", 7)
        return report

    result = compile_lists(world.documents("own").lists, [], world.state, meddle)
    assert result is not None
    assert world.held(result) == {"own": 7}
    assert world.compile("own").problems == ()


def test_a_damaged_record_only_costs_a_compilation(world: World) -> None:
    world.write("own", 3)
    first = world.compile("own")
    (world.state / "lists.json").write_text("{")
    assert world.compile("own").file == first.file


def test_copies_and_compiled_files_that_nothing_uses_are_removed(world: World) -> None:
    world.write("own", 3)
    old = world.compile("own").file
    world.write("own", 4)
    new = world.compile("own").file
    assert len(list((world.state / "lists").iterdir())) == 1
    assert drop_unused(world.state, [old, new, None]) == []
    assert drop_unused(world.state, [new]) == [Path(old.path)]
    assert Path(new.path).is_file()


def test_without_lists_nothing_is_compiled(world: World) -> None:
    assert compile_lists([], [], world.state, world.core) is None
    assert drop_unused(world.state, [ListFile(path="/x", sha256="0" * 64)]) == []
