"""A catalog of well-known lists: their URLs, not their contents."""

import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Literal


@dataclass(frozen=True)
class PublishedList:
    """A published list."""

    name: str
    """The name of its List document."""
    title: str
    url: str
    about: str
    """Its contents in a few words."""
    home: str
    """The page of its maintainers, with the license."""
    kind: Literal["block", "allow"] = "block"

    @property
    def document(self) -> str:
        """A List document that downloads it."""
        return (
            f"# {self.title}: {self.about}\n# {self.home}\n"
            "apiVersion: keyhole.dev/v1\nkind: List\n"
            f"metadata: {{name: {self.name}}}\n"
            f"spec:\n  kind: {self.kind}\n  urls: [{json.dumps(self.url)}]\n"
        )


@cache
def catalog() -> dict[str, PublishedList]:
    """All lists of the catalog by name."""
    text = files(__name__).joinpath("lists.json").read_text(encoding="utf-8")
    return {row["name"]: PublishedList(**row) for row in json.loads(text)}
