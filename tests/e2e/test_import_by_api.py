"""A file of another product is uploaded, looked at, and applied together with what stands."""

import json
from pathlib import Path

import httpx2
import pytest

from tests.world.resolver import Resolver

ADGUARD = """
dns: {upstream_dns: ["tls://9.9.9.9", 8.8.8.8], blocking_mode: default}
user_rules: ["||ads.example.org^", "/bad(/"]
querylog: {enabled: true}
"""


def _upload(
    resolver: Resolver, product: str, content: bytes, name: str = "file"
) -> httpx2.Response:
    return resolver.api(
        "POST",
        f"/imports/{product}",
        params={"file": name},
        content=content,
        headers={"content-type": "application/octet-stream", "x-keyhole-request": "test"},
    )


def test_an_uploaded_file_is_looked_at_and_its_documents_are_applied(
    reset_resolver: Resolver,
) -> None:
    one = reset_resolver
    before = one.api("GET", "/documents").json()["items"]
    answer = _upload(one, "adguard", ADGUARD.encode(), "../../AdGuard Home.yaml")
    assert answer.status_code == 200, answer.text
    found = answer.json()
    assert (found["product"], found["lacks_upstream"]) == ("AdGuard Home", False)
    assert found["default_policy"] == "home", "another policy serves all other clients already"
    fates = {item["name"]: (item["fate"], item["line"]) for item in found["items"]}
    assert fates["8.8.8.8"] == ("left", 2)
    assert fates["/bad(/"] == ("left", 3)
    assert fates["||ads.example.org^"] == ("taken", 3)
    assert [item["fate"] for item in found["items"]] == sorted(
        (item["fate"] for item in found["items"]), key=["left", "changed", "taken"].index
    )
    assert one.api("GET", "/documents").json()["items"] == before, "nothing is stored yet"
    assert one.server.ask("ads.example.org").rcode == "NOERROR"
    applied = one.api("POST", "/documents", json={"text": found["text"], "file": "import"})
    assert applied.status_code == 200, applied.text
    reply = one.server.ask("ads.example.org")
    assert reply.addresses == ["0.0.0.0"], "the rule of the file blocks it"


@pytest.mark.parametrize(
    ("product", "content", "status", "why"),
    [
        ("pihole", b"no archive", 422, "is not a file of Pi-hole"),
        ("adguard", b"", 422, "the file is empty"),
        ("adguard", b"a: [" * 40_000, 422, "file"),
        ("technitium", b"PK\x03\x04" + b"x" * 100, 422, "zip"),
        ("router", b"x", 422, "product"),
    ],
)
def test_what_cannot_be_imported_is_refused_with_a_reason(
    reset_resolver: Resolver, product: str, content: bytes, status: int, why: str
) -> None:
    answer = _upload(reset_resolver, product, content)
    assert answer.status_code == status, answer.text
    assert why in json.dumps(answer.json())
    left = [one.name for one in Path(reset_resolver.folder, "state").iterdir()]
    assert not [name for name in left if name.startswith("import-")]
