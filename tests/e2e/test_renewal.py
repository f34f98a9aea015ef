"""Clients that keep their certificate fresh, and those that must not."""

import json
import signal
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from keyhole.enrollment import EnrollmentError
from keyhole.enrollment.enrolled_client import EnrolledClient
from keyhole.identity import Authority, CertificateSpec
from keyhole.identity.credentials import CredentialFolder
from tests.world.certificates import Authority as Certifier
from tests.world.enrollment import Site
from tests.world.process import Program, call_keyhole
from tests.world.resolver import Resolver

MINUTE = timedelta(minutes=1)
# Past half of its life, and past all of it.
AGING = (10 * MINUTE, 15 * MINUTE)
EXPIRED = (50 * MINUTE, 5 * MINUTE)
LONG_EXPIRED = (timedelta(days=32), 5 * MINUTE)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, authority: Certifier) -> Iterator[Site]:
    """One for tests that neither stop it nor change its root."""
    folder = tmp_path_factory.mktemp("site")
    resolver = Resolver(folder / "data", authority)
    try:
        yield Site(resolver, folder / "clients")
    finally:
        resolver.stop()


@pytest.fixture
def own_site(make_resolver: Callable[[], Resolver], tmp_path: Path) -> Site:
    """One of one's own."""
    return Site(make_resolver(), tmp_path / "clients")


def _once(folder: CredentialFolder, *command: str) -> tuple[int, str]:
    done = call_keyhole("enroll", "keep", str(folder.path), "--once", *command)
    return done.returncode, done.stdout + done.stderr


def test_a_fresh_certificate_is_left_alone(site: Site) -> None:
    folder = site.enroll()
    before = folder.read().leaf
    code, said = _once(folder)
    assert (code, folder.read().leaf) == (0, before)
    assert "still fresh" in said


def test_an_aging_one_is_renewed_with_a_new_key(site: Site) -> None:
    folder = site.enroll()
    site.age(folder, *AGING)
    before = folder.read()
    code, said = _once(folder)
    assert code == 0, said
    after = folder.read()
    assert after.spiffe == before.spiffe
    assert after.key.public_key() != before.key.public_key()
    left = after.leaf.not_valid_after_utc - datetime.now(UTC)
    assert 14 * MINUTE < left <= 15 * MINUTE, "its life is as before"


def test_an_expired_one_is_renewed(site: Site) -> None:
    folder = site.enroll()
    site.age(folder, *EXPIRED)
    assert folder.read().leaf.not_valid_after_utc < datetime.now(UTC)
    code, said = _once(folder)
    assert code == 0, said
    assert folder.read().leaf.not_valid_after_utc > datetime.now(UTC)


def test_one_that_expired_too_long_ago_is_not(site: Site) -> None:
    folder = site.enroll()
    site.age(folder, *LONG_EXPIRED)
    code, said = _once(folder)
    assert code == 1
    assert "enroll this client again" in said


@pytest.mark.parametrize("age", [AGING, EXPIRED])
@pytest.mark.parametrize("options", [[], ["--certificates"]])
def test_a_revoked_one_is_not_renewed(
    site: Site, age: tuple[timedelta, timedelta], options: list[str]
) -> None:
    folder = site.enroll()
    site.age(folder, *age)
    before = folder.read().leaf
    whom = folder.read().spiffe
    site.ask("identity", "revoke", whom, *options)
    code, said = _once(folder)
    assert code == 1
    assert "is revoked" in said
    assert folder.read().leaf == before
    site.ask("identity", "revoke", whom, *options, "--undo")
    assert _once(folder)[0] == 0


def test_a_client_of_another_authority_is_not_renewed(site: Site, tmp_path: Path) -> None:
    folder = site.enroll()
    now = datetime.now(UTC)
    stranger = Authority.open(tmp_path / "stranger", now=now - timedelta(days=1))
    spec = CertificateSpec.svid(folder.read().spiffe, 15 * MINUTE)
    chain, key = stranger.issue(spec, now - 10 * MINUTE)
    folder.write(chain, key, folder.bundle.read_bytes())
    code, said = _once(folder)
    assert code == 1
    assert "not signed by a root that is trusted here" in said


def test_it_goes_on_by_itself_and_runs_the_command_without_a_shell(
    site: Site, tmp_path: Path
) -> None:
    folder = site.enroll()
    site.age(folder, *AGING)
    before = folder.read().leaf
    note = tmp_path / "note.json"
    script = "import json, sys; open(sys.argv[1], 'w').write(json.dumps(sys.argv[2:]))"
    evil = ["$(touch evil)", "; touch evil", "--once"]
    keeping = Program.keyhole(
        *("enroll", "keep", str(folder.path), "--"),
        *(sys.executable, "-c", script, str(note), *evil),
        log=tmp_path / "keep.log",
    )
    try:
        site.resolver.wait_for(lambda: note.exists() and note.read_text(), "the command ran")
        assert json.loads(note.read_text()) == evil
        assert folder.read().leaf != before
        keeping.must_run()
    finally:
        assert keeping.stop() == 0
    assert f"renewed {folder.read().spiffe}" in keeping.output


def test_it_waits_for_a_server_that_is_away(own_site: Site, tmp_path: Path) -> None:
    folder = own_site.enroll()
    own_site.age(folder, *EXPIRED)
    before = folder.read().leaf
    own_site.resolver.stop()
    keeping = Program.keyhole("enroll", "keep", str(folder.path), log=tmp_path / "keep.log")
    try:
        own_site.start()
        own_site.resolver.wait_for(lambda: folder.read().leaf != before, "it is renewed")
    finally:
        assert keeping.stop(signal.SIGINT) == 0


def test_a_new_root_is_learned_by_renewing_and_nobody_is_locked_out(own_site: Site) -> None:
    client = EnrolledClient(own_site.enroll().path)
    other = EnrolledClient(own_site.enroll().path)
    own_site.ask("identity", "rotate")
    client.renew()
    own_site.ask("identity", "rotate", "--sign")
    new = Authority.open(own_site.identity)

    def moved() -> bool:
        # The running server shows the new root within moments, without a restart.
        try:
            renewed = client.renew().leaf
        except EnrollmentError:
            return False
        return new.signed(renewed) and "enrollment" in _issued_for(own_site)

    own_site.resolver.wait_for(moved, "the server shows the new root")
    refused = own_site.run("identity", "rotate", "--finish")
    assert refused.returncode == 1
    assert "ns/shop/sa/client-2" in refused.stderr
    own_site.ask("identity", "rotate", "--finish", "--force")
    assert client.renew().spiffe
    with pytest.raises(EnrollmentError):
        other.renew()


def _issued_for(site: Site) -> str:
    root = site.ask("identity", "show")["roots"][-1]["sha256"]
    lines = site.identity.joinpath("issued.jsonl").read_text().splitlines()
    return " ".join(json.loads(line)["how"] for line in lines if json.loads(line)["root"] == root)


def test_a_folder_that_was_never_enrolled_is_told(tmp_path: Path) -> None:
    done = call_keyhole("enroll", "keep", str(tmp_path), "--once")
    assert done.returncode == 1
    assert "does not exist" in done.stderr
