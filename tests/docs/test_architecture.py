"""ARCHITECTURE.md fits one screen, and its tables say what the code says."""

import ast
import inspect
import json
import re
import tomllib
from pathlib import Path

import pytest
from typer.main import get_command

from keyhole import _core
from keyhole.__main__ import app

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "ARCHITECTURE.md").read_text()
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text()
_PATH = re.compile(r"`(?!\./)([\w./-]+/[\w./-]*)`")
PACKAGE = ROOT / "python" / "keyhole"


def _section(title: str) -> str:
    return PAGE.split(f"\n## {title}\n", 1)[1].split("\n## ", 1)[0]


def _first_cells(section: str) -> list[str]:
    rows = [line for line in section.splitlines() if line.startswith("|")]
    return [row.split("|")[1].strip() for row in rows[2:]]


def _blocks(section: str) -> list[str]:
    return re.findall(r"```\w*\n(.*?)```", section, re.DOTALL)


def _exists(package: str) -> bool:
    return (PACKAGE / package).is_dir() or (PACKAGE / f"{package}.py").is_file()


def _rows() -> list[set[str]]:
    """The packages of each row; four blanks or more separate them from what the row is for."""
    lines = _blocks(_section("Rows"))[0].splitlines()
    return [set(re.findall(r"\w+", re.split(r" {4,}", line)[0])) for line in lines]


def _stub() -> ast.Module:
    return ast.parse((PACKAGE / "_core.pyi").read_text())


def test_the_page_fits_one_screen() -> None:
    lines = PAGE.splitlines()
    assert len(lines) <= 80
    assert max(map(len, lines)) <= 120


def test_the_rows_are_those_that_the_linter_holds() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())
    contracts = {one["type"]: one for one in settings["tool"]["importlinter"]["contracts"]}
    assert contracts.keys() == {"layers", "acyclic_siblings"}
    # A row may name packages that are still to come, in brackets.
    held = [
        {name for name in re.findall(r"\w+", row) if _exists(name)}
        for row in contracts["layers"]["layers"]
    ]
    assert _rows() == held


def test_each_package_has_its_row() -> None:
    packages = {
        path.name.removesuffix(".py")
        for path in PACKAGE.iterdir()
        if (path / "__init__.py").is_file() or path.suffix == ".py"
    } - {"__init__", "__main__"}
    assert packages == set().union(*_rows())


def test_the_stages_are_those_of_the_core_in_their_order() -> None:
    stages = [row["word"] for row in json.loads(_core.catalogue())["stages"]]
    section = _section("The way of a query")
    assert _blocks(section)[0].strip().split(" -> ") == stages
    assert _first_cells(section) == stages


def test_the_processes_are_commands() -> None:
    commands = set(get_command(app()).commands)  # type: ignore[attr-defined]
    named = [cell.strip("`").split() for cell in _first_cells(_section("Processes and ports"))]
    assert named
    for program, command in named:
        assert program == "keyhole"
        assert command in commands


def test_the_calls_of_the_boundary_are_those_of_the_built_core() -> None:
    listed = re.search(r"<!-- boundary -->(.*?)\n\n", PAGE, re.DOTALL)
    assert listed is not None
    written = {call.split("(")[0] for call in re.findall(r"`([\w()]+)`", listed[1])}
    functions = {name for name, _ in inspect.getmembers(_core, inspect.isbuiltin)}
    methods = {name for name in vars(_core.Engine) if not name.startswith("_")}
    assert written == functions | methods | {"Engine"}


@pytest.mark.parametrize("path", sorted(set(_PATH.findall(PAGE + CONTRIBUTING))))
def test_a_file_that_these_pages_name_exists(path: str) -> None:
    in_data_folder = path.startswith(("run/", "state/"))
    assert in_data_folder or (ROOT / path).exists()


def test_the_stub_of_the_core_names_what_the_built_module_has() -> None:
    for node in _stub().body:
        match node:
            case ast.FunctionDef(name=name):
                assert _parameters(node) == _signature(getattr(_core, name)), name
            case ast.ClassDef(name=name):
                _check_class(node, getattr(_core, name))
    written = {n.name for n in _stub().body if isinstance(n, ast.FunctionDef | ast.ClassDef)}
    assert written == {name for name in dir(_core) if not name.startswith("_")}


def _check_class(node: ast.ClassDef, built: type) -> None:
    if issubclass(built, Exception):
        assert [ast.unparse(base) for base in node.bases] == [built.__bases__[0].__name__]
        return
    methods = {each.name: each for each in node.body if isinstance(each, ast.FunctionDef)}
    constructor = methods.pop("__new__", None)
    if constructor is not None:
        assert _parameters(constructor)[1:] == _signature(built)
    assert set(methods) == {name for name in vars(built) if not name.startswith("_")}
    for name, method in methods.items():
        is_property = any(ast.unparse(each) == "property" for each in method.decorator_list)
        attribute = getattr(built, name)
        assert is_property == inspect.isgetsetdescriptor(attribute), name
        if not is_property:
            assert _parameters(method) == _signature(attribute), name


def _parameters(node: ast.FunctionDef) -> list[str]:
    return [each.arg for each in node.args.args]


def _signature(built: object) -> list[str]:
    return list(inspect.signature(built).parameters)  # type: ignore[arg-type]
