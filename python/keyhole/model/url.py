"""URLs from which lists are downloaded."""

from urllib.parse import urlsplit

from keyhole.model.address import is_address
from keyhole.model.field_types import FieldType, text_of
from keyhole.model.name import read_server_name

_EXAMPLE = "https://lists.example.org/ads.txt"
_MAX_URL = 2_048


def read_list_url(written: object) -> str:
    """An http or https URL with a host and without credentials."""
    text = text_of(written).strip()
    if len(text) > _MAX_URL or not text.isascii() or not text.isprintable() or " " in text:
        raise ValueError(
            f"not a URL: at most {_MAX_URL} ASCII characters without spaces, as {_EXAMPLE}"
        )
    try:
        parts = urlsplit(text)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise ValueError(f"{text} is not a URL; write it as {_EXAMPLE}") from None
    if parts.scheme not in ("http", "https") or not host:
        raise ValueError(f"{text} is not a URL of http or https; write it as {_EXAMPLE}")
    if parts.username is not None or parts.password is not None:
        raise ValueError(f"the URL at {host} holds a password; passwords must not be in documents")
    if parts.fragment:
        raise ValueError(f"{text} has a part behind #, which no server sees; leave it out")
    if port == 0:
        raise ValueError(f"{text} has port 0; leave the port out for the usual one")
    if not is_address(host):
        read_server_name(host)
    return text


LIST_URL = FieldType(
    read_list_url,
    {"type": "string", "format": "uri", "pattern": "^https?://", "examples": [_EXAMPLE]},
)
