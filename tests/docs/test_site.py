"""The documentation site: built from the pages, complete, and with nothing from elsewhere."""

import os
import re
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest

from tests.docs.pages import ROOT

pytest.importorskip("mkdocs", reason="./dev setup installs it")

_LOADS = {
    "script": "src", "img": "src", "iframe": "src", "source": "srcset", "link": "href",
    "video": "src", "audio": "src", "form": "action", "object": "data", "embed": "src",
}  # fmt: skip
"""Tags that load or send by themselves, and where to."""
_URL = re.compile(r"url\(\s*['\"]?((?:https?:)?//[^)'\"]+)")


class _Page(HTMLParser):
    def __init__(self, file: Path) -> None:
        super().__init__()
        self.elsewhere: list[str] = []
        self.links: set[str] = set()
        self.rule = ""
        self.feed(file.read_text())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        known = {key: value or "" for key, value in attrs}
        address = known.get(_LOADS.get(tag, ""), "")
        if address.startswith(("http:", "https:", "//")):
            self.elsewhere.append(f"{tag} {address}")
        if tag == "a":
            self.links.add(known.get("href", ""))
        if tag == "meta" and known.get("http-equiv") == "Content-Security-Policy":
            self.rule = known["content"]


def _build(folder: Path, site: Path) -> subprocess.CompletedProcess[str]:
    words = [sys.executable, "-m", "mkdocs", "build", "--site-dir", str(site)]
    quiet = os.environ | {"NO_MKDOCS_2_WARNING": "1"}
    return subprocess.run(words, cwd=folder, capture_output=True, text=True, env=quiet, check=False)


def test_the_site_has_every_page_and_loads_nothing_from_elsewhere(tmp_path: Path) -> None:
    site = tmp_path / "site"
    done = _build(ROOT, site)
    assert done.returncode == 0, done.stderr
    assert "WARNING" not in done.stderr
    front = _Page(site / "index.html")
    for page in (ROOT / "docs").rglob("*.md"):
        name = page.relative_to(ROOT / "docs").with_suffix(".html")
        built = name.with_name("index.html") if name.stem == "README" else name
        assert (site / built).is_file(), built
        assert str(built) in front.links or built.name == "index.html", f"{built} is not listed"
    pages = [_Page(file) for file in site.rglob("*.html")]
    assert [one for page in pages for one in page.elsewhere] == []
    assert {page.rule.partition(";")[0] for page in pages} == {"default-src 'self'"}
    styles = "".join(file.read_text() for file in site.rglob("*.css"))
    assert _URL.findall(styles) == []


def test_a_broken_link_or_anchor_ends_the_build(tmp_path: Path) -> None:
    for name in ("docs", "tools/site"):
        shutil.copytree(ROOT / name, tmp_path / name)
    shutil.copy(ROOT / "mkdocs.yml", tmp_path)
    guide = tmp_path / "docs" / "guides" / "now.md"
    guide.write_text(guide.read_text() + "\n[a](nowhere.md) [b](policy.md#nothing)\n")
    done = _build(tmp_path, tmp_path / "site")
    assert done.returncode != 0
    assert "nowhere.md" in done.stderr
    assert "#nothing" in done.stderr
