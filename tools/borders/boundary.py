"""The border between Python and the native core: ``keyhole.engine`` alone imports it."""

import ast
from collections.abc import Iterable, Iterator

from tools.borders.tree import Finding, SourceFile

_CORE = "keyhole._core"
_OWNER = "python/keyhole/engine/"


def importers(files: Iterable[SourceFile]) -> Iterator[Finding]:
    """Modules outside ``keyhole.engine`` that import the native core. import-linter sees only
    modules with Python source, so this border has a rule of its own."""
    for file in files:
        path = str(file.path)
        if file.path.suffix != ".py" or path.startswith(_OWNER):
            continue
        if not path.startswith("python/"):
            continue
        for node in ast.walk(ast.parse(file.text, path)):
            if _names_core(node):
                line = getattr(node, "lineno", 0)
                yield Finding(f"{path}:{line}", f"only keyhole.engine imports {_CORE}")


def _names_core(node: ast.AST) -> bool:
    match node:
        case ast.Import():
            return any(alias.name.startswith(_CORE) for alias in node.names)
        case ast.ImportFrom(module=module):
            from_package = module == "keyhole" and any(a.name == "_core" for a in node.names)
            return from_package or (module or "").startswith(_CORE)
    return False
