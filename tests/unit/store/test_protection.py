"""A connection to the database that is not protected is told as such."""

import pytest
from sqlalchemy.engine import make_url

from keyhole.store.protection import weakness_of

_URL = "postgresql://keyhole@db.example.org/keyhole"


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PGHOST", "PGSSLMODE", "PGSSLROOTCERT"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize(
    ("url", "weakness"),
    [
        (_URL, "opportunistic"),
        (f"{_URL}?sslmode=allow", "opportunistic"),
        (f"{_URL}?sslmode=disable", "clear"),
        (f"{_URL}?sslmode=require", "unverified"),
        (f"{_URL}?sslmode=require&sslrootcert=/etc/root.pem", None),
        (f"{_URL}?sslmode=verify-ca", None),
        (f"{_URL}?sslmode=verify-full", None),
        ("postgresql://keyhole@127.0.0.1/keyhole", None),
        ("postgresql://keyhole@[::1]/keyhole", None),
        ("postgresql://keyhole@localhost/keyhole", None),
        ("postgresql:///keyhole", None),
        ("postgresql:///keyhole?host=/run/postgresql", None),
        ("postgresql:///keyhole?host=db.example.org", "opportunistic"),
        ("postgresql:///keyhole?host=127.0.0.1,db.example.org", "opportunistic"),
        ("sqlite:///control.db", None),
    ],
)
def test_a_connection_is_weak_unless_its_server_is_checked(url: str, weakness: str | None) -> None:
    assert weakness_of(make_url(url)) == weakness


def test_the_environment_of_libpq_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGSSLMODE", "verify-full")
    assert weakness_of(make_url(_URL)) is None
    monkeypatch.setenv("PGHOST", "db.example.org")
    monkeypatch.setenv("PGSSLMODE", "prefer")
    assert weakness_of(make_url("postgresql:///keyhole")) == "opportunistic"
