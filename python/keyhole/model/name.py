"""DNS names as people write them, normalized.

The normal form is lower case (RFC 4343), absolute without the last dot, and internationalized
labels are A-labels (RFC 5890 section 2.3.2.1).
"""

import ipaddress
import re

from keyhole.model.field_types import FieldType, text_of

MAX_LABEL = 63  # octets, RFC 1035 section 2.3.4
MAX_NAME = 253  # characters of the text form: 255 octets less root label and first length octet

_LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?")
# IDNA 2003 maps these characters, IDNA 2008 keeps them (RFC 5894 section 7.2): one text would be
# two names.
_DEVIATIONS = {"ß": "ß", "ς": "ς", "\u200c": "U+200C", "\u200d": "U+200D"}


def read_name(written: object) -> str:
    """One name without wildcard, such as ``example.org``."""
    text = text_of(written).strip()
    if "*" in text:
        raise ValueError(f"{text} has a star; one single name is wanted here")
    return _read(text)


def read_owner(written: object) -> str:
    """The owner of a local record: a name, or ``*.`` and a name."""
    text = text_of(written).strip()
    return f"*.{_read(text[2:])}" if text.startswith("*.") else read_name(text)


def read_server_name(written: object) -> str:
    """A name or an IP address, as in a certificate."""
    text = text_of(written).strip()
    address = _address(text)
    return address if address is not None else read_name(text)


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
    name = text.removesuffix(".")
    labels = [_read_label(label, text) for label in _labels(name)]
    joined = ".".join(labels)
    if len(joined) > MAX_NAME:
        raise ValueError(
            f"the name has {len(joined)} characters; a name has at most {MAX_NAME} "
            "(RFC 1035 section 2.3.4)"
        )
    return joined


def _labels(name: str) -> list[str]:
    # The other full stops that IDNA takes for a dot (RFC 3490 section 3.1).
    return re.sub("[\u3002\uff0e\uff61]", ".", name).split(".")


def _refuse_lookalikes(text: str) -> None:
    """Explains common mistakes: URLs, addresses, lines of lists."""
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
    if "/" in text or "\\" in text:
        raise ValueError(f"{text} has a slash; a name has none, and an expression is /in slashes/")
    if ":" in text:
        raise ValueError(f"{text} has a colon; a name comes without a port")
    if text.startswith("."):
        raise ValueError(f"{text} begins with a dot; for all names below write *{text}")
    if ".." in text:
        raise ValueError(f"{text} has two dots in a row; between dots there is a label")


def _read_label(label: str, name: str) -> str:
    if not label.isascii():
        label = _to_ascii(label, name)
    label = label.lower()
    if len(label) > MAX_LABEL:
        raise ValueError(
            f"the label {label[:20]}... has {len(label)} characters; a label has at most "
            f"{MAX_LABEL} (RFC 1035 section 2.3.4)"
        )
    if not _LABEL.fullmatch(label):
        if label.startswith("-") or label.endswith("-"):
            raise ValueError(f"the label {label} of {name} begins or ends with a hyphen")
        strange = next(c for c in label if not re.fullmatch("[a-z0-9_-]", c))
        raise ValueError(f"{name} holds {strange!r}; names are of letters, digits, - and _")
    return label


def _to_ascii(label: str, name: str) -> str:
    for character, shown in _DEVIATIONS.items():
        if character in label:
            raise ValueError(
                f"{shown} in {name} is read in two ways; write the label in its xn-- form"
            )
    try:
        return label.encode("idna").decode("ascii")
    except UnicodeError:
        raise ValueError(
            f"the label {label[:63]} of {name[:80]} cannot be an internationalized label; "
            "write it in its xn-- form"
        ) from None


def _address(text: str) -> str | None:
    try:
        return str(ipaddress.ip_address(text.strip("[]")))
    except ValueError:
        return None
