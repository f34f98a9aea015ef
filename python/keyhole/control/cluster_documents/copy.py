"""The copy of the documents in Kubernetes, in the form of the copy of stored documents."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

import yaml

from keyhole.config.files import BESIDE, COPY, copies, read_copies
from keyhole.control.data_folder import write_durably
from keyhole.control.declared import KUBERNETES_FILE
from keyhole.control.error import UnwritableError
from keyhole.mesh.documents.delegation import Delegation
from keyhole.mesh.documents.resource import Key
from keyhole.system.regular_file import read_whole

_RULES = "delegation.json"


class ClusterCopy:
    """The copy in one folder; paths in documents are relative to ``beside``.

    ``delegation`` says who may write what; with another one the copy was made by other rules.
    """

    def __init__(self, folder: Path, beside: Path, delegation: Delegation) -> None:
        self._folder = folder
        self._beside = beside
        self._delegation = delegation

    def read(self) -> dict[Key, str]:
        """The documents in it; none where it cannot be read."""
        try:
            text = read_copies(self._folder)
            return dict(_read(text)) if text is not None else {}
        except (OSError, ValueError, TypeError, KeyError, RecursionError, yaml.YAMLError):
            return {}

    @property
    def is_current(self) -> bool:
        """Whether it was made by the rules of now."""
        try:
            rules = read_whole(self._folder / _RULES).decode()
        except (OSError, UnicodeDecodeError):
            return False
        return rules == repr(self._delegation) and (self._folder / COPY).is_file()

    def write(self, texts: Mapping[Key, str]) -> None:
        """Replaces the documents in one step; raises `UnwritableError`."""
        link = self._folder / BESIDE
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            if not link.is_symlink() or link.readlink() != self._beside:
                link.unlink(missing_ok=True)
                link.symlink_to(self._beside)
        except OSError as error:
            raise UnwritableError(f"cannot write {self._folder}: {error.strerror}") from error
        self.prune(texts)
        write_durably(self._folder / _RULES, repr(self._delegation).encode())

    def prune(self, texts: Mapping[Key, str]) -> None:
        """As `write`, for some of the documents in it: whether it is current stays as it was."""
        own = self._delegation.own
        # Of two with one name, the first one is in force: a document of our own before others.
        ordered = sorted(texts, key=lambda key: (key.namespace != own, key))
        pairs = [(key.file, texts[key]) for key in ordered]
        content = json.dumps(pairs, ensure_ascii=False).encode("utf-8", "surrogatepass")
        write_durably(self._folder / COPY, content)


def _read(text: str) -> Iterator[tuple[Key, str]]:
    for file, one in copies(text):
        namespace, _, name = file.removeprefix(KUBERNETES_FILE).partition("/")
        yield Key(namespace, str(yaml.safe_load(one)["kind"]), name), one
