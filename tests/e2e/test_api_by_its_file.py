"""The running API, asked what its own file allows and what it does not (Schemathesis).

Bounded and with a fixed seed: the same requests each time.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.world.api import HEADER
from tests.world.certificates import Authority
from tests.world.no_tls import NO_TLS
from tests.world.ports import free_port
from tests.world.resolver import Resolver

FILE = Path(__file__).parents[2] / "schema" / "openapi.json"
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
EXAMPLES = 6
_ENDLESS = "an answer that has no end cannot be waited for"
LIVE = {
    "/api/v1/queries/live": _ENDLESS,
    "/api/v1/graph/live": _ENDLESS,
    "/api/v1/proof/run": "each request would start a lab; test_proof.py starts one",
}
"""Paths that are left out, each with its reason."""

WHOLE = schemathesis.openapi.from_path(FILE)
SCHEMA = WHOLE.exclude(path=list(LIVE))


@pytest.fixture(scope="module")
def running(
    tmp_path_factory: pytest.TempPathFactory, authority: Authority
) -> Iterator[tuple[str, dict[str, str]]]:
    """The address of a Keyhole, and the headers of somebody who may do everything."""
    resolver = Resolver(tmp_path_factory.mktemp("file") / "data", authority)
    port = free_port()
    resolver.configure(
        api={"listen": [f"127.0.0.1:{port}"]},
        enrollment={"listen": [f"127.0.0.1:{free_port()}"]},
    )
    resolver.start()
    made = resolver.api("POST", "/tokens", json={"name": "everything", "role": "administrator"})
    token = {"authorization": f"Bearer {made.json()['secret']}"}
    yield f"http://127.0.0.1:{port}", {**HEADER, **token}
    resolver.stop()


def test_whoever_asks_is_believed(running: tuple[str, dict[str, str]]) -> None:
    url, headers = running
    answer = httpx2.get(f"{url}/api/v1/people", headers=headers, trust_env=False, verify=NO_TLS)
    assert answer.status_code == 200, "otherwise the others would only be refused"


@SCHEMA.parametrize()
@settings(
    max_examples=EXAMPLES,
    derandomize=True,
    database=None,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
def test_the_api_answers_as_its_file_says(
    case: "schemathesis.Case[Any]", running: tuple[str, dict[str, str]]
) -> None:
    url, headers = running
    case.call_and_validate(base_url=url, headers=headers, checks=CHECKS)
