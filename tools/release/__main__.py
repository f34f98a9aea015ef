"""``./dev release``: builds everything that people install, into ``dist/``."""

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tools.release.build import SUMS, build, build_quick
from tools.release.project import ROOT, Project, ReleaseError

_WORK = ROOT / "target" / "release-work"


def main(words: Sequence[str] | None = None) -> int:
    """Builds; gives the exit code."""
    options = _parser().parse_args(words)
    project = Project()
    try:
        return _run(project, options)
    except ReleaseError as error:
        print(f"release: {error}", file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="./dev release", description=__doc__)
    parser.add_argument("--out", type=Path, default=ROOT / "dist", help="the folder (dist)")
    parser.add_argument(
        "--python",
        action="append",
        help="a Python for which a Debian package is built, such as 3.13; may be repeated (by "
        "default that of this Debian)",
    )
    parser.add_argument(
        "--quick",
        action="store_true",
        help="pack the core and the libraries that setup built and installed; for tests alone",
    )
    parser.add_argument(
        "--check", action="store_true", help="build twice, and compare the artifacts"
    )
    parser.add_argument(
        "--changed", action="store_true", help="build even if files differ from the commit"
    )
    return parser


def _run(project: Project, options: argparse.Namespace) -> int:
    changed = project.changed()
    if changed and not (options.changed or options.quick):
        files = ", ".join(line[3:] for line in changed[:5])
        raise ReleaseError(f"files differ from the commit: {files}; commit them, or say --changed")
    out: Path = options.out.resolve()
    _build(project, options, out, _WORK)
    for line in (out / SUMS).read_text().splitlines():
        name = line.split("  ", 1)[1]
        print(f"{(out / name).stat().st_size / 2**20:8.1f} MiB  {out.name}/{name}")
    return _check(project, options, out) if options.check else 0


def _build(project: Project, options: argparse.Namespace, out: Path, work: Path) -> None:
    if options.quick:
        build_quick(project, out, _say, python=f"{sys.version_info.major}.{sys.version_info.minor}")
    else:
        build(project, out, options.python or [_system_python()], work, _say)


def _check(project: Project, options: argparse.Namespace, out: Path) -> int:
    """Builds everything again from nothing, elsewhere, and tells what is different."""
    _say("building again, to compare")
    with tempfile.TemporaryDirectory(dir=_WORK.parent, prefix="again-") as folder:
        again = Path(folder) / "dist"
        _build(project, options, again, Path(folder) / "work")
        first, second = _digests(out), _digests(again)
    for name in sorted(first.keys() | second.keys()):
        if first.get(name) != second.get(name):
            print(f"release: {name} is different", file=sys.stderr)
    if first == second:
        print(f"both builds have the same {len(first)} artifacts, octet by octet")
    return 0 if first == second else 1


def _digests(out: Path) -> dict[str, str]:
    lines = (out / SUMS).read_text().splitlines()
    return {name: digest for digest, _, name in (line.partition("  ") for line in lines)}


def _system_python() -> str:
    """The Python of this Debian, which the package will run with."""
    try:
        done = subprocess.run(
            ["/usr/bin/python3", "-c", "import sys; print('%d.%d' % sys.version_info[:2])"],
            check=True,
            capture_output=True,
            text=True,
        )
    except (OSError, subprocess.CalledProcessError) as error:
        raise ReleaseError(f"{error}; say for which Python, as in --python 3.11") from error
    return done.stdout.strip()


def _say(text: str) -> None:
    print(f"==> {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
