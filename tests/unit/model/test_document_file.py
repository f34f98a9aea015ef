"""Every field of a document that names a file has the one type for it."""

from collections.abc import Iterator
from typing import Any, get_args

import pytest
from pydantic import BaseModel

from keyhole.config import read_text_documents
from keyhole.model.document import KINDS, document_model
from keyhole.model.document_file import DocumentFile, SecretFile, files_of


def _leaves(annotation: Any) -> Iterator[Any]:
    parts = get_args(annotation)
    if not parts:
        yield annotation
    for part in parts:
        yield from _leaves(part)


def _fields(model: type[BaseModel]) -> Iterator[tuple[str, str, set[Any]]]:
    """Name, description and types of all fields of a model and of the models in it."""
    for name, field in model.model_fields.items():
        types = set(_leaves(field.annotation))
        yield name, field.description or "", types
        for one in types:
            if isinstance(one, type) and issubclass(one, BaseModel):
                yield from _fields(one)


@pytest.mark.parametrize("kind", KINDS)
def test_a_field_that_speaks_of_a_file_has_the_type_of_files(kind: str) -> None:
    """A1: a field of another type would not be held to the documents folder."""
    for name, about, types in _fields(document_model(kind)):
        is_file = any(isinstance(one, type) and issubclass(one, DocumentFile) for one in types)
        if about.startswith(("PEM file", "PEM files", "Files")):
            assert is_file, f"{kind}: {name} is a file of another type"


def test_every_file_of_a_spec_is_found_with_its_place(tmp_path: Any) -> None:
    text = (
        "apiVersion: keyhole.dev/v1\nkind: Upstream\nmetadata: {name: one}\nspec:\n"
        "  protocol: dot\n  addresses: [192.0.2.1]\n  serverName: dns.example\n  ca: ca.pem\n"
        "  crls: [one.pem, two.pem]\n  clientCertificate: {certificate: c.pem, key: k.pem}\n"
    )
    documents, problems = read_text_documents(text, "a.yaml", tmp_path)
    assert problems == []
    found = dict(files_of(documents.upstreams[0].spec))
    assert found == {
        ("ca",): "ca.pem",
        ("crls", 0): "one.pem",
        ("crls", 1): "two.pem",
        ("clientCertificate", "certificate"): "c.pem",
        ("clientCertificate", "key"): "k.pem",
    }
    secret = {place for place, file in found.items() if isinstance(file, SecretFile)}
    assert secret == {("clientCertificate", "certificate"), ("clientCertificate", "key")}
