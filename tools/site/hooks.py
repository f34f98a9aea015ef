"""Hooks of the documentation site: pages that no section lists, and links out of ``docs``."""

import re
from pathlib import Path, PurePosixPath
from typing import Any

_LINK = re.compile(r"(?<!!)\[([^\]]+)\]\(([^)#\s:]+\.\w+)(#[^)\s]*)?\)")
_CODE = re.compile(r"(^```.*?^```|`[^`\n]*`)", re.MULTILINE | re.DOTALL)
_ADDED = {"How to": "guides", "Why": "decisions"}
"""Sections, and the folders whose other pages they get."""


def on_config(config: Any) -> Any:
    """Adds the pages of a folder that no section lists: a new guide is never unreachable."""
    listed = set(_pages(config.nav))
    for section in config.nav:
        for title, folder in _ADDED.items():
            if title in section:
                files = sorted(Path(config.docs_dir, folder).glob("*.md"))
                pages = [f"{folder}/{file.name}" for file in files]
                # The list of all decisions opens its section.
                pages.sort(key=lambda page: not page.endswith("/README.md"))
                section[title] += [page for page in pages if page not in listed]
    return config


def _pages(nav: Any) -> list[str]:
    if isinstance(nav, str):
        return [nav]
    inside = nav.values() if isinstance(nav, dict) else nav
    return [page for one in inside for page in _pages(one)]


def on_page_markdown(markdown: str, *, page: Any, **_: Any) -> str:
    """A file of the sources that is no page is named instead of linked."""
    folder = PurePosixPath(page.file.src_uri).parent

    def replaced(link: re.Match[str]) -> str:
        path = _joined(folder, link[2])
        return link[0] if path is None else f"{link[1]} (`{path}` in the sources)"

    parts = _CODE.split(markdown)
    parts[::2] = [_LINK.sub(replaced, part) for part in parts[::2]]
    return "".join(parts)


def _joined(folder: PurePosixPath, target: str) -> str | None:
    """The path from the root of the sources; none for what lies below ``docs``."""
    parts = ["docs", *folder.parts]
    for part in PurePosixPath(target).parts:
        if part == "..":
            if not parts:
                return None
            parts.pop()
        else:
            parts.append(part)
    return None if parts[:1] == ["docs"] else "/".join(parts)
