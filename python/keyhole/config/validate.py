"""Validates a source tree against a model: a value, or all problems with their places."""

import re
from collections.abc import Iterator, Sequence
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from keyhole.config.source_tree import Location, Node, locate, plain
from keyhole.config.yaml import MAX_PROBLEMS
from keyhole.errors import Problem
from keyhole.model.suggestion import not_valid, suggest

Model = TypeVar("Model", bound=BaseModel)

_KINDS = {
    "string_type": "one text is wanted here",
    "list_type": "a list is wanted here, such as [one, two]",
    "model_type": "keys with values are wanted here",
    "model_attributes_type": "keys with values are wanted here",
    "dict_type": "keys with values are wanted here",
}


def validate(
    model: type[Model], node: Node, file: str, document: str = ""
) -> tuple[Model | None, list[Problem]]:
    """The value, or none and the problems, each with its line and its dotted path."""
    try:
        return model.model_validate(plain(node)), []
    except ValidationError as error:
        details = error.errors(include_url=False, include_input=True)
        shown = [_problem(model, node, one, file, document) for one in details[:MAX_PROBLEMS]]
        if left := len(details) - len(shown):
            why = f"{left} more problems are not listed; mend these first"
            shown.append(Problem(file, locate(node, [])[0], document, "", why))
        return None, shown


def _problem(
    model: type[BaseModel], node: Node, detail: ErrorDetails, file: str, document: str
) -> Problem:
    location: Location = [*detail["loc"], *_error_key(detail)]
    line, path = locate(node, location)
    return Problem(file, line, document, path, _why(model, detail))


def _error_key(detail: ErrorDetails) -> Sequence[int | str]:
    if detail["type"] != "blame":
        return []
    steps = str(detail["ctx"]["key"]).split(".")
    return [int(step) if step.isdigit() else step for step in steps]


def _why(model: type[BaseModel], detail: ErrorDetails) -> str:
    kind, context = detail["type"], detail.get("ctx", {})
    match kind:
        case "extra_forbidden":
            key, keys = str(detail["loc"][-1]), _keys_at(model, detail["loc"][:-1])
            return f"there is no key {key} here; {suggest(key, keys)}"
        case "missing":
            about = _description_at(model, detail["loc"])
            return f"the key {detail['loc'][-1]} is missing" + (f": {about}" if about else "")
        case "literal_error":
            valid = re.findall(r"'([^']*)'", str(context["expected"]))
            return not_valid(_shown(detail["input"]), valid)
        case "value_error":
            return str(context["error"])
        case "too_short" | "string_too_short":
            return "empty; give at least one, or leave the key out"
        case "too_long":
            return f"{context['actual_length']} entries; at most {context['max_length']} are taken"
    return _KINDS.get(kind, detail["msg"])


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return value[:60] if isinstance(value, str) else "this"


def _keys_at(model: type[BaseModel], location: Location) -> list[str]:
    found = _model_at(model, location)
    return [name for name, _ in _fields(found)] if found else []


def _description_at(model: type[BaseModel], location: Location) -> str:
    found = _model_at(model, location[:-1])
    fields = dict(_fields(found)) if found else {}
    field = fields.get(str(location[-1]))
    text = (field.description or "") if field else ""
    is_word = text[1:2].islower()  # not an abbreviation
    return (text[:1].lower() if is_word else text[:1]) + text[1:].rstrip(".")


def _fields(model: type[BaseModel]) -> Iterator[tuple[str, FieldInfo]]:
    for name, field in model.model_fields.items():
        yield field.alias or name, field


def _model_at(model: type[BaseModel], location: Location) -> type[BaseModel] | None:
    current: type[BaseModel] | None = model
    for step in location:
        if isinstance(step, int):
            continue
        field = dict(_fields(current)).get(step) if current else None
        current = _model_in(field.annotation) if field else None
    return current


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for part in get_args(annotation) if (found := _model_in(part))), None)
