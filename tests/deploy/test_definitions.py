"""The definitions of documents for Kubernetes are made from their models, and of all of them."""

from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from keyhole.mesh.documents.kinds import OBJECTS
from keyhole.model.document import KINDS
from tools.crd_rules import RULES
from tools.crds import FILE, definitions, text

_FORBIDDEN = {"anyOf", "oneOf", "allOf", "not", "$ref", "default", "additionalProperties", "title"}
"""Words that no structural schema has beside types, and ours has not at all."""


def _schemas(schema: Any) -> Iterator[dict[str, Any]]:
    yield schema
    for one in schema.get("properties", {}).values():
        yield from _schemas(one)
    if "items" in schema:
        yield from _schemas(schema["items"])


def _spec(definition: dict[str, Any]) -> dict[str, Any]:
    (version,) = definition["spec"]["versions"]
    found: dict[str, Any] = version["schema"]["openAPIV3Schema"]["properties"]["spec"]
    return found


def test_the_committed_file_is_what_the_models_make() -> None:
    assert FILE.read_text() == text(), "run ./dev gen"
    assert list(yaml.safe_load_all(FILE.read_text())) == definitions()


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_has_all_keys_of_its_model_and_nothing_else(kind: str) -> None:
    (found,) = [one for one in definitions() if one["spec"]["names"]["kind"] == OBJECTS[kind]]
    spec = _spec(found)
    assert set(spec["properties"]) == {one.alias for one in KINDS[kind].model_fields.values()}
    for one in _schemas(spec):
        assert not _FORBIDDEN & one.keys()
        assert "type" in one or any(key.startswith("x-kubernetes") for key in one)
    names = found["spec"]["names"]
    assert names["categories"] == ["keyhole"]
    assert found["spec"]["versions"][0]["subresources"] == {"status": {}}
    columns = [one["name"] for one in found["spec"]["versions"][0]["additionalPrinterColumns"]]
    assert {"Ready", "Reason", "Age"} <= set(columns)


def test_no_rule_is_about_a_model_that_is_gone_and_no_name_is_taken_twice() -> None:
    titles: set[str] = set()
    for model in KINDS.values():
        schema = model.model_json_schema()
        titles |= {schema["title"], *schema.get("$defs", {})}
    assert RULES.keys() <= titles
    short = [one["spec"]["names"]["shortNames"][0] for one in definitions()]
    assert len(set(short)) == len(short)
    # kubectl takes it for a kind without namespaces, whatever its group.
    assert "List" not in OBJECTS.values()
