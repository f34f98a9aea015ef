"""The use case behind the import on the page: a file of another product becomes documents."""

import re
import tempfile
import threading
from pathlib import Path

from keyhole.control.data_folder import UPLOAD
from keyhole.control.document_pool import DocumentPool
from keyhole.control.import_settings import DefaultPolicy, ImportResult, import_file

_SAFE = re.compile(r"[^A-Za-z0-9._-]")
_MAX_NAME = 100


class Upload:
    """A file while it is uploaded and read. The folder ends with the context, or with the
    conversion where that takes longer than anybody waits for it."""

    def __init__(self, folder: Path, name: str) -> None:
        """``folder`` holds the temporary folder; ``name`` is what the person's machine calls it."""
        self._folder = tempfile.TemporaryDirectory(prefix=UPLOAD, dir=folder)
        safe = _SAFE.sub("_", Path(name).name).strip(".")[-_MAX_NAME:]
        self.file = Path(self._folder.name) / (safe or "settings")
        self._lock = threading.Lock()
        self._users = 1

    def __enter__(self) -> "Upload":
        return self

    def __exit__(self, *_: object) -> None:
        self._leave()

    async def convert(
        self, pool: DocumentPool, product: str, default: DefaultPolicy | None
    ) -> ImportResult:
        """Documents that can stand beside those in force; raises as `import_file`, and
        ``StuckError`` if the conversion, or one before, does not end in time."""
        return await pool.run(self._convert, product, default)

    def _convert(self, product: str, default: DefaultPolicy | None) -> ImportResult:
        with self._lock:
            self._users += 1
        try:
            return import_file(product, self.file, None, default=default)
        finally:
            self._leave()

    def _leave(self) -> None:
        with self._lock:
            self._users -= 1
            is_last = not self._users
        if is_last:
            self._folder.cleanup()


def stream_of(result: ImportResult) -> str:
    """All documents of an import as one text."""
    return "---\n".join(text.rstrip("\n") + "\n" for text in result.files.values())
