"""Keys that are valid only together."""

from keyhole.model.field_types import Section, error_at


def both_or_none(section: Section, first: str, second: str) -> None:
    """Raises an error at the key that is given without the other one."""
    given = [key for key in (first, second) if getattr(section, key) is not None]
    if len(given) == 1:
        (present,) = given
        absent = second if present == first else first
        raise error_at(present, f"{present} without {absent}; give both or none")
