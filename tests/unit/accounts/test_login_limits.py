"""Guessing is slow, whoever guesses and however many at once; the real person comes in."""

import itertools
from concurrent.futures import ThreadPoolExecutor

import pytest

from keyhole.accounts import AuthenticationError, ClientInfo, RateLimitedError
from keyhole.accounts.login_limits import ADDRESS, KNOWN_ADDRESS, UNKNOWN_ADDRESS, LoginLimits
from keyhole.system.backoff import Backoff, BackoffPolicy
from tests.unit.accounts.conftest import ABROAD, BY, HOME, LONG, Clock, House

_NUMBERS = itertools.count()


def _fail(house: House, name: str, client: ClientInfo) -> None:
    with pytest.raises(AuthenticationError):
        house.log_in(name, f"wrong password {next(_NUMBERS)}", client)


def test_the_wait_doubles_up_to_its_longest_and_ends() -> None:
    clock = Clock()
    backoff = Backoff(clock)
    key = [("k", BackoffPolicy(free=2, max_wait=5.0, reset_after=100.0))]
    waits = []
    for _ in range(7):
        waits.append(backoff.begin(key))
        if waits[-1]:
            clock.now += waits[-1]
            assert backoff.begin(key) == 0
    assert waits == [0, 0, 2, 3, 5, 6, 6]
    clock.now += 101
    assert [backoff.begin(key), backoff.begin(key)] == [0, 0]


def test_a_hundred_guesses_at_once_are_no_way_around(house: House) -> None:
    house.add("anna")
    refused, rejected = [], []

    def guess(number: int) -> None:
        try:
            house.log_in("anna", f"guess number {number}", ClientInfo(f"198.51.100.{number}"))
        except RateLimitedError:
            refused.append(number)
        except AuthenticationError:
            rejected.append(number)

    with ThreadPoolExecutor(16) as threads:
        list(threads.map(guess, range(100)))
    assert len(rejected) == UNKNOWN_ADDRESS.free
    assert len(refused) == 100 - UNKNOWN_ADDRESS.free


def test_strangers_who_fail_do_not_keep_the_person_out_of_a_place_that_is_theirs(
    house: House,
) -> None:
    house.add("anna")
    house.log_in("anna", client=HOME)
    for _ in range(UNKNOWN_ADDRESS.free):
        _fail(house, "anna", ABROAD)
    with pytest.raises(RateLimitedError):
        house.log_in("anna", LONG, ABROAD)
    with pytest.raises(RateLimitedError):
        house.log_in("anna", LONG, ClientInfo("203.0.113.9"))
    assert house.log_in("anna", LONG, HOME)


def test_the_wait_of_an_account_has_an_end_that_is_near(house: House) -> None:
    house.add("anna")
    waits = []
    for number in range(40):
        try:
            house.log_in("anna", f"wrong password {number}", ABROAD)
        except RateLimitedError as error:
            waits.append(error.seconds)
            house.clock.now += error.seconds
        except AuthenticationError:
            pass
    assert max(waits) <= ADDRESS.max_wait + 1
    house.clock.now += ADDRESS.max_wait
    assert house.log_in("anna", LONG, ABROAD)


def test_an_address_that_fails_with_many_names_has_to_wait_ipv6_by_its_network(
    house: House,
) -> None:
    for number in range(ADDRESS.free):
        _fail(house, f"nobody{number}", ClientInfo(f"2001:db8::{number}"))
    with pytest.raises(RateLimitedError):
        house.log_in("root", LONG, ClientInfo("2001:db8::ffff"))
    assert house.log_in("root", LONG, ClientInfo("2001:db8:0:1::1"))


def test_names_that_nobody_has_are_slowed_down_like_those_that_somebody_has(house: House) -> None:
    house.add("anna")
    for name in ("anna", "nobody"):
        for number in range(UNKNOWN_ADDRESS.free):
            _fail(house, name, ClientInfo(f"198.51.100.{number}"))
        with pytest.raises(RateLimitedError):
            house.log_in(name, "wrong password", ClientInfo("198.51.100.99"))


def test_a_reset_forgets_what_failed(house: House) -> None:
    house.add("anna")
    for _ in range(UNKNOWN_ADDRESS.free):
        _fail(house, "anna", ABROAD)
    password = house.accounts.administration.reset("anna", BY, with_code=False)
    assert house.log_in("anna", password, ABROAD)


def test_success_takes_back_its_own_attempt_and_no_failure_of_others() -> None:
    limits = LoginLimits(Backoff(Clock()))
    for _ in range(KNOWN_ADDRESS.free - 1):
        limits.password("anna", "192.0.2.1", is_known=True)
    for _ in range(10):
        limits.password("anna", "192.0.2.1", is_known=True).succeeded()
    limits.password("anna", "192.0.2.1", is_known=True)
    with pytest.raises(RateLimitedError):
        limits.password("anna", "192.0.2.1", is_known=True)


def test_memory_stays_bounded_whatever_names_are_tried() -> None:
    backoff = Backoff(Clock())
    policy = BackoffPolicy(5, 60, 3600)
    for number in range(40_000):
        backoff.begin([(f"name|{number}|", policy)])
    assert len(backoff._seen) <= 16_384


def test_others_who_fail_behind_the_same_address_do_not_brake_whoever_comes_from_there(
    house: House,
) -> None:
    """F5: by account first, by address only for those who were never there."""
    house.add("anna")
    house.log_in("anna", client=HOME)
    for number in range(ADDRESS.free):
        _fail(house, f"nobody{number}", HOME)
    with pytest.raises(RateLimitedError):
        house.log_in("root", LONG, HOME)
    assert house.log_in("anna", LONG, HOME)


def test_a_reset_forgets_the_wait_of_the_account_and_that_of_its_address(house: House) -> None:
    """F5: both, so that the person comes in at once."""
    house.add("anna")
    _fail(house, "anna", ABROAD)
    for number in range(ADDRESS.free - 1):
        _fail(house, f"nobody{number}", ABROAD)
    with pytest.raises(RateLimitedError):
        house.log_in("anna", LONG, ABROAD)
    password = house.accounts.administration.reset("anna", BY, with_code=False)
    assert house.log_in("anna", password, ABROAD)


@pytest.mark.parametrize("client", [HOME, ABROAD])
def test_a_program_with_an_old_password_keeps_the_person_out_nowhere(
    house: House, client: ClientInfo
) -> None:
    """A17, F5: neither at the same place, nor at a place where the person never was."""
    house.add("anna")
    house.log_in("anna", client=HOME)
    refused = 0
    for _ in range(3 * ADDRESS.free):
        with pytest.raises((AuthenticationError, RateLimitedError)) as caught:
            house.log_in("anna", "an old password", client)
        refused += caught.type is RateLimitedError
    assert refused, "the program itself has to wait"
    assert house.log_in("anna", LONG, client)


def test_a_password_that_was_wrong_is_right_once_it_is_the_password(house: House) -> None:
    """A17, the other way: what failed is remembered for the password of that time alone."""
    house.add("anna")
    new = "another fine password"
    with pytest.raises(AuthenticationError):
        house.log_in("anna", new, HOME)
    house.accounts.administration.set_password("anna", new, BY)
    assert house.log_in("anna", new, HOME)
    with pytest.raises(AuthenticationError):
        house.log_in("anna", LONG, HOME)
