"""Artifacts as ``./dev release --quick`` packs them: the core and libraries that setup built."""

import sys
from pathlib import Path

import pytest

from tools.release.build import build_quick
from tools.release.project import Project, ReleaseError

PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"


def _ignore(_: str) -> None:
    pass


def _begun() -> Project:
    project = Project()
    try:
        project.page  # noqa: B018  (it says what is missing)
    except ReleaseError as error:
        pytest.skip(str(error))
    return project


@pytest.fixture(scope="session")
def packed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a release without Debian package."""
    out = tmp_path_factory.mktemp("packed") / "dist"
    build_quick(_begun(), out, _ignore)
    return out


@pytest.fixture(scope="session")
def with_deb(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a release with a Debian package for the Python that runs this."""
    out = tmp_path_factory.mktemp("with-deb") / "dist"
    build_quick(_begun(), out, _ignore, python=PYTHON)
    return out
