"""Every action that the code records can be chosen on the page of the audit trail."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[3]
FOLDERS = ("accounts", "identity", "control", "enrollment", "store")
STRINGS = ROOT / "web" / "src" / "strings" / "settings-audit.ts"
# The functions that record something, and the place of the action among their arguments.
RECORDERS = {"record": 2, "note": 2, "noted": 2, "AuditEntry": 2, "_audit_entry": 1, "_write": 1}


def _words(node: ast.AST | None) -> Iterator[str]:
    """The literal words of an expression, such as both of ``"a" if x else "b"``."""
    if isinstance(node, ast.IfExp):
        yield from _words(node.body)
        yield from _words(node.orelse)
    elif isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value


def _given(call: ast.Call) -> Iterator[str]:
    place = RECORDERS.get(getattr(call.func, "id", getattr(call.func, "attr", "")))
    if place is not None and len(call.args) > place:
        yield from _words(call.args[place])
    for keyword in call.keywords:
        if keyword.arg == "action":
            yield from _words(keyword.value)


def _recorded(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield from _given(node)
        elif isinstance(node, ast.Assign):
            if any(isinstance(one, ast.Name) and one.id == "action" for one in node.targets):
                yield from _words(node.value)
        elif isinstance(node, ast.arguments):
            for argument, default in zip(node.kwonlyargs, node.kw_defaults, strict=True):
                if argument.arg == "action":
                    yield from _words(default)


def test_every_action_that_is_recorded_can_be_chosen_on_the_page() -> None:
    found_files = [
        one for folder in FOLDERS for one in (ROOT / "python/keyhole" / folder).rglob("*.py")
    ]
    # A doctor records nothing: what is called a note there is a line of its report.
    files = [one for one in found_files if "doctor" not in one.parts]
    recorded = {word for one in files for word in _recorded(ast.parse(one.read_text()))}
    assert {"login", "apply", "create_root", "login_link_created", "import", "revoke"} <= recorded
    found = re.search(r"actions: \[(.*?)\]", STRINGS.read_text(), re.DOTALL)
    assert found is not None
    assert sorted(recorded - set(re.findall(r"'(\w+)'", found[1]))) == []
