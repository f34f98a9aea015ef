"""The one way to read a file of our own: ``keyhole.system.regular_file``, which waits for no FIFO
and never ends up in a device."""

import ast
from collections.abc import Iterable, Iterator

from tools.borders.tree import Finding, SourceFile

_PACKAGES = tuple(
    f"python/keyhole/{name}/"
    for name in (
        "accounts",
        "api",
        "cli",
        "config",
        "control",
        "engine",
        "enrollment",
        "identity",
        "link",
        "lists",
        "policy",
        "querylog",
        "store",
        "system",
    )
)
_OF_A_PATH = {"buffering", "encoding", "errors", "newline"}
"""What ``open`` of a path takes beside the mode, which is to read text if it is left out."""
_ELSEWHERE = {
    # Files of the kernel, of the package itself, and what a person names: perhaps a pipe.
    "python/keyhole/api/page.py",
    "python/keyhole/cli/apply.py",
    "python/keyhole/config/schema.py",
    "python/keyhole/control/import_settings.py",
    "python/keyhole/control/screen_replay.py",
    "python/keyhole/lists/catalog/__init__.py",
    "python/keyhole/querylog/read.py",
    "python/keyhole/system/boot_clock.py",
    "python/keyhole/system/lock_holder.py",
    "python/keyhole/system/secret_input.py",
    # It takes the place of one that it has made itself a moment ago.
    "python/keyhole/control/list_refresh/preview.py",
}


def readers(files: Iterable[SourceFile]) -> Iterator[Finding]:
    """Modules that open a file for reading by themselves."""
    for file in files:
        path = str(file.path)
        if file.path.suffix != ".py" or not path.startswith(_PACKAGES) or path in _ELSEWHERE:
            continue
        for node in ast.walk(ast.parse(file.text, path)):
            if isinstance(node, ast.Call) and _reads(node):
                what = f"'{ast.unparse(node.func)}': use keyhole.system.regular_file"
                yield Finding(f"{path}:{node.lineno}", what)


def _reads(call: ast.Call) -> bool:
    if not isinstance(call.func, ast.Attribute):
        return isinstance(call.func, ast.Name) and call.func.id == "open"
    if call.func.attr in ("read_bytes", "read_text"):
        # A path takes at most the name of an encoding; with anything else it is our own function.
        return not call.args or _text(call.args[0]) is not None
    return call.func.attr == "open" and _opens_to_read(call)


def _opens_to_read(call: ast.Call) -> bool:
    """For ``path.open``, and functions such as ``gzip.open`` where a mode stands in the text."""
    named = [one.value for one in call.keywords if one.arg == "mode"]
    if not call.args and not named:
        return all(one.arg in _OF_A_PATH for one in call.keywords)
    # One that is not known could be any.
    modes = [_text(one) or "r" for one in named]
    modes += [mode for mode in map(_text, call.args[:2]) if mode is not None]
    return any("r" in mode or "+" in mode for mode in modes)


def _text(node: ast.expr) -> str | None:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    return None
