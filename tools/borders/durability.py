"""The one way to write a file that must last: ``keyhole.system`` alone syncs, renames and locks."""

import ast
from collections.abc import Iterable, Iterator

from tools.borders.tree import Finding, SourceFile

_OWNER = "python/keyhole/system/"
_CALLS = {"fsync", "fdatasync", "flock", "lockf", "mkstemp", "NamedTemporaryFile"}
# A full log moves aside; what it holds is on the disk as soon as the system finds time.
_ROTATING = {"python/keyhole/engine/rotating_file.py", "python/keyhole/querylog/dnstap/file.py"}


def writers(files: Iterable[SourceFile]) -> Iterator[Finding]:
    """Modules that replace, sync or lock files by themselves."""
    for file in files:
        path = str(file.path)
        if file.path.suffix != ".py" or not path.startswith("python/"):
            continue
        if path.startswith(_OWNER) or path in _ROTATING:
            continue
        for node in ast.walk(ast.parse(file.text, path)):
            if isinstance(node, ast.Call) and _is_own_way(node):
                what = f"'{ast.unparse(node.func)}': use keyhole.system.durable or .lock"
                yield Finding(f"{path}:{node.lineno}", what)


def _is_own_way(call: ast.Call) -> bool:
    match call.func:
        case ast.Attribute(value=owner, attr="rename" | "replace"):
            if isinstance(owner, ast.Name) and owner.id in ("durable", "os"):
                return owner.id == "os"
            # Path.replace has one argument, str.replace two, datetime.replace only named ones.
            return len(call.args) == 1 and not call.keywords
        case ast.Attribute(attr=name) | ast.Name(id=name):
            return name in _CALLS
    return False
