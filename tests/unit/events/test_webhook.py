"""A receiver can verify who sent a webhook and when; what cannot be verified is not sent."""

import base64
import hashlib
import hmac

import pytest

from keyhole.events import SendError
from keyhole.events.webhook import read_key, signed_headers


def test_the_signature_is_that_of_standard_webhooks() -> None:
    # The example of standardwebhooks.com.
    key = read_key(b"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n")
    content = b'{"test": 2432232314}'
    headers = signed_headers(key, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, content)
    assert headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    assert headers["webhook-timestamp"] == "1614265330"


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"short", "shorter than"),
        (b"whsec_!!!!", "not base64"),
        (b"\xff" * 40, "ASCII"),
        (b"", "shorter than"),
    ],
)
def test_a_secret_that_can_be_guessed_or_read_wrongly_is_refused(content: bytes, why: str) -> None:
    with pytest.raises(SendError, match=why):
        read_key(content)


def test_a_secret_without_prefix_is_its_text() -> None:
    key = read_key(b"0123456789abcdef0123456789abcdef\n")
    given = signed_headers(key, "msg_1", 5, b"x")["webhook-signature"].removeprefix("v1,")
    wanted = hmac.digest(b"0123456789abcdef0123456789abcdef", b"msg_1.5.x", hashlib.sha256)
    assert base64.b64decode(given) == wanted
