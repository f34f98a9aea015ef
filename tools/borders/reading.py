"""The one way to read a file of our own: ``keyhole.system.regular_file``, which waits for no FIFO
and never ends up in a device."""

import ast
from collections.abc import Iterable, Iterator

from tools.borders.tree import Finding, SourceFile

_PACKAGES = tuple(
    f"python/keyhole/{name}/"
    for name in (
        "accounts",
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
_ELSEWHERE = {
    # Files of the kernel, of the package itself, and what a person names: perhaps a pipe.
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
        return not call.args
    if call.func.attr != "open":
        return False
    if not call.args:  # text, to be read
        return any(one.arg == "encoding" for one in call.keywords)
    mode = call.args[0]
    return isinstance(mode, ast.Constant) and isinstance(mode.value, str) and "r" in mode.value
