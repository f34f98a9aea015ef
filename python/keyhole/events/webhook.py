"""Events as one signed request: JSON, and the headers that prove who sent it.

The headers are those of Standard Webhooks (standardwebhooks.com), for which receivers find
libraries in most languages.
"""

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Sequence

from keyhole.events.error import SendError
from keyhole.events.event import Event
from keyhole.events.syslog import Origin

MIN_SECRET = 24
"""Octets of a secret that nobody guesses; Standard Webhooks asks for as many."""
_PREFIX = "whsec_"


def body(events: Sequence[Event], origin: Origin, lost: int) -> bytes:
    """The events as one document; ``lost`` is how many were dropped so far."""
    document = {
        "source": "keyhole",
        "version": origin.version,
        "host": origin.host,
        "lost": lost,
        "events": [
            {
                "id": one.id,
                "time": one.moment,
                "kind": one.kind,
                "severity": one.severity.word,
                "text": one.text,
                "fields": dict(one.fields),
            }
            for one in events
        ],
    }
    # ASCII alone: what cannot be seen is escaped (RFC 8259 section 7).
    return json.dumps(document, ensure_ascii=True, separators=(",", ":")).encode()


def read_key(content: bytes) -> bytes:
    """The key that a secret file holds: its text, or base64 after ``whsec_``. Raises
    `SendError`."""
    try:
        text = content.decode("ascii").strip()
    except UnicodeDecodeError:
        raise SendError("it is no text of ASCII characters") from None
    key = text.encode()
    if text.startswith(_PREFIX):
        try:
            key = base64.b64decode(text.removeprefix(_PREFIX), validate=True)
        except binascii.Error:
            raise SendError(f"what follows {_PREFIX} is not base64") from None
    if len(key) < MIN_SECRET:
        raise SendError(f"it is shorter than {MIN_SECRET} characters, so that it may be guessed")
    return key


def signed_headers(key: bytes, delivery: str, moment: int, content: bytes) -> dict[str, str]:
    """The headers of a request with this content, sent at ``moment`` (seconds of Unix time)."""
    signed = b"%s.%d.%s" % (delivery.encode(), moment, content)
    signature = base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()
    return {
        "webhook-id": delivery,
        "webhook-timestamp": str(moment),
        "webhook-signature": f"v1,{signature}",
    }
