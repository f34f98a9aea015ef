"""Writes documents as YAML, with comments that say where each part came from.

Untrusted text is written as a JSON string, which YAML reads too, unless it is a plain word.
Comments are kept to one line.
"""

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

from keyhole.config.files import MAX_FILE
from keyhole.importers.document import CommentedValue, Document
from keyhole.model.document import API_VERSION

_FILES = {
    "Policy": "policies",
    "List": "lists",
    "Client": "clients",
    "Record": "records",
    "Upstream": "upstreams",
}
_ROOM = MAX_FILE // 2
"""Octets after which a new file begins; half the limit, so that people can add to it."""
_MAX_COMMENT = 100
_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9_/-]*(?:[.:][A-Za-z0-9_/-]+)*")
_WORDS = {"true", "false", "null", "yes", "no", "on", "off", "y", "n"}


def write(documents: Iterable[Document], heading: str) -> dict[str, str]:
    """The text of each file by name, each below the size limit of documents."""
    texts: dict[str, list[str]] = {}
    for one in documents:
        written = _document(one)
        pieces = texts.setdefault(_FILES[one.kind], [])
        if not pieces or len(pieces[-1]) + len(written) > _ROOM:
            pieces.append(f"# {_comment(heading)}\n")
        elif not pieces[-1].rstrip().endswith("---"):
            pieces[-1] += "---\n"
        pieces[-1] += written
    return {
        f"{stem}{f'-{number}' if number > 1 else ''}.yaml": text
        for stem, pieces in texts.items()
        for number, text in enumerate(pieces, 1)
    }


def _document(one: Document) -> str:
    lines = [
        *(f"# {_comment(comment)}" for comment in one.comments),
        f"{'# ' if one.is_commented_out else ''}apiVersion: {API_VERSION}",
    ]
    body = [f"kind: {one.kind}", f"metadata: {{name: {_scalar(one.name)}}}", "spec:"]
    body += _mapping(one.spec, "  ")
    lines += [f"# {line}" if one.is_commented_out else line for line in body]
    return "\n".join(lines) + "\n"


def _mapping(values: dict[str, Any], indent: str) -> Iterator[str]:
    for key, value in values.items():
        yield from _value(f"{indent}{key}:", value, indent + "  ")


def _value(head: str, value: Any, indent: str) -> Iterator[str]:
    """A value after a key or a dash."""
    if isinstance(value, dict) and value:
        yield head
        yield from _mapping(value, indent)
    elif isinstance(value, list) and any(isinstance(one, CommentedValue | dict) for one in value):
        yield head
        for one in value:
            yield from _item(one, indent)
    else:
        yield f"{head} {_flow(value)}"


def _item(value: Any, indent: str) -> Iterator[str]:
    if isinstance(value, dict):
        lines = list(_mapping(value, indent + "  "))
        yield f"{indent}- {lines[0].strip()}"
        yield from lines[1:]
    elif isinstance(value, CommentedValue) and value.comment:
        yield f"{indent}- {_scalar(value.value)}  # {_comment(value.comment)}"
    else:
        yield f"{indent}- {_flow(value)}"


def _flow(value: Any) -> str:
    if isinstance(value, list):
        return f"[{', '.join(_flow(one) for one in value)}]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {_flow(one)}" for key, one in value.items()) + "}"
    return _scalar(value.value if isinstance(value, CommentedValue) else value)


def _scalar(value: str | int | bool) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int):
        return str(value)
    if _PLAIN.fullmatch(value) and value.lower() not in _WORDS:
        return value
    quoted = json.dumps(value, ensure_ascii=False)
    return "".join(letter if letter.isprintable() else f"\\U{ord(letter):08x}" for letter in quoted)


def _comment(text: str) -> str:
    """The text on one line, without control characters."""
    line = " ".join(text.split())
    shown = "".join(letter if letter.isprintable() else "?" for letter in line)
    return shown if len(shown) <= _MAX_COMMENT else f"{shown[: _MAX_COMMENT - 3]}..."
