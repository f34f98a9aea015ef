"""The page: the files of the web interface, built from ``web/`` into this package.

They hold nothing that is secret, so everybody whom the limits let in may have them, before a login
too. What they show comes from the API.
"""

import gzip
import hashlib
import mimetypes
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from importlib import resources
from pathlib import Path

BUILT = Path(str(resources.files("keyhole"))) / "page"
"""Where ``npm run build`` writes the page; a wheel has it there too."""

_INDEX = "/index.html"
# Their names hold a hash of their content, so that they never change.
_HASHED = "/assets/"
_FOREVER = "public, max-age=31536000, immutable"
_COMPRESSIBLE = ("text/", "application/json", "image/svg+xml", "application/manifest+json")
_MIN_COMPRESSED = 1024
_TYPES = {
    ".js": "text/javascript",
    ".css": "text/css",
    ".html": "text/html",
    ".svg": "image/svg+xml",
    ".json": "application/json",
    ".woff2": "font/woff2",
}


@dataclass(frozen=True)
class PageFile:
    """One file, read once."""

    path: str
    content: bytes

    @cached_property
    def etag(self) -> str:
        """A strong validator (RFC 9110 section 8.8.3)."""
        return f'"{hashlib.sha256(self.content).hexdigest()[:32]}"'

    @cached_property
    def media_type(self) -> str:
        """From the ending of the name, the same on each machine."""
        suffix = Path(self.path).suffix
        kind = _TYPES.get(suffix) or mimetypes.guess_type(self.path)[0]
        kind = kind or "application/octet-stream"
        return f"{kind}; charset=utf-8" if kind.startswith("text/") else kind

    @cached_property
    def compressed(self) -> bytes | None:
        """The content in gzip; none where that saves nothing."""
        if len(self.content) < _MIN_COMPRESSED or not self.media_type.startswith(_COMPRESSIBLE):
            return None
        return gzip.compress(self.content, mtime=0)

    @property
    def cache_control(self) -> str:
        """Hashed files are kept; all others are validated each time."""
        return _FOREVER if self.path.startswith(_HASHED) else "no-cache"


@dataclass
class PageFolder:
    """The files of a built page, by path. They are read at the first use, and again after a new
    build; a request can reach no other file."""

    root: Path = BUILT
    _files: Mapping[str, PageFile] = field(default_factory=dict)
    _version: tuple[int, int] | None = None
    _reading: threading.Lock = field(default_factory=threading.Lock)

    def find(self, path: str) -> PageFile | None:
        """The file of a path; for a path of the page itself, which has no ending, the index."""
        name = _INDEX if "." not in path.rpartition("/")[2] else path
        with self._reading:
            found = self._files.get(name)
            if found is None or name == _INDEX:
                self._refresh()
                found = self._files.get(name)
        return found

    def is_built(self) -> bool:
        """Whether there is a page at all."""
        return _INDEX in self._files

    def _refresh(self) -> None:
        """Reads all files, if a build has changed them; none while one is under way."""
        try:
            version = self._built_at()
            if version != self._version:
                self._files = {one.path: one for one in self._read()}
                self._version = version
        except OSError:
            self._files, self._version = {}, None

    def _built_at(self) -> tuple[int, int]:
        index, assets = self.root / _INDEX[1:], self.root / _HASHED.strip("/")
        return index.stat().st_mtime_ns, assets.stat().st_mtime_ns

    def _read(self) -> Iterator[PageFile]:
        for file in self.root.rglob("*"):
            path = f"/{file.relative_to(self.root).as_posix()}"
            # What begins with a dot is for the checks of the build.
            if file.is_file() and not file.is_symlink() and "/." not in path:
                yield PageFile(path, file.read_bytes())
