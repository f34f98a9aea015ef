import pytest
from hypothesis import given
from hypothesis import strategies as st

from keyhole.model.subject import Subject, read_subject, read_token_name


@pytest.mark.parametrize(
    ("written", "kind", "value"),
    [
        ("spiffe://example.org/ns/shop/sa/web", "identity", "spiffe://example.org/ns/shop/sa/web"),
        ("spiffe://example.org/ns/shop/*", "below", "spiffe://example.org/ns/shop"),
        ("spiffe://example.org/*", "below", "spiffe://example.org"),
        ("token:living-room-tv", "token", "living-room-tv"),
        ("client:tv", "client", "tv"),
        ("group:kids", "group", "kids"),
        ("cidr:192.0.2.0/24", "cidr", "192.0.2.0/24"),
        ("cidr:192.0.2.7", "cidr", "192.0.2.7/32"),
        ("cidr:2001:DB8::/32", "cidr", "2001:db8::/32"),
        ("expired", "expired", ""),
    ],
)
def test_each_kind_of_subject_is_recognized_by_its_beginning(
    written: str, kind: str, value: str
) -> None:
    subject = read_subject(written)
    assert (subject.kind, subject.value) == (kind, value)
    assert str(subject) == written, "explanations show what the policy says"


def test_two_spellings_of_one_subject_are_the_same_subject() -> None:
    assert read_subject("cidr:192.0.2.7") == read_subject("cidr:192.0.2.7/32")
    assert read_subject("cidr:2001:DB8::/32") == read_subject("cidr:2001:db8:0::/32")


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("tv", "tv is not a subject; write spiffe://"),
        ("", "nothing is not a subject"),
        ("clinet:tv", "did you mean client:tv?"),
        ("gruop:kids", "did you mean group:kids?"),
        ("10.0.0.0/8", "write cidr:10.0.0.0/8"),
        ("2001:db8::1", "write cidr:2001:db8::1/128"),
        ("cidr:10.0.0.1/8", "did you mean 10.0.0.0/8?"),
        ("cidr:::ffff:192.0.2.0/120", "write 192.0.2.0/24"),
        ("everyone", "leave the key subjects out"),
        ("*", "leave the key subjects out"),
        ("spiffe:example.org/web", "write it as spiffe://"),
        ("spiffe://example.org", "has no path"),
        ("spiffe://example.org/", "cannot be part of a SPIFFE ID"),
        ("spiffe://Example.org/web", "lower-case"),
        ("spiffe://example.org:8443/web", "is not a trust domain"),
        ("spiffe://example.org/ns//web", "an empty part"),
        ("spiffe://example.org/../web", "cannot be part"),
        ("spiffe://example.org/web?x", "cannot be part"),
        ("spiffe://example.org/*/web", "the star in .* is not at the end"),
        ("spiffe://example.org/web*", "the star in .* is not at the end"),
        ("spiffe:///*", "is not a trust domain"),
        ("spiffe://*", "names no trust domain"),
        ("client:", "is not a name for a document"),
        ("client:TV set", "is not a name for a document"),
        ("token:a b", "is not the name of a token"),
    ],
)
def test_what_is_no_subject_is_refused_with_what_would_be_right(
    written: str, expected: str
) -> None:
    with pytest.raises(ValueError, match=expected):
        read_subject(written)


def test_a_token_is_known_by_its_name_and_never_by_its_secret() -> None:
    assert read_token_name("living-room_tv.2") == "living-room_tv.2"
    with pytest.raises(ValueError, match="at most 63"):
        read_token_name("a" * 64)


@given(st.text(max_size=80))
def test_any_text_is_refused_or_a_subject_that_reads_as_itself(text: str) -> None:
    try:
        subject = read_subject(text)
    except ValueError:
        return
    assert read_subject(str(subject)) == subject


@given(
    st.from_regex(r"[a-z0-9._-]{1,20}", fullmatch=True),
    st.lists(st.from_regex(r"[A-Za-z0-9_-]{1,8}", fullmatch=True), min_size=1, max_size=4),
)
def test_an_identity_and_all_below_it_are_two_subjects(domain: str, path: list[str]) -> None:
    text = f"spiffe://{domain}/{'/'.join(path)}"
    assert read_subject(text) == Subject("identity", text)
    assert read_subject(f"{text}/*") == Subject("below", text)
