import pytest
from hypothesis import given
from hypothesis import strategies as st

from keyhole.model.units import (
    read_milliseconds,
    read_octets,
    seconds,
    show_milliseconds,
    show_octets,
)


@given(st.integers(0, 2**40))
def test_a_size_that_is_shown_reads_back_as_itself(octets: int) -> None:
    assert read_octets(show_octets(octets)) == octets


@given(st.integers(0, 2**40))
def test_a_time_that_is_shown_reads_back_as_itself(milliseconds: int) -> None:
    assert read_milliseconds(show_milliseconds(milliseconds)) == milliseconds


@pytest.mark.parametrize(
    ("text", "octets"), [("512B", 512), ("8KiB", 8192), ("64 MiB", 64 << 20), ("1232", 1232)]
)
def test_a_size_is_read_in_its_unit(text: str, octets: int) -> None:
    assert read_octets(text) == octets


def test_a_unit_that_means_different_things_to_people_is_refused_with_the_right_one() -> None:
    with pytest.raises(ValueError, match=r"did you mean 64MiB\?"):
        read_octets("64MB")


def test_a_time_without_a_unit_is_refused_with_both_readings() -> None:
    with pytest.raises(ValueError, match="write 30s for seconds or 30ms"):
        read_milliseconds("30")
    assert read_milliseconds("0") == 0


@pytest.mark.parametrize("text", ["", "s", "-1s", "1.5s", "1e3s", "٣s", "9" * 30 + "s"])
def test_what_is_no_whole_number_with_a_unit_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="write a whole number and a unit"):
        read_milliseconds(text)


def test_a_ttl_may_be_a_bare_number_of_seconds() -> None:
    ttl = seconds(0, 604_800, bare=True)
    assert (ttl.read("300"), ttl.read("5m"), ttl.read("7d")) == (300, 300, 604_800)
    with pytest.raises(ValueError, match="out of range; give something from 0s to 7d"):
        ttl.read("8d")
    with pytest.raises(ValueError, match="not a whole number of seconds"):
        ttl.read("1500ms")
