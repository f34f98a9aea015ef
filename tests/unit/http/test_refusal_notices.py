"""What the log says of refused clients does not grow with their number."""

from keyhole.http.refusal_notices import MAX_REASONS, SECONDS, RefusalNotices


def test_each_reason_is_said_at_once_and_again_after_its_time() -> None:
    said: list[str] = []
    now = 100.0
    notices = RefusalNotices(said.append, lambda: now)
    for _ in range(1_000):
        notices.add("one is revoked")
    notices.add("another one is revoked")
    assert said == ["one is revoked", "another one is revoked"]
    now += SECONDS
    notices.add("one is revoked")
    assert said[2:] == ["one is revoked"]


def test_clients_with_ever_new_reasons_fill_no_log() -> None:
    said: list[str] = []
    now = 100.0
    notices = RefusalNotices(said.append, lambda: now)
    for number in range(10 * MAX_REASONS):
        notices.add(f"{number} is not in link.engines")
    assert len(said) == MAX_REASONS
    now += SECONDS
    notices.add("a later one")
    assert said[MAX_REASONS:] == ["a later one"]
