"""DNS names as people write them, normalized.

The normal form is lower case (RFC 4343), absolute without the last dot. Internationalized labels
are A-labels (RFC 5890 section 2.3.2.1), and any octet but letters, digits, ``-`` and ``_`` is
escaped (RFC 1035 section 5.1): a name is whatever the wire may carry.
"""

import ipaddress
import re

from keyhole.model.field_types import FieldType, text_of
from keyhole.model.idn import fold, to_ascii

MAX_LABEL = 63  # octets, RFC 1035 section 2.3.4
MAX_WIRE = 255  # octets, RFC 1035 section 2.3.4
MAX_NAME = 253  # characters of the text form: 255 octets less root label and first length octet

_ADDRESSES = b"\0address"
"""The last label of names that stand for addresses in lists; the core makes them, and refuses them
from people."""
_PLAIN = re.compile(r"[a-z0-9_-]+")
_ESCAPE = re.compile(r"\\(?:[0-9]{3}|[^0-9])", re.DOTALL)
# What the core shows with an escape (RFC 1035 section 5.1); a person has to write more of them.
_SHOWN_ESCAPED = '0123456789.\\"();@$'


def read_name(written: object) -> str:
    """One name without wildcard, such as ``example.org``."""
    text = text_of(written).strip()
    if "*" in without_escapes(text):
        raise ValueError(f"{text} has a star; one single name is wanted here")
    return _read(text)


def read_owner(written: object) -> str:
    """The owner of a local record: a name, or ``*.`` and a name."""
    text = text_of(written).strip()
    return f"*.{_read(text[2:])}" if text.startswith("*.") else read_name(text)


def read_host_name(written: object) -> str:
    """The name of a host, as certificates hold it: no escape, no hyphen at the end of a label."""
    name = read_name(written)
    for label in name.split("."):
        if "\\" in name:
            raise ValueError(f"{name} is no name of a host: those are of letters, digits, - and _")
        if label.startswith("-") or label.endswith("-"):
            raise ValueError(f"the label {label} of {name} begins or ends with a hyphen")
    return name


def without_escapes(text: str) -> str:
    """The text with an x for each escaped octet, to look for what is not escaped."""
    return _ESCAPE.sub("x", text)


def as_logged(name: str) -> str:
    """A name as the query log has it; a text that is no name is only put in lower case."""
    text = name.strip()
    try:
        return _ESCAPE.sub(_as_shown, _read(text)) if text != "." else text
    except ValueError:
        return fold(text).rstrip(".") or "."


def _as_shown(escape: re.Match[str]) -> str:
    return escape[0] if escape[0][1] in _SHOWN_ESCAPED else escape[0][1:]


def read_server_name(written: object) -> str:
    """A name or an IP address, as in a certificate."""
    text = text_of(written).strip()
    address = _address(text)
    return address if address is not None else read_host_name(text)


def reverse_name(address: str) -> str:
    """The owner of the PTR record of an address (RFC 1035 section 3.5, RFC 3596 section 2.5)."""
    return ipaddress.ip_address(address).reverse_pointer


def is_at_or_below(name: str, parent: str) -> bool:
    """Whether ``name`` is ``parent`` or lies below it."""
    return name == parent or name.endswith(f".{parent}")


NAME = FieldType(
    read_name, {"type": "string", "description": "a name", "examples": ["example.org"]}
)
OWNER = FieldType(
    read_owner,
    {"type": "string", "description": "a name, or *. and a name", "examples": ["nas.example.org"]},
)
SERVER_NAME = FieldType(
    read_server_name,
    {"type": "string", "description": "a name or an IP address", "examples": ["dns.example.org"]},
)


def _read(text: str) -> str:
    _refuse_lookalikes(text)
    labels = _escaped_labels(text) if "\\" in text else _labels(text)
    if labels[-1] == _ADDRESSES:
        raise ValueError(
            "names below \\000address stand for addresses; name an address or a network"
        )
    octets = sum(len(label) + 1 for label in labels) + 1
    if octets > MAX_WIRE:
        raise ValueError(
            f"the name has {octets - 2} characters; a name has at most {MAX_NAME} "
            "(RFC 1035 section 2.3.4)"
        )
    return ".".join(_shown(label) for label in labels)


def _labels(text: str) -> list[bytes]:
    name = to_ascii(text)
    if _address(name) is not None:  # digits of another script
        raise ValueError(f"{text} is an IP address, not a name")
    labels = name.removesuffix(".").split(".")
    for label in labels:
        _check_length(label)
        if not _PLAIN.fullmatch(label):
            strange = next((c for c in label if not _PLAIN.fullmatch(c)), ".")
            raise ValueError(
                f"{text} holds {strange!r}; names are of letters, digits, - and _, and other "
                "octets are escaped, such as \\042"
            )
    return [label.encode() for label in labels]


def _escaped_labels(text: str) -> list[bytes]:
    labels, at = [bytearray()], 0
    while at < len(text):
        escape = _ESCAPE.match(text, at)
        if escape is not None:
            digits = escape[0][1:]
            code = int(digits) if digits.isdigit() else ord(digits)
        else:
            code = ord(text[at])
        if code > 255 or (escape is None and text[at] == "\\"):
            raise ValueError(f"{text} has a backslash without a character or a number up to 255")
        if escape is None and text[at] == ".":
            labels.append(bytearray())
        elif escape is None and not _PLAIN.fullmatch(text[at].lower()):
            raise ValueError(f"{text} holds {text[at]!r}; put a backslash in front of it")
        else:
            labels[-1].append(code)
        at += len(escape[0]) if escape else 1
    if not labels[-1] and len(labels) > 1:
        labels.pop()  # the last dot
    for label in labels:
        _check_length(bytes(label).decode("latin-1"))
    return [bytes(label).lower() for label in labels]


def _check_length(label: str) -> None:
    if not label:
        raise ValueError("a label between two dots is empty")
    if len(label) > MAX_LABEL:
        raise ValueError(
            f"the label {label[:20]}... has {len(label)} characters; a label has at most "
            f"{MAX_LABEL} (RFC 1035 section 2.3.4)"
        )


def _shown(label: bytes) -> str:
    return "".join(
        chr(octet) if _PLAIN.fullmatch(chr(octet))
        else f"\\{chr(octet)}" if 0x21 <= octet <= 0x7E
        else f"\\{octet:03d}"
        for octet in label
    )  # fmt: skip


def _refuse_lookalikes(text: str) -> None:
    """Explains common mistakes: URLs, addresses, lines of lists."""
    text = without_escapes(text)
    if not text or text == ".":
        raise ValueError("a name is wanted here, such as example.org")
    if "://" in text:
        raise ValueError(f"{text} is a URL; give only its name")
    if _address(text) is not None:
        raise ValueError(f"{text} is an IP address, not a name")
    if text.startswith(("||", "@@")) or text.endswith("^"):
        raise ValueError(f"{text} is a line of a list; put it into a file that a List names")
    if any(character.isspace() for character in text):
        raise ValueError(f"{text!r} has a space in it; give each name an entry of its own")
    if "/" in text:
        raise ValueError(
            f"{text} has a slash; an expression is /in slashes/, and in a name it is \\047"
        )
    if ":" in text:
        raise ValueError(f"{text} has a colon; a name comes without a port")
    if text.startswith("."):
        raise ValueError(f"{text} begins with a dot; for all names below write *{text}")
    if ".." in text:
        raise ValueError(f"{text} has two dots in a row; between dots there is a label")


def _address(text: str) -> str | None:
    try:
        return str(ipaddress.ip_address(text.strip("[]")))
    except ValueError:
        return None
