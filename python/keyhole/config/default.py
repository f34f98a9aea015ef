"""The complete, commented default ``keyhole.yaml``, made from the models."""

import json
import textwrap
from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from keyhole.config.sections import Config
from keyhole.model.field_types import FieldType

_WIDTH = 96


def default_config_text(config: Config | None = None) -> str:
    """The file; read back, it gives the defaults, or this config."""
    told = "the values here are the defaults" if config is None else "keyhole setup wrote this file"
    lines = [
        f"# The settings of this Keyhole. Every key may be left out; {told}.",
        "# Sizes are written as 512B, 8KiB, 64MiB or 1GiB, times as 500ms, 30s, 5m, 12h or 1d.",
        "# keyhole check tells whether the file is right, and what would be right where it is not.",
        *_section(Config, (config or Config()).model_dump(mode="json"), 0),
    ]
    return "\n".join(lines) + "\n"


def _section(model: type[BaseModel], values: dict[str, Any], depth: int) -> Iterator[str]:
    indent = "  " * depth
    for key, field in model.model_fields.items():
        nested = _section_model(field)
        if depth == 0 or nested:
            yield ""
        if nested:
            yield from _comment(nested.__doc__ or "", indent)
            yield f"{indent}{key}:"
            yield from _section(nested, values[key], depth + 1)
        else:
            yield from _comment(_about(field), indent)
            yield f"{indent}{_line(key, field, values[key])}"


def _section_model(field: FieldInfo) -> type[BaseModel] | None:
    annotation: Any = field.annotation
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return None


def _about(field: FieldInfo) -> str:
    written: dict[str, Any] = {}
    for how in field.metadata:
        if isinstance(how, FieldType):
            written = how.schema.get("anyOf", [how.schema])[0]
    span = written.get("description", "")
    if "minimum" in written:
        span = f"a number from {written['minimum']} to {written['maximum']}"
    return (
        f"{field.description or ''} ({span[:1].upper()}{span[1:]}.)"
        if " from " in span
        else (field.description or "")
    )


def _comment(text: str, indent: str) -> Iterator[str]:
    plain = " ".join(text.replace("``", "").split())
    for line in textwrap.wrap(plain, _WIDTH - len(indent)):
        yield f"{indent}# {line}"


def _line(key: str, field: FieldInfo, value: Any) -> str:
    if value is None:
        example = (field.examples or [""])[0]
        return f"# {key}: {example}"
    if isinstance(value, list):
        return f"{key}: [{', '.join(json.dumps(one) for one in value)}]"
    if isinstance(value, bool):
        return f"{key}: {str(value).lower()}"
    return f"{key}: {value}"
