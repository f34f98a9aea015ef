"""The order of Rust modules: what stands lower knows nothing of what stands above it.

The uses of a crate are read from its ``use`` statements and paths (``crate::``, ``super::``, names
of child modules). Tests may use what they like.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import PurePath

from tools.borders.tree import Finding, SourceFile

# The modules of each crate, top row first. A module may use those of lower rows only.
_ROWS = {
    "wire": """
        hints
        answer_builder
        synthetic
        reply
        answer query
        chain error_reply record upstream_query
        answer_reader encode reply_opt
        opt
        compress edns rdata
        compressed_name
        parse_error
        header name section types
    """,
    "names": """
        list_file name_map
        address_name error hashed_name
    """,
    "lists": """
        request
        compiler
        builder
        report
        formats protected_names
        entry
        name_syntax
        comment idn line skip_reason
    """,
    "core": """
        catalogue engine judge replay
        explain listen
        pipeline
        stages state
        traces
        events
        lookup snapshot
        arrival cache upstream
        client_identity connections policy tls
        dnssec list_table records subjects trust
        counters document options
        budgets clock close_notify cookie date faults histogram network pem question reason
        replay_baselines shares special_addresses spiffe_id tls_version trace_context transport
    """,
}

_Module = tuple[str, ...]
# The part of a module that stands in its own file and not in a child.
_SELF = "(the module itself)"

_NOISE = re.compile(r'//[^\n]*|/\*.*?\*/|b?r(#*)".*?"\1|b?"(?:[^"\\]|\\.)*"', re.DOTALL)
# Unit tests in the file itself, which end it, and other items for tests.
_TESTS = re.compile(r"^#\[cfg\(test\)\]\n(?:#.*\n)*mod \w+ \{", re.MULTILINE)
_TEST_ITEM = re.compile(r"^#\[cfg\(test\)\]\n(?:#.*\n)*.*;$", re.MULTILINE)
_DECLARED = re.compile(r"\bmod \w+;|pub\(in [^)]*\)")
_USE = re.compile(r"(?P<public>\bpub(?:\([^)]*\))? )?\buse (?P<tree>[^;]+);")
_PATH = re.compile(r"(?<![\w:])\w+(?:::\w+)+")


@dataclass(frozen=True)
class Use:
    """One module uses another; ``place`` is the file and line where it says so."""

    user: _Module
    used: _Module
    place: str


@dataclass
class Crate:
    """The modules of one crate, and what each of them uses."""

    modules: dict[_Module, SourceFile]
    exports: dict[tuple[_Module, str], _Module] = field(default_factory=dict)

    def uses(self) -> list[Use]:
        """Every use of one module by another."""
        codes = {module: _code(file) for module, file in self.modules.items()}
        for module, code in codes.items():
            self._read_exports(module, code)
        return [use for module, code in codes.items() for use in self._uses_of(module, code)]

    def _read_exports(self, module: _Module, code: str) -> None:
        for found in _USE.finditer(code):
            for path in _paths(found["tree"]) if found["public"] else ():
                if (*module, path[0]) in self.modules:
                    self.exports[module, path[-1]] = self._resolve(module, path)

    def _uses_of(self, module: _Module, code: str) -> Iterator[Use]:
        body = _DECLARED.sub(_blank, _USE.sub(_blank, code))
        for found in _USE.finditer(code):
            for path in _paths(found["tree"]):
                is_export = found["public"] and (*module, path[0]) in self.modules
                if not is_export and self._is_local(module, path[0]):
                    yield self._use(module, path, code, found.start())
        for found in _PATH.finditer(body):
            path = found[0].split("::")
            if self._is_local(module, path[0]):
                yield self._use(module, path, code, found.start())
        # What a module exports out of a child and uses itself as well.
        for (exporter, name), used in self.exports.items():
            if exporter == module and (own := re.search(rf"(?<![\w.:]){name}\b", body)):
                yield Use(module, used, self._place(module, code, own.start()))

    def _use(self, module: _Module, path: list[str], code: str, at: int) -> Use:
        return Use(module, self._resolve(module, path), self._place(module, code, at))

    def _place(self, module: _Module, code: str, at: int) -> str:
        return f"{self.modules[module].path}:{code.count(chr(10), 0, at) + 1}"

    def _is_local(self, module: _Module, first: str) -> bool:
        return first in {"crate", "self", "super"} or (*module, first) in self.modules

    def _resolve(self, module: _Module, path: list[str]) -> _Module:
        """The module that a path leads to, through exports to where a name really stands."""
        names = list(path)
        if names[0] == "crate":
            module = ()
        while names[0] in {"crate", "self", "super"}:
            module = module[:-1] if names.pop(0) == "super" else module
            if not names:
                return module
        for name in names:
            child = (*module, name)
            if child in self.modules:
                module = child
            elif (module, name) in self.exports:
                return self.exports[module, name]
            else:
                break
        return module


def order(files: Iterable[SourceFile]) -> Iterator[Finding]:
    """Uses that go upwards, modules without a row, and circles inside of modules."""
    for name, modules in sorted(_crates(files).items()):
        uses = Crate(modules).uses()
        if name in _ROWS:
            yield from _upward(name, modules, uses)
        # Rows leave no circle at the top.
        folders = {module[:-1] for module in modules if module[1 if name in _ROWS else 0 :]}
        for folder in sorted(folders):
            yield from _circles(name, folder, uses)


def _crates(files: Iterable[SourceFile]) -> dict[str, dict[_Module, SourceFile]]:
    crates: dict[str, dict[_Module, SourceFile]] = defaultdict(dict)
    for file in files:
        match file.path.parts:
            case ("crates", crate, "src", *inside) if file.path.suffix == ".rs":
                if not (file.is_test or file.path.stem.endswith("_tests")):
                    crates[crate][_module(PurePath(*inside))] = file
    return crates


def _module(path: PurePath) -> _Module:
    parts = path.with_suffix("").parts
    return parts[:-1] if parts[-1] in {"mod", "lib"} else parts


def _code(file: SourceFile) -> str:
    """The program without comments and strings, and without what only tests need."""
    program = _TESTS.split(file.text, maxsplit=1)[0]
    return _TEST_ITEM.sub(_blank, _NOISE.sub(_blank, program))


def _blank(found: re.Match[str]) -> str:
    return re.sub(r"[^\n]", " ", found[0])


def _paths(tree: str) -> Iterator[list[str]]:
    """Every path of a ``use`` tree."""
    head, brace, rest = tree.partition("{")
    prefix = [part for part in re.sub(r"\bas \w+|\s", "", head).split("::") if part]
    if not brace:
        yield prefix
        return
    depth, start = 0, 0
    inside = rest.rpartition("}")[0] + ","
    for at, letter in enumerate(inside):
        depth += (letter == "{") - (letter == "}")
        if letter == "," and depth == 0:
            if part := inside[start:at].strip():
                yield from (prefix + path for path in _paths(part))
            start = at + 1


def _upward(crate: str, modules: Iterable[_Module], uses: Iterable[Use]) -> Iterator[Finding]:
    rows = [line.split() for line in _ROWS[crate].strip().splitlines()]
    row = {module: number for number, line in enumerate(rows) for module in line}
    tops = {module[0] for module in modules if module}
    for module in sorted(tops ^ row.keys()):
        what = "needs a row" if module in tops else "has a row and no file"
        yield Finding(f"crates/{crate}/src", f"{module} {what} in tools/borders/modules.py")
    for use in uses:
        if use.user and use.used and use.user[0] != use.used[0]:
            user, used = use.user[0], use.used[0]
            if user in row and used in row and row[used] <= row[user]:
                yield Finding(use.place, f"{user} uses {used}, which does not stand below it")


def _circles(crate: str, folder: _Module, uses: Iterable[Use]) -> Iterator[Finding]:
    edges: dict[str, dict[str, str]] = defaultdict(dict)
    depth = len(folder)
    for use in uses:
        if use.user[:depth] == folder == use.used[:depth]:
            user, used = ((*module, _SELF)[depth] for module in (use.user, use.used))
            if user != used:
                edges[user].setdefault(used, use.place)
    for circle in _loops(edges):
        place = edges[circle[0]][circle[1]]
        inside = "::".join((crate, *folder))
        yield Finding(place, f"a circle of modules in {inside}: {' -> '.join(circle)}")


def _loops(edges: dict[str, dict[str, str]]) -> Iterator[list[str]]:
    """One circle for each module that closes one, found by walking along the uses."""
    done: set[str] = set()
    way: list[str] = []

    def walk(module: str) -> Iterator[list[str]]:
        if module in way:
            yield [*way[way.index(module) :], module]
        elif module not in done:
            way.append(module)
            for used in sorted(edges.get(module, ())):
                yield from walk(used)
            way.pop()
            done.add(module)

    for module in sorted(edges):
        yield from walk(module)
