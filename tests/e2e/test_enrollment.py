"""Enrollment with the real server and real clients: who gets a certificate, and who does not."""

import signal
import socket
import ssl
import stat
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest

from keyhole.enrollment import EnrollmentError, JoinToken, client
from tests.world.certificates import Authority
from tests.world.enrollment import MakeSite, Site
from tests.world.files import contents
from tests.world.interception import Interceptor
from tests.world.process import call_keyhole
from tests.world.resolver import Resolver
from tests.world.tools import needs, run


@pytest.fixture
def make_site(make_resolver: Callable[[], Resolver], tmp_path: Path) -> MakeSite:
    return lambda **settings: Site(make_resolver(), tmp_path / "clients", **settings)


@pytest.fixture
def site(make_site: MakeSite) -> Site:
    """One of one's own, for a test that fails often, stops it, or counts what there is."""
    return make_site()


@pytest.fixture(scope="module")
def shared_site(tmp_path_factory: pytest.TempPathFactory, authority: Authority) -> Iterator[Site]:
    """One for tests that only ask, each with a name of its own."""
    folder = tmp_path_factory.mktemp("site")
    resolver = Resolver(folder / "data", authority)
    try:
        yield Site(resolver, folder / "clients")
    finally:
        resolver.stop()


@needs("openssl")
def test_a_client_gets_a_certificate_whose_key_was_made_by_itself(shared_site: Site) -> None:
    done = shared_site.redeem(shared_site.invite("shop/web"))
    assert done.returncode == 0, done.stderr
    assert "spiffe://keyhole.internal/ns/shop/sa/web" in done.stdout
    assert "keyhole enroll keep" in done.stdout
    folder = shared_site.folder()
    assert folder.read().spiffe == "spiffe://keyhole.internal/ns/shop/sa/web"
    assert stat.S_IMODE(folder.key.stat().st_mode) == 0o600
    chain = str(folder.certificate)
    arguments = ["openssl", "verify", "-x509_strict", "-purpose", "sslclient", "-CAfile"]
    checked = run(*arguments, str(folder.bundle), "-untrusted", chain, chain)
    assert checked.returncode == 0, checked.stderr
    assert "shop/web enrolled from 127.0.0.1" in shared_site.resolver.program.output
    secret_key = folder.key.read_bytes()
    assert all(secret_key not in one for one in contents(shared_site.resolver.folder))


def test_a_token_works_once_also_when_a_hundred_use_it_at_the_same_time(site: Site) -> None:
    join_token = site.invite()

    def attempt(_: int) -> bool:
        try:
            client.redeem(join_token)
        except EnrollmentError:
            return False
        return True

    with ThreadPoolExecutor(100) as pool:
        assert sum(pool.map(attempt, range(100))) == 1
    assert site.states() == {"shop/web": "used"}
    assert len(site.ask("identity", "list")) == 1


def test_a_token_outlives_a_restart(site: Site) -> None:
    join_token = site.invite()
    site.resolver.stop()
    site.start()
    assert site.redeem(join_token).returncode == 0


def test_a_used_token_says_when_it_was_used(shared_site: Site) -> None:
    join_token = shared_site.invite("used")
    assert shared_site.redeem(join_token, "used").returncode == 0
    again = shared_site.redeem(join_token, "thief")
    assert again.returncode == 1
    assert "each works once" in again.stderr
    assert not shared_site.folder("thief").path.joinpath("svid.pem").exists()


def test_a_client_that_has_an_identity_keeps_it(shared_site: Site) -> None:
    folder = shared_site.enroll()
    before = folder.read().leaf
    join_token = shared_site.invite("other")
    again = shared_site.redeem(join_token, folder.path.name)
    assert again.returncode == 1
    assert "exists already" in again.stderr
    assert folder.read().leaf == before
    assert shared_site.states()["other"] == "waiting"


def test_a_start_that_is_repeated_keeps_its_identity_and_needs_no_good_token(
    shared_site: Site, tmp_path: Path
) -> None:
    folder = shared_site.enroll()
    before = folder.read().leaf
    (tmp_path / "token").write_text("used long ago")
    words = ("enroll", "redeem", str(tmp_path / "token"), "--out", str(folder.path))
    again = call_keyhole(*words, "--unless-enrolled")
    assert (again.returncode, folder.read().leaf) == (0, before), again.stderr
    assert "enrolled already: spiffe://" in again.stdout
    first = call_keyhole(*words[:-1], str(tmp_path / "new"), "--unless-enrolled")
    assert first.returncode == 1, "without an identity, the token counts"


def test_a_token_with_another_pin_is_not_sent(shared_site: Site) -> None:
    join_token = shared_site.invite("pinned")
    forged = join_token.model_copy(update={"pin": "00" * 32})
    done = shared_site.redeem(forged, "pinned")
    assert done.returncode == 1
    assert "Nothing was sent" in done.stderr
    assert shared_site.states()["pinned"] == "waiting"
    assert shared_site.redeem(join_token, "pinned").returncode == 0


def test_whoever_stands_in_between_never_sees_the_secret(shared_site: Site, tmp_path: Path) -> None:
    # It shows the real bundle, which everyone may have, and a certificate of its own.
    join_token = shared_site.invite("relayed")
    pair = Authority(tmp_path / "attacker").issue("127.0.0.1", "localhost")
    bundle = shared_site.identity.joinpath("bundle.pem").read_text()
    with Interceptor(pair, bundle) as attacker:
        done = shared_site.redeem(join_token.model_copy(update={"url": attacker.url}), "nobody")
        assert done.returncode == 1
        assert "pretend" in done.stderr
        assert [method for method, _ in attacker.requests] == ["GET"]
        assert all(join_token.secret not in body for _, body in attacker.requests)
    assert shared_site.states()["relayed"] == "waiting"


def test_whoever_stands_in_between_cannot_bring_a_root_of_their_own(
    shared_site: Site, tmp_path: Path
) -> None:
    join_token = shared_site.invite("replaced")
    authority = Authority(tmp_path / "attacker")
    with Interceptor(
        authority.issue("127.0.0.1", "localhost"), authority.root.read_text()
    ) as attacker:
        done = shared_site.redeem(join_token.model_copy(update={"url": attacker.url}), "nobody")
        assert done.returncode == 1
        assert [method for method, _ in attacker.requests] == ["GET"]


def test_nobody_outside_of_clients_gets_as_far_as_tls(make_site: MakeSite) -> None:
    site = make_site(clients=["127.0.0.1/32"])
    with socket.create_connection(
        ("127.0.0.1", site.port), timeout=10, source_address=("127.0.0.2", 0)
    ) as connection:
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        with pytest.raises(OSError, match=r"(?i)reset|eof|closed|broken"):
            context.wrap_socket(connection)
    site.resolver.wait_for(
        lambda: "refused a connection from 127.0.0.2" in site.resolver.program.output, "it is told"
    )


def test_a_connection_that_sends_nothing_is_closed(shared_site: Site) -> None:
    with (
        socket.create_connection(("127.0.0.1", shared_site.port), timeout=30) as connection,
        # A reset is an end as well; what must not end it is our own patience.
        suppress(ConnectionResetError),
    ):
        assert connection.recv(1) == b""


def test_enrollment_that_is_off_says_how_to_turn_it_on(resolver: Resolver) -> None:
    resolver.configure()
    done = call_keyhole("enroll", "create", "web", "--data", str(resolver.folder))
    assert done.returncode == 1
    assert "enrollment is off" in done.stderr
    assert "127.0.0.1:8444" in done.stderr


def test_a_server_that_is_killed_forgets_nothing_and_grants_nothing_twice(site: Site) -> None:
    join_tokens: list[JoinToken] = [site.invite(f"shop/w{number}") for number in range(6)]

    def attempt(join_token: JoinToken) -> bool:
        try:
            client.redeem(join_token)
        except EnrollmentError:
            return False
        return True

    with ThreadPoolExecutor(6) as pool:
        tries = pool.map(attempt, join_tokens)
        site.resolver.wait_for(lambda: "used" in site.states().values(), "one is used")
        site.resolver.program.send(signal.SIGKILL)
        granted = list(tries)
    site.resolver.stop()
    site.start()
    states = site.states()
    for join_token, was_granted, state in zip(join_tokens, granted, states.values(), strict=True):
        assert state in ("used", "waiting")
        if was_granted:
            assert state == "used"
        assert attempt(join_token) == (state == "waiting")
