"""How clients and times are read from text."""

import pytest

from keyhole.control.error import ControlError
from keyhole.control.explain import Client, read_client, read_time

WEB = "spiffe://example.org/ns/shop/sa/web"


@pytest.mark.parametrize(
    ("text", "client"),
    [
        (WEB, Client({"identity": WEB})),
        (f"expired:{WEB}", Client({"identity": WEB}, expired=True)),
        ("token:living-room-tv", Client({"token": "living-room-tv"})),
        ("192.0.2.1", Client({"address": "192.0.2.1"})),
        ("2001:DB8::1", Client({"address": "2001:db8::1"})),
    ],
)
def test_a_client_is_an_identity_a_token_or_an_address(text: str, client: Client) -> None:
    assert read_client(text) == client


@pytest.mark.parametrize(
    "text",
    ["", "web", "token:", "expired:", "expired:192.0.2.1", "expired:token:tv", "192.0.2.0/24"],
)
def test_an_invalid_client_gets_an_error_with_the_forms(text: str) -> None:
    with pytest.raises(ControlError, match=r"spiffe://.*token:NAME.*address"):
        read_client(text)


@pytest.mark.parametrize(
    "text", ["2026-11-25T21:00+01:00", "2026-11-25T20:00Z", "2026-11-25 20:00Z"]
)
def test_a_time_is_read_with_its_zone(text: str) -> None:
    assert read_time(text) == 1_795_636_800


@pytest.mark.parametrize("text", ["", "9 pm", "2026-13-01T00:00", "21:00"])
def test_an_invalid_time_gets_an_error_with_an_example(text: str) -> None:
    with pytest.raises(ControlError, match="2026-11-25T21:00"):
        read_time(text)
