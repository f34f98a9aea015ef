"""A wheel contains the page, at the place where control looks for it.

To build a wheel takes minutes, so this follows the table that the build reads.
"""

import re
import tomllib
from fnmatch import fnmatch
from pathlib import Path

import keyhole
from keyhole.api.page import BUILT, PageFolder

ROOT = Path(__file__).parents[2]
MATURIN = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["maturin"]
SOURCE = Path(MATURIN["python-source"])
FILES = {
    "index.html": '<script type="module" src="/assets/main-a1.js"></script>',
    "theme.js": "// theme",
    "icon.svg": "<svg/>",
    "assets/main-a1.js": "// main",
    "assets/main-a1.css": "body {}",
}


def _is_in_the_wheel(path: Path) -> bool:
    """Whether the table includes a file that git ignores, as it does the built page."""
    # Both ** and the * of fnmatch cross folders; ** crosses none, too.
    return any(
        one["format"] in ("wheel", ["wheel"]) and fnmatch(str(path), one["path"].replace("**/", ""))
        for one in MATURIN["include"]
    )


def test_each_file_of_the_page_is_in_the_wheel_where_control_looks_for_it(tmp_path: Path) -> None:
    page = SOURCE / "keyhole" / "page"
    installed = tmp_path / "site-packages"
    for name, text in FILES.items():
        assert _is_in_the_wheel(page / name), name
        target = installed / (page / name).relative_to(SOURCE)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
    package = Path(keyhole.__file__).parent
    served = PageFolder(installed / "keyhole" / BUILT.relative_to(package))
    for name in FILES:
        found = served.find(f"/{name}")
        assert found is not None, name
        assert found.content.decode() == FILES[name]


def test_the_table_includes_nothing_beside_the_page() -> None:
    for path in ("python/keyhole/_core.pyi", "web/src/main.ts", "python/keyhole/pages.py"):
        assert not _is_in_the_wheel(Path(path)), path


def test_the_build_writes_the_page_to_that_place() -> None:
    written = re.search(r"outDir: '([^']+)'", (ROOT / "web" / "vite.config.ts").read_text())
    assert written is not None
    assert (ROOT / "web" / written[1]).resolve() == (ROOT / SOURCE / "keyhole" / "page").resolve()
    if (BUILT / "index.html").is_file():
        index = (BUILT / "index.html").read_text()
        for asset in re.findall(r'(?:src|href)="/([^"]+)"', index):
            assert _is_in_the_wheel(SOURCE / "keyhole" / "page" / asset), asset
            assert PageFolder(BUILT).find(f"/{asset}") is not None, asset
