"""One real mesh for all tests of this folder; a minute to start."""

from collections.abc import Iterator

import pytest

from tests.world.certificates import Authority
from tests.world.real_mesh import Mesh, real_mesh


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What changes the mesh for good comes after all that count on the mesh as it was installed."""
    items.sort(key=lambda item: item.path.stem == "test_without_tcp")


@pytest.fixture(scope="session")
def mesh(tmp_path_factory: pytest.TempPathFactory, authority: Authority) -> Iterator[Mesh]:
    """The chart, injected and running, with clients in and outside of the mesh."""
    with real_mesh(tmp_path_factory.mktemp("mesh"), authority) as one:
        yield one


@pytest.fixture(scope="session")
def two_forwarders(mesh: Mesh) -> Mesh:
    """The same with the second forwarder, which most tests do not need."""
    mesh.start(mesh.pod("keyhole-forwarder", 1))
    return mesh
