"""The export of all documents, which can be imported again."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from keyhole.api.document_export import export_documents
from keyhole.api.principal import Principal
from keyhole.control.changes.change_request import read_change_requests
from keyhole.model.role import Role

INDENTED = """  apiVersion: keyhole.dev/v1
  kind: Record
  metadata: {name: shelf}
  spec: {name: shelf.example.org, a: [192.0.2.8]}
"""


@dataclass
class _Document:
    text: str
    is_shadowed: bool = False
    origin: str = "stored"


class _Changes:
    def documents(self) -> tuple[list[_Document], None]:
        return [_Document(INDENTED), _Document(f"\n{INDENTED.replace('shelf', 'desk')}\n")], None


def test_a_document_that_is_indented_as_a_whole_can_be_imported_again(tmp_path: Path) -> None:
    viewer = Principal("anna", Role.VIEWER, "session")
    answer = export_documents(cast(Any, _Changes()), viewer)
    found = read_change_requests(bytes(answer.body).decode(), "export", tmp_path)
    assert [one.label for one in found] == ["Record/shelf", "Record/desk"]
    assert found[0].text == INDENTED
