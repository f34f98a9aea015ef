"""Settings with a mode among their keys: written with them, or as the word of the mode alone."""

from collections.abc import Callable, Sequence
from typing import Any

from pydantic import field_validator, model_validator

from keyhole.model.field_types import Spec


def mode_word(value: Any) -> Any:
    """The word of a mode: what reads YAML by version 1.1, as kubectl does, makes true and false of
    ``on`` and ``off``. Anything else as it is."""
    return ("on" if value else "off") if isinstance(value, bool) else value


class ModeOrKeys(Spec):
    """Settings with a field ``mode``, whose word may stand in the place of all keys."""

    @model_validator(mode="before")
    @classmethod
    def _word_alone(cls, value: Any) -> Any:
        word = mode_word(value)
        return {"mode": word} if isinstance(word, str) else word

    @field_validator("mode", mode="before", check_fields=False)
    @classmethod
    def _is_word(cls, value: Any) -> Any:
        return mode_word(value)


def word_or_keys(modes: Sequence[str]) -> Callable[[dict[str, Any]], None]:
    """Changes a JSON schema so that one of these words may stand in the place of the keys."""

    def change(schema: dict[str, Any]) -> None:
        names = [name for name in schema if name not in ("title", "description")]
        keys = {name: schema.pop(name) for name in names}
        schema["anyOf"] = [{"enum": list(modes)}, keys]

    return change
