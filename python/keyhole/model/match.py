"""The names that a rule matches: one name, all names below one, or an expression."""

from typing import Any, Literal

from pydantic import model_serializer, model_validator

from keyhole.model.expression import matches_name, read_expression
from keyhole.model.field_types import Boundary, FieldType, text_of
from keyhole.model.name import read_name, without_escapes


class Match(Boundary):
    """Names to match; for the engine one key and one text, as ``{"exact": ...}``."""

    kind: Literal["exact", "below", "regex"]
    text: str

    @model_validator(mode="before")
    @classmethod
    def _one_key(cls, value: Any) -> Any:
        if isinstance(value, dict) and len(value) == 1:
            ((kind, text),) = value.items()
            return {"kind": kind, "text": text}
        return value

    @model_serializer
    def _as_one_key(self) -> dict[str, str]:
        return {self.kind: self.text}

    def covers(self, name: str) -> bool | None:
        """Whether it matches ``name`` (lower case, without the last dot); none if only the engine
        can decide that."""
        match self.kind:
            case "exact":
                return name == self.text
            case "below":
                return name.endswith(f".{self.text}")
            case _:
                return matches_name(read_expression(self.text), name)

    def __str__(self) -> str:
        written = {"exact": "{}", "below": "*.{}", "regex": "/{}/"}
        return written[self.kind].format(self.text)


def read_match(written: object) -> Match:
    """Reads ``example.org``, ``*.example.org`` or ``/expression/``."""
    text = text_of(written).strip()
    if text.startswith("/"):
        return Match(kind="regex", text=_expression(text))
    if text == "*":
        raise ValueError("* would mean every name; that is what default is for")
    if text.startswith("*."):
        if "*" in without_escapes(text[2:]):
            raise ValueError(f"{text} has more than one star; write an expression in /slashes/")
        return Match(kind="below", text=read_name(text[2:]))
    if "*" in without_escapes(text):
        raise ValueError(
            f"the star in {text} is not a label in front; write *.example.org, "
            "or an expression in /slashes/"
        )
    return Match(kind="exact", text=read_name(text))


def _expression(text: str) -> str:
    body, slash, flags = text[1:].rpartition("/")
    if not slash:
        raise ValueError(f"{text} begins with a slash and lacks the one at the end")
    if flags:
        raise ValueError(
            f"{text} has {flags} behind the slash; names are lower case, no flag is needed"
        )
    return read_expression(body).text


MATCH = FieldType(
    read_match,
    {
        "type": "string",
        "description": "a name, *. and a name, or an expression between slashes",
        "examples": ["example.org", "*.example.org", "/^ad[0-9]+[.]/"],
    },
)
