"""The CustomResourceDefinitions of Keyhole's documents, from the models of ``schema/``.

``python -m tools.crds`` writes them into the chart. What a structural schema cannot say, rules in
CEL say, with the words of the models; what neither can say, control says in the status.
"""

import sys
from typing import Any

import yaml

from keyhole.mesh.documents.kinds import GROUP, OBJECTS, PLURALS, VERSION
from keyhole.model.document import KINDS
from tools.chart import CHART
from tools.crd_rules import COLUMNS, RULES, SHORT, TEXTS_OR_NULL

FILE = CHART / "definitions.yaml"
_HEAD = "# Made by python -m tools.crds (./dev gen) from the models of the documents.\n"
_Schema = dict[str, Any]
_KEPT = {"type", "description", "enum", "pattern", "format", "minimum", "maximum"}
_KEPT |= {"minLength", "maxLength", "minItems", "maxItems", "required"}
_NAME = "a document has a name of at most 63 characters"
_WORD_OR_KEYS = {"UpstreamUse", "ListUse"}
"""Models in whose place a list of names may stand."""
_STATUS = {
    "type": "object",
    "description": "What Keyhole has made of it.",
    "properties": {
        "document": {"type": "string", "description": "The name of the document in Keyhole."},
        "conditions": {
            "type": "array",
            "description": "Ready says whether it is in force as it stands here.",
            "x-kubernetes-list-type": "map",
            "x-kubernetes-list-map-keys": ["type"],
            "items": {
                "type": "object",
                "required": ["type", "status", "lastTransitionTime", "reason", "message"],
                "properties": {
                    "type": {"type": "string"},
                    "status": {"type": "string", "enum": ["True", "False", "Unknown"]},
                    "observedGeneration": {"type": "integer", "format": "int64"},
                    "lastTransitionTime": {"type": "string", "format": "date-time"},
                    "reason": {"type": "string"},
                    "message": {"type": "string"},
                },
            },
        },
    },
}


def definitions() -> list[_Schema]:
    """One definition for each kind of document."""
    return [_definition(kind) for kind in KINDS]


def text() -> str:
    """The file with all of them."""
    documents = (
        yaml.dump(one, Dumper=_Dumper, sort_keys=False, width=100, allow_unicode=True)
        for one in definitions()
    )
    return _HEAD + "---\n".join(documents)


class _Dumper(yaml.SafeDumper):  # type: ignore[misc]  # it has no types
    def ignore_aliases(self, data: Any) -> bool:
        return True


def _definition(kind: str) -> _Schema:
    plural, named = PLURALS[kind], OBJECTS[kind]
    names = {
        "kind": named,
        "listKind": f"{named}List",
        "plural": plural,
        "singular": named.lower(),
        "shortNames": [SHORT[kind]],
        "categories": ["keyhole"],
    }
    version = {
        "name": VERSION,
        "served": True,
        "storage": True,
        "subresources": {"status": {}},
        "additionalPrinterColumns": [_column(*one) for one in COLUMNS[kind]],
        "schema": {"openAPIV3Schema": _whole(kind)},
    }
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {
            "name": f"{plural}.{GROUP}",
            # Without them, the documents of everybody would be gone with the release.
            "annotations": {"helm.sh/resource-policy": "keep"},
        },
        "spec": {"group": GROUP, "scope": "Namespaced", "names": names, "versions": [version]},
    }


def _column(name: str, path: str, kind: str = "string", priority: int = 0) -> _Schema:
    return {"name": name, "type": kind, "jsonPath": path, "priority": priority}


def _whole(kind: str) -> _Schema:
    model = KINDS[kind].model_json_schema(by_alias=True)
    return {
        "type": "object",
        "description": model["description"],
        "required": ["spec"],
        "properties": {
            "apiVersion": {"type": "string"},
            "kind": {"type": "string"},
            "metadata": {"type": "object"},
            "spec": structural(model, model.get("$defs", {})),
            "status": _STATUS,
        },
        "x-kubernetes-validations": [
            {"rule": "size(self.metadata.name) <= 63", "message": _NAME, "fieldPath": ".metadata"}
        ],
    }


def structural(schema: _Schema, definitions: _Schema) -> _Schema:
    """A JSON schema of pydantic as a structural one. No defaults: the models know which key was
    written, and a server would write all of them."""
    if "$ref" in schema:
        inner = definitions[schema["$ref"].rpartition("/")[2]]
        return _described(schema, structural(inner, definitions))
    if schema.get("title") in _WORD_OR_KEYS:
        return _anything(schema)
    if "anyOf" in schema:
        return _described(schema, _one_of(schema, definitions))
    found = {key: one for key, one in schema.items() if key in _KEPT}
    if "const" in schema:
        found["enum"] = [schema["const"]]
    if "enum" in found:
        found.setdefault("type", "string")
    if "items" in schema:
        found["items"] = structural(schema["items"], definitions)
    if "properties" in schema:
        found["properties"] = {
            key: _property(key, structural(one, definitions))
            for key, one in schema["properties"].items()
        }
    if rules := RULES.get(schema.get("title", "")):
        found["x-kubernetes-validations"] = [
            {"rule": rule, "message": message} for rule, message in rules
        ]
    return found


def _property(key: str, schema: _Schema) -> _Schema:
    # A server takes the null of all others out, as if the key had been left out.
    return {**schema, "nullable": True} if key in TEXTS_OR_NULL else schema


def _described(schema: _Schema, made: _Schema) -> _Schema:
    return {**made, "description": schema["description"]} if "description" in schema else made


def _one_of(schema: _Schema, definitions: _Schema) -> _Schema:
    parts = [one for one in schema["anyOf"] if one != {"type": "null"}]
    if len(parts) == 1:
        return structural(parts[0], definitions)
    kinds = {one.get("type") for one in parts}
    if kinds == {"string", "integer"}:
        (words,) = [one for one in parts if one["type"] == "string"]
        (number,) = [one for one in parts if one["type"] == "integer"]
        low, high, pattern = number["minimum"], number["maximum"], words["pattern"]
        rule = f"type(self) == int ? self >= {low} && self <= {high} : self.matches(r'{pattern}')"
        message = f"{words['description']}, or as many seconds"
        return {
            "x-kubernetes-int-or-string": True,
            "x-kubernetes-validations": [{"rule": rule, "message": message}],
        }
    words = [one for one in parts[0]["enum"] if one is not None]
    if all(one.get("format") in ("ipv4", "ipv6") for one in parts[1:]):
        # No rule: of that many answers, a server fears the cost.
        return {"type": "string", "pattern": f"^({'|'.join(words)}|[0-9A-Fa-f.:]+)$"}
    return _anything({})


def _anything(schema: _Schema) -> _Schema:
    """A word, a list or keys: no structural schema has that, so that control alone checks it."""
    return _described(schema, {"x-kubernetes-preserve-unknown-fields": True})


def main() -> int:
    """Writes the file; gives the exit code."""
    FILE.write_text(text())
    return 0


if __name__ == "__main__":
    sys.exit(main())
