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

_RULES = "delegation.json"


class ClusterCopy:
    """The copy in one folder; paths in documents are relative to ``beside``.

    ``delegation`` says who may write what; with another one the copy was made by other rules.
    """

    def __init__(self, folder: Path, beside: Path, delegation: Delegation) -> None:
        self._folder = folder
        self._beside = beside
        self._own = delegation.own
        self._rules = repr(delegation)

    def read(self) -> dict[Key, str]:
        """The documents in it, without delegated ones where the rules have changed since: what they
        may say is to be decided anew."""
        try:
            text = read_copies(self._folder)
            found = dict(_read(text)) if text is not None else {}
            rules = (self._folder / _RULES).read_text(encoding="utf-8")
        except (OSError, ValueError, TypeError):
            return {}
        is_same = rules == self._rules
        return {key: one for key, one in found.items() if is_same or key.namespace == self._own}

    def write(self, texts: Mapping[Key, str]) -> None:
        """Replaces the documents in one step; raises `UnwritableError`."""
        # Of two with one name, the first one is in force: a document of our own before others.
        ordered = sorted(texts, key=lambda key: (key.namespace != self._own, key))
        pairs = [(key.file, texts[key]) for key in ordered]
        content = json.dumps(pairs, ensure_ascii=False).encode("utf-8", "surrogatepass")
        link = self._folder / BESIDE
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            if not link.is_symlink() or link.readlink() != self._beside:
                link.unlink(missing_ok=True)
                link.symlink_to(self._beside)
        except OSError as error:
            raise UnwritableError(f"cannot write {self._folder}: {error.strerror}") from error
        write_durably(self._folder / _RULES, self._rules.encode())
        write_durably(self._folder / COPY, content)


def _read(text: str) -> Iterator[tuple[Key, str]]:
    for file, one in copies(text):
        namespace, _, name = file.removeprefix(KUBERNETES_FILE).partition("/")
        yield Key(namespace, str(yaml.safe_load(one)["kind"]), name), one
