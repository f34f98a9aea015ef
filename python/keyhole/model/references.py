"""References to other documents, by name."""

from typing import Annotated

from pydantic import AfterValidator, Field


def each_once(names: list[str]) -> list[str]:
    """The names, each of which may appear once."""
    for index, name in enumerate(names):
        if name in names[:index]:
            raise ValueError(f"{name} appears twice; name it once")
    return names


References = Annotated[list[Annotated[str, Field(min_length=1)]], AfterValidator(each_once)]
