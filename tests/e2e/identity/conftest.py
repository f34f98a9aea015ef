"""One resolver that knows who asks, shared by all tests that only ask it."""

from collections.abc import Iterator

import pytest

from tests.e2e.identity.certificates import Made
from tests.e2e.identity.street import Street, settle
from tests.world.certificates import Authority
from tests.world.resolver import Resolver
from tests.world.trust import TrustDomain
from tests.world.upstream import Upstream


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """The trust domains of this run."""
    folder = tmp_path_factory.mktemp("trust")

    def domain(name: str) -> TrustDomain:
        return TrustDomain(folder / name, f"{name}.test")

    return Made(
        home=domain("keyhole"),
        partner=domain("partner"),
        overdue=domain("overdue"),
        silent=domain("silent"),
        stranger=domain("stranger"),
    )


@pytest.fixture(scope="session")
def street(
    tmp_path_factory: pytest.TempPathFactory,
    authority: Authority,
    shared_upstream: Upstream,
    made: Made,
) -> Iterator[Street]:
    """A strict resolver and its neighbors, for tests that only ask."""
    resolver = Resolver(tmp_path_factory.mktemp("street") / "data", authority)
    try:
        yield settle(resolver, shared_upstream.port, made)
    finally:
        resolver.stop()
