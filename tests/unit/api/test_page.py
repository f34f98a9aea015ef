"""What the page's files are served with, and to whom."""

import gzip
from pathlib import Path
from typing import Any

import pytest

from keyhole.api.page import PageFolder
from tests.unit.accounts.conftest import House
from tests.unit.api.conftest import ACCEPTED, BASE, MiddlewareClient

INDEX = "<!doctype html><title>Keyhole</title>"
SCRIPT = "export const answer = 42;\n" * 200


@pytest.fixture
def built(tmp_path: Path) -> Path:
    """A small page, with a secret beside it that must not be served."""
    root = tmp_path / "page"
    (root / "assets").mkdir(parents=True)
    (root / ".vite").mkdir()
    (root / "index.html").write_text(INDEX)
    (root / "icon.svg").write_text("<svg/>")
    (root / "assets" / "index-a1b2c3.js").write_text(SCRIPT)
    (root / ".vite" / "manifest.json").write_text("{}")
    (tmp_path / "secret.txt").write_text("secret")
    (root / "link.txt").symlink_to(tmp_path / "secret.txt")
    return root


@pytest.fixture
def page(house: House, built: Path) -> MiddlewareClient:
    """The middleware with that page."""
    return MiddlewareClient(house, page=PageFolder(built))


def test_the_page_needs_no_login_and_the_api_still_does(page: MiddlewareClient) -> None:
    assert page.ask("GET", "/").text == INDEX
    assert page.ask("GET", "/api/v1/status").status_code == 401
    assert page.ask("GET", "/api").status_code == 401
    assert page.ask("GET", "/api/v1/health").status_code == ACCEPTED


@pytest.mark.parametrize(
    ("path", "cache", "kind"),
    [
        ("/", "no-cache", "text/html; charset=utf-8"),
        ("/icon.svg", "no-cache", "image/svg+xml"),
        (
            "/assets/index-a1b2c3.js",
            "public, max-age=31536000, immutable",
            "text/javascript; charset=utf-8",
        ),
    ],
)
def test_hashed_files_are_kept_and_all_others_are_validated(
    page: MiddlewareClient, path: str, cache: str, kind: str
) -> None:
    headers = page.ask("GET", path).headers
    assert headers["cache-control"] == cache
    assert headers["content-type"] == kind
    again = page.ask("GET", path, headers={"if-none-match": headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["cache-control"] == cache


@pytest.mark.parametrize("path", ["/log", "/lists/ads", "/policies/shop/versions", "/settings/"])
def test_a_path_of_the_page_gives_the_index(page: MiddlewareClient, path: str) -> None:
    answer = page.ask("GET", path)
    assert (answer.status_code, answer.text) == (200, INDEX)
    head = page.ask("HEAD", path)
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == str(len(INDEX))


@pytest.mark.parametrize(
    "path",
    [
        "/assets/index-old.js",
        "/secret.txt",
        "/link.txt",
        "/.vite/manifest.json",
        "/assets/.hidden",
        "/etc/passwd.txt",
    ],
)
def test_no_other_file_is_served(page: MiddlewareClient, path: str) -> None:
    answer = page.ask("GET", path)
    assert answer.status_code == 404
    assert answer.json()["type"] == "urn:keyhole:problem:not_found"
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("path", ["/%2e%2e/secret.txt", "/..%2fsecret.txt", "/assets/%2e%2e/x"])
def test_no_path_leads_out_of_the_page(page: MiddlewareClient, path: str) -> None:
    assert page.ask("GET", path).status_code == 400


def test_the_content_security_policy_of_the_page_allows_nothing_inline_and_no_other_origin(
    page: MiddlewareClient,
) -> None:
    given = page.ask("GET", "/log").headers["content-security-policy"]
    policy = dict(one.strip().split(" ", 1) for one in given.split(";"))
    assert policy == {
        "default-src": "'none'",
        "script-src": "'self'",
        "style-src": "'self'",
        "img-src": "'self' data:",
        "font-src": "'self'",
        "connect-src": "'self'",
        "worker-src": "'self'",
        "manifest-src": "'self'",
        "form-action": "'self'",
        "frame-ancestors": "'none'",
        "base-uri": "'none'",
        "require-trusted-types-for": "'script'",
        "trusted-types": "svelte-trusted-html keyhole-worker",
    }


@pytest.mark.parametrize(
    ("more", "status"),
    [
        ({"base": "https://evil.example.org"}, 421),
        ({"address": "198.51.100.1"}, 403),
        ({"base": "http://keyhole.example.org"}, 403),
    ],
)
def test_the_page_has_the_same_limits_as_the_api(
    page: MiddlewareClient, more: dict[str, Any], status: int
) -> None:
    answer = page.ask("GET", "/", **more)
    assert answer.status_code == status
    assert INDEX not in answer.text
    assert answer.headers["x-frame-options"] == "DENY"


def test_nothing_but_reading_is_possible(page: MiddlewareClient) -> None:
    for method in ("POST", "PUT", "DELETE"):
        headers = {"x-keyhole-request": "x", "origin": BASE}
        assert page.ask(method, "/", headers=headers).status_code == 401


@pytest.mark.parametrize("coding", ["gzip", "br, gzip;q=0.5", "GZIP"])
def test_large_files_are_compressed_for_those_who_can_read_that(
    page: MiddlewareClient, coding: str
) -> None:
    headers = {"accept-encoding": coding}
    answer = page.ask("GET", "/assets/index-a1b2c3.js", headers=headers)
    assert answer.headers["content-encoding"] == "gzip"
    assert int(answer.headers["content-length"]) == len(gzip.compress(SCRIPT.encode(), mtime=0))
    assert answer.text == SCRIPT
    assert "content-encoding" not in page.ask("GET", "/icon.svg", headers=headers).headers


@pytest.mark.parametrize("coding", ["identity", "br", "gzip;q=0"])
def test_others_get_them_as_they_are(page: MiddlewareClient, coding: str) -> None:
    path, headers = "/assets/index-a1b2c3.js", {"accept-encoding": coding}
    answer = page.ask("GET", path, headers=headers)
    assert "content-encoding" not in answer.headers
    assert answer.headers["vary"] == "accept-encoding"


def test_a_new_build_is_served_without_a_restart(page: MiddlewareClient, built: Path) -> None:
    assert page.ask("GET", "/").text == INDEX
    (built / "assets" / "index-d4e5f6.js").write_text("new")
    (built / "index.html").write_text("new index")
    assert page.ask("GET", "/").text == "new index"
    assert page.ask("GET", "/assets/index-d4e5f6.js").text == "new"


def test_a_page_that_was_not_built_says_how_to_build_it(house: House, tmp_path: Path) -> None:
    client = MiddlewareClient(house, page=PageFolder(tmp_path / "none"))
    for path in ("/", "/log"):
        answer = client.ask("GET", path)
        assert answer.status_code == 503
        assert "./dev setup" in answer.text
        assert answer.headers["cache-control"] == "no-store"
    assert client.ask("GET", "/api/v1/health").status_code == ACCEPTED
