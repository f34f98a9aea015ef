"""Types of fields that parse the text of a person, and base classes of the models.

Files hold texts, true, false, lists and mappings. Only the type of a field decides whether a text
is a number, a duration or a name, so ``21:00`` and ``1.10`` stay texts until then.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel, ConfigDict, GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.alias_generators import to_camel
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

JsonSchema = dict[str, Any]


def error_at(key: str, why: str) -> PydanticCustomError:
    """An error at one key, for a validator of the whole mapping.

    ``key`` may be a path, as in ``subjects.2``.
    """
    return PydanticCustomError("blame", "{why}", {"key": key, "why": why})


@dataclass(frozen=True, eq=False)  # metadata must be hashable
class FieldType:
    """Pydantic metadata: ``read`` parses a field, and raises ValueError with the reason.

    ``show`` returns the written form of a value, which ``read`` accepts again.
    """

    read: Callable[[Any], Any]
    schema: JsonSchema = field(default_factory=lambda: {"type": "string"})
    show: Callable[[Any], Any] = str

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(
            self.read,
            serialization=core_schema.plain_serializer_function_ser_schema(self.show),
        )

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchema:
        return dict(self.schema)


class Section(BaseModel):
    """A part of ``keyhole.yaml``; unknown keys are errors, keys are snake_case."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=False)


class Spec(BaseModel):
    """A part of a document; unknown keys are errors, keys are camelCase as in Kubernetes."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        alias_generator=to_camel,
        populate_by_name=False,
        serialize_by_alias=True,
    )


class Boundary(BaseModel):
    """A part of a document for the engine: no key may be missing or unknown."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def text_of(written: object) -> str:
    """The text that was written; raises ValueError for anything else."""
    if isinstance(written, bool):
        word = str(written).lower()
        raise ValueError(f"{word} is not text here; put it in quotes if you mean the word")
    if isinstance(written, int):
        return str(written)
    if not isinstance(written, str):
        kinds = {dict: "keys", list: "a list", type(None): "nothing"}
        raise ValueError(f"one text is wanted here, not {kinds.get(type(written), 'this')}")
    return written


def flag_of(written: object) -> bool:
    """true or false; raises ValueError for anything else."""
    if isinstance(written, bool):
        return written
    raise ValueError(f"{written} is neither true nor false")


FLAG = FieldType(flag_of, {"type": "boolean"}, bool)


def count(low: int, high: int) -> FieldType:
    """A whole number from ``low`` to ``high``."""

    def read(written: object) -> int:
        text = text_of(written).strip()
        if not text.isascii() or not text.isdigit():
            raise ValueError(f"{text} is not a whole number; give one from {low} to {high}")
        number = int(text) if len(text) < 20 else high + 1
        if not low <= number <= high:
            raise ValueError(f"{text} is out of range; give a number from {low} to {high}")
        return number

    return FieldType(read, {"type": "integer", "minimum": low, "maximum": high}, int)
