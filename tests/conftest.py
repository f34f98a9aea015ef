"""Fixtures of the whole suite: a lab and a resolver that tests share, and private ones."""

import gc
import inspect
import os
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx2
import pytest
from hypothesis import HealthCheck, settings

from tests.world.certificates import Authority
from tests.world.lab import Lab
from tests.world.resolver import PATIENT, Resolver, document
from tests.world.upstream import Upstream
from tests.world.waiting import ANSWER_SECONDS

BLOCKED_BY_LIST = "tracker.example.com"
_UNIT = Path(__file__).parent / "unit"
_MEMORY = Path("/dev/shm")
_NEEDED_OCTETS = 4 << 30

# Modules and tests are a million objects that stay. To look through them for garbage takes longer
# than to import them; what tests make is looked through as ever.
gc.set_threshold(50_000)
# Hundreds of programs are started: each one would compile all modules again.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False
# In memory, fsync costs nothing; what a kill leaves behind is the same.
if _MEMORY.is_dir() and shutil.disk_usage(_MEMORY).free > _NEEDED_OCTETS:
    os.environ.setdefault("TMPDIR", str(_MEMORY))
    tempfile.tempdir = None  # read the variable again
# An example may take longer than 0.2 seconds where another program has the processor, and then the
# same one does not: both would be failures of a test that times nothing.
settings.register_profile("keyhole", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("keyhole")
# The default of the HTTP client is 5 seconds for each step, which a busy machine can need. Clients
# share this object, whichever function makes them.
_http = inspect.signature(httpx2.get).parameters["timeout"].default
_http.connect = _http.read = _http.write = _http.pool = ANSWER_SECONDS


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files that start programs first, the largest first; those of `tests/unit` last: they are
    short, so that no core waits at the end for a file that another one began late."""
    counts = Counter(item.path for item in items)
    items.sort(
        key=lambda item: (item.path.is_relative_to(_UNIT), -counts[item.path], str(item.path))
    )


def pytest_collection_finish() -> None:
    """What there is before the first test stays."""
    gc.freeze()


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """The certificate authority of this run."""
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="session")
def shared_upstream(authority: Authority) -> Iterator[Upstream]:
    """The upstream behind `shared_resolver`."""
    with Upstream(authority.issue("upstream.example.org", "127.0.0.1")) as upstream:
        yield upstream


@pytest.fixture(scope="session")
def shared_resolver(
    tmp_path_factory: pytest.TempPathFactory, authority: Authority, shared_upstream: Upstream
) -> Iterator[Resolver]:
    """A resolver for tests that only send queries; others use `reset_resolver` or their own."""
    resolver = Resolver(tmp_path_factory.mktemp("shared") / "data", authority)
    (resolver.documents / "ads.txt").write_text(f"0.0.0.0 {BLOCKED_BY_LIST}\n")
    resolver.write(
        resolver.upstream(shared_upstream.port),
        document("List", "ads", kind="block", files=["ads.txt"]),
        document("Record", "web", name="web.example.org", a=["127.0.0.1"]),
        document("Record", "printer", name="printer.example.org", a=["192.0.2.7"], txt=["lobby"]),
        document(
            "Policy",
            "home",
            default="allow",
            upstreams=PATIENT,
            rules=[
                {"block": ["blocked.example.org", "*.blocked.example.org"]},
                {"block": ["refused.example.org"], "answer": "refused"},
                {"block": ["null.example.org"], "answer": "null"},
                {"block": ["walled.example.org"], "answer": "192.0.2.99"},
                {"block": ["/^ad[0-9]+\\.example\\.org$/"]},
                {"block": ["watched.example.org"], "mode": "observe"},
            ],
            lists=["ads"],
            safeSearch=["bing"],
            services=["tiktok"],
        ),
    )
    try:
        yield resolver.start()
    finally:
        resolver.stop()


@pytest.fixture
def upstream(authority: Authority) -> Iterator[Upstream]:
    """A private upstream."""
    with Upstream(authority.issue("upstream.example.org", "127.0.0.1")) as one:
        yield one


@pytest.fixture
def make_resolver(tmp_path: Path, authority: Authority) -> Iterator[Callable[[], Resolver]]:
    """Makes resolvers that are not started; all of them end with the test."""
    made: list[Resolver] = []

    def make() -> Resolver:
        made.append(Resolver(tmp_path / f"resolver-{len(made)}", authority))
        return made[-1]

    yield make
    for resolver in made:
        resolver.stop()


@pytest.fixture
def resolver(make_resolver: Callable[[], Resolver], upstream: Upstream) -> Resolver:
    """A private resolver that uses `upstream` and allows all names; not started."""
    one = make_resolver()
    one.write(
        one.upstream(upstream.port),
        document("Policy", "home", default="allow", upstreams=["test"]),
    )
    return one


@pytest.fixture(scope="module")
def module_resolver(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, authority: Authority
) -> Iterator[Resolver]:
    """The resolver behind `reset_resolver`; a module may give its settings as ``SETTINGS``."""
    resolver = Resolver(tmp_path_factory.mktemp("module") / "data", authority)
    resolver.configure(**getattr(request.module, "SETTINGS", {}))
    yield resolver
    resolver.stop()


@pytest.fixture
def reset_resolver(module_resolver: Resolver, upstream: Upstream) -> Resolver:
    """Like `resolver`, but running, and shared by the tests of a module.

    Each test begins with the same documents, and with an upstream of which nothing is cached. Tests
    may change documents and certificates, not settings.
    """
    module_resolver.reset(
        module_resolver.upstream(upstream.port),
        document("Policy", "home", default="allow", upstreams=["test"]),
    )
    return module_resolver


@pytest.fixture(scope="module")
def shared_lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """A lab for tests of a file that only send queries.

    It ends with the file: its workloads ask all the time, a tenth of a processor. To run until the
    end of all tests, in each worker, would cost far more than another start.
    """
    lab = Lab(tmp_path_factory.mktemp("lab"))
    try:
        yield lab
    finally:
        lab.program.stop()
