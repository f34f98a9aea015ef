import re
from pathlib import Path

import pytest

from keyhole.model.record_type import RECORD_TYPES, read_record_type, show_record_type

TYPES_RS = Path(__file__).parents[3] / "crates" / "wire" / "src" / "types.rs"


def test_the_table_is_the_same_on_both_sides_of_the_boundary() -> None:
    table = re.search(r"^record_types! \{(.*?)^\}", TYPES_RS.read_text(), re.DOTALL | re.MULTILINE)
    assert table is not None
    rust = {name: int(number) for name, number in re.findall(r"(\w+) = (\d+)", table[1])}
    assert rust == RECORD_TYPES


def test_a_type_is_read_by_name_in_any_case_and_by_number() -> None:
    assert [read_record_type(text) for text in ("AAAA", "https", "TYPE65399")] == [28, 65, 65399]
    assert [show_record_type(number) for number in (28, 65399)] == ["AAAA", "TYPE65399"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("AAA", "did you mean AAAA?"),
        ("TYPE65536", "is not a record type"),
        ("TYPE0", "is not a record type"),
        ("OPT", "no client may ask for OPT"),
    ],
)
def test_what_is_no_type_is_refused_with_the_nearest_one(text: str, expected: str) -> None:
    with pytest.raises(ValueError, match=re.escape(expected)):
        read_record_type(text)
