from typing import Any

import pytest
from pydantic import ValidationError

from keyhole.model.schedule import When, read_days, read_minute, read_zone, show_minute


def when(**said: Any) -> When:
    return When.model_validate({"timezone": "Europe/Berlin", **said})


def complaint(**said: Any) -> str:
    with pytest.raises(ValidationError) as caught:
        when(**said)
    (detail,) = caught.value.errors()
    return str(detail.get("ctx", {}).get("error", detail["msg"]))


def test_a_time_reads_and_shows_as_the_minute_of_the_day() -> None:
    for minute in range(1441):
        assert read_minute(show_minute(minute)) == minute
    assert read_minute("9:05") == 545


@pytest.mark.parametrize("text", ["", "21", "9pm", "21:0", "21:60", "24:01", "-1:00", "21:00:00"])
def test_what_is_no_time_of_the_day_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="write hours and minutes from 00:00 to 24:00, as 21:00"):
        read_minute(text)


def test_days_may_be_short_or_long_or_a_part_of_the_week() -> None:
    assert read_days("Mon") == read_days("monday") == (0,)
    assert when(days=["weekend", "fri", "sat"]).weekdays == (4, 5, 6)
    assert when(days="weekdays").weekdays == (0, 1, 2, 3, 4)
    assert when(**{"from": "8:00", "to": "9:00"}).weekdays == (0, 1, 2, 3, 4, 5, 6)


def test_what_is_no_day_is_refused_with_the_nearest() -> None:
    with pytest.raises(ValueError, match="did you mean tuesday"):
        read_days("teusday")
    with pytest.raises(ValueError, match=r"give mon, tue, .* weekdays or weekend"):
        read_days("mon-fri")


def test_a_time_zone_has_to_be_known_and_the_nearest_is_named() -> None:
    assert read_zone("Asia/Kolkata") == "Asia/Kolkata"
    for text, meant in [
        ("berlin", "Europe/Berlin"),
        ("europe/berlin", "Europe/Berlin"),
        ("Europe/Berlni", "Europe/Berlin"),
        ("../../etc/passwd", "Europe/Berlin or UTC"),
        ("localtime", "."),
        ("", "Europe/Berlin or UTC"),
    ]:
        with pytest.raises(ValueError, match=f"is not a time zone; .*{meant}"):
            read_zone(text)


def test_a_span_may_go_over_midnight_and_whole_days_end_where_they_begin() -> None:
    assert when(**{"from": "21:00", "to": "07:00"}).minutes == (1260, 420)
    assert when(days=["sun"]).minutes == (0, 0)
    assert when(**{"from": "00:00", "to": "24:00"}).minutes == (0, 0)
    assert when(**{"from": "22:00", "to": "24:00"}).minutes == (1320, 0)


def test_its_words_describe_the_schedule() -> None:
    said = when(days=["mon", "tue"], **{"from": "21:00", "to": "7:00"})
    assert said.words == "mon, tue from 21:00 to 07:00 Europe/Berlin"
    assert when(days=["sat"]).words == "sat Europe/Berlin"


def test_an_invalid_schedule_is_refused() -> None:
    assert "always apply" in complaint()
    assert "from without to" in complaint(**{"from": "21:00"})
    assert "to without from" in complaint(to="21:00")
    assert "are the same" in complaint(**{"from": "21:00", "to": "21:00"})
    assert "24:00 ends a day" in complaint(**{"from": "24:00", "to": "07:00"})


def test_the_time_zone_has_to_be_said() -> None:
    with pytest.raises(ValidationError, match="timezone"):
        When.model_validate({"days": ["mon"]})
