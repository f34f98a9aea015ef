"""Repeated failures delay only their address, and memory is bounded."""

from keyhole.enrollment.throttle import Throttle


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def _failing(throttle: Throttle, address: str, times: int) -> None:
    for _ in range(times):
        throttle.failed(address)


def test_an_address_that_fails_too_often_waits_until_its_failures_are_forgotten() -> None:
    clock = Clock()
    throttle = Throttle(failures=3, clock=clock)
    _failing(throttle, "192.0.2.1", 2)
    assert throttle.wait("192.0.2.1") == 0
    throttle.failed("192.0.2.1")
    assert throttle.wait("192.0.2.1") > 0
    assert throttle.wait("192.0.2.2") == 0
    clock.now = 61
    assert throttle.wait("192.0.2.1") == 0


def test_one_client_has_a_whole_ipv6_network_of_addresses() -> None:
    throttle = Throttle(failures=3, clock=Clock())
    for number in range(3):
        throttle.failed(f"2001:db8::{number}")
    assert throttle.wait("2001:db8::ffff") > 0
    assert throttle.wait("2001:db8:0:1::1") == 0


def test_only_the_first_of_a_row_is_worth_a_word() -> None:
    clock = Clock()
    throttle = Throttle(failures=3, clock=clock)
    assert [throttle.failed("192.0.2.1") for _ in range(3)] == [True, False, False]
    clock.now = 61
    assert throttle.failed("192.0.2.1")


def test_a_million_addresses_take_no_more_memory_than_some_thousand() -> None:
    throttle = Throttle(clock=Clock())
    for number in range(20_000):
        throttle.failed(f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}")
    assert len(throttle._backoff._seen) <= 4096
