"""What is sent as syslog is what RFC 5424 and RFC 5425 say, whatever names a client asks for."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from keyhole.events import Event, Severity
from keyhole.events.plain_text import plain
from keyhole.events.syslog import MAX_MESSAGE, SD_ID, Origin, frame, message
from keyhole.events.webhook import body
from tests.world.events import read_frames, read_message

_ORIGIN = Origin("resolver-1", 4711, "1.2.3")


def _event(text: str = "done", **fields: Any) -> Event:
    return Event("audit", Severity.NOTICE, text, fields, datetime(2026, 12, 1, 10, tzinfo=UTC), "7")


def test_a_message_has_each_part_of_the_standard_at_its_place() -> None:
    found = message(_event(who="root", number=17, address=None, detail={"a": [1]}), _ORIGIN, 3)
    # Facility 13 (log audit), severity 5: 13 * 8 + 5 (RFC 5424 section 6.2.1).
    assert found.decode() == (
        "<109>1 2026-12-01T10:00:00.000000Z resolver-1 keyhole 4711 audit "
        '[origin software="keyhole" swVersion="1.2.3"][meta sequenceId="3"]'
        f'[{SD_ID} id="7" who="root" number="17" detail="{{\\"a\\": [1\\]}}"] \ufeffdone'
    )


@pytest.mark.parametrize(
    "hostile",
    [
        'a"] [evil@1 x="y"]',
        "back\\slash\\",
        "line\r\n<0>1 - - - - - - forged",
        "nul\0esc\x1b[2J",
        "bidi\u202egnp.exe\u2066",
        "ütf-8 ✓ \U0001f512",
        "lone \udcff surrogate",
        "\u2028separator\x85\x7f",
    ],
)
def test_a_hostile_name_stays_one_value_and_one_line(hostile: str) -> None:
    whole = read_message(message(_event(hostile, name=hostile), _ORIGIN, 1))
    assert whole.data[SD_ID]["name"] == plain(hostile)
    assert whole.text == plain(hostile)
    assert whole.data.keys() == {"origin", "meta", SD_ID}
    assert all(one.isprintable() for one in plain(hostile))
    (event,) = json.loads(body([_event(hostile, name=hostile)], _ORIGIN, 0))["events"]
    assert event["fields"]["name"] == hostile
    assert body([_event(hostile)], _ORIGIN, 0).isascii()


def test_a_long_message_loses_its_longest_fields_and_says_so() -> None:
    many = {f"field_{number}": "é" * 900 for number in range(9)}
    found = message(_event("✓" * 5_000, short="kept", **many), _ORIGIN, 1)
    assert len(found) <= MAX_MESSAGE
    data = read_message(found).data[SD_ID]
    assert (data["short"], data["truncated"]) == ("kept", "true")


def test_frames_count_octets_and_not_characters() -> None:
    messages = [message(_event("✓ ü"), _ORIGIN, 1), message(_event("12 34"), _ORIGIN, 2)]
    assert read_frames(b"".join(map(frame, messages))) == messages


@pytest.mark.parametrize(
    ("sequence", "shown"), [(1, "1"), (2_147_483_647, "2147483647"), (2**31, "1")]
)
def test_the_sequence_begins_again_where_the_standard_has_it(sequence: int, shown: str) -> None:
    found = read_message(message(_event(), Origin("a b\n", 1, "0"), sequence))
    assert found.data["meta"]["sequenceId"] == shown
    assert found.host == "a_b_"
