"""Section C: rules of AdGuard Home that an import takes over."""

import pytest

from keyhole.importers.adguard.rule import exempted, read_adblock_rule

BELOW = ("ok.shop.example", "*.ok.shop.example")


@pytest.mark.parametrize(
    ("line", "matches"),
    [
        ("ok.shop.example", BELOW[:1]),
        ("ok.shop.example # why", BELOW[:1]),
        ("|ok.shop.example^$important", BELOW[:1]),
        ("@@ok.shop.example", BELOW),
        ("@@ok.shop.example$important", BELOW),
        ("ok.shop.example$important", BELOW),
        ("ok.shop.example$client=192.0.2.7", BELOW),
    ],
)
def test_a_bare_name_with_an_at_sign_or_a_modifier_also_means_the_names_below(
    line: str, matches: tuple[str, ...]
) -> None:
    """C1, C6: AdGuard looks for it anywhere in a name; alone in its line it is one name."""
    rule = read_adblock_rule(line)
    assert rule is not None
    assert rule.matches == matches


def test_an_exception_for_some_clients_spares_the_names_below_too() -> None:
    """C6: what cannot be kept for one client is blocked for none."""
    assert exempted("@@ok.shop.example$client=tv") == BELOW
